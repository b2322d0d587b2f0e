"""Step 4: a link that shows the annotated picture to somebody without AWS."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len

from workshop.account import Account, pass_account, quoted
from workshop.console import err, out, plain
from workshop.durations import Duration
from workshop.errors import WorkshopError
from workshop.links import LONGEST, Link, answer_without_signature, in_words, link_to, qr_code, what_ends_sooner
from workshop.raw_bucket import found, key_of
from workshop.results import latest_result
from workshop.stacks import Stacks

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@click.command("url")
@click.argument("photo", required=False)
@click.option("-i", "--image", help="The same as PHOTO.")
@click.option("-b", "--bucket", help="The bucket to look in; your stack's processed bucket by default.")
@click.option(
    "--expires", type=Duration(LONGEST), default="1h", show_default=True, help="How long the link works: 15m, 2h, 7d."
)
@click.option("--qr/--no-qr", default=True, help="Show the link as a QR code as well (on a terminal).")
@click.option("--json", "as_json", is_flag=True, help="The link and its end as JSON.")
@pass_account
def command(
    account: Account,
    photo: str | None,
    image: str | None,
    bucket: str | None,
    expires: timedelta,
    qr: bool,
    as_json: bool,
) -> None:
    """Make a link to a photo's annotated picture.

    \b
      python -m workshop url selfie.jpg
      python -m workshop url selfie.jpg --expires 15m

    PHOTO is the file you sent or its key. First the direct address is tried, which S3 refuses: the bucket is private.
    Then the presigned link: whoever has it sees the picture, until it ends.
    """
    wanted = photo or image
    if not wanted:
        raise click.UsageError("Which photo? For instance: python -m workshop url selfie.jpg")
    sooner = None
    if bucket:
        key = _existing(account, bucket, wanted)
    else:
        stacks = Stacks.of(account)
        bucket, key = picture_of(stacks, wanted)
        sooner = what_ends_sooner(stacks, expires)
    link = link_to(account, bucket, key, expires)
    status, code = answer_without_signature(link.direct)
    if as_json:
        answer = {"url": link.url, "ends": link.ends.isoformat(), "caveat": link.caveat, "bucket": bucket, "key": key}
        click.echo(json.dumps(answer | {"direct": {"url": link.direct, "status": status, "code": code}}, indent=1))
    else:
        err.print("The direct address:", style="bold")
        err.print(plain(link.direct), soft_wrap=True)
        err.print(f"{status} {code}", style="green" if status == 403 else "bold red")
        err.print("\nThe presigned link:", style="bold")
        show(link, qr=qr)
    if sooner:
        err.print(sooner, style="dim", soft_wrap=True)
    if status != 403:
        raise WorkshopError(
            f"The direct address answered {status} {code} and not 403 AccessDenied, as it does for a private bucket.",
            f"If it shows the picture, {bucket} is public: remove whatever made it so." if status == 200 else None,
        )


def picture_of(stacks: Stacks, photo: str) -> tuple[str, str]:
    """The bucket and key of a photo's annotated picture; raises WorkshopError when there is none."""
    key = key_of(stacks, photo)
    result = latest_result(stacks, key) if key else None
    if key is None:
        raise WorkshopError(
            f"There is no photo called {photo}.", f"Send it first: {stacks.account.command('send', photo)}"
        )
    if result is None:
        raise WorkshopError(f"{key} has no annotated picture yet.", f"To see why: {stacks.account.command('why', key)}")
    if result.picture is None:
        raise WorkshopError(f"{key} was refused, so there is no picture: {result.reason}")
    return result.picture.bucket, result.picture.key


def _existing(account: Account, bucket: str, key: str) -> str:
    s3: S3Client = account.client("s3")
    if found(s3, bucket, key) is None:
        raise WorkshopError(
            f"There is no {key} in {bucket}.", f"What is there: aws s3 ls {quoted(f's3://{bucket}')} --recursive"
        )
    return key


def show(link: Link, *, qr: bool) -> None:
    """The link on stdout, alone when piped; until when it works on stderr; the QR code only for eyes."""
    click.echo(link.url)
    err.print(in_words(link), style="dim", soft_wrap=True)
    if not qr or not out.is_terminal:
        return
    if link.opens_here_only:
        err.print("This link opens on this computer only, so there is no QR code.", style="dim")
        return
    try:
        code = qr_code(link.url)
    except ValueError:  # 2,953 bytes are the most (ISO/IEC 18004); a session's token may have more
        err.print("This link is too long for a QR code.", style="dim")
        return
    columns, rows = cell_len(code.plain.partition("\n")[0]), code.plain.count("\n") + 1
    fits = columns <= out.width
    if fits:
        out.print(code)
    if not fits or rows >= out.height:
        err.print(
            f"The QR code needs {columns} columns and {rows + 1} lines, this window has {out.width} and {out.height}: "
            f"make the window larger{'' if fits else ' and ask again'}, or its letters smaller.",
            style="dim",
        )
