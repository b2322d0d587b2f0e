"""Collections and their faces, kept in memory."""

import datetime
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from local_aws.rekognition.refusal import (
    collection_exists,
    invalid_token,
    no_such_collection,
    no_such_resource,
)

FACE_MODEL_VERSION = "7.0"
"""The version of new collections when this was written."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Place:
    """A 12-digit account and a region, which together have their own collections."""

    account: str
    region: str

    def arn(self, collection_id: str) -> str:
        """A collection's ARN."""
        return f"arn:aws:rekognition:{self.region}:{self.account}:collection/{collection_id}"


@dataclass(frozen=True, slots=True)
class StoredFace:
    """What Rekognition keeps of one face, but for its vector; the box in fractions of the picture."""

    face_id: str
    image_id: str
    external_image_id: str | None
    box: tuple[float, float, float, float]
    confidence: float


@dataclass(slots=True)
class Collection:
    """A collection; faces by id, in the order of their arrival."""

    collection_id: str
    created: datetime.datetime
    tags: dict[str, str]
    faces: dict[str, StoredFace] = field(default_factory=dict)


class Collections:
    """Every account's collections in every region. Thread-safe."""

    def __init__(self) -> None:
        self._places: dict[Place, dict[str, Collection]] = {}
        self._lock = threading.RLock()

    def create(self, place: Place, collection_id: str, tags: dict[str, str]) -> Collection:
        """Create an empty collection; raises Refusal if one of that name exists."""
        with self._lock:
            here = self._places.setdefault(place, {})
            if collection_id in here:
                raise collection_exists(collection_id)
            here[collection_id] = Collection(collection_id, datetime.datetime.now(datetime.UTC), dict(tags))
            return here[collection_id]

    def get(self, place: Place, collection_id: str) -> Collection:
        """A collection; raises Refusal if none of that name exists."""
        with self._lock:
            try:
                return self._places[place][collection_id]
            except KeyError:
                raise no_such_collection(collection_id) from None

    def delete(self, place: Place, collection_id: str) -> None:
        """Remove a collection and its faces; raises Refusal if none of that name exists."""
        with self._lock:
            self.get(place, collection_id)
            del self._places[place][collection_id]

    def in_place(self, place: Place) -> list[Collection]:
        """This account's collections in this region, by name."""
        with self._lock:
            return sorted(self._places.get(place, {}).values(), key=lambda collection: collection.collection_id)

    def by_arn(self, place: Place, arn: str) -> Collection:
        """The caller's collection with this ARN; raises Refusal if the caller has none."""
        with self._lock:
            for collection in self.in_place(place):
                if place.arn(collection.collection_id) == arn:
                    return collection
            raise no_such_resource(arn)

    def add(self, place: Place, collection_id: str, faces: Iterable[StoredFace]) -> None:
        """Store faces. A face whose id exists already is unchanged."""
        with self._lock:
            stored = self.get(place, collection_id).faces
            for face in faces:
                stored.setdefault(face.face_id, face)

    def remove(self, place: Place, collection_id: str, face_ids: Iterable[str]) -> tuple[list[str], list[str]]:
        """Remove faces; returns the ids of the removed and of the missing ones."""
        with self._lock:
            stored = self.get(place, collection_id).faces
            removed: list[str] = []
            missing: list[str] = []
            for face_id in dict.fromkeys(face_ids):
                (missing if stored.pop(face_id, None) is None else removed).append(face_id)
            return removed, missing

    def faces(self, place: Place, collection_id: str) -> list[StoredFace]:
        """A collection's current faces, in the order of their arrival."""
        with self._lock:
            return list(self.get(place, collection_id).faces.values())


def image_id(place: Place, file: bytes, external_image_id: str | None) -> str:
    """The id of an image: the same image with the same external id always has the same one.

    So IndexFaces stores nothing twice, and "the face identifiers are the same" in two collections (developer guide,
    "Understanding model versioning").
    """
    return _identifier(place.account, place.region, external_image_id or "", sha256(file).hexdigest())


def face_id(image: str, box: tuple[float, float, float, float]) -> str:
    """The id of the face at `box` in an image."""
    return _identifier(image, *(f"{number:.4f}" for number in box))


def _identifier(*parts: str) -> str:
    return str(uuid.UUID(bytes=sha256("\n".join(parts).encode()).digest()[:16], version=4))


def page(items: Sequence[Item], token: str | None, most: int | None) -> tuple[list[Item], str | None]:
    """One page of a list and the token for the next, or None at the end.

    Raises Refusal (InvalidPaginationTokenException) for an invalid token.
    """
    start = 0
    if token is not None:
        if not token.isascii() or not token.isdigit() or int(token) >= len(items):
            raise invalid_token()
        start = int(token)
    end = min(len(items), start + (most or PAGE))
    return list(items[start:end]), str(end) if end < len(items) else None


PAGE = 4096
"""The number of items on a page if the caller passes none, or 0."""
