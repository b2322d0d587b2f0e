"""Turns a file into a photo that may leave this computer: a complete, upright JPEG without metadata.

A JPEG that is so already is sent byte for byte. Everything else is decoded with the function's own code and more memory
than the function has, so everything that the function can read can be sent.
"""

from dataclasses import dataclass
from pathlib import Path

from annotator.decoding import SHORTEST_EDGE, decode, encode_jpeg, encode_jpeg_within
from annotator.formats import BEGINNING, Format, UnreadablePhoto, sniff
from annotator.headers.jpeg import header_of

from workshop.aws.account import quoted
from workshop.photos.jpeg import END_MARKER, without_metadata
from workshop.photos.keys import key_for
from workshop.photos.pasting import is_text
from workshop.photos.sources import SUFFIXES, Source
from workshop.terminal.errors import WorkshopError

LARGEST = 15_000_000
"""Bytes; "Maximum image size stored as an Amazon S3 object is limited to 15 MB" (Rekognition guide, Limits)."""

MEMORY = 1_200_000_000
"""Bytes to decode a photo in: enough for 48 megapixels of every kind; CloudShell has 2 GB."""

# A HEIF may leave to its inside whether it is a HEIC or an AVIF.
_ALSO_CALLED: dict[Format, tuple[str, ...]] = {"HEIC": SUFFIXES["AVIF"]}
_SUFFIXES_OF_OTHERS = {
    own: {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}
    - {*SUFFIXES[own], *_ALSO_CALLED.get(own, ())}
    for own in SUFFIXES
}


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A JPEG of at most LARGEST bytes and its future key; `changes` says in words what was changed."""

    name: str
    body: bytes
    key: str
    changes: tuple[str, ...]


def prepare(source: Source) -> PreparedPhoto:
    """The photo as it may be sent. Raises WorkshopError for a file that is not a photo, damaged, or too small."""
    try:
        format_ = sniff(source.body[:BEGINNING])
        body, changes = _as_it_is(source.body) if format_ == "JPEG" else (None, [f"{format_} converted to JPEG"])
        if body is None:
            body = encode_jpeg_within(decode(source.body, format_, 0, MEMORY), LARGEST)
            if len(source.body) > LARGEST:
                changes.append(f"reduced from {len(source.body) / 1e6:.0f} to {len(body) / 1e6:.0f} MB")
    except UnreadablePhoto as error:
        raise WorkshopError(f"{source.name} cannot be sent: {_clause(error)}", _hint(source)) from error
    if Path(source.name).suffix.lower() in _SUFFIXES_OF_OTHERS[format_]:
        changes.append(f"its name is wrong: it is {format_}")
    return PreparedPhoto(source.name, body, key_for(source.name, source.body), tuple(changes))


def shrunk(jpeg: bytes, long_edge: int) -> bytes:
    """The same picture with at most `long_edge` pixels on its longer side; the same bytes if it has no more."""
    header = header_of(jpeg)
    if header and max(header.width, header.height) <= long_edge:
        return jpeg
    return encode_jpeg(decode(jpeg, "JPEG", long_edge, MEMORY))


def _as_it_is(jpeg: bytes) -> tuple[bytes | None, list[str]]:
    """The JPEG without its metadata, and what was changed; None instead of bytes if it must be re-encoded."""
    bare, had_metadata = without_metadata(jpeg)
    changes = ["location and camera details removed"] if had_metadata else []
    header = header_of(jpeg)
    if header and header.orientation != 1:
        return None, [*changes, "turned upright"]
    if len(bare) > LARGEST:
        return None, changes
    try:
        # Find out whether the function can open it: at an eighth of its size, in the function's own memory.
        decode(bare, "JPEG", SHORTEST_EDGE)
    except UnreadablePhoto:
        return None, [*changes, "converted to an ordinary JPEG"]
    if bare.endswith(END_MARKER):
        return bare, changes
    if header and header.multiple_scans:  # a progressive JPEG: more scans may be missing
        return None, [*changes, "converted to an ordinary JPEG"]
    return bare.rstrip(b"\0") + END_MARKER, changes


def _clause(error: Exception) -> str:
    sentence = str(error)
    return sentence[:1].lower() + sentence[1:]


def _hint(source: Source) -> str | None:
    if source.address and source.body.lstrip()[:1] == b"<":
        return "Open it in a browser, right-click the photo, choose “Copy image address”, and give that address."
    if is_text(source.body):
        return f"It is a photo as text. Turn it back into one first: emotions decode {quoted(source.name)}"
    return None
