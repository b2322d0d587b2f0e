"""What can go wrong with the local AWS, as one sentence that says what to do."""


class LocalAwsError(Exception):
    """One sentence for a person: what went wrong, with which value, and what to do."""
