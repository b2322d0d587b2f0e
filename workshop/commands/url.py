"""Step 4: a link that shows the annotated picture to people without AWS."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from workshop.aws.account import Account, pass_account, quoted
from workshop.aws.links import LONGEST, answer_to_anyone, link_to, what_ends_sooner
from workshop.aws.results import latest_result, result_of
from workshop.aws.stacks import Stacks
from workshop.photos.raw_bucket import found, how_to_send, key_of
from workshop.show.link import show
from workshop.terminal.console import err, plain, print_prose
from workshop.terminal.durations import Duration
from workshop.terminal.errors import WorkshopError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@click.command("url")
@click.argument("photo", required=False)
@click.option("-i", "--image", help="The same as PHOTO.")
@click.option("-b", "--bucket", help="The bucket to look in; your stack's processed bucket by default.")
@click.option(
    "--expires", type=Duration(LONGEST), default="1h", show_default=True, help="How long the link works: 15m, 2h, 7d."
)
@click.option("--qr/--no-qr", default=True, help="Show a QR code, too; a PNG file if the window is small.")
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
      emotions url selfie.jpg
      emotions url selfie.jpg --expires 15m

    PHOTO is the file you sent or its key. The command first tries the picture's direct address, which S3 refuses
    because the bucket is private. Then it prints a presigned link: anyone who has it can see the picture until it ends.
    """
    name = photo or image
    if not name:
        raise click.UsageError("Which photo? For instance: emotions url selfie.jpg")
    sooner = None
    if bucket:
        key = _existing(account, bucket, name)
    else:
        stacks = Stacks.of(account)
        bucket, key = picture_of(stacks, name)
        sooner = what_ends_sooner(stacks, expires)
    link = link_to(account, bucket, key, expires)
    status, code = answer_to_anyone(link.direct)
    if as_json:
        answer = {"url": link.url, "ends": link.ends.isoformat(), "caveat": link.caveat, "bucket": bucket, "key": key}
        click.echo(json.dumps(answer | {"direct": {"url": link.direct, "status": status, "code": code}}, indent=1))
    else:
        err.print("The direct address:", style="bold")
        err.print(plain(link.direct), soft_wrap=True)
        if status == 403:
            print_prose(err, f"{status} {code}, as it should be: the bucket is private.", "green")
        else:
            err.print(f"{status} {code}", style="bold red")
        err.print("\nThe presigned link:", style="bold")
        show(link, qr=qr)
    if sooner:
        print_prose(err, sooner, "dim")
    if status != 403:
        raise WorkshopError(
            f"The direct address answered {status} {code} and not 403 AccessDenied, as it does for a private bucket.",
            f"If it shows the picture, {bucket} is public: remove whatever made it so." if status == 200 else None,
        )


def picture_of(stacks: Stacks, photo: str) -> tuple[str, str]:
    """The bucket and key of a photo's annotated picture; raises WorkshopError when there is none."""
    key = key_of(stacks, photo)
    if key is None:
        raise WorkshopError(f"There is no photo called {photo} in your bucket.", how_to_send(stacks, photo))
    current = found(stacks.account.client("s3"), stacks.raw_bucket, key)
    result = result_of(stacks, current) if current else latest_result(stacks, key)
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
