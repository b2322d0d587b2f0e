"""Amazon S3 and Rekognition, as this function needs them: the only module that handles botocore's answers.

All arguments and results are plain values. `PhotoDeleted` and `PhotoRefused` are the failures that the workflow
handles. All other errors propagate, so that SQS delivers the photo again. If that does not help, the message moves to
the dead-letter queue, which raises the alarm.

Calls on the raw bucket: GetObject (one version), HeadObject. On the processed bucket: ListObjectsV2, GetObject,
PutObject, DeleteObject. On the collection: IndexFaces, ListFaces, DeleteFaces.
"""

import json
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.formats import LARGEST_FILE, file_too_large
from annotator.photo import Photo, results_folder, version_of
from annotator.result import Result

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_rekognition.type_defs import ImageTypeDef
    from mypy_boto3_s3 import S3Client

LARGEST_IN_S3 = 15 * 1024**2
"""Bytes of an image that Rekognition reads from S3 (Rekognition, "Guidelines and quotas": 15 MB)."""

LARGEST_IN_CALL = 5 * 1024**2
"""Bytes of an image inside a call (Rekognition, API reference, Image: 5,242,880)."""

MOST_FACES = 100
"""The most faces that IndexFaces returns (Rekognition, API reference)."""

# The photo causes these errors, so a retry cannot help (Rekognition, "Error handling": do not retry). All other errors
# are ours or temporary: throttling, service failures, a missing collection or permission, and
# InvalidS3ObjectException, which also occurs while permissions propagate.
_REFUSALS = {
    "InvalidImageFormatException": "Rekognition cannot read this photo: send it as an ordinary JPEG.",
    "ImageTooLargeException": "Rekognition finds this photo too large: send a smaller one.",
    "InvalidParameterException": "Rekognition cannot use this photo: send an ordinary JPEG of at least 80 x 80 pixels.",
}

_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NotFound"}


class PhotoDeleted(Exception):
    """This version of the photo is no longer in the raw bucket."""


class PhotoRefused(Exception):
    """Rekognition cannot use this image, and a retry would not help. The message says why and what to send instead."""


class NoAnswer(Exception):
    """S3 or Rekognition sent an unusable answer. A retry may help."""


@dataclass(frozen=True, slots=True)
class Download:
    """A complete photo; `last_modified` is the time of the upload, in ISO 8601."""

    data: bytearray
    last_modified: str | None


def clients() -> tuple["S3Client", "RekognitionClient"]:
    """Clients for the function's own region.

    A room full of uploads exceeds the 5 IndexFaces calls a second of most regions, so the Rekognition client slows
    itself down when it is throttled. Otherwise new photos take the calls that throttled photos wait for, and some of
    those fail. Its six tries wait 16 seconds in all on average, within the function's time-out of 30.

    It waits for an answer nearly as long as the function may run: a call that the client gives up may still be carried
    out, after the faces of an outdated version have been removed.
    """
    settings = Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=2,
        read_timeout=8,
        s3={"us_east_1_regional_endpoint": "regional"},
    )
    patient = settings.merge(Config(retries={"mode": "adaptive", "total_max_attempts": 6}, read_timeout=25))
    # botocore makes boto3's clients; boto3 itself would take 30 ms of processor time more on each cold start.
    session: Any = get_session()
    return session.create_client("s3", config=settings), session.create_client("rekognition", config=patient)


class Cloud:
    """The raw bucket, the processed bucket and the collection. Thread-safe."""

    def __init__(
        self, s3: "S3Client", rekognition: "RekognitionClient", *, processed_bucket: str, collection_id: str
    ) -> None:
        self._s3 = s3
        self._rekognition = rekognition
        self.processed_bucket = processed_bucket
        self.collection_id = collection_id

    def fetch(self, photo: Photo) -> Download:
        """Download exactly this version. Raises PhotoDeleted, and UnreadablePhoto above LARGEST_FILE bytes."""
        if photo.size > LARGEST_FILE:
            raise file_too_large(photo.size)
        try:
            answer = self._s3.get_object(Bucket=photo.bucket, Key=photo.key, VersionId=photo.version_id)
        except ClientError as error:
            if _code(error) in _MISSING:
                raise PhotoDeleted(f"{photo.key} has been deleted from {photo.bucket}") from error
            raise
        if answer["ContentLength"] != photo.size:
            raise NoAnswer(f"S3 sends {answer['ContentLength']} bytes of {photo.key}, but its event says {photo.size}")
        # One buffer of the right size, so that the photo is never in memory twice.
        data, at = bytearray(photo.size), 0
        with closing(answer["Body"]) as body:
            # The last, empty read makes botocore check the length and the checksum.
            while read := body.readinto(memoryview(data)[at:] if at < photo.size else bytearray(1)):  # type: ignore[arg-type]
                at += read
        return Download(data, answer["LastModified"].isoformat())

    def current_version(self, photo: Photo) -> str | None:
        """The version that is current under the photo's key; None if the photo has been deleted.

        For a quarter of an hour after a bucket began to keep versions, S3 may answer 404 for objects that exist (S3
        user guide, "Enabling versioning on buckets"). So a 404 counts if it names a delete marker, or if this version
        is gone, too. Raises NoAnswer otherwise.
        """
        try:
            return self._s3.head_object(Bucket=photo.bucket, Key=photo.key)["VersionId"]
        except ClientError as error:
            if _code(error) not in _MISSING:
                raise
            if error.response["ResponseMetadata"]["HTTPHeaders"].get("x-amz-delete-marker") == "true":
                return None
        try:
            self._s3.head_object(Bucket=photo.bucket, Key=photo.key, VersionId=photo.version_id)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        raise NoAnswer(f"S3 does not know yet which version of {photo.key} is current")

    def versions_with_result(self, photo: Photo) -> set[str]:
        """All versions of this photo that have a result."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.processed_bucket, Prefix=results_folder(photo.key), Delimiter="/"
        )
        return {version_of(item["Key"]) for page in pages for item in page.get("Contents", [])}

    def result(self, photo: Photo) -> Result | None:
        """The result of this version; None if it is missing or unreadable."""
        try:
            body = self._s3.get_object(Bucket=self.processed_bucket, Key=photo.result_key)["Body"].read()
            return Result.from_document(json.loads(body))
        except (self._s3.exceptions.NoSuchKey, ValueError, RecursionError):
            return None

    def index_by_name(self, photo: Photo) -> tuple[Face, ...]:
        """Index the faces of a JPEG or PNG of at most LARGEST_IN_S3, which Rekognition reads from the raw bucket.

        For a JPEG, boxes are fractions of the photo turned upright by its EXIF orientation; for a PNG, of the photo
        as stored (Rekognition, API reference, IndexFaces). Raises PhotoRefused.
        """
        return self._index(
            photo, {"S3Object": {"Bucket": photo.bucket, "Name": photo.key, "Version": photo.version_id}}
        )

    def index_bytes(self, photo: Photo, jpeg: bytes) -> tuple[Face, ...]:
        """Index the faces of a JPEG of at most LARGEST_IN_CALL, made from `photo`. Raises PhotoRefused."""
        return self._index(photo, {"Bytes": jpeg})

    def _index(self, photo: Photo, image: "ImageTypeDef") -> tuple[Face, ...]:
        try:
            answer = self._rekognition.index_faces(
                CollectionId=self.collection_id,
                Image=image,
                ExternalImageId=photo.external_image_id,
                DetectionAttributes=["ALL"],
                MaxFaces=MOST_FACES,
                QualityFilter="AUTO",
            )
        except ClientError as error:
            if refusal := _REFUSALS.get(_code(error)):
                raise PhotoRefused(refusal) from error
            raise
        if not answer.keys() & {"FaceRecords", "FaceModelVersion", "UnindexedFaces"}:
            # botocore turns an unreadable body into an empty answer.
            raise NoAnswer(f"Rekognition's answer to IndexFaces for {photo.key} cannot be read")
        indexed = (
            _face(record["FaceDetail"], face_id=record["Face"]["FaceId"]) for record in answer.get("FaceRecords", [])
        )
        left_out = (
            _face(face["FaceDetail"], unindexed_reasons=tuple(face.get("Reasons", [])))
            for face in answer.get("UnindexedFaces", [])
        )
        return (*indexed, *left_out)

    def store_picture(self, photo: Photo, jpeg: bytes) -> None:
        """Store this version's annotated JPEG."""
        self._store(photo.picture_key, jpeg, "image/jpeg")

    def store_result(self, photo: Photo, result: Result) -> None:
        """Store this version's result document."""
        self._store(photo.result_key, result.to_json().encode(), "application/json")

    def _store(self, key: str, body: bytes, content_type: str) -> None:
        self._s3.put_object(Bucket=self.processed_bucket, Key=key, Body=body, ContentType=content_type)

    def remove(self, photo: Photo) -> None:
        """Remove the faces, the picture and the result of this version.

        The result is removed last, so that `versions_with_result` still finds an interrupted removal.
        """
        self.remove_faces(photo)
        self._s3.delete_object(Bucket=self.processed_bucket, Key=photo.picture_key)
        self._s3.delete_object(Bucket=self.processed_bucket, Key=photo.result_key)

    def remove_faces(self, photo: Photo, keep: Collection[str | None] = ()) -> None:
        """Remove all faces that were ever indexed for this version, except the face ids in `keep`.

        Only for rare cases: it reads the whole collection, because Rekognition cannot search by external image ID.
        """
        with suppress(self._rekognition.exceptions.ResourceNotFoundException):  # its faces are gone, too
            pages = self._rekognition.get_paginator("list_faces").paginate(CollectionId=self.collection_id)
            faces = (face for page in pages for face in page["Faces"])
            ours = [face["FaceId"] for face in faces if face.get("ExternalImageId") == photo.external_image_id]
            if unwanted := [face_id for face_id in ours if face_id not in keep]:
                self._rekognition.delete_faces(CollectionId=self.collection_id, FaceIds=unwanted)


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _face(detail: Mapping[str, Any], **about: Any) -> Face:
    """The Face for Rekognition's FaceDetail; `about` holds the other fields of its record."""
    box = detail["BoundingBox"]
    age = detail.get("AgeRange")
    emotions = (Emotion(emotion["Type"], emotion["Confidence"]) for emotion in detail.get("Emotions") or [])
    return Face(
        box=BoundingBox(box["Left"], box["Top"], box["Width"], box["Height"]),
        confidence=detail["Confidence"],
        emotions=tuple(sorted(emotions, key=lambda emotion: emotion.confidence, reverse=True)),
        smile=_judgement(detail.get("Smile")),
        gender=_judgement(detail.get("Gender")),
        age_range=AgeRange(age["Low"], age["High"]) if age else None,
        **about,
    )


def _judgement(answer: Mapping[str, Any] | None) -> Judgement | None:
    return Judgement(answer["Value"], answer["Confidence"]) if answer else None
