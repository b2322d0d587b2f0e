"""Remove a photo with all its versions, its annotated picture, its result, and its faces from the collection."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import click
from annotator.photo import filed_under, pictures_folder, results_folder

from workshop.aws.account import Account, pass_account
from workshop.aws.queues import messages_in
from workshop.aws.results import keys_in, unless_deleted
from workshop.aws.stacks import Stacks
from workshop.photos.keys import name_in
from workshop.photos.raw_bucket import key_of, key_of_file, keys_named
from workshop.photos.sources import expand_folders, is_file
from workshop.terminal.console import err, out, plain, print_json, print_prose
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client

FUNCTION_ENDS = 35
"""Seconds after which the function has finished the photos that it is processing: it may take 30 for each."""

NOTHING = "nothing is stored, so there is nothing to remove."

Stored = Mapping[str, Sequence[str]]
"""What AWS has of one photo, in the order of its removal: the names or IDs of each kind of thing."""


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
    keys = _stored_keys(stacks, expand_folders(photos, all_of_them=True), named=photos)
    removed = forget(stacks, [key for key in keys.values() if key])
    _show(keys, removed, named=photos, as_json=as_json)
    unknown = [name for name, key in keys.items() if key is None and _is_unknown(name)]
    if unknown:
        raise WorkshopError(
            f"There is neither a file nor a stored photo called {', '.join(unknown)}.",
            "Check the spelling; the name is that of the file that you sent, or the key that `upload` printed.",
        )


def _show(
    keys: Mapping[str, str | None], removed: Mapping[str, Mapping[str, int]], *, named: Sequence[str], as_json: bool
) -> None:
    """Print for each name what was removed of its photo, or that nothing was stored."""
    if as_json:
        nothing = dict.fromkeys(("photo", "faces", "picture", "result"), 0)
        print_json(
            [{"photo": name, "key": key, "removed": removed[key] if key else nothing} for name, key in keys.items()]
        )
        return
    for key, counts in removed.items():
        out.print(plain(key), style="bold", soft_wrap=True)
        for thing, count in counts.items():
            out.print(f"  {_sentence(thing, count)}", soft_wrap=True)
        out.print("  nothing left", soft_wrap=True)
    not_stored = [name for name, key in keys.items() if key is None]
    in_folders = [name for name in not_stored if name not in named]
    if in_folders:
        print_prose(out, f"{counted(len(in_folders), 'file')} in the folders: {NOTHING}")
    for name in not_stored:
        if name in named and not _is_unknown(name):
            print_prose(out, plain(f"{name}: {NOTHING}"))


def _is_unknown(name: str) -> bool:
    """Whether this is neither a file here nor a key as we make them; then it was probably misspelt."""
    return not is_file(name) and name_in(name) == name


def _stored_keys(stacks: Stacks, names: Sequence[str], *, named: Sequence[str]) -> dict[str, str | None]:
    """For each name the key under which anything is stored, or None.

    First the photo that this very file or key names, even if it is hidden or expired. Then the newest of that name, but
    only if it was `named`: a file in a folder may share its name with another person's photo.
    """
    own = {name: list(filter(None, [key_of_file(name), *keys_named(stacks, name)])) for name in names}
    stored = _stored(stacks, {key for keys in own.values() for key in keys})

    def key_of_name(name: str) -> str | None:
        key = next((key for key in own[name] if any(stored[key].values())), None)
        return key or (key_of(stacks, name) if name in named else None)

    return dict(zip(names, _in_parallel(key_of_name, names), strict=True))


def forget(stacks: Stacks, keys: Sequence[str]) -> dict[str, dict[str, int]]:
    """Remove every version of these photos and all that was made of them; the counts of what was removed, by key.

    A function that has just read a photo may still store its results. It then finds that the photo is gone and removes
    them itself. We wait until no photo is being processed, and check again. Raises WorkshopError if anything is left.
    """
    removed = _remove(stacks, keys)
    if any(counts["photo"] for counts in removed.values()):
        _wait_for_the_function(stacks)
    for key, counts in _remove(stacks, keys).items():
        for thing, count in counts.items():
            removed[key][thing] += count
    for key, stored in _stored(stacks, keys).items():
        if left := [counted(len(names), thing) for thing, names in stored.items() if names]:
            raise WorkshopError(
                f"Something of {key} was stored again: {', '.join(left)}.",
                f"Run it again: {stacks.account.command('forget', key)}",
            )
    return removed


def _wait_for_the_function(stacks: Stacks) -> None:
    """Wait while the function is processing photos, for as long as it may take for one."""
    until = time.monotonic() + FUNCTION_ENDS
    with err.status("") as status:
        while messages_in(stacks.account, stacks.inbox_url).in_work and time.monotonic() < until:
            left = until - time.monotonic()
            status.update(f"The function may be processing this photo; waiting {left:.0f} s at most")
            time.sleep(1)


def _remove(stacks: Stacks, keys: Iterable[str]) -> dict[str, dict[str, int]]:
    """Remove all that is stored of these photos; the counts of what a person knows of each.

    A photo goes before its picture and result: a function that processes it sees that it is gone.
    """
    s3: S3Client = stacks.account.client("s3")
    stored = _stored(stacks, keys)

    def remove(key: str) -> dict[str, int]:
        things = dict(stored[key])
        for version in (*things["photo"], *things.pop("delete marker")):
            s3.delete_object(Bucket=stacks.raw_bucket, Key=key, VersionId=version)
        for start in range(0, len(things["faces"]), 1000):
            stacks.account.client("rekognition").delete_faces(
                CollectionId=stacks.collection_id, FaceIds=list(things["faces"][start : start + 1000])
            )
        for made in (*things["picture"], *things.pop("decision"), *things["result"]):
            s3.delete_object(Bucket=stacks.processed_bucket, Key=made)
        return {thing: len(names) for thing, names in things.items()}

    return dict(zip(stored, _in_parallel(remove, stored), strict=True))


def _stored(stacks: Stacks, keys: Iterable[str]) -> dict[str, Stored]:
    """What AWS has of each of these photos. The key alone finds it, also when the photo has expired."""
    keys = list(dict.fromkeys(keys))
    faces = _faces(stacks) if keys else {}
    s3: S3Client = stacks.account.client("s3")

    def stored(key: str) -> Stored:
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=stacks.raw_bucket, Prefix=key)
        versions = list(unless_deleted(pages))
        # The current version last, so that no older one becomes current.
        photos, markers = (
            sorted(
                (version for page in versions for version in page.get(kind, []) if version["Key"] == key),
                key=lambda version: bool(version["IsLatest"]),
            )
            for kind in ("Versions", "DeleteMarkers")
        )
        pictures = keys_in(stacks, pictures_folder(key))
        return {
            "photo": [version["VersionId"] for version in photos],
            "delete marker": [marker["VersionId"] for marker in markers],
            "faces": faces.get(filed_under(stacks.raw_bucket, key), []),
            "picture": [name for name in pictures if name.endswith(".jpg")],
            "decision": [name for name in pictures if not name.endswith(".jpg")],  # about a guest's picture
            "result": keys_in(stacks, results_folder(key)),
        }

    return dict(zip(keys, _in_parallel(stored, keys), strict=True))


def _faces(stacks: Stacks) -> dict[str, list[str]]:
    """The IDs of all faces in the collection, by what `filed_under` says of their photo."""
    rekognition: RekognitionClient = stacks.account.client("rekognition")
    digits = len(filed_under("", ""))
    faces = defaultdict(list)
    try:
        for page in rekognition.get_paginator("list_faces").paginate(CollectionId=stacks.collection_id):
            for face in page["Faces"]:
                faces[face.get("ExternalImageId", "")[:digits]].append(face["FaceId"])
    except rekognition.exceptions.ResourceNotFoundException:
        return {}
    return faces


Answer = TypeVar("Answer")


def _in_parallel(ask: Callable[[str], Answer], names: Iterable[str]) -> list[Answer]:
    """The answers in the order of the names; AWS is asked about eight photos at a time."""
    with ThreadPoolExecutor(max_workers=8) as threads:
        return list(threads.map(ask, names))


def _sentence(thing: str, count: int) -> str:
    if thing == "faces":
        return f"{counted(count, 'face')} removed from the collection" if count else "no faces in the collection"
    return f"{thing} removed" if count else f"no {thing} was there"
