"""Converts a photo to text that can be pasted into a terminal, and back. Every line has a checksum.

    -----BEGIN PHOTO selfie.jpg-----
    3f2a /9j/4AAQSkZJRgABAQAAAQABAAD…
    -----END PHOTO 1234 lines, sha256 9c56cc51…-----

Each line begins with four hexadecimal digits: the CRC-16 of its number and its text. So the error for a line that was
lost, doubled or damaged names its number. The digest at the end covers the whole photo.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator

from workshop.terminal.errors import WorkshopError

BYTES_A_LINE = 54
"""72 characters of base64: with the check, a line stays under 80 columns."""

_BEGIN = re.compile(r"-----BEGIN PHOTO (?P<name>.*)-----")
_END = re.compile(r"-----END PHOTO (?P<lines>[0-9]{1,9}) lines, sha256 (?P<digest>[0-9a-f]{32})-----")
_AGAIN = "Copy the text again, from the BEGIN line to the END line, and paste all of it."


def as_text(name: str, body: bytes) -> Iterator[str]:
    """The photo as lines without line ends."""
    yield f"-----BEGIN PHOTO {name}-----"
    count = 0
    for count, start in enumerate(range(0, len(body), BYTES_A_LINE), 1):
        text = base64.b64encode(body[start : start + BYTES_A_LINE]).decode("ascii")
        yield f"{_check(count, text)} {text}"
    yield f"-----END PHOTO {count} lines, sha256 {hashlib.sha256(body).hexdigest()[:32]}-----"


def from_text(lines: Iterable[str]) -> tuple[str, bytes]:
    """The file's name and the photo that `as_text` wrote. Anything before and after it is ignored.

    Bare base64, as in the workshop of 2019, is accepted, too. Raises WorkshopError that names the damaged line.
    """
    stripped = [line.strip() for line in lines]
    begin = next((n for n, line in enumerate(stripped) if _BEGIN.fullmatch(line)), None)
    if begin is None:
        return "photo.jpg", _bare("".join(stripped))
    start = _BEGIN.fullmatch(stripped[begin])
    body = bytearray()
    number = 0
    for line in stripped[begin + 1 :]:
        if end := _END.fullmatch(line):
            _check_whole(bytes(body), number, int(end["lines"]), end["digest"])
            return (start["name"] if start else "photo.jpg"), bytes(body)
        if not line:
            continue
        number += 1
        body += _line(number, line)
    raise WorkshopError(f"The paste stops after line {number}: its END line is missing.", _AGAIN)


def is_text(body: bytes) -> bool:
    """Whether this is what `as_text` wrote."""
    return b"-----BEGIN PHOTO " in body[:1000]


def _line(number: int, line: str) -> bytes:
    check, _, text = line.partition(" ")
    if check != _check(number, text):
        raise WorkshopError(f"The paste is damaged at line {number}: {line[:40]!r} is not what was copied.", _AGAIN)
    return base64.b64decode(text)


def _check_whole(body: bytes, lines: int, lines_sent: int, digest: str) -> None:
    if lines != lines_sent or hashlib.sha256(body).hexdigest()[:32] != digest:
        raise WorkshopError(f"The paste has {lines} of {lines_sent} lines, or some were changed.", _AGAIN)


def _check(number: int, text: str) -> str:
    return f"{binascii.crc_hqx(f'{number} {text}'.encode(), 0):04x}"


def _bare(text: str) -> bytes:
    text = re.sub(r"^data:image/[\w.+-]+;base64,|\s", "", text)
    if not text:
        raise WorkshopError("Nothing was pasted.", "Create the text with: emotions encode PHOTO")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise WorkshopError("The paste is not a photo as text, or it is damaged.", _AGAIN) from None
