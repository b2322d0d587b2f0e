"""One uploaded photo: what it is called, and where its picture and its result belong."""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

LONGEST_KEY = 1024
"""Bytes of UTF-8 that S3 allows in a key (S3 user guide, "Naming Amazon S3 objects")."""

LONGEST_VERSION = 64
"""Characters of a version ID that we file results under. S3 allows more and makes 32."""

RESULTS, PICTURES = "results/", "pictures/"
"""What the keys in the processed bucket begin with."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One version of one object in the raw bucket.

    `key` is decoded, `version_id` and `etag` are S3's names for exactly these bytes, `size` is in bytes.
    """

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int

    @property
    def picture_key(self) -> str:
        """Where this version's annotated JPEG goes in the processed bucket."""
        return f"{pictures_folder(self.key)}{quote(self.version_id, safe='')}.jpg"

    @property
    def result_key(self) -> str:
        """Where this version's result document goes in the processed bucket."""
        return f"{results_folder(self.key)}{quote(self.version_id, safe='')}.json"

    @property
    def external_image_id(self) -> str:
        """The name that Rekognition files this version's faces under.

        IndexFaces stores nothing twice for the same image, collection and external image ID, so a photo that is
        delivered twice is indexed once. 40 hexadecimal digits, the first 20 those of `filed_under`.
        """
        return filed_under(self.bucket, self.key) + _digest(self.bucket, self.key, self.version_id)


def filed_under(bucket: str, key: str) -> str:
    """What the external image IDs of all versions of a photo begin with.

    A digest, because a key may hold characters that an ExternalImageId may not (`[a-zA-Z0-9_.\\-:]+`).
    """
    return _digest(bucket, key)


def pictures_folder(key: str) -> str:
    """What the picture keys of all versions of a photo begin with; ends in a slash."""
    return f"{PICTURES}{_folder(key)}/"


def results_folder(key: str) -> str:
    """What the result keys of all versions of a photo begin with; ends in a slash."""
    return f"{RESULTS}{_folder(key)}/"


def version_of(result_key: str) -> str:
    """The version ID that a result document is filed under."""
    return unquote(result_key.rpartition("/")[2].removesuffix(".json"))


def _folder(key: str) -> str:
    """The key; one that is too long keeps its beginning and ends in a digest of the whole.

    So does a key that looks as if it had been shortened: no two keys share a folder.
    """
    if len(key.encode()) <= _LONGEST_FOLDER and not _SHORTENED.search(key):
        return key
    digest = "~" + hashlib.sha256(key.encode()).hexdigest()[:32]
    return key.encode()[: _LONGEST_FOLDER - len(digest)].decode(errors="ignore") + digest


# Each character of a version ID takes at most three bytes once it is quoted.
_LONGEST_FOLDER = LONGEST_KEY - len(f"{PICTURES}/.json") - 3 * LONGEST_VERSION
_SHORTENED = re.compile(r"~[0-9a-f]{32}\Z")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
