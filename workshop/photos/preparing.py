"""A file becomes a photo that may leave this computer: a whole, upright JPEG that says nothing but the picture.

A JPEG that is all this already is sent byte for byte. Everything else is decoded by the function's own code, with more
memory than the function has, so whatever it could read can be sent.
"""

from dataclasses import dataclass
from pathlib import Path

from annotator.decoding import SHORTEST_EDGE, decode, encode_jpeg, encode_jpeg_within
from annotator.formats import BEGINNING, Format, UnreadablePhoto, sniff
from annotator.headers.jpeg import header_of

from workshop.photos.jpeg import END_MARKER, without_metadata
from workshop.photos.keys import key_for
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
    """A JPEG of at most LARGEST bytes under the key it will have; `changes` says in words what was done to it."""

    name: str
    body: bytes
    key: str
    changes: tuple[str, ...]


def prepare(source: Source) -> PreparedPhoto:
    """The photo as it may be sent.

    Raises WorkshopError, with one sentence about this file, for what is no photo, damaged, or too small.
    """
    try:
        format_ = sniff(source.body[:BEGINNING])
        body, changes = _as_it_is(source.body) if format_ == "JPEG" else (None, [f"{format_} made a JPEG"])
        if body is None:
            body = encode_jpeg_within(decode(source.body, format_, 0, MEMORY), LARGEST)
            if len(source.body) > LARGEST:
                changes.append(f"{len(source.body) / 1e6:.0f} MB made {len(body) / 1e6:.0f} MB")
    except UnreadablePhoto as error:
        raise WorkshopError(f"{source.name} cannot be sent: {_clause(error)}", _way_out(source)) from error
    if Path(source.name).suffix.lower() in _SUFFIXES_OF_OTHERS[format_]:
        changes.append(f"its name is wrong, it is {format_}")
    return PreparedPhoto(source.name, body, key_for(source.name, source.body), tuple(changes))


def shrunk(jpeg: bytes, long_edge: int) -> bytes:
    """The same picture with at most `long_edge` pixels on its longer side; the same bytes if it has no more."""
    header = header_of(jpeg)
    if header and max(header.width, header.height) <= long_edge:
        return jpeg
    return encode_jpeg(decode(jpeg, "JPEG", long_edge, MEMORY))


def _as_it_is(jpeg: bytes) -> tuple[bytes | None, list[str]]:
    """The JPEG without its metadata, and what that changed; None instead of bytes when it must be encoded anew."""
    bare, said_more = without_metadata(jpeg)
    changes = ["location and camera details removed"] if said_more else []
    header = header_of(jpeg)
    if header and header.orientation != 1:
        return None, [*changes, "turned upright"]
    if len(bare) > LARGEST:
        return None, changes
    try:
        # At an eighth of its size and in the function's own memory: can it open this at all?
        decode(bare, "JPEG", SHORTEST_EDGE)
    except UnreadablePhoto:
        return None, [*changes, "made an ordinary JPEG"]
    if bare.endswith(END_MARKER):
        return bare, changes
    if header and header.held_back:  # whose last scan it is, nobody can say
        return None, [*changes, "made an ordinary JPEG"]
    return bare.rstrip(b"\0") + END_MARKER, changes


def _clause(error: Exception) -> str:
    sentence = str(error)
    return sentence[:1].lower() + sentence[1:]


def _way_out(source: Source) -> str | None:
    if source.address and source.body.lstrip()[:1] == b"<":
        return "Open it in a browser, right-click the photo, choose “Copy image address”, and give that address."
    return None
