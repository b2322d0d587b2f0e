"""Remove a photo, its annotated picture, its result, and its faces from the collection."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from annotator.photo import filed_under, picture_key, result_key
from annotator.result import Result

from workshop.account import Account, pass_account
from workshop.console import err, out, plain, print_json
from workshop.diagnosis import inbox
from workshop.raw_bucket import found, key_of, key_of_file
from workshop.results import UnreadableResult, result_of
from workshop.stacks import Stacks

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client

FUNCTION_ENDS = 35
"""Seconds after which the function has stored what it had in hand: it is given 30 for a photo."""

NOTHING = (
    "nothing of that name is stored, so there is nothing to remove. (Faces outlive the photo; once that has expired "
    "they are found by the file you sent, or by the key that `upload` printed: me-1a2b3c4d.jpg.)"
)


@click.command("forget")
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="What was removed, as JSON.")
@pass_account
def command(account: Account, photos: tuple[str, ...], as_json: bool) -> None:
    """Remove everything about a photo from AWS.

    \b
      python -m workshop forget selfie.jpg

    PHOTO is the file you sent or its key. The file on your computer stays. Forgetting twice is fine.
    """
    stacks = Stacks.of(account)
    answers = []
    for said in photos:
        key = key_of(stacks, said)
        # Photo and result may have expired; the faces stay, and are found by the key alone.
        sought = key or key_of_file(said) or said
        gone = forget(stacks, sought)
        key = key or (sought if any(gone.values()) else None)
        answers.append({"photo": said, "key": key, "removed": gone})
        if as_json:
            continue
        if key is None:
            out.print(plain(f"{said}: {NOTHING}"), soft_wrap=True)
            continue
        out.print(plain(key), style="bold", soft_wrap=True)
        for thing, count in gone.items():
            out.print(f"  {_said(thing, count)}", soft_wrap=True)
    if as_json:
        print_json(answers)


def forget(stacks: Stacks, key: str) -> dict[str, int]:
    """Remove what there is of this photo and say how many of each were removed.

    A function that read the photo before it went may store picture, result and faces after all: those go as well.
    """
    s3: S3Client = stacks.account.client("s3")
    photo, result = found(s3, stacks.raw_bucket, key), _result_of(stacks, key)
    removed = {"photo": _delete(s3, stacks.raw_bucket, key)} | _delete_made_of(stacks, key, result)
    is_done = photo is None or (result is not None and result.raw.etag == photo.etag)
    if not is_done:
        _wait_for_the_function(stacks, key)
        for thing, count in _delete_made_of(stacks, key, _result_of(stacks, key)).items():
            removed[thing] += count
    return removed


def _result_of(stacks: Stacks, key: str) -> Result | None:
    """The photo's result; None for one that cannot be read, which must go like any other."""
    try:
        return result_of(stacks, key)
    except UnreadableResult:
        return None


def _wait_for_the_function(stacks: Stacks, key: str) -> None:
    """Wait while the function has photos in hand, until this one has a result."""
    until = time.monotonic() + FUNCTION_ENDS
    with err.status("") as status:
        while inbox(stacks)[1] and not _result_of(stacks, key) and time.monotonic() < until:
            left = until - time.monotonic()
            status.update(f"The function is at work and may store more of it; waiting {left:.0f} s at most")
            time.sleep(1)


def _delete_made_of(stacks: Stacks, key: str, result: Result | None) -> dict[str, int]:
    """The result goes last: it names the faces, so a removal that was interrupted can be repeated."""
    s3: S3Client = stacks.account.client("s3")
    removed = {"faces": _delete_faces(stacks, key, result)}
    picture = result.picture.key if result and result.picture else picture_key(key)
    removed["picture"] = _delete(s3, stacks.processed_bucket, picture)
    removed["result"] = _delete(s3, stacks.processed_bucket, result_key(key))
    return removed


def _said(thing: str, count: int) -> str:
    if thing == "faces":
        return (
            f"{count} face{'s' * (count != 1)} removed from the collection" if count else "no faces in the collection"
        )
    return f"{thing} removed" if count else f"no {thing} was there"


def _delete(s3: "S3Client", bucket: str, key: str) -> int:
    """Delete the object and answer 1, or 0 when there was none; DeleteObject itself does not tell."""
    if found(s3, bucket, key) is None:
        return 0
    s3.delete_object(Bucket=bucket, Key=key)
    return 1


def _delete_faces(stacks: Stacks, key: str, result: Result | None) -> int:
    """Delete the photo's faces: those that its result names, and those that the collection files under its key."""
    rekognition: RekognitionClient = stacks.account.client("rekognition")
    named = {face.face_id for face in result.faces if face.face_id} if result else set()
    beginning = filed_under(stacks.raw_bucket, key)
    try:
        faces = sorted(named | set(_filed_under(rekognition, stacks.collection_id, beginning)))
        deleted = 0
        for start in range(0, len(faces), 1000):
            answer = rekognition.delete_faces(CollectionId=stacks.collection_id, FaceIds=faces[start : start + 1000])
            deleted += len(answer.get("DeletedFaces", []))
    except rekognition.exceptions.ResourceNotFoundException:
        return 0
    return deleted


def _filed_under(rekognition: "RekognitionClient", collection: str, beginning: str) -> Iterator[str]:
    for page in rekognition.get_paginator("list_faces").paginate(CollectionId=collection):
        for face in page["Faces"]:
            if face.get("ExternalImageId", "").startswith(beginning):
                yield face["FaceId"]
