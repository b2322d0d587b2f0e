"""The workflow for one photo: index its faces while it downloads, draw them, store the picture, then the result.

The newest version of a photo wins, in whatever order its events arrive and wherever the function crashes, because the
function writes first and then looks. It stores its output under the photo's version, so two uploads never write to the
same key. Then it asks which version is current. It removes its own output if a newer version exists or the photo was
deleted, and the output of older versions. Every delivery that does not fail ends with this check.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from annotator.cloud import LARGEST_IN_CALL, LARGEST_IN_S3, Cloud, Download, NoAnswer, PhotoDeleted, PhotoRefused
from annotator.faces import Face, from_left
from annotator.formats import BEGINNING, Format, UnreadablePhoto, sniff
from annotator.logs import timed
from annotator.photo import Photo
from annotator.result import Picture, RawObject, Result, Status

if TYPE_CHECKING:
    from annotator.decoding import Pixels

Outcome = Literal[Status, "already_done", "superseded", "deleted"]

Indexing = Future[tuple[Face, ...]] | None
"""IndexFaces for a photo by its name, under way; None for a file that does not look like a JPEG."""

NO_FACE = "No face found"


class ImportFailed(Exception):
    """The imaging modules could not be imported. A retry in the same process would fail, too."""


def annotate(photo: Photo, cloud: Cloud, long_edge: int, *, late: bool = False) -> Outcome:
    """Make the picture and the result of one version of a photo, or remove them if that version is not current.

    `late` says that the event is not new, so the photo may be outdated: then Rekognition is asked only about the
    current version. `already_done` means that the result existed; `superseded` and `deleted` mean that no output of
    this version is left. Raises the errors that a retry may solve: AWS failed, throttled the call or denied access.
    """
    if late and cloud.current_version(photo) != photo.version_id:
        outcome, stored = None, cloud.versions_with_result(photo)
    else:
        outcome, stored = _process(photo, cloud, long_edge)
    # No call is under way any more, so nothing is added for this version after this check.
    with timed("look"):
        current = cloud.current_version(photo)
    # `stored` was listed earlier, so every version in it that is not current now is outdated.
    for outdated in (stored | {photo.version_id}) - {current}:
        cloud.remove(replace(photo, version_id=outdated))
    if current != photo.version_id:
        return "superseded" if current else "deleted"
    if outcome is None:
        raise NoAnswer(f"S3 says both that {photo.key} is gone and that it is the current version")
    return outcome


def _process(photo: Photo, cloud: Cloud, long_edge: int) -> tuple[Outcome | None, set[str]]:
    """The outcome, None if the version is gone, and the versions that had a result before."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        # Rekognition takes longest, so this call comes first, before we know whether a result exists. A second
        # delivery is rare and costs a tenth of a cent; waiting for the answer would cost every photo 25 ms.
        indexing = threads.submit(cloud.index_by_name, photo) if _looks_like_a_jpeg(photo) else None
        # Meanwhile the second thread makes these two calls over one connection.
        listing = threads.submit(cloud.versions_with_result, photo)
        downloading = threads.submit(cloud.fetch, photo)
        # Importing OpenCV here instead of at the top lets Rekognition work meanwhile on a cold start.
        with timed("import"):
            try:
                import annotator.imaging  # noqa: F401
            except ImportError as error:
                raise ImportFailed from error
        stored = listing.result()
        if photo.version_id in stored and (result := cloud.result(photo)):
            _keep_only(result, indexing, photo, cloud)
            return "already_done", stored
        try:
            return _make_result(photo, cloud, long_edge, indexing, downloading), stored
        except PhotoDeleted:
            return None, stored


def _make_result(
    photo: Photo, cloud: Cloud, long_edge: int, indexing: Indexing, downloading: Future[Download]
) -> Status:
    """Store the picture, then the result. If the result exists, this version is done."""
    from annotator import imaging

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
            pixels = imaging.decode(download.data, format_, long_edge)
        download.data.clear()  # only the pixels are needed from here on
        imaging.prepare()  # while Rekognition works
        with timed("rekognition"):
            faces = from_left(_faces(photo, format_, pixels, indexing, cloud))
    except (UnreadablePhoto, PhotoRefused) as refusal:
        status, reason = "rejected", str(refusal)
        _discard(indexing, photo, cloud)
    else:
        status = "annotated" if faces else "no_face"
        with timed("draw"):
            annotated = imaging.draw(pixels, faces) if faces else imaging.draw_banner(pixels, NO_FACE)
            jpeg = imaging.encode_jpeg(annotated)
        height, width = annotated.shape[:2]
        picture = Picture(cloud.processed_bucket, photo.picture_key, width, height)
        with timed("store"):
            cloud.store_picture(photo, jpeg)
    result = Result(status, raw, cloud.collection_id, photo.external_image_id, picture, reason, faces)
    with timed("store"):
        cloud.store_result(photo, result)
    return status


def _looks_like_a_jpeg(photo: Photo) -> bool:
    """Whether Rekognition can index the photo by name before it is downloaded."""
    return photo.key.lower().endswith((".jpg", ".jpeg")) and photo.size <= LARGEST_IN_S3


def _faces(photo: Photo, format_: Format, pixels: "Pixels", indexing: Indexing, cloud: Cloud) -> tuple[Face, ...]:
    """The faces of a photo, indexed.

    Rekognition reads a JPEG from S3. For any other format, and for a JPEG that it rejects, it receives an upright JPEG
    of the same pixels that are drawn on, so that boxes and pixels agree.
    """
    from annotator import imaging

    if format_ == "JPEG" and photo.size <= LARGEST_IN_S3:
        with suppress(PhotoRefused):
            return indexing.result() if indexing else cloud.index_by_name(photo)
    _discard(indexing, photo, cloud)
    return cloud.index_bytes(photo, imaging.encode_jpeg_within(pixels, LARGEST_IN_CALL))


def _discard(indexing: Indexing, photo: Photo, cloud: Cloud) -> None:
    """Remove the faces that Rekognition indexed before we knew that the file is not a complete JPEG."""
    if indexing:
        with suppress(PhotoRefused):
            if any(face.indexed for face in indexing.result()):
                cloud.remove_faces(photo)


def _keep_only(result: Result, indexing: Indexing, photo: Photo, cloud: Cloud) -> None:
    """Remove the faces that Rekognition indexed before we knew that the result exists, except those it names.

    A call that failed may have indexed them, too. It does not matter otherwise: the photo is done.
    """
    if indexing:
        named = {face.face_id for face in result.faces}
        if indexing.exception() or any(face.indexed and face.face_id not in named for face in indexing.result()):
            cloud.remove_faces(photo, keep=named)
