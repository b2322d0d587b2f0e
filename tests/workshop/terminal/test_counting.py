"""Numbers with their nouns."""

from workshop.terminal.counting import counted


def test_one_is_singular_and_everything_else_is_plural():
    assert [counted(number, "photo") for number in (0, 1, 2)] == ["0 photos", "1 photo", "2 photos"]
