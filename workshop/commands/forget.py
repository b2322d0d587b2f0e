"""Remove a photo with all its versions, its annotated picture, its result, and its faces from the collection."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from annotator.photo import filed_under, pictures_folder, results_folder

from workshop.aws.account import Account, pass_account
from workshop.aws.queues import messages_in
from workshop.aws.stacks import Stacks
from workshop.photos.raw_bucket import key_of, key_of_file, keys_in
from workshop.photos.sources import spread
from workshop.terminal.console import err, out, plain, print_json
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client

FUNCTION_ENDS = 35
"""Seconds after which the function has finished the photos that it is processing: it may take 30 for each."""

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
    keys = {said: _key_of_what_is_stored(stacks, said) for said in spread(photos)}
    removed = forget(stacks, [key for key in keys.values() if key])
    if as_json:
        nothing = dict.fromkeys(("photo", "faces", "picture", "result"), 0)
        print_json(
            [{"photo": said, "key": key, "removed": removed[key] if key else nothing} for said, key in keys.items()]
        )
        return
    for said, key in keys.items():
        if key is None:
            out.print(plain(f"{said}: {NOTHING}"), soft_wrap=True)
            continue
        out.print(plain(key), style="bold", soft_wrap=True)
        for thing, count in removed[key].items():
            out.print(f"  {_said(thing, count)}", soft_wrap=True)
        out.print("  nothing left", soft_wrap=True)


def _key_of_what_is_stored(stacks: Stacks, said: str) -> str | None:
    """The key under which anything is stored of what a person calls `said`, or None.

    First the photo that this very file or key names, even if it is hidden or expired; then the newest of that name.
    """
    own = key_of_file(said)
    candidates: list[str] = [own] if own else []
    for key in candidates + keys_in(stacks, said):
        if any(_stored(stacks, key).values()):
            return key
    return key_of(stacks, said)


def forget(stacks: Stacks, keys: Sequence[str]) -> dict[str, dict[str, int]]:
    """Remove every version of these photos and all that was made of them; the counts of what was removed, by key.

    A function that has just read a photo may still store its results. It then finds that the photo is gone and removes
    them itself. We wait until no photo is being processed, and check again. Raises WorkshopError if anything is left.
    """
    removed = {key: _remove(stacks, key) for key in keys}
    if any(counts["photo"] for counts in removed.values()):
        _wait_for_the_function(stacks)
    for key, counts in removed.items():
        for thing, count in _remove(stacks, key).items():
            counts[thing] += count
        if left := [counted(len(names), thing) for thing, names in _stored(stacks, key).items() if names]:
            raise WorkshopError(
                f"Something of {key} was stored again: {', '.join(left)}.",
                f"Run it again: {stacks.account.command('forget', key)}",
            )
    return removed


def _wait_for_the_function(stacks: Stacks) -> None:
    """Wait while the function has photos in hand, for as long as it may take for one."""
    until = time.monotonic() + FUNCTION_ENDS
    with err.status("") as status:
        while messages_in(stacks.account, stacks.inbox_url).in_work and time.monotonic() < until:
            left = until - time.monotonic()
            status.update(f"The function may be processing this photo; waiting {left:.0f} s at most")
            time.sleep(1)


def _stored(stacks: Stacks, key: str) -> dict[str, list[str]]:
    """What AWS has of this photo, in the order of its removal.

    Version IDs in the raw bucket, the current one last, so that no older one becomes current; then delete markers;
    face IDs; keys in the processed bucket. The key alone finds them, also when the photo has expired.
    """
    s3: S3Client = stacks.account.client("s3")
    pages: list[Any] = list(s3.get_paginator("list_object_versions").paginate(Bucket=stacks.raw_bucket, Prefix=key))
    photos, markers = (
        sorted((v for page in pages for v in page.get(kind, []) if v["Key"] == key), key=lambda v: bool(v["IsLatest"]))
        for kind in ("Versions", "DeleteMarkers")
    )
    pictures, results = (
        [item["Key"] for page in pages for item in page.get("Contents", [])]
        for pages in (
            s3.get_paginator("list_objects_v2").paginate(Bucket=stacks.processed_bucket, Prefix=folder, Delimiter="/")
            for folder in (pictures_folder(key), results_folder(key))
        )
    )
    return {
        "photo": [version["VersionId"] for version in photos],
        "delete marker": [marker["VersionId"] for marker in markers],
        "faces": _faces(stacks, key),
        "picture": pictures,
        "result": results,
    }


def _remove(stacks: Stacks, key: str) -> dict[str, int]:
    """Remove all that is stored of this photo; the counts of what a person knows of it.

    The photo goes first: a function that processes it sees that it is gone.
    """
    s3: S3Client = stacks.account.client("s3")
    stored = _stored(stacks, key)
    for version in (*stored["photo"], *stored.pop("delete marker")):
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
