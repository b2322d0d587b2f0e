"""One uploaded photo, and the keys of its picture and its result."""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

LONGEST_KEY = 1024
"""Bytes of UTF-8 that S3 allows in a key (S3 user guide, "Naming Amazon S3 objects")."""

LONGEST_VERSION = 64
"""Characters of a version ID that can be part of a result's key. S3 allows more and creates IDs of 32."""

RESULTS, PICTURES = "results/", "pictures/"
"""The prefixes of the keys in the processed bucket."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One version of one object in the raw bucket.

    `key` is decoded, `version_id` and `etag` identify exactly these bytes, `size` is in bytes.
    """

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int

    @property
    def picture_key(self) -> str:
        """The key of this version's annotated JPEG in the processed bucket."""
        return f"{pictures_folder(self.key)}{quote(self.version_id, safe='')}.jpg"

    @property
    def result_key(self) -> str:
        """The key of this version's result document in the processed bucket."""
        return f"{results_folder(self.key)}{quote(self.version_id, safe='')}.json"

    @property
    def external_image_id(self) -> str:
        """The ID that Rekognition stores with this version's faces.

        40 hexadecimal digits, of which the first 20 are those of `filed_under`. IndexFaces stores no face twice for
        the same image, collection and external image ID, so a photo that is delivered twice is indexed once.
        """
        return filed_under(self.bucket, self.key) + _digest(self.bucket, self.key, self.version_id)


def filed_under(bucket: str, key: str) -> str:
    """The first 20 digits of the external image IDs of all versions of a photo.

    A digest, because a key can contain characters that are invalid in an ExternalImageId (`[a-zA-Z0-9_.\\-:]+`).
    """
    return _digest(bucket, key)


def pictures_folder(key: str) -> str:
    """The prefix of the picture keys of all versions of a photo; ends in a slash."""
    return f"{PICTURES}{_folder(key)}/"


def results_folder(key: str) -> str:
    """The prefix of the result keys of all versions of a photo; ends in a slash."""
    return f"{RESULTS}{_folder(key)}/"


def version_of(result_key: str) -> str:
    """The version ID in the key of a result document."""
    return unquote(result_key.rpartition("/")[2].removesuffix(".json"))


def _folder(key: str) -> str:
    """The key. If it is too long, its beginning and a digest of the whole key.

    A key that looks like a shortened one is shortened, too, so that no two keys share a folder.
    """
    if len(key.encode()) <= _LONGEST_FOLDER and not _SHORTENED.search(key):
        return key
    digest = "~" + hashlib.sha256(key.encode()).hexdigest()[:32]
    return key.encode()[: _LONGEST_FOLDER - len(digest)].decode(errors="ignore") + digest


# Quoted, each character of a version ID takes at most three bytes.
_LONGEST_FOLDER = LONGEST_KEY - len(f"{PICTURES}/.json") - 3 * LONGEST_VERSION
_SHORTENED = re.compile(r"~[0-9a-f]{32}\Z")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
