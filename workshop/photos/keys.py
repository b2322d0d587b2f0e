"""What a photo is called in the raw bucket: its file's name made harmless, and a digest of the file's content.

The digest is that of the file as the person has it, so the photo is found again by its file without decoding it.
"""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

DIGITS = 8
"""Hexadecimal digits of the file's SHA-256 at a key's end."""

_LONGEST_NAME = 60


def key_for(name: str, body: bytes) -> str:
    """A key that keeps the file's name readable and is as unique as the content: `selfie-3f2a91c0.jpg`.

    Letters and digits of every script stay; everything that a shell, an address or S3 might mind becomes a hyphen.
    """
    digest = digest_of(body)[:DIGITS]
    stem = readable(PurePosixPath(name.replace("\\", "/")).stem).removesuffix(f"-{digest}")
    return f"{stem}-{digest}.jpg"


def digest_of(body: bytes) -> str:
    """What tells one file from another, whatever their names: the SHA-256 of its content."""
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
