"""Step 3: index a photo's faces from here, with the function's own code and no function."""

from textwrap import wrap
from typing import TYPE_CHECKING

import click
from annotator.cloud import Cloud, NoAnswer
from annotator.drawing.words import looks, reason
from annotator.faces import Face, Judgement
from annotator.photo import Photo
from annotator.result import Result
from annotator.workflow import annotate

from workshop.aws.account import Account, pass_account
from workshop.aws.results import result_of
from workshop.aws.stacks import Stacks
from workshop.photos.consent import inform_once
from workshop.photos.raw_bucket import UNVERSIONED, found, key_of
from workshop.photos.sources import path_of
from workshop.photos.uploads import upload_each
from workshop.terminal.console import err, out, plain, plain_lines, print_json, print_prose
from workshop.terminal.errors import WorkshopError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@click.command("index")
@click.argument("photo", required=False)
@click.option("-i", "--image", help="The same as PHOTO.")
@click.option(
    "--long-edge",
    type=click.IntRange(0),
    default=2048,
    show_default=True,
    help="Pixels of the picture's longer edge; 0 keeps the size.",
)
@click.option("--json", "as_json", is_flag=True, help="The result document.")
@pass_account
def command(account: Account, photo: str | None, image: str | None, long_edge: int, as_json: bool) -> None:
    """Index the faces in a photo and draw them.

    \b
      emotions index selfie.jpg

    PHOTO is a key in your raw bucket, or a file or web address, which is then sent there first. Rekognition adds each
    face to your collection; the annotated picture and the result go to the processed bucket. How a face looks is not
    how a person feels.
    """
    name = photo or image
    if not name:
        raise click.UsageError("Which photo? For instance: emotions index selfie.jpg")
    stacks = Stacks.of(account)
    raw = _in_the_raw_bucket(stacks, name)
    result = result_of(stacks, raw)
    if result:
        print_prose(err, plain(f"{raw.key} already has a result, so Rekognition is not asked again."), "dim")
    else:
        with err.status("Rekognition is looking for faces …"):
            result = index(stacks, raw, long_edge)
    if as_json:
        print_json(result.to_document())
    else:
        _print(result)
    if result.status == "rejected":
        raise WorkshopError(f"{raw.key} was refused: {result.reason}", "Send another photo.")
    print_prose(err, plain_lines(f"\nNext: {account.command('url', raw.key)}"), "dim")


def index(stacks: Stacks, photo: Photo, long_edge: int) -> Result:
    """The same result as the function's, made on this computer. An existing result is kept."""
    account = stacks.account
    if photo.version_id == UNVERSIONED:
        raise WorkshopError(
            f"{photo.key} has no version: it was uploaded before your raw bucket kept any.",
            f"Deploy again: {account.cdk('deploy Foundation')}\nThen remove the photo ("
            f"{account.command('forget', photo.key)}) and send it again.",
        )
    cloud = Cloud(
        account.client("s3"),
        account.client("rekognition"),
        processed_bucket=stacks.processed_bucket,
        collection_id=stacks.collection_id,
    )
    try:
        annotate(photo, cloud, long_edge)
    except NoAnswer as error:
        raise WorkshopError(f"{error}.", "Try again in a minute.") from None
    result = result_of(stacks, photo)
    if result is None:
        raise WorkshopError(
            f"{photo.key} was deleted or replaced in the meantime.",
            f"To see which: {account.command('why', photo.key)}",
        )
    return result


def _in_the_raw_bucket(stacks: Stacks, name: str) -> Photo:
    """The photo of this name; a file, a web address or standard input is uploaded first."""
    path = path_of(name)
    if name == "-" or "://" in name.removeprefix("s3://") or (path and path.exists()):
        inform_once(stacks)
        photo = None
        for upload in upload_each(stacks.account, stacks.raw_bucket, [name]):
            if photo:
                raise WorkshopError(f"{name} has several photos.", "Index them one by one, or use `send`.")
            photo = upload.photo
            print_prose(err, plain(upload.in_words()))
    else:
        s3: S3Client = stacks.account.client("s3")
        key = key_of(stacks, name)
        photo = found(s3, stacks.raw_bucket, key) if key else None
    if photo is None:
        raise WorkshopError(
            f"There is no photo {name}, neither here nor in your raw bucket.", "Check the spelling, or upload it."
        )
    return photo


def _print(result: Result) -> None:
    out.print(plain(result.raw.key), style="bold", soft_wrap=True)
    if not result.faces:
        print_prose(out, "No face found." if result.status == "no_face" else plain(result.reason))
    for number, face in enumerate(result.faces, 1):
        out.print()
        for name, value in (("Face", str(number)), *_attributes(face)):
            lines = wrap(plain(value), max(out.width - 10, 20))
            # `wrap` leaves together what a no-break space joins.
            out.print(f"{name:<10}" + f"\n{'':10}".join(lines).replace("\N{NO-BREAK SPACE}", " "), soft_wrap=True)
    if result.picture:
        out.print(f"\nPicture   {result.picture.width} x {result.picture.height} pixels", soft_wrap=True)


def _attributes(face: Face) -> list[tuple[str, str]]:
    likely = [emotion for emotion in face.emotions if emotion.confidence >= 1] or face.emotions[:1]
    return [
        ("Id", face.face_id or f"none, not indexed: {reason(face) or 'no reason given'}"),
        (
            "Looks",
            ", ".join(f"{looks(e.type)}\N{NO-BREAK SPACE}{_percent(e.confidence)}" for e in likely) or "-",
        ),
        ("Smile", _judged(face.smile)),
        ("Gender", _judged(face.gender)),
        ("Age", f"{face.age_range.low} to {face.age_range.high}" if face.age_range else "-"),
    ]


def _judged(judgement: Judgement | None) -> str:
    if judgement is None:
        return "-"
    words = {True: "yes", False: "no"}
    value = words[judgement.value] if isinstance(judgement.value, bool) else judgement.value.lower()
    return f"{value} ({_percent(judgement.confidence)})"


def _percent(confidence: float) -> str:
    """Rounded down, as on the picture's labels, with a space at which no line is broken."""
    return f"{int(confidence)}\N{NO-BREAK SPACE}%"
