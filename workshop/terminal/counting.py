"""Numbers with the noun that they count."""


def counted(number: int, noun: str) -> str:
    """`1 photo`, `3 photos`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
