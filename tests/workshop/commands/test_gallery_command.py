"""The gallery command: from the results in the bucket to a page on this computer."""

import re
import time
from pathlib import Path

import pytest

from tests.workshop.attendee import FOUNDATION, GROUP_PHOTO, Attendee
from workshop.aws.account import Account
from workshop.aws.stacks import Stacks
from workshop.terminal.errors import WorkshopError

pytestmark = pytest.mark.slow


def test_the_page_is_written_to_output_and_only_its_path_is_on_stdout(deployed: Attendee):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    page = deployed.folder / "wall.html"
    ran = deployed.run("gallery", "-o", str(page))
    assert (ran.exit_code, ran.stdout) == (0, f"{page}\n")
    assert "1 photo; the links in the page work until" in ran.stderr
    assert re.search(r'<img src="http[^"]+X-Amz-Expires=21600[^"]+"', page.read_text(encoding="utf-8"))


def test_the_links_end_when_the_page_says(deployed: Attendee):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    page = deployed.folder / "gallery.html"
    assert deployed.run("gallery", "-o", str(page), "--expires", "15m").exit_code == 0
    written = page.read_text(encoding="utf-8")
    assert "X-Amz-Expires=900" in written
    made, ends = re.findall(r'datetime="[^"]+T(\d\d):(\d\d)', written)
    minutes = (int(ends[0]) * 60 + int(ends[1]) - int(made[0]) * 60 - int(made[1])) % (24 * 60)
    assert minutes in (15, 16)


def test_embedded_pictures_need_no_link(deployed: Attendee):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    page = deployed.folder / "gallery.html"
    assert deployed.run("gallery", "-o", str(page), "--embed").exit_code == 0
    written = page.read_text(encoding="utf-8")
    assert 'src="data:image/jpeg;base64,' in written
    assert "X-Amz" not in written


def test_without_results_there_is_a_page_that_says_so(deployed: Attendee):
    page = deployed.folder / "gallery.html"
    ran = deployed.run("gallery", "-o", str(page))
    assert ran.exit_code == 0
    assert "No pictures yet" in page.read_text(encoding="utf-8")


def test_everybody_shows_attendees_names_newest_picture_first(deployed: Attendee):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    deployed.deploy("Foundation", FOUNDATION, name="zoe")
    time.sleep(1)  # S3 counts whole seconds
    assert deployed.run("index", str(GROUP_PHOTO), "--attendee", "zoe").exit_code == 0
    page = deployed.folder / "gallery.html"
    assert "2 photos" in deployed.run("gallery", "--everybody", "-o", str(page)).stderr
    assert re.findall("<bdi>(.*)</bdi>", page.read_text(encoding="utf-8")) == ["zoe", "me"]
    assert "1 photo;" in deployed.run("gallery", "-o", str(page)).stderr
    assert re.findall("<bdi>(.*)</bdi>", page.read_text(encoding="utf-8")) == [GROUP_PHOTO.stem]


def test_everybody_skips_an_attendee_whose_stacks_are_being_created(
    deployed: Attendee, monkeypatch: pytest.MonkeyPatch
):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    deployed.deploy("Foundation", FOUNDATION, name="zoe")
    of = Stacks.of

    def being_made(account: Account) -> Stacks:
        if account.attendee == "zoe":
            raise WorkshopError("The stack of zoe is still being created.")
        return of(account)

    monkeypatch.setattr("workshop.commands.gallery.Stacks.of", being_made)
    ran = deployed.run("gallery", "--everybody", "-o", str(deployed.folder / "gallery.html"))
    assert ran.exit_code == 0, ran.output
    assert ran.stderr.startswith("Without zoe: The stack of zoe is still being created.\n1 photo;")


def test_everybody_skips_an_attendee_whose_results_cannot_be_read(deployed: Attendee):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    s3, ours = deployed.client("s3"), dict(deployed.outputs)
    deployed.deploy("Foundation", FOUNDATION, name="bob")
    s3.put_object(Bucket=deployed.outputs["ProcessedBucket"], Key="results/x.jpg/v1.json", Body=b"{}")
    deployed.deploy("Foundation", FOUNDATION, name="zoe")
    s3.delete_bucket(Bucket=deployed.outputs["ProcessedBucket"])
    deployed.outputs = ours
    ran = deployed.run("gallery", "--everybody", "-o", str(deployed.folder / "gallery.html"))
    assert ran.exit_code == 0, ran.output
    bob, zoe, ours_ = ran.stderr.splitlines()[:3]
    assert bob.startswith("Without bob: The result document results/x.jpg/v1.json cannot be read")
    assert zoe.startswith("Without zoe: A bucket of your stacks was deleted")
    assert ours_.startswith("1 photo;")


def test_a_place_that_cannot_be_written_is_one_sentence(deployed: Attendee):
    ran = deployed.run("gallery", "-o", str(Path(deployed.folder, "nowhere", "gallery.html")))
    assert ran.exit_code == 1
    assert "cannot be written" in ran.stderr


def test_the_browser_is_opened_only_when_asked(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []

    def open_it(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr("workshop.show.gallery_file.webbrowser.open", open_it)
    page = deployed.folder / "gallery.html"
    deployed.run("gallery", "-o", str(page))
    assert opened == []
    deployed.run("gallery", "-o", str(page), "--open")
    assert opened == [page.as_uri()]


def test_without_a_browser_the_page_has_an_address_to_open(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workshop.show.gallery_file.webbrowser.open", lambda _address: False)
    page = deployed.folder / "gallery.html"
    ran = deployed.run("gallery", "-o", str(page), "--open")
    assert (ran.exit_code, ran.stdout) == (0, f"{page}\n")
    assert f"No browser could be opened. Open this address yourself: {page.as_uri()}\n" in ran.stderr
