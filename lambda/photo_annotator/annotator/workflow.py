"""The story of one photo: look for faces while it downloads, draw what was found, store the picture, then the result.

The newest bytes of a photo win in the end, however its events arrive, wherever the function is killed, and however
many invocations work on it at a time. Four things see to that: a photo is only ever read in the version that its event
announced, what it replaces is noted before that version is confirmed, nothing is stored over anything else than what
was noted, and whoever comes after a failure, or too late, tidies up.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from annotator.cloud import (
    LARGEST_IN_CALL,
    LARGEST_IN_S3,
    Cloud,
    Download,
    Earlier,
    PhotoDeleted,
    PhotoRefused,
    PhotoSuperseded,
    StoredPicture,
)
from annotator.faces import Face
from annotator.formats import BEGINNING, LARGEST_FILE, UnreadablePhoto, file_too_large, sniff
from annotator.logs import timed
from annotator.photo import Photo
from annotator.result import Picture, RawObject, Result, Status

if TYPE_CHECKING:
    from annotator.decoding import Pixels

Outcome = Literal[Status, "already_done", "superseded", "deleted"]

NO_FACE = "No face found"


class NoDarkroom(Exception):
    """What works on pixels could not be imported, and never will be by this process."""


def annotate(photo: Photo, cloud: Cloud, long_edge: int, *, again: bool = False) -> Outcome:
    """Make, or make sure of, the picture and the result of one photo.

    `again` says that an earlier delivery of the same message failed, and may have left something behind.
    `already_done` changes nothing; `superseded` and `deleted` leave the photo to a later event, or to nobody. Raises
    whatever may be different at the next delivery: AWS that fails, throttles or refuses us, and Overtaken.
    """
    outcome = _outcome(photo, cloud, long_edge)
    if again or outcome in ("superseded", "deleted"):
        _tidy(photo, cloud)
    return outcome


def _outcome(photo: Photo, cloud: Cloud, long_edge: int) -> Outcome:
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:
            looking_back = beside.submit(cloud.earlier, photo)
            with cloud.fetch(photo, BEGINNING) as download:
                earlier = looking_back.result()
                if earlier.result and earlier.result.raw == _raw(photo, download):
                    return "already_done"
                return _annotate(photo, download, earlier, cloud, long_edge, beside)
    except PhotoDeleted:
        return "deleted"
    except PhotoSuperseded:
        return "superseded"


def _annotate(
    photo: Photo, download: Download, earlier: Earlier, cloud: Cloud, long_edge: int, beside: ThreadPoolExecutor
) -> Outcome:
    try:
        pixels, faces, replacing = _see(photo, download, cloud, long_edge, beside)
    except (UnreadablePhoto, PhotoRefused) as refusal:
        return _reject(photo, download, str(refusal), earlier, cloud)
    # Not before Rekognition has answered: it may have read what came after the bytes that were fetched.
    confirming = beside.submit(cloud.confirm, photo, download.last_modified)
    from annotator import darkroom

    with timed("draw"):
        annotated = darkroom.draw(pixels, faces) if faces else darkroom.draw_banner(pixels, NO_FACE)
        jpeg = _named(photo, download, darkroom.encode_jpeg(annotated))
    height, width = annotated.shape[:2]
    result = _result(
        photo,
        download,
        "annotated" if faces else "no_face",
        cloud,
        picture=Picture(cloud.processed_bucket, photo.picture_key, width, height),
        faces=faces,
    )
    confirming.result()
    with timed("store"):
        cloud.store_picture(photo, jpeg, replacing=replacing)
        # Nobody has stored anything since this look began, so the faces are not in use again.
        _delete_earlier_faces(earlier, faces, cloud)
        cloud.store_result(photo, result, replacing=earlier.result_etag)
    return result.status


def _see(
    photo: Photo, download: Download, cloud: Cloud, long_edge: int, beside: ThreadPoolExecutor
) -> "tuple[Pixels, tuple[Face, ...], StoredPicture | None]":
    """The photo's pixels, its faces, and the picture that theirs may replace.

    Rekognition reads a JPEG from S3 while it downloads and decodes here. Anything else, and any JPEG that Rekognition
    will not have, it gets as an upright JPEG of the very pixels that are drawn on, so that boxes and pixels agree.
    """
    looking: Future[tuple[Face, ...]] | None = None
    try:
        format_ = sniff(download.beginning)
        if download.size > LARGEST_FILE:
            raise file_too_large(download.size)
        if format_ == "JPEG" and download.size <= LARGEST_IN_S3:
            looking = beside.submit(cloud.index_by_name, photo)
        with timed("import"):
            # Not at the top of this file: on a cold start OpenCV is imported while Rekognition looks.
            try:
                from annotator import darkroom
            except ImportError as error:
                raise NoDarkroom from error
        with timed("download"):
            data = download.rest()
        with timed("decode"):
            pixels = darkroom.decode(data, format_, long_edge)
        del data
    except UnreadablePhoto:
        if looking:
            with suppress(PhotoRefused):
                cloud.delete_faces(_ids(looking.result()))
        raise
    if not looking:
        looking = beside.submit(cloud.index_bytes, photo, darkroom.encode_jpeg_within(pixels, LARGEST_IN_CALL))
    replacing = cloud.picture(photo)
    with timed("rekognition"):
        try:
            faces = looking.result()
        except PhotoRefused:
            faces = cloud.index_bytes(photo, darkroom.encode_jpeg_within(pixels, LARGEST_IN_CALL))
    return pixels, faces, replacing


def _reject(photo: Photo, download: Download, reason: str, earlier: Earlier, cloud: Cloud) -> Outcome:
    picture = cloud.picture(photo)
    cloud.confirm(photo, download.last_modified)
    if picture:
        cloud.delete_picture(photo, picture)
    _delete_earlier_faces(earlier, (), cloud)
    result = _result(photo, download, "rejected", cloud, reason=reason)
    cloud.store_result(photo, result, replacing=earlier.result_etag)
    return "rejected"


def _tidy(photo: Photo, cloud: Cloud) -> None:
    """Remove what a look at this version left that came to no good end: faces and a picture that no result names."""
    faces, picture = cloud.faces_of(photo), cloud.picture(photo)
    # Only now, so that whoever finished meanwhile is seen to have.
    result = cloud.earlier(photo).result
    if result and result.raw.etag == photo.etag:
        cloud.delete_faces(faces - _ids(result.faces))
    else:
        cloud.delete_faces(faces)
        if picture and picture.photo_etag == photo.etag:
            cloud.delete_picture(photo, picture)


def _raw(photo: Photo, download: Download) -> RawObject:
    return RawObject(photo.bucket, photo.key, photo.etag, photo.size, download.last_modified)


def _named(photo: Photo, download: Download, jpeg: bytes) -> bytes:
    """The JPEG with a comment that names the upload it was made from.

    To S3 an object is its bytes. If the picture of A, B and A again came back under its first ETag, a late B would
    believe that nothing had happened, and replace it.
    """
    name = hashlib.sha256(f"{photo.etag} {download.last_modified}".encode()).hexdigest()[:16].encode()
    return jpeg[:2] + b"\xff\xfe" + (len(name) + 2).to_bytes(2, "big") + name + jpeg[2:]


def _result(
    photo: Photo,
    download: Download,
    status: Status,
    cloud: Cloud,
    *,
    picture: Picture | None = None,
    reason: str | None = None,
    faces: tuple[Face, ...] = (),
) -> Result:
    return Result(
        status=status,
        raw=_raw(photo, download),
        collection_id=cloud.collection_id,
        external_image_id=photo.external_image_id,
        picture=picture,
        reason=reason,
        faces=faces,
    )


def _delete_earlier_faces(earlier: Earlier, faces: tuple[Face, ...], cloud: Cloud) -> None:
    if earlier.result:
        cloud.delete_faces(_ids(earlier.result.faces) - _ids(faces))


def _ids(faces: Iterable[Face]) -> set[str]:
    return {face.face_id for face in faces if face.face_id}
