"""The story of one photo: index its faces while it downloads, draw what was found, store the picture, then the result.

The newest version of a photo wins, however its events arrive and wherever the function is killed, because it writes
and then looks. What is made of a version is stored under that version, so two uploads never write to the same place.
Only then does the function ask which version is current, and removes what it knows of any other: its own, if a newer
version came or the photo was deleted, and what older versions left. Every delivery of an event ends with that look.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from annotator.cloud import LARGEST_IN_CALL, LARGEST_IN_S3, Cloud, Download, PhotoDeleted, PhotoRefused
from annotator.faces import Face
from annotator.formats import BEGINNING, Format, UnreadablePhoto, sniff
from annotator.logs import timed
from annotator.photo import Photo
from annotator.result import Picture, RawObject, Result, Status

if TYPE_CHECKING:
    from annotator.decoding import Pixels

Outcome = Literal[Status, "already_done", "superseded", "deleted"]

NO_FACE = "No face found"


class ImportFailed(Exception):
    """The modules that work on pixels could not be imported, and never will be by this process."""


def annotate(photo: Photo, cloud: Cloud, long_edge: int) -> Outcome:
    """Make the picture and the result of one version of a photo, or remove them if that version is not current.

    `already_done` means that the result was there; `superseded` and `deleted` mean that nothing made of this version
    is left. Raises whatever may be different at the next delivery: AWS that fails, throttles or refuses us.
    """
    with ThreadPoolExecutor(max_workers=3) as threads:
        # Rekognition takes longest, so it is asked first, before we know whether there is a result already: a second
        # delivery is rare and costs a tenth of a cent, waiting to find out would cost every photo 25 ms.
        asking = threads.submit(cloud.index_by_name, photo) if _looks_like_a_jpeg(photo) else None
        downloading = threads.submit(cloud.fetch, photo)
        looking = threads.submit(cloud.versions_with_result, photo)
        # OpenCV is imported here rather than above, so that on a cold start Rekognition looks meanwhile.
        with timed("import"):
            try:
                import annotator.darkroom  # noqa: F401
            except ImportError as error:
                raise ImportFailed from error
        stored = looking.result()
        done = cloud.result(photo) if photo.version_id in stored else None
        outcome: Outcome
        try:
            outcome = "already_done" if done else _make(photo, cloud, long_edge, asking, downloading)
        except PhotoDeleted:
            outcome = "deleted"
    # All threads have ended, so nothing more can be indexed for this version.
    with timed("look"):
        current = cloud.current_version(photo)
    # `stored` was listed before, so whatever in it is not current now is outdated.
    for outdated in (stored | {photo.version_id}) - {current}:
        cloud.remove(replace(photo, version_id=outdated))
    if current != photo.version_id:
        return "superseded" if current else "deleted"
    if done:
        _discard(asking, photo, cloud, keep=done)
    return outcome


def _make(
    photo: Photo,
    cloud: Cloud,
    long_edge: int,
    asking: Future[tuple[Face, ...]] | None,
    downloading: Future[Download],
) -> Status:
    """Store the picture, then the result: its presence means that this version is done."""
    from annotator import darkroom

    status: Status
    picture: Picture | None = None
    reason: str | None = None
    faces: tuple[Face, ...] = ()
    raw = RawObject(photo.bucket, photo.key, photo.version_id, photo.etag, photo.size)
    try:
        with timed("download"):
            download = downloading.result()
        raw = replace(raw, last_modified=download.last_modified)
        format_ = sniff(bytes(download.data[:BEGINNING]))
        with timed("decode"):
            pixels = darkroom.decode(download.data, format_, long_edge)
        download.data.clear()  # the pixels are all we need from now on
        darkroom.prepare()  # while Rekognition works
        with timed("rekognition"):
            faces = _faces(photo, format_, pixels, asking, cloud)
    except (UnreadablePhoto, PhotoRefused) as refusal:
        status, reason = "rejected", str(refusal)
        _discard(asking, photo, cloud)
    else:
        status = "annotated" if faces else "no_face"
        with timed("draw"):
            annotated = darkroom.draw(pixels, faces) if faces else darkroom.draw_banner(pixels, NO_FACE)
            jpeg = darkroom.encode_jpeg(annotated)
        height, width = annotated.shape[:2]
        picture = Picture(cloud.processed_bucket, photo.picture_key, width, height)
        with timed("store"):
            cloud.store_picture(photo, jpeg)
    result = Result(status, raw, cloud.collection_id, photo.external_image_id, picture, reason, faces)
    with timed("store"):
        cloud.store_result(photo, result)
    return status


def _looks_like_a_jpeg(photo: Photo) -> bool:
    """Whether Rekognition can be asked about the photo by name before its first bytes are here."""
    return photo.key.lower().endswith((".jpg", ".jpeg")) and photo.size <= LARGEST_IN_S3


def _faces(
    photo: Photo, format_: Format, pixels: "Pixels", asking: Future[tuple[Face, ...]] | None, cloud: Cloud
) -> tuple[Face, ...]:
    """The faces of a photo, indexed.

    Rekognition reads a JPEG from S3. Anything else, and any JPEG that it refuses, it gets as an upright JPEG of the
    very pixels that are drawn on, so that boxes and pixels agree.
    """
    from annotator import darkroom

    if format_ == "JPEG" and photo.size <= LARGEST_IN_S3:
        with suppress(PhotoRefused):
            return asking.result() if asking else cloud.index_by_name(photo)
    _discard(asking, photo, cloud)
    return cloud.index_bytes(photo, darkroom.encode_jpeg_within(pixels, LARGEST_IN_CALL))


def _discard(asking: Future[tuple[Face, ...]] | None, photo: Photo, cloud: Cloud, keep: Result | None = None) -> None:
    """Remove the faces that Rekognition was asked for in vain, but for those that the result `keep` names.

    It is asked before we know whether the file is a whole JPEG, and whether it has been rejected already.
    """
    if asking:
        named = {face.face_id for face in keep.faces} if keep else set()
        with suppress(PhotoRefused):
            if any(face.indexed and face.face_id not in named for face in asking.result()):
                cloud.remove_faces(photo, keep=named)
