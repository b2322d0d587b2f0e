"""The result document for one photo. All later steps read it.

The function writes the document last: if it exists, the photo is done. `result.schema.json` in this folder is its
contract. Increase VERSION with every change that a reader could notice.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement

VERSION = 2

Status = Literal["annotated", "no_face", "rejected"]


@dataclass(frozen=True, slots=True)
class RawObject:
    """One uploaded version of the photo.

    `size` is in bytes; `last_modified` is in ISO 8601, and None for a file that was too large to download.
    """

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The annotated JPEG in the processed bucket; `width` and `height` in pixels."""

    bucket: str
    key: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome for one photo. The faces are in the order of their numbers in the picture, from left to right.

    `annotated` and `no_face` have a picture. `rejected` has none, but a `reason` that says what to do.
    """

    status: Status
    raw: RawObject
    collection_id: str
    external_image_id: str
    picture: Picture | None = None
    reason: str | None = None
    faces: tuple[Face, ...] = ()

    def to_json(self) -> str:
        """The document as text."""
        return json.dumps(self.to_document(), ensure_ascii=False, indent=1)

    def to_document(self) -> dict[str, Any]:
        """The document as plain values, valid against result.schema.json."""
        return {
            "version": VERSION,
            "status": self.status,
            "reason": self.reason,
            "raw": asdict(self.raw),
            "processed": asdict(self.picture) if self.picture else None,
            "collection_id": self.collection_id,
            "external_image_id": self.external_image_id,
            "faces": [asdict(face) for face in self.faces],
        }

    @staticmethod
    def from_document(document: dict[str, Any]) -> "Result":
        """The result that `to_document` wrote.

        Raises ValueError for a document of another version or structure.
        """
        try:
            return Result._from(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not a result document: {error!r}") from error

    @staticmethod
    def _from(document: dict[str, Any]) -> "Result":
        if document["version"] != VERSION:
            raise ValueError(f"this result document has version {document['version']}, not {VERSION}")
        picture = document["processed"]
        return Result(
            status=document["status"],
            raw=RawObject(**document["raw"]),
            collection_id=document["collection_id"],
            external_image_id=document["external_image_id"],
            picture=Picture(**picture) if picture else None,
            reason=document["reason"],
            faces=tuple(_face_from(face) for face in document["faces"]),
        )


def _face_from(face: dict[str, Any]) -> Face:
    if not isinstance(face["face_id"], str | None):
        raise TypeError(f"a face's id is {face['face_id']!r}")
    return Face(
        box=BoundingBox(**face["box"]),
        confidence=face["confidence"],
        emotions=tuple(Emotion(**emotion) for emotion in face["emotions"]),
        face_id=face["face_id"],
        unindexed_reasons=tuple(face["unindexed_reasons"]),
        smile=Judgement(**face["smile"]) if face["smile"] else None,
        gender=Judgement(**face["gender"]) if face["gender"] else None,
        age_range=AgeRange(**face["age_range"]) if face["age_range"] else None,
    )
