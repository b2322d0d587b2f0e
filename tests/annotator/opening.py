"""Decodes a file as the function does, and returns plain values that another process can receive."""

from annotator.decoding import decode
from annotator.formats import BEGINNING, UnreadablePhoto, sniff


def opened(data: bytes) -> tuple[int, ...] | str:
    """The pixels' shape, or the sentence of a refusal."""
    try:
        return decode(bytearray(data), sniff(data[:BEGINNING]), 2048).shape
    except UnreadablePhoto as refusal:
        return str(refusal)
