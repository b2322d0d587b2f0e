"""Photos on their way to the raw bucket: prepared, announced once, sent with a progress bar, each with its outcome."""

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
from workshop.terminal.errors import WorkshopError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WORTH_A_BAR = 1_000_000
"""Bytes from which on a progress bar is more help than noise."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One photo that is in the bucket now; `is_new` is False when exactly it was there already."""

    name: str
    photo: Photo
    is_new: bool
    changes: tuple[str, ...]

    def in_words(self) -> str:
        """What happened, for the person who sent it."""
        notes = ", ".join(self.changes) if self.is_new else "was there already"
        return f"{self.name} → {self.photo.key}" + (f" ({notes})" if notes else "")


def upload_each(account: Account, bucket: str, named: Iterable[str], *, key: str | None = None) -> Iterator[Upload]:
    """Send files, folders, addresses or standard input to this bucket, one after the other.

    One bad photo among several is named on stderr and the others still go; a WorkshopError at the end counts them.
    """
    names = expand_folders(named)
    if key and len(names) > 1:
        raise WorkshopError("--key names one photo, and here are several.", "Leave out --key, or send one photo.")
    if key and len(key.encode()) > LONGEST_KEY:
        raise WorkshopError(f"--key has {len(key.encode())} bytes.", f"S3 takes {LONGEST_KEY} at most; choose another.")
    if key and {".", ".."} & set(key.split("/")):
        raise WorkshopError(f"--key {key} has a part that is only dots.", "Links to it would not open; choose another.")
    refused = 0
    for name in names:
        try:
            yield _upload(account, bucket, read(name), key)
        except WorkshopError as error:
            if len(names) == 1:
                raise
            error.show()
            refused += 1
    if refused:
        raise WorkshopError(f"{refused} of {len(names)} photos were not sent; the reasons are above.")


def _upload(account: Account, bucket: str, source: Source, key: str | None) -> Upload:
    prepared = prepare(source)
    s3: S3Client = account.client("s3")
    columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    quiet = len(prepared.body) < WORTH_A_BAR or not err.is_terminal
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
