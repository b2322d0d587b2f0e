"""Step 2: send photos to the raw bucket."""

from dataclasses import asdict

import click
from botocore.exceptions import ClientError

from workshop.aws.account import Account, pass_account
from workshop.aws.results import result_of
from workshop.aws.stacks import Stacks
from workshop.photos.consent import inform_once
from workshop.photos.uploads import upload_each
from workshop.terminal.console import err, out, plain, plain_lines, print_json, print_prose
from workshop.terminal.errors import WorkshopError, code_of


@click.command("upload")
@click.argument("photos", metavar="PHOTO...", nargs=-1)
@click.option("-i", "--image", multiple=True, help="The same as PHOTO.")
@click.option("-b", "--bucket", help="A bucket other than your stack's raw bucket.")
@click.option("--key", help="The photo's key in the bucket; by default from its name and content.")
@click.option("--json", "as_json", is_flag=True, help="What was sent, as JSON.")
@pass_account
def command(
    account: Account,
    photos: tuple[str, ...],
    image: tuple[str, ...],
    bucket: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Send photos to your raw bucket.

    \b
      emotions upload selfie.heic
      emotions upload holiday/ https://example.com/team.jpg
      curl -s https://example.com/team.jpg | emotions upload -

    PHOTO is a file, a folder, a web address, or - for standard input. A photo is uploaded as an
    upright JPEG of at most 15 MB, without location and camera details. It never overwrites another photo.
    """
    named = photos + image
    if not named:
        raise click.UsageError("Which photo? For instance: emotions upload selfie.jpg")
    stacks = None
    if bucket is None:
        stacks = Stacks.of(account)
        inform_once(stacks)
        bucket = stacks.raw_bucket
    sent = []
    try:
        for upload in upload_each(account, bucket, named, key=key):
            sent.append(upload)
            if not as_json:
                print_prose(out, plain(upload.in_words()))
    except ClientError as error:
        if stacks is None and code_of(error) == "NoSuchBucket":
            raise WorkshopError(f"There is no bucket {bucket}.", "Leave out --bucket to use your own.") from error
        raise
    finally:
        if as_json:
            print_json([asdict(upload) for upload in sent])
    if stacks is None or as_json:
        return
    photo = sent[-1].photo
    try:
        command = "why" if result_of(stacks, photo) else "index"
    except ClientError as error:
        if code_of(error) != "NoSuchBucket":
            raise
        raise WorkshopError(
            f"The photo arrived, but the bucket for its picture and result, {stacks.processed_bucket}, was deleted.",
            f"To see what to do: {account.command('check')}",
        ) from error
    print_prose(err, plain_lines(f"\nNext: {account.command(command, photo.key)}"), "dim")
