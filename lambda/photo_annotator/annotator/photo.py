"""One uploaded photo: what it is called, where its picture and its result belong."""

import hashlib
import re
from dataclasses import dataclass

LONGEST_KEY = 1024
"""Bytes of UTF-8 that S3 allows in a key (S3 user guide, "Naming Amazon S3 objects")."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One upload, as S3 announced it.

    `key` is decoded, `etag` has no quotes, `size` is in bytes.
    """

    bucket: str
    key: str
    etag: str
    size: int

    @property
    def picture_key(self) -> str:
        """Where the annotated JPEG goes in the processed bucket."""
        return picture_key(self.key)

    @property
    def result_key(self) -> str:
        """Where the result document goes in the processed bucket."""
        return result_key(self.key)

    @property
    def external_image_id(self) -> str:
        """The name that Rekognition files this photo's faces under; the same upload always gets the same one.

        IndexFaces stores nothing twice for the same image, collection and external image id, so a photo that is
        delivered twice is still indexed once. 40 hexadecimal digits, the first 20 those of `filed_under`.
        """
        return filed_under(self.bucket, self.key) + _digest(self.bucket, self.key, self.etag)


def filed_under(bucket: str, key: str) -> str:
    """What the external image ids of all versions of a photo begin with, so that its faces are found without it.

    A digest, because a key may hold characters that an ExternalImageId may not (`[a-zA-Z0-9_.\\-:]+`).
    """
    return _digest(bucket, key)


def picture_key(key: str) -> str:
    """The annotated picture's key in the processed bucket, for a raw photo's key."""
    return _named_by(key, "pictures/", ".jpg")


def result_key(key: str) -> str:
    """The result document's key in the processed bucket, for a raw photo's key."""
    return _named_by(key, "results/", ".json")


def _named_by(key: str, prefix: str, suffix: str) -> str:
    """`prefix` + `key` + `suffix`; a key too long for that keeps its beginning and ends in a digest of the whole.

    So does a key that looks as if it had been shortened: no two keys share a name.
    """
    name = f"{prefix}{key}{suffix}"
    if len(name.encode()) <= LONGEST_KEY and not _SHORTENED.search(key):
        return name
    digest = "~" + hashlib.sha256(key.encode()).hexdigest()[:32]
    room = LONGEST_KEY - len((prefix + digest + suffix).encode())
    beginning = key.encode()[:room].decode(errors="ignore")
    return f"{prefix}{beginning}{digest}{suffix}"


_SHORTENED = re.compile(r"~[0-9a-f]{32}\Z")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
