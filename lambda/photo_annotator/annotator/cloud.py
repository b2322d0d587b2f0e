"""Amazon S3 and Rekognition, as this function needs them: the only module that knows what they answer through boto3.

Everything that goes in or comes out is a plain value. What the story can answer is a typed outcome (`PhotoDeleted`,
`PhotoSuperseded`, `PhotoRefused`); every other failure goes up, so that SQS delivers the photo again and, when that
does not help, its dead-letter queue raises the alarm.

Calls on the raw bucket: GetObject, HeadObject. On the processed bucket: GetObject, HeadObject, PutObject,
DeleteObject. On the collection: IndexFaces, ListFaces, DeleteFaces.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.photo import Photo
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
"""IndexFaces returns no more, whatever is asked for (Rekognition, API reference)."""

# The photo's fault, so asking again cannot help (Rekognition, "Error handling": do not retry). Everything else that
# Rekognition may say is ours or passing: throttling, its own failures, a collection or a permission that is missing,
# and InvalidS3ObjectException, which also comes while permissions still propagate.
_REFUSALS = {
    "InvalidImageFormatException": "Rekognition cannot read this photo: send it as an ordinary JPEG.",
    "ImageTooLargeException": "Rekognition finds this photo too large: send a smaller one.",
    "InvalidParameterException": "Rekognition cannot use this photo: send an ordinary JPEG of at least 80 x 80 pixels.",
}

_PHOTO_ETAG = "photo-etag"
"""The name under which a picture's metadata holds the ETag of the photo that it was made from."""

_MISSING = {"404", "NoSuchKey", "NotFound"}
_CHANGED = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}


class PhotoDeleted(Exception):
    """The photo is no longer in the raw bucket; nothing is left to do."""


class PhotoSuperseded(Exception):
    """Other bytes lie under the photo's key by now; their own event sees to them."""


class PhotoRefused(Exception):
    """Rekognition cannot use this image, now or later; the sentence says why and what to send instead."""


class NoAnswer(Exception):
    """Rekognition answered, and nothing of it can be read; it may be asked again."""


class Overtaken(Exception):
    """Somebody else stored this photo's results meanwhile; a new look will find out who is right."""


@dataclass(frozen=True, slots=True)
class Download:
    """A photo on its way: its first bytes are here, the rest comes with `rest()`.

    `last_modified` says when it was uploaded, in ISO 8601.
    """

    size: int
    beginning: bytes
    _body: Any
    last_modified: str | None = None

    def rest(self) -> bytearray:
        """The whole photo, beginning included, in one buffer."""
        photo = bytearray(self.size)
        view = memoryview(photo)
        view[: len(self.beginning)] = self.beginning
        at = len(self.beginning)
        # A read of nothing more makes botocore compare the length and the checksum with what S3 announced.
        while read := self._body.readinto(view[at:] if at < self.size else bytearray(1)):
            at += read
        return photo


@dataclass(frozen=True, slots=True)
class Earlier:
    """The result document that lay under a photo's key, and its ETag; both None when there was none.

    `result` alone is None when the document is not one that we can read.
    """

    result: Result | None = None
    result_etag: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture in the processed bucket: its own ETag, and that of the photo that it was made from."""

    etag: str
    photo_etag: str | None


def clients() -> tuple["S3Client", "RekognitionClient"]:
    """Clients for the function's own region.

    A room full of uploads meets the 5 IndexFaces a second of most regions, so Rekognition's client slows itself down
    once it was throttled: without that, photos that begin keep taking the calls of those that wait, and some wait in
    vain. Its six tries wait 16 seconds in all on average, within the function's 30. The function's own time-out ends
    what still hangs then.
    """
    settings = Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=2,
        read_timeout=8,
        s3={"us_east_1_regional_endpoint": "regional"},
    )
    patient = settings.merge(Config(retries={"mode": "adaptive", "total_max_attempts": 6}))
    return boto3.client("s3", config=settings), boto3.client("rekognition", config=patient)


class Cloud:
    """One raw photo's way through S3 and Rekognition; safe to use from several threads."""

    def __init__(
        self, s3: "S3Client", rekognition: "RekognitionClient", *, processed_bucket: str, collection_id: str
    ) -> None:
        self._s3 = s3
        self._rekognition = rekognition
        self.processed_bucket = processed_bucket
        self.collection_id = collection_id

    def earlier(self, photo: Photo) -> Earlier:
        """The result that lies under this photo's key already, whichever version of the photo it is about."""
        try:
            answer = self._s3.get_object(Bucket=self.processed_bucket, Key=photo.result_key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return Earlier()
            raise
        with closing(answer["Body"]) as body:
            document = body.read()
        try:
            return Earlier(Result.from_document(json.loads(document)), answer["ETag"])
        except (ValueError, RecursionError):
            return Earlier(None, answer["ETag"])

    @contextmanager
    def fetch(self, photo: Photo, beginning: int) -> Iterator[Download]:
        """The photo's bytes, exactly those that were announced; the first `beginning` of them at once.

        Raises PhotoDeleted and PhotoSuperseded.
        """
        with _version_of(photo):
            answer = self._s3.get_object(Bucket=photo.bucket, Key=photo.key, IfMatch=f'"{photo.etag}"')
        with closing(answer["Body"]) as body:
            first = bytearray()
            while len(first) < beginning and (read := body.read(beginning - len(first))):
                first += read
            yield Download(answer["ContentLength"], bytes(first), body, _last_modified(answer))

    def confirm(self, photo: Photo, last_modified: str | None) -> None:
        """Make sure that the photo is still the upload that was fetched, and was nothing else meanwhile.

        Raises PhotoDeleted and PhotoSuperseded, and Overtaken when the same bytes were uploaded again: something else
        may have lain there in between, and Rekognition may have seen it.
        """
        if self._confirm(photo) != last_modified:
            raise Overtaken(f"{photo.key} in {photo.bucket} has been uploaded again meanwhile")

    def _confirm(self, photo: Photo) -> str | None:
        with _version_of(photo):
            answer = self._s3.head_object(Bucket=photo.bucket, Key=photo.key, IfMatch=f'"{photo.etag}"')
        return _last_modified(answer)

    def picture(self, photo: Photo) -> StoredPicture | None:
        """The picture that lies under this photo's key, whichever version of the photo it was made from."""
        try:
            answer = self._s3.head_object(Bucket=self.processed_bucket, Key=photo.picture_key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        return StoredPicture(answer["ETag"], answer.get("Metadata", {}).get(_PHOTO_ETAG))

    def index_by_name(self, photo: Photo) -> tuple[Face, ...]:
        """Index the faces of a JPEG or PNG of at most LARGEST_IN_S3, which Rekognition reads from the raw bucket.

        Boxes are fractions of the photo turned upright by its EXIF orientation if it is a JPEG, of the photo as it
        is stored if it is a PNG (Rekognition, API reference, IndexFaces). Raises PhotoRefused, PhotoDeleted and
        PhotoSuperseded.
        """
        try:
            return self._index(photo, {"S3Object": {"Bucket": photo.bucket, "Name": photo.key}})
        except ClientError as error:
            # Rekognition does not say whether it found nothing or was not let in.
            if _code(error) == "InvalidS3ObjectException":
                self._confirm(photo)
            raise

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
            # What botocore makes of a body that it cannot read is an answer with nothing in it.
            raise NoAnswer(f"Rekognition answered IndexFaces for {photo.key} with nothing that can be read")
        indexed = (
            _face(record["FaceDetail"], face_id=record["Face"]["FaceId"]) for record in answer.get("FaceRecords", [])
        )
        left_out = (
            _face(face["FaceDetail"], unindexed_reasons=tuple(face.get("Reasons", [])))
            for face in answer.get("UnindexedFaces", [])
        )
        return (*indexed, *left_out)

    def delete_faces(self, face_ids: Iterable[str]) -> None:
        """Take these faces out of the collection; those that are not in it are none of anybody's business."""
        if some := sorted(set(face_ids)):
            with _nothing_without_collection():
                self._rekognition.delete_faces(CollectionId=self.collection_id, FaceIds=some)

    def faces_of(self, photo: Photo) -> set[str]:
        """The ids of all faces that were ever indexed for this very version of the photo and are still there.

        Reads the whole collection, since Rekognition cannot look for an external image id: for rare cases only.
        """
        ids: set[str] = set()
        with _nothing_without_collection():
            for page in self._rekognition.get_paginator("list_faces").paginate(CollectionId=self.collection_id):
                faces = (face for face in page["Faces"] if face.get("ExternalImageId") == photo.external_image_id)
                ids.update(face["FaceId"] for face in faces)
        return ids

    def store_picture(self, photo: Photo, jpeg: bytes, *, replacing: StoredPicture | None) -> None:
        """Store the annotated JPEG where nothing, or the picture `replacing`, lies. Raises Overtaken."""
        earlier = replacing.etag if replacing else None
        self._store(photo.picture_key, jpeg, "image/jpeg", earlier, {_PHOTO_ETAG: photo.etag})

    def delete_picture(self, photo: Photo, picture: StoredPicture) -> None:
        """Delete the picture under this photo's key, if it is still that one. Raises Overtaken."""
        with _unless_overtaken():
            self._s3.delete_object(Bucket=self.processed_bucket, Key=photo.picture_key, IfMatch=picture.etag)

    def store_result(self, photo: Photo, result: Result, *, replacing: str | None) -> None:
        """Store the result document where nothing, or the one with the ETag `replacing`, lies. Raises Overtaken."""
        self._store(photo.result_key, result.to_json().encode(), "application/json", replacing, {})

    def _store(self, key: str, body: bytes, content_type: str, replacing: str | None, metadata: dict[str, str]) -> None:
        about = {"Bucket": self.processed_bucket, "Key": key, "ContentType": content_type}
        condition = {"IfMatch": replacing} if replacing else {"IfNoneMatch": "*"}
        try:
            with _unless_overtaken():
                self._s3.put_object(**about, **condition, Body=body, Metadata=metadata)  # type: ignore[arg-type]
        except Overtaken:
            # By ourselves, when S3's answer got lost and the client asked again: an object's ETag is its MD5.
            if self._etag_of(key) != f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"':
                raise

    def _etag_of(self, key: str) -> str | None:
        try:
            return self._s3.head_object(Bucket=self.processed_bucket, Key=key)["ETag"]
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise


@contextmanager
def _version_of(photo: Photo) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _code(error) in _MISSING:
            raise PhotoDeleted(f"{photo.key} has been deleted from {photo.bucket}") from error
        if _code(error) in _CHANGED:
            raise PhotoSuperseded(f"{photo.key} in {photo.bucket} is no longer version {photo.etag}") from error
        raise


@contextmanager
def _unless_overtaken() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        # A write that replaces an object which is gone by now finds it missing rather than changed.
        if _code(error) in _CHANGED | _MISSING:
            raise Overtaken("another invocation stored this photo's results meanwhile") from error
        raise


@contextmanager
def _nothing_without_collection() -> Iterator[None]:
    """A collection that was deleted took its faces along."""
    try:
        yield
    except ClientError as error:
        if _code(error) != "ResourceNotFoundException":
            raise


def _last_modified(answer: Mapping[str, Any]) -> str | None:
    moment = answer.get("LastModified")
    return moment.isoformat() if moment else None


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _face(detail: Mapping[str, Any], **about: Any) -> Face:
    """Rekognition's FaceDetail in our own words; `about` is what its record says beside it."""
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
