"""Steps 2 and 5 in one: upload, wait for the function, show the faces and where the picture is."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click
from annotator.photo import Photo
from annotator.result import Result

from workshop.aws.account import Account, pass_account
from workshop.aws.links import LONGEST, link_to, what_ends_sooner
from workshop.aws.results import result_of, wait_for_result
from workshop.aws.stacks import Stacks
from workshop.checks.diagnosis import diagnose
from workshop.photos.consent import inform_once
from workshop.photos.raw_bucket import found
from workshop.photos.uploads import Upload, upload_each
from workshop.show.faces_table import faces_table
from workshop.show.link import show_pictures
from workshop.terminal.console import err, out, plain, print_json, print_prose, print_table
from workshop.terminal.counting import counted
from workshop.terminal.durations import Duration
from workshop.terminal.errors import Interrupted, WorkshopError


def _number(ctx: click.Context, param: click.Parameter, value: float) -> float:  # noqa: ARG001  (click's signature)
    if math.isnan(value):  # FloatRange accepts it, because no comparison with it is true
        raise click.BadParameter("nan is not a number of seconds.")
    return value


@click.command("send")
@click.argument("photos", metavar="PHOTO...", nargs=-1)
@click.option("-i", "--image", multiple=True, help="The same as PHOTO.")
@click.option("--key", help="The photo's key in the bucket; by default from its name and content.")
@click.option(
    "--wait",
    type=click.FloatRange(1, 900),
    callback=_number,
    default=120,
    show_default=True,
    help="The most seconds to wait for the next result.",
)
@click.option(
    "--expires", type=Duration(LONGEST), default="1h", show_default=True, help="How long the link works: 15m, 2h, 7d."
)
@click.option("--qr/--no-qr", default=True, help="Show a QR code, too (on a terminal, for one photo).")
@click.option("--json", "as_json", is_flag=True, help="The results and links as JSON.")
@pass_account
def command(
    account: Account,
    photos: tuple[str, ...],
    image: tuple[str, ...],
    key: str | None,
    wait: float,
    expires: timedelta,
    qr: bool,
    as_json: bool,
) -> None:
    """Send photos and see what Rekognition reads in the faces.

    \b
      emotions send selfie.heic
      emotions send holiday/ --expires 1d

    PHOTO is a file, a folder, a web address, or - for standard input. How a face looks is not how a person feels.
    """
    named = photos + image
    if not named:
        raise click.UsageError("Which photo? For instance: emotions send selfie.jpg")
    stacks = Stacks.of(account)
    stacks.require_function()
    inform_once(stacks)
    uploads: list[Upload] = []
    results: list[Result] = []
    refusal: WorkshopError | None = None
    stopped: Interrupted | None = None
    try:
        refusal = _upload(stacks, named, key, uploads)
        _wait(stacks, uploads, wait, results)
    except Interrupted as during_the_upload:
        stopped = during_the_upload
    except KeyboardInterrupt:
        stopped = Interrupted("Stopped waiting.")
    links = {
        result.raw.key: link_to(account, result.picture.bucket, result.picture.key, expires)
        for result in results
        if result.picture
    }
    if as_json:
        answers: list[dict[str, Any]] = [
            result.to_document() | {"url": links[result.raw.key].url if result.raw.key in links else None}
            for result in results
        ]
        print_json(answers)
    elif results:
        print_table(faces_table(results, out.width))
        if links:
            show_pictures(account, links, qr=qr)
    if links and (sooner := what_ends_sooner(stacks, expires)):
        print_prose(err, sooner, "dim")
    done = {result.raw.key for result in results}
    unfinished = [upload.photo for upload in uploads if upload.photo.key not in done]
    if stopped:
        raise _with_what_is_left(account, stopped, unfinished)
    _raise_for(stacks, unfinished, results)
    if refusal:
        raise refusal


def _upload(stacks: Stacks, named: tuple[str, ...], key: str | None, uploads: list[Upload]) -> WorkshopError | None:
    """Upload all photos into `uploads`. If some cannot be sent, answer with the error after the others."""
    try:
        for upload in upload_each(stacks.account, stacks.raw_bucket, named, key=key):
            print_prose(err, plain(upload.in_words()))
            uploads.append(upload)
    except WorkshopError as error:
        if not uploads or isinstance(error, Interrupted):
            raise
        return error
    return None


def _wait(stacks: Stacks, uploads: list[Upload], seconds: float, results: list[Result]) -> None:
    """Collect the results in `results`, waiting at most so many seconds for each.

    If one is late, the photos after it are only looked at: what delays it delays them, or they are done already.
    """
    with err.status("") as status:
        for number, upload in enumerate(uploads, 1):
            of_all = f"{number} of {len(uploads)}, " if len(uploads) > 1 else ""

            def show_wait(waited: float, of_all: str = of_all) -> None:
                starting = "; the first photo starts the function" if waited > 8 else ""
                status.update(f"Waiting for the function: {of_all}{waited:.0f} s{starting}")

            result = None if upload.is_new else result_of(stacks, upload.photo)
            if result:
                print_prose(err, plain(f"{upload.photo.key} already has a result: nothing to wait for."), "dim")
            else:
                show_wait(0)
                result = wait_for_result(stacks, upload.photo, seconds=seconds, on_wait=show_wait)
            if result:
                results.append(result)
            else:
                seconds = 0


def _with_what_is_left(account: Account, stopped: Interrupted, photos: Sequence[Photo]) -> Interrupted:
    """The error for Ctrl-C, with the photos in the bucket that were not waited for."""
    if not photos:
        return stopped
    keys = [photo.key for photo in photos]
    one = len(keys) == 1
    hints = (
        stopped.hint,
        f"How {'it' if one else 'each'} went: {account.command('why', *keys) if one else account.command('why PHOTO')}",
        f"To remove {'it' if one else 'them'}: {account.command('forget', *keys)}",
    )
    return Interrupted(
        f"{stopped.message} The function goes on with {counted(len(keys), 'photo')} in the bucket.",
        "\n".join(filter(None, hints)),
    )


def _raise_for(stacks: Stacks, unfinished: Sequence[Photo], results: Sequence[Result]) -> None:
    """Raise WorkshopError if a photo has no result, or was refused."""
    for photo in unfinished:
        current = found(stacks.account.client("s3"), photo.bucket, photo.key)
        if current is None or current.version_id != photo.version_id:
            raise WorkshopError(
                f"{photo.key} was {'replaced' if current else 'deleted'} in the bucket after this command uploaded it, "
                "so the function makes no picture of it.",
                f"How the newer one went: {stacks.account.command('why', photo.key)}" if current else None,
            )
        diagnosis = diagnose(stacks, photo.key)
        raise WorkshopError(diagnosis.sentence, diagnosis.next_step)
    for result in results:
        if result.status == "rejected":
            raise WorkshopError(f"{result.raw.key} was refused: {result.reason}", "Send another photo.")
