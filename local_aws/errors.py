"""The error of the local AWS."""


class LocalAwsError(Exception):
    """An expected failure. The message is one sentence: what went wrong, with which value, and what to do."""
