"""A photo's key in the raw bucket: the safe part of its file's name, and a digest of the file's content.

The digest is that of the original file, so a photo is found again by its file without decoding it.
"""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

DIGITS = 8
"""Hexadecimal digits of the file's SHA-256 at a key's end."""

_LONGEST_NAME = 60


def key_for(name: str, body: bytes) -> str:
    """A key with a readable name that is as unique as the content: `selfie-3f2a91c0.jpg`.

    Letters and digits of all scripts are kept. Everything that could be special in a shell, an address or S3 becomes a
    hyphen.
    """
    digest = digest_of(body)[:DIGITS]
    stem = readable(PurePosixPath(name.replace("\\", "/")).stem).removesuffix(f"-{digest}")
    return f"{stem}-{digest}.jpg"


def digest_of(body: bytes) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(body).hexdigest()


def readable(stem: str) -> str:
    """The part of a key that comes from the file's name."""
    letters = "".join(
        c if unicodedata.category(c)[0] in "LNM" or c in "_." else "-" for c in unicodedata.normalize("NFC", stem)
    )
    return re.sub("-+", "-", letters)[:_LONGEST_NAME].strip("-._") or "photo"


def name_in(key: str) -> str:
    """The readable part of a key, `selfie` of `selfie-3f2a91c0.jpg`; a key that `key_for` did not make stays whole."""
    return re.sub(rf"-[0-9a-f]{{{DIGITS}}}\.jpg$", "", key)
