"""Links for people without AWS: presigned links, when they really expire, and what an address answers."""

import urllib.error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit
from xml.etree import ElementTree

from annotator.photo import PICTURES

from workshop.aws.account import Account
from workshop.aws.stacks import Stacks
from workshop.aws.web import web
from workshop.terminal.errors import WorkshopError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LONGEST = timedelta(days=7)
"""SigV4 links live seven days at most (S3 user guide, "Sharing objects with presigned URLs")."""


@dataclass(frozen=True, slots=True)
class Link:
    """A presigned URL. `ends` is when it expires; `caveat` says why it may be earlier than asked for, if so.

    `file_name` is what a browser saves the object as.
    """

    url: str
    ends: datetime
    caveat: str | None = None
    file_name: str = "picture.jpg"

    @property
    def direct(self) -> str:
        """The same URL without the signature."""
        return urlunsplit(urlsplit(self.url)._replace(query=""))

    @property
    def opens_here_only(self) -> bool:
        """Whether it opens only on this computer, as the local AWS's links do."""
        host = urlsplit(self.url).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")


def link_to(account: Account, bucket: str, key: str, lives: timedelta, *, now: datetime | None = None) -> Link:
    """A link that shows this object to anyone who has it.

    A browser saves a picture under its photo's key; the last part of the picture's own key is only a version ID.
    """
    now = now or datetime.now(UTC)
    path = PurePosixPath(key)
    file_name = path.parent.name if key.startswith(PICTURES) else path.name
    s3: S3Client = account.client("s3")
    url = s3.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": key,
            # RFC 6266; percent-encoded, because S3 takes only Latin letters in the header's value.
            "ResponseContentDisposition": f"inline;filename*=UTF-8''{quote(file_name, safe='')}",
        },
        ExpiresIn=int(lives.total_seconds()),
    )
    ends = now + lives
    credentials_end = account.credentials_expire
    if credentials_end and credentials_end < ends:
        caveat = f"not {clock(ends)}, because your credentials expire then"
        return Link(url, credentials_end, caveat, file_name)
    if account.credentials_are_temporary and not credentials_end:
        return Link(url, ends, "or until your temporary credentials expire, if that is sooner", file_name)
    return Link(url, ends, None, file_name)


def what_ends_sooner(stacks: Stacks, lives: timedelta) -> str | None:
    """A warning about links that would outlive their pictures; None if the pictures live long enough.

    S3 counts whole days, to the next midnight UTC (S3 user guide, "Lifecycle configuration elements").
    """
    days = stacks.kept_for_days()
    if days is None or lives <= timedelta(days=days):
        return None
    return f"S3 deletes pictures {days} to {days + 1} days after they were made. Then the links stop working."


def answer_to_anyone(address: str) -> tuple[int, str]:
    """S3's answer to someone without AWS who opens this URL: the HTTP status and S3's error code.

    Does not read the object. Raises WorkshopError if there is no answer.
    """
    try:
        with web().open(address, timeout=10) as answer:
            return answer.status, "OK"
    except urllib.error.HTTPError as error:
        return error.code, _s3_code(error.read(16 * 2**10)) or error.reason
    except OSError as error:
        raise WorkshopError(f"{address} could not be opened: {getattr(error, 'reason', error)}.") from None


def _s3_code(body: bytes) -> str | None:
    try:
        return ElementTree.fromstring(body).findtext("Code")  # noqa: S314  (S3's answer, and bounded)
    except ElementTree.ParseError:
        return None


def in_words(link: Link) -> str:
    """Until when the link works, in this computer's time: `Works until Sun 22 Nov 21:40.`"""
    return f"Works until {clock(link.ends)}" + (f" ({link.caveat})." if link.caveat else ".")


def clock(moment: datetime) -> str:
    """The moment in this computer's time: `Sun 22 Nov 21:40`."""
    return moment.astimezone().strftime("%a %d %b %H:%M")
