"""Remove a photo with all its versions, its annotated picture, its result, and its faces from the collection."""

import time
from typing import TYPE_CHECKING

import click
from annotator.photo import Photo, filed_under, pictures_folder, results_folder

from workshop.aws.account import Account, pass_account
from workshop.aws.queues import messages_in
from workshop.aws.results import UnreadableResult, result_of
from workshop.aws.stacks import Stacks
from workshop.photos.raw_bucket import found, key_of, key_of_file
from workshop.photos.sources import spread
from workshop.terminal.console import err, out, plain, print_json
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError

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
      emotions forget selfie.jpg

    PHOTO is the file you sent, its key, or a folder of files you sent. The files on your computer stay. Forgetting
    twice is fine.
    """
    stacks = Stacks.of(account)
    answers = []
    for said in spread(photos):
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
        out.print("  nothing left", soft_wrap=True)
    if as_json:
        print_json(answers)


def forget(stacks: Stacks, key: str) -> dict[str, int]:
    """Remove every version of this photo and all that was made of them; say how many of each were removed.

    A function that has just read the photo may still store its results. Then it finds that the photo is gone and
    removes them itself: that is waited for, and looked after. Raises WorkshopError if anything is left.
    """
    photo = found(stacks.account.client("s3"), stacks.raw_bucket, key)
    may_be_in_work = photo is not None and not _is_done(stacks, photo)
    removed = _remove(stacks, key, _stored(stacks, key))
    if may_be_in_work:
        _wait_for_the_function(stacks)
        for thing, count in _remove(stacks, key, _stored(stacks, key)).items():
            removed[thing] += count
    if left := [f"{len(names)} {thing}" for thing, names in _stored(stacks, key).items() if names]:
        raise WorkshopError(
            f"Something of {key} was stored again: {', '.join(left)}.",
            f"Run it again: {stacks.account.command('forget', key)}",
        )
    return removed


def _is_done(stacks: Stacks, photo: Photo) -> bool:
    try:
        return result_of(stacks, photo) is not None
    except UnreadableResult:
        return True


def _wait_for_the_function(stacks: Stacks) -> None:
    """Wait while the function has photos in hand, for as long as it may take for one."""
    until = time.monotonic() + FUNCTION_ENDS
    with err.status("") as status:
        while messages_in(stacks.account, stacks.inbox_url).in_work and time.monotonic() < until:
            left = until - time.monotonic()
            status.update(f"The function may be working on this photo; waiting {left:.0f} s at most")
            time.sleep(1)


def _stored(stacks: Stacks, key: str) -> dict[str, list[str]]:
    """What AWS has of this photo, in the order of its removal.

    Version IDs in the raw bucket, delete markers included; face IDs; keys in the processed bucket. The key alone
    finds them, also when the photo has expired.
    """
    s3: S3Client = stacks.account.client("s3")
    versions = [
        version["VersionId"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=stacks.raw_bucket, Prefix=key)
        for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        if version["Key"] == key
    ]
    pictures, results = (
        [item["Key"] for page in pages for item in page.get("Contents", [])]
        for pages in (
            s3.get_paginator("list_objects_v2").paginate(Bucket=stacks.processed_bucket, Prefix=folder, Delimiter="/")
            for folder in (pictures_folder(key), results_folder(key))
        )
    )
    return {"photo": versions, "faces": _faces(stacks, key), "picture": pictures, "result": results}


def _remove(stacks: Stacks, key: str, stored: dict[str, list[str]]) -> dict[str, int]:
    """Remove all that is stored and say how many of each there were.

    The photo goes first: a function that works on it sees that it is gone.
    """
    s3: S3Client = stacks.account.client("s3")
    for version in stored["photo"]:
        s3.delete_object(Bucket=stacks.raw_bucket, Key=key, VersionId=version)
    for start in range(0, len(stored["faces"]), 1000):
        stacks.account.client("rekognition").delete_faces(
            CollectionId=stacks.collection_id, FaceIds=stored["faces"][start : start + 1000]
        )
    for made in (*stored["picture"], *stored["result"]):
        s3.delete_object(Bucket=stacks.processed_bucket, Key=made)
    return {thing: len(names) for thing, names in stored.items()}


def _faces(stacks: Stacks, key: str) -> list[str]:
    rekognition: RekognitionClient = stacks.account.client("rekognition")
    beginning = filed_under(stacks.raw_bucket, key)
    try:
        return [
            face["FaceId"]
            for page in rekognition.get_paginator("list_faces").paginate(CollectionId=stacks.collection_id)
            for face in page["Faces"]
            if face.get("ExternalImageId", "").startswith(beginning)
        ]
    except rekognition.exceptions.ResourceNotFoundException:
        return []


def _said(thing: str, count: int) -> str:
    if thing == "faces":
        return f"{counted(count, 'face')} removed from the collection" if count else "no faces in the collection"
    return f"{thing} removed" if count else f"no {thing} was there"
