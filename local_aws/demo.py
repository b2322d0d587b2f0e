"""The whole workshop in half a minute on this machine: deploy, annotate photos, destroy, check that nothing is left."""

import os
import shutil
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from annotator.result import Picture, Result

from local_aws.local import PROJECT, LocalAws
from local_aws.steps import step
from workshop.aws.account import Account
from workshop.aws.results import wait_for_result
from workshop.aws.stacks import Stacks
from workshop.checks.diagnosis import diagnose
from workshop.photos.keys import readable
from workshop.photos.preparing import prepare
from workshop.photos.sources import expand_folders, read
from workshop.photos.uploads import upload_each
from workshop.show import gallery
from workshop.show.faces_table import faces_table
from workshop.takedown.footprint import footprint_of
from workshop.takedown.leftovers import Leftover, leftovers, remove_uploads
from workshop.terminal.console import err, out, plain, print_table
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError

BUILD = PROJECT / "build" / "demo"
"""The folder for the pictures and the page."""

SAMPLES = tuple(str(Path(__file__).parent / "photos" / name) for name in ("eileen-collins.jpg", "two-portraits.jpg"))
"""Photos in the public domain; photos/README.md says whose."""


def demo(photos: Sequence[str], *, to: Path = BUILD, open_page: bool = True) -> bool:
    """Run the workshop with these photos, or with SAMPLES. Returns whether nothing was left.

    Empties `to`, and writes the pictures and the page there. Reports files that are no photos before it starts, and
    continues with the others. A WorkshopError at the end gives their number.
    """
    named = expand_folders(photos or SAMPLES)
    photos = _usable(named)
    with ExitStack() as stack:
        with step("Starting the local AWS", "Started the local AWS"):
            aws = stack.enter_context(LocalAws(starting_at_once=os.cpu_count()))
            stack.enter_context(aws.adopted())
        account = Account.open()
        with step("Bootstrapping the CDK and synthesising both stacks", "Bootstrapped and synthesised"):
            aws.prepare()
        with step("Deploying Foundation and Serverless", "Deployed both stacks") as say:
            aws.deploy(on_line=say)
        stacks = Stacks.of(account)
        results = _send(stacks, photos)
        with step("Fetching the annotated pictures", f"{counted(len(results), 'picture')} and one page of all of them"):
            page = _keep(account, results, to)
        err.print()
        print_table(faces_table(results, out.width))
        err.print("\nThis is how the faces look, not what the people feel.")
        err.print(f"The annotated pictures: {plain(to)}{os.sep}", soft_wrap=True)
        err.print(f"One page of all:        {page.as_uri()}\n", soft_wrap=True)
        if open_page and _can_show():
            webbrowser.open(page.as_uri())
        before = footprint_of(account)
        with step("Destroying both stacks", "Destroyed both stacks") as say:
            aws.destroy(on_line=say)
        with step("Checking what is left", "Checked stacks, buckets, queues, faces, logs, roles, uploads"):
            after = footprint_of(account)
            everything = replace(after, things=before.things | after.things)
            remove_uploads(account, everything)
            left = leftovers(account, everything)
    _tell(left)
    if refused := len(named) - len(photos):
        raise WorkshopError(f"{refused} of {len(named)} photos were not sent; the reasons are above.")
    return not left


def _usable(names: Sequence[str]) -> list[str]:
    """The names of usable photos. Raises WorkshopError if there are none."""
    if "-" in names:
        raise WorkshopError("The demo takes files, folders and URLs, but not standard input.")
    usable = []
    for name in names:
        try:
            prepare(read(name))
        except WorkshopError as error:
            if len(names) == 1:
                raise
            error.show()
        else:
            usable.append(name)
    if not usable:
        raise WorkshopError("None of these files is a photo; the reasons are above.")
    return usable


def _send(stacks: Stacks, photos: Sequence[str]) -> list[Result]:
    """The results of these photos; raises WorkshopError when one has none after two minutes."""
    with step(f"Uploading {counted(len(photos), 'photo')}", f"Uploaded {counted(len(photos), 'photo')}") as say:
        uploads = []
        for upload in upload_each(stacks.account, stacks.raw_bucket, photos):
            say(upload.in_words())
            uploads.append(upload)
    results = []
    with step("Finding and drawing the faces", "Every photo has a result") as say:
        for number, upload in enumerate(uploads, 1):
            say(f"{number} of {len(uploads)}: {upload.photo.key}")
            result = wait_for_result(stacks, upload.photo, seconds=120)
            if result is None:
                diagnosis = diagnose(stacks, upload.photo.key)
                raise WorkshopError(f"{upload.photo.key} has no result: {diagnosis.sentence}", diagnosis.next_step)
            results.append(result)
    return results


def _keep(account: Account, results: Sequence[Result], to: Path) -> Path:
    """Write the annotated pictures and the page below `to`; answers with the page."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    names: dict[str, str] = {}
    s3 = account.client("s3")
    pictures = [(result.raw.key, result.picture) for result in results if result.picture]
    for number, (photo, picture) in enumerate(pictures, 1):
        names[picture.key] = f"{number:02} {readable(Path(photo).stem)}.jpg"
        s3.download_file(picture.bucket, picture.key, str(to / names[picture.key]))

    def link_to(picture: Picture) -> str:
        return quote(names[picture.key])

    page = to / "index.html"
    page.write_text(gallery.page(results, link_to, made=datetime.now().astimezone()), encoding="utf-8")
    return page


def _tell(left: Sequence[Leftover]) -> None:
    if not left:
        out.print("nothing left")
    for each in left:
        out.print(f"{each.kind} {plain(each.name)}\n  {each.remove}", soft_wrap=True)


def _can_show() -> bool:
    """Whether this is a terminal on a machine whose screen can show a browser."""
    has_screen = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return sys.stdout.isatty() and has_screen
