"""Amazon S3 and Rekognition, as the door needs them: the only module that handles botocore's answers.

The door can write photos but not read them: it reads only the pictures and results of guests' photos.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator.photo import filed_under, pictures_folder, results_folder
from annotator.result import Result
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from wall_door.door import MOST_PHOTOS, Settings
from wall_door.guests import SETTINGS_KEY, photo_key, taken_folder, taken_key

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client


def clients() -> tuple["S3Client", "RekognitionClient"]:
    """Clients for the function's own region. They give up sooner than the HTTP API, which waits 30 seconds at most."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=2,
        read_timeout=6,
        s3={"us_east_1_regional_endpoint": "regional"},
    )
    session: Any = get_session()
    return session.create_client("s3", config=config), session.create_client("rekognition", config=config)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The two buckets and the collection."""

    s3: "S3Client"
    rekognition: "RekognitionClient"
    raw_bucket: str
    processed_bucket: str
    collection_id: str

    def settings(self) -> Settings | None:
        """The door's settings; None if there are none.

        The role cannot list the bucket's root, so S3 answers 403 for a missing object (S3 API reference, GetObject).
        """
        try:
            return Settings.from_json(self._read(SETTINGS_KEY))
        except ClientError as error:
            if _code(error) in {"NoSuchKey", "AccessDenied"}:
                return None
            raise

    def taken(self, door_key: str) -> int:
        """How many photos were sent in the evening with this key; removed ones count, too."""
        listed = self.s3.list_objects_v2(
            Bucket=self.processed_bucket, Prefix=taken_folder(door_key), MaxKeys=MOST_PHOTOS
        )
        return listed["KeyCount"]

    def store(self, door_key: str, ticket: str, photo: bytes) -> None:
        """Count the photo, then store it, unless it is stored already. Nothing is ever overwritten."""
        self.s3.put_object(Bucket=self.processed_bucket, Key=taken_key(door_key, ticket), Body=b"")
        try:
            self.s3.put_object(
                Bucket=self.raw_bucket,
                Key=photo_key(ticket),
                Body=photo,
                ContentType="application/octet-stream",
                IfNoneMatch="*",
            )
        except ClientError as error:
            # 409: another request is storing it at this moment (S3 user guide, "Conditional writes").
            if _code(error) not in {"PreconditionFailed", "412", "ConditionalRequestConflict"}:
                raise

    def has_photo(self, ticket: str) -> bool:
        """Whether the photo is stored and not hidden by a delete marker."""
        return any(version["IsLatest"] for version in self._versions(photo_key(ticket), "Versions"))

    def result(self, ticket: str) -> Result | None:
        """The photo's result, or None if there is none (yet)."""
        names = self._names(results_folder(photo_key(ticket)))
        return Result.from_document(json.loads(self._read(names[0]))) if names else None

    def picture(self, result: Result) -> bytes | None:
        """The annotated JPEG; None if there is none."""
        return self._read(result.picture.key) if result.picture else None

    def remove(self, ticket: str) -> dict[str, int]:
        """Remove all that is stored of this photo, as `emotions forget` does; the counts of what there was.

        The photo goes first, so that the annotator, if it works on it, sees that it is gone and removes its own output.
        """
        key = photo_key(ticket)
        photos, markers = (list(self._versions(key, kind)) for kind in ("Versions", "DeleteMarkers"))
        # The current version last: otherwise an older one would become current.
        for version in (*sorted(photos, key=lambda each: bool(each["IsLatest"])), *markers):
            self.s3.delete_object(Bucket=self.raw_bucket, Key=key, VersionId=version["VersionId"])
        faces = self._faces(key)
        for start in range(0, len(faces), 1000):
            self.rekognition.delete_faces(CollectionId=self.collection_id, FaceIds=faces[start : start + 1000])
        pictures, results = self._names(pictures_folder(key)), self._names(results_folder(key))
        for name in (*pictures, *results):
            self.s3.delete_object(Bucket=self.processed_bucket, Key=name)
        annotated = [name for name in pictures if name.endswith(".jpg")]  # the others are decisions of the organiser
        return {"photo": len(photos), "faces": len(faces), "picture": len(annotated), "result": len(results)}

    def _faces(self, key: str) -> list[str]:
        beginning = filed_under(self.raw_bucket, key)
        pages = self.rekognition.get_paginator("list_faces").paginate(CollectionId=self.collection_id)
        return [
            face["FaceId"]
            for page in pages
            for face in page["Faces"]
            if face.get("ExternalImageId", "").startswith(beginning)
        ]

    def _versions(self, key: str, kind: str) -> Iterator[dict[str, Any]]:
        pages: Any = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.raw_bucket, Prefix=key)
        return (version for page in pages for version in page.get(kind, []) if version["Key"] == key)

    def _names(self, folder: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.processed_bucket, Prefix=folder)
        return [item["Key"] for item in listed.get("Contents", [])]

    def _read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.processed_bucket, Key=key)["Body"].read()


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
