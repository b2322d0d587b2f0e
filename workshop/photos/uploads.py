"""Uploads photos to the raw bucket: prepares each one, shows the progress, and says what happened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.photo import LONGEST_KEY, Photo
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from workshop.aws.account import Account
from workshop.photos.keys import digest_of
from workshop.photos.preparing import prepare
from workshop.photos.raw_bucket import put
from workshop.photos.sources import Source, expand_folders, read
from workshop.terminal.console import err, plain
from workshop.terminal.errors import Interrupted, WorkshopError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WITH_PROGRESS_BAR = 1_000_000
"""Bytes. A smaller upload is done before a progress bar could be read."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo in the bucket. `is_new` is False if this very photo was there before."""

    name: str
    photo: Photo
    is_new: bool
    changes: tuple[str, ...]

    def in_words(self) -> str:
        """What happened, for the person who sent it."""
        notes = ", ".join(self.changes) if self.is_new else "already there"
        return f"{self.name} → {self.photo.key}" + (f" ({notes})" if notes else "")


def upload_each(account: Account, bucket: str, named: Iterable[str], *, key: str | None = None) -> Iterator[Upload]:
    """Upload files, folders, web addresses or standard input to this bucket, one after the other.

    If one of several photos cannot be sent, its error is printed and the others are still sent. A WorkshopError at the
    end counts the failures. Ctrl-C becomes an Interrupted that says how many photos arrived.
    """
    names = expand_folders(named)
    if key and len(names) > 1:
        raise WorkshopError("--key is for one photo, and these are several.", "Leave out --key, or send one photo.")
    if key and len(key.encode()) > LONGEST_KEY:
        raise WorkshopError(f"--key has {len(key.encode())} bytes; S3 allows {LONGEST_KEY}.", "Choose a shorter key.")
    if key and {".", ".."} & set(key.split("/")):
        raise WorkshopError(
            f"--key {key} has a part that is only dots.", "Links to it would not open. Choose another key."
        )
    arrived = refused = 0
    for name in names:
        try:
            upload = _upload(account, bucket, read(name), key)
        except WorkshopError as error:
            if len(names) == 1:
                raise
            error.show()
            refused += 1
        except KeyboardInterrupt:
            raise _interrupted(arrived, len(names)) from None
        else:
            arrived += 1
            yield upload
    if refused:
        were = "was" if refused == 1 else "were"
        raise WorkshopError(f"{refused} of {len(names)} photos {were} not sent; the reasons are above.")


def _interrupted(arrived: int, named: int) -> Interrupted:
    if named == 1:
        return Interrupted("Stopped before the photo arrived.")
    return Interrupted(
        f"Stopped: {arrived or 'none'} of {named} photos arrived.",
        "To go on, run the command again: what has arrived is not sent twice.",
    )


def _upload(account: Account, bucket: str, source: Source, key: str | None) -> Upload:
    prepared = prepare(source)
    s3: S3Client = account.client("s3")
    columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    quiet = len(prepared.body) < WITH_PROGRESS_BAR or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=quiet) as progress:
        task = progress.add_task(f"Sending {plain(prepared.name)[:30]}", total=len(prepared.body))
        photo, is_new = put(
            s3,
            bucket,
            key or prepared.key,
            prepared.body,
            file_digest=digest_of(source.body),
            on_sent=lambda sent: progress.update(task, completed=sent),
        )
    return Upload(prepared.name, photo, is_new, prepared.changes)
