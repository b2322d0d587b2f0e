"""Steps 2, 5 and 4 in one: upload, wait for the function, see the faces, get the link."""

import math
from datetime import timedelta
from typing import Any

import click
from annotator.result import Result

from workshop.aws.account import Account, pass_account
from workshop.aws.links import LONGEST, link_to, what_ends_sooner
from workshop.aws.results import wait_for_result
from workshop.aws.stacks import Stacks
from workshop.checks.diagnosis import diagnose
from workshop.photos.consent import inform_once
from workshop.photos.uploads import Upload, upload_each
from workshop.show.faces_table import faces_table
from workshop.show.link import show
from workshop.terminal.console import err, out, plain, print_json, print_table
from workshop.terminal.durations import Duration
from workshop.terminal.errors import Interrupted, WorkshopError


def _number(ctx: click.Context, param: click.Parameter, value: float) -> float:  # noqa: ARG001  (click's signature)
    if math.isnan(value):  # which is in no range, and out of none
        raise click.BadParameter("nan is not a number of seconds.")
    return value


@click.command("send")
@click.argument("photos", metavar="PHOTO...", nargs=-1)
@click.option("-i", "--image", multiple=True, help="The same as PHOTO.")
@click.option("--key", help="The photo's key in the bucket, instead of one made from its name and content.")
@click.option(
    "--wait",
    type=click.FloatRange(1, 900),
    callback=_number,
    default=120,
    show_default=True,
    help="Seconds to wait at most for the next photo to be done.",
)
@click.option(
    "--expires", type=Duration(LONGEST), default="1h", show_default=True, help="How long the link works: 15m, 2h, 7d."
)
@click.option("--qr/--no-qr", default=True, help="Show the link as a QR code as well (on a terminal).")
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
    uploads, refusal = _upload(stacks, named, key)
    results = _wait(stacks, uploads, wait)
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
    else:
        print_table(faces_table(results, out.width))
        for name, link in links.items():
            err.print()
            err.print(plain(name), style="bold", soft_wrap=True)
            show(link, qr=qr and len(links) == 1)
    if links and (sooner := what_ends_sooner(stacks, expires)):
        err.print(sooner, style="dim", soft_wrap=True)
    _tell_the_rest(stacks, uploads, results)
    if refusal:
        raise refusal


def _upload(stacks: Stacks, named: tuple[str, ...], key: str | None) -> tuple[list[Upload], WorkshopError | None]:
    """Send them all; photos that cannot be sent do not keep the others from being waited for."""
    uploads = []
    try:
        for upload in upload_each(stacks.account, stacks.raw_bucket, named, key=key):
            err.print(plain(upload.in_words()), soft_wrap=True)
            uploads.append(upload)
    except WorkshopError as error:
        if not uploads:
            raise
        return uploads, error
    return uploads, None


def _wait(stacks: Stacks, uploads: list[Upload], seconds: float) -> list[Result]:
    results: list[Result] = []
    with err.status("") as status:
        for number, upload in enumerate(uploads, 1):
            of_all = f"{number} of {len(uploads)}, " if len(uploads) > 1 else ""

            def say(waited: float, of_all: str = of_all) -> None:
                starting = "; the first photo starts the function" if waited > 8 else ""
                status.update(f"Waiting for the function: {of_all}{waited:.0f} s{starting}")

            say(0)
            try:
                result = wait_for_result(stacks, upload.photo, seconds=seconds, on_wait=say)
            except KeyboardInterrupt:
                key = upload.photo.key
                raise Interrupted(
                    "Stopped waiting. The photo is in the bucket, and the function goes on with it.",
                    f"How it went: {stacks.account.command('why', key)}\n"
                    f"To remove it: {stacks.account.command('forget', key)}",
                ) from None
            if result is not None:
                results.append(result)
            else:
                seconds = 0  # what is wrong with this one is wrong with those behind it, or they are done
    return results


def _tell_the_rest(stacks: Stacks, uploads: list[Upload], results: list[Result]) -> None:
    """Raise WorkshopError when a photo was refused by the function, or has no result yet."""
    refused = [result for result in results if result.status == "rejected"]
    done = {result.raw.key for result in results}
    late = [upload.photo.key for upload in uploads if upload.photo.key not in done]
    if late:
        diagnosis = diagnose(stacks, late[0])
        raise WorkshopError(diagnosis.sentence, diagnosis.next_step)
    if refused:
        raise WorkshopError(f"{refused[0].raw.key} was refused: {refused[0].reason}", "Send another photo.")
