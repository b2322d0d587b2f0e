"""The story of one photo: look for faces while it downloads, draw what was found, store the picture, then the result.

The newest bytes of a photo win in the end, however its events arrive and however many invocations work on it at a
time. Three things see to that: a photo is only ever read in the version that its event announced, what it replaces
is noted before that version is confirmed, and nothing is stored over anything else than what was noted.
"""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Literal

from annotator.cloud import (
    LARGEST_IN_CALL,
    LARGEST_IN_S3,
    Cloud,
    Download,
    Earlier,
    PhotoDeleted,
    PhotoRefused,
    PhotoSuperseded,
)
from annotator.decoding import (
    BEGINNING,
    LARGEST_FILE,
    Pixels,
    UnreadablePhoto,
    decode,
    encode_jpeg,
    encode_jpeg_within,
    file_too_large,
    sniff,
)
from annotator.drawing import draw, draw_banner
from annotator.faces import Face
from annotator.logs import timed
from annotator.photo import Photo
from annotator.result import Picture, RawObject, Result, Status

Outcome = Literal[Status, "already_done", "superseded", "deleted"]

NO_FACE = "No face found"


def annotate(photo: Photo, cloud: Cloud, long_edge: int) -> Outcome:
    """Make, or make sure of, the picture and the result of one photo.

    `already_done` changes nothing; `superseded` and `deleted` leave the photo to a later event, or to nobody. Raises
    whatever may be different at the next delivery: AWS that fails, throttles or refuses us, and Overtaken.
    """
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:
            looking_back = beside.submit(cloud.earlier, photo)
            with cloud.fetch(photo, BEGINNING) as download:
                earlier = looking_back.result()
                if earlier.result and earlier.result.raw.etag == photo.etag:
                    return "already_done"
                return _annotate(photo, download, earlier, cloud, long_edge, beside)
    except PhotoDeleted:
        cloud.delete_faces_of(photo)
        return "deleted"
    except PhotoSuperseded:
        cloud.delete_faces_of(photo)
        return "superseded"


def _annotate(
    photo: Photo, download: Download, earlier: Earlier, cloud: Cloud, long_edge: int, beside: ThreadPoolExecutor
) -> Outcome:
    try:
        pixels, faces, replacing = _see(photo, download, cloud, long_edge, beside)
    except (UnreadablePhoto, PhotoRefused) as refusal:
        return _reject(photo, str(refusal), earlier, cloud)
    with timed("draw"):
        annotated = draw(pixels, faces) if faces else draw_banner(pixels, NO_FACE)
        jpeg = encode_jpeg(annotated)
    height, width = annotated.shape[:2]
    result = _result(
        photo,
        "annotated" if faces else "no_face",
        cloud,
        picture=Picture(cloud.processed_bucket, photo.picture_key, width, height),
        faces=faces,
    )
    with timed("store"):
        _delete_earlier_faces(earlier, faces, cloud)
        cloud.store_picture(photo, jpeg, replacing=replacing)
        cloud.store_result(photo, result, replacing=earlier.result_etag)
    return result.status


def _see(
    photo: Photo, download: Download, cloud: Cloud, long_edge: int, beside: ThreadPoolExecutor
) -> tuple[Pixels, tuple[Face, ...], str | None]:
    """The photo's pixels, its faces, and the ETag of the picture that theirs may replace.

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
        with timed("download"):
            data = download.rest()
        with timed("decode"):
            pixels = decode(data, format_, long_edge)
        del data
    except UnreadablePhoto:
        if looking:
            with suppress(PhotoRefused):
                cloud.delete_faces(_ids(looking.result()))
        raise
    if not looking:
        looking = beside.submit(cloud.index_bytes, photo, encode_jpeg_within(pixels, LARGEST_IN_CALL))
    replacing = cloud.picture_to_replace(photo)
    with timed("rekognition"):
        try:
            faces = looking.result()
        except PhotoRefused:
            faces = cloud.index_bytes(photo, encode_jpeg_within(pixels, LARGEST_IN_CALL))
    return pixels, faces, replacing


def _reject(photo: Photo, reason: str, earlier: Earlier, cloud: Cloud) -> Outcome:
    picture = cloud.picture_to_replace(photo)
    _delete_earlier_faces(earlier, (), cloud)
    if picture:
        cloud.delete_picture(photo, picture)
    cloud.store_result(photo, _result(photo, "rejected", cloud, reason=reason), replacing=earlier.result_etag)
    return "rejected"


def _result(
    photo: Photo,
    status: Status,
    cloud: Cloud,
    *,
    picture: Picture | None = None,
    reason: str | None = None,
    faces: tuple[Face, ...] = (),
) -> Result:
    return Result(
        status=status,
        raw=RawObject(photo.bucket, photo.key, photo.etag, photo.size),
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
