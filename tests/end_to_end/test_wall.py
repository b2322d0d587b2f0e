"""The wall, whole: a guest's phone, the desk and the projector in real browsers, on a local AWS with IAM enforced."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from annotator.photo import filed_under
from wall_door.guests import photo_key

from local_aws.guests import Guest, selfies
from local_aws.wall import Wall, wall_up
from tests.browser import Browser, needs_chromium, opened
from workshop.terminal.errors import WorkshopError
from workshop.wall.server import WallServer

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def wall() -> Iterator[Wall]:
    with wall_up() as up:
        yield up


@pytest.fixture(scope="module")
def phones(wall: Wall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Browser]]:
    """Opens the guests' page as if on a new phone of 320 x 568 pixels."""
    with opened(tmp_path_factory.mktemp("phone"), (320, 568)) as browser:

        def fresh() -> Browser:
            browser.open(wall.entrance.address)
            browser.run("localStorage.clear()")
            browser.open(wall.entrance.address)
            return browser

        yield fresh


@pytest.fixture(scope="module")
def screens(wall: Wall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Browser]]:
    """The desk and the projector."""
    with opened(tmp_path_factory.mktemp("desk")) as desk, opened(tmp_path_factory.mktemp("projector")) as projector:
        desk.size(1440, 1000)
        projector.size(1920, 1080)
        desk.open(wall.server.page("desk"))
        projector.open(wall.server.page("projector"))
        yield desk, projector


@pytest.fixture
def selfie(tmp_path: Path) -> Path:
    """No two alike, because Rekognition stores no face twice."""
    file = tmp_path / "selfie.jpg"
    file.write_bytes(next(selfies(seed=time.time_ns())))
    return file


VISIBLE = "return !document.getElementById(arguments[0]).hidden"
TEXT = "return document.body.innerText"


def on_wall(projector: Browser) -> list[str]:
    return list(projector.run("return [...document.querySelectorAll('main img')].map(image => image.dataset.id)"))


def ticket_in(phone: Browser) -> str:
    return str(phone.run("return JSON.parse(localStorage.getItem('wall')).tickets.at(-1)"))


def stored(server: WallServer, ticket: str) -> dict[str, int]:
    """What AWS has of a photo, asked without the code under test."""
    stacks = server.evening.board.stacks
    s3, rekognition = stacks.account.client("s3"), stacks.account.client("rekognition")
    versions = s3.list_object_versions(Bucket=stacks.raw_bucket, Prefix=photo_key(ticket))
    objects = s3.list_objects_v2(Bucket=stacks.processed_bucket).get("Contents", [])
    pages = rekognition.get_paginator("list_faces").paginate(CollectionId=stacks.collection_id)
    beginning = filed_under(stacks.raw_bucket, photo_key(ticket))
    return {
        "versions": len(versions.get("Versions", []) + versions.get("DeleteMarkers", [])),
        "objects": sum(ticket in each["Key"] for each in objects),
        "faces": sum(face["ExternalImageId"].startswith(beginning) for page in pages for face in page["Faces"]),
    }


def test_a_guest_sees_the_result_of_a_small_jpeg_without_location_and_can_remove_everything(
    wall: Wall, phones: Callable[[], Browser], selfie: Path
):
    photo = cv2.imread(str(selfie))
    assert photo is not None
    exif = b"\xff\xe1\x00\x12Exif\x00\x00GPSGPSGPSG"
    jpeg = cv2.imencode(".jpg", cv2.resize(photo, (6000, 6000)))[1].tobytes()
    selfie.write_bytes(jpeg[:2] + exif + jpeg[2:])
    phone = phones()
    phone.click("#analyse")
    phone.type("#camera", str(selfie))
    phone.wait(VISIBLE, "done")
    phone.wait("return document.getElementById('picture').naturalWidth > 100")
    assert "happy" in phone.run(TEXT)
    assert "not shown on the wall, as you chose" in phone.run(TEXT)
    assert phone.run("return document.documentElement.scrollWidth") == 320
    assert phone.accessibility_problems() == []
    ticket = ticket_in(phone)
    assert ticket.startswith("keep-")
    stacks = wall.server.evening.board.stacks
    sent = stacks.account.client("s3").get_object(Bucket=stacks.raw_bucket, Key=photo_key(ticket))["Body"].read()
    assert b"GPS" not in sent
    pixels = cv2.imdecode(np.frombuffer(sent, np.uint8), cv2.IMREAD_COLOR)
    assert max(pixels.shape) == 2048
    assert pixels.mean() == pytest.approx(photo.mean(), abs=5)
    phone.click("#remove")
    assert stored(wall.server, ticket)["versions"] == 1
    phone.click("#remove")
    phone.wait("return document.body.innerText.includes('Nothing is left')")
    assert stored(wall.server, ticket) == {"versions": 0, "objects": 0, "faces": 0}
    assert phone.complaints() == []


def test_no_face_and_no_photo_are_said_in_a_sentence(phones: Callable[[], Browser], tmp_path: Path):
    phone = phones()
    phone.click("#analyse")
    nobody = tmp_path / "nobody.png"
    cv2.imwrite(str(nobody), np.full((300, 400, 3), 128, np.uint8))
    phone.type("#gallery", str(nobody))
    phone.wait(VISIBLE, "done")
    assert "No face found" in phone.run(TEXT)
    phone.click("#more")
    text = tmp_path / "notes.jpg"
    text.write_text("no photo")
    phone.type("#gallery", str(text))
    phone.wait(VISIBLE, "stop")
    assert "not a photo" in phone.run(TEXT)


def test_a_picture_reaches_the_projector_after_the_organisers_space_and_leaves_it_after_x(
    wall: Wall, screens: tuple[Browser, Browser], monkeypatch: pytest.MonkeyPatch
):
    server, entrance = wall.server, wall.entrance
    desk, projector = screens
    refusals, picture = iter([WorkshopError("The network is lost.", "")] * 2), server.evening.picture

    def after_two_refusals(id_: str) -> bytes | None:
        for refusal in refusals:
            raise refusal
        return picture(id_)

    monkeypatch.setattr(server.evening, "picture", after_two_refusals)
    guest = Guest(entrance, next(selfies(seed=7)))
    guest.send()
    assert guest.result()["state"] == "annotated"
    desk.wait("return state && state.waiting.length > 0", seconds=2)
    desk.wait("return document.querySelector('#candidate img').naturalWidth > 100")
    assert all("503" in complaint for complaint in desk.complaints())
    assert on_wall(projector) == []
    desk.press(" ")
    assert projector.wait("return document.querySelectorAll('main img').length === 1") < 2
    projector.wait("return document.querySelector('main img').naturalWidth > 100")
    assert "happy" in projector.run(TEXT)
    for press, shown in (("u", 0), (" ", 1)):
        desk.press(press)
        assert projector.wait("return document.querySelectorAll('main img').length === arguments[0]", shown) < 2
    desk.wait("return document.querySelectorAll('#shown button').length > 0")
    desk.run("document.querySelector('#shown button').click()")  # each new state renews the strip
    assert projector.wait("return document.querySelectorAll('main img').length === 0") < 2
    desk.press("u")
    projector.wait("return document.querySelectorAll('main img').length === 1")
    guest.remove()
    assert projector.wait("return document.querySelectorAll('main img').length === 0") < 2
    assert stored(server, guest.ticket) == {"versions": 0, "objects": 0, "faces": 0}


def test_the_desk_forgets_everything_about_a_photo(wall: Wall, screens: tuple[Browser, Browser]):
    server, entrance = wall.server, wall.entrance
    desk, _ = screens
    guest = Guest(entrance, next(selfies(seed=8)))
    guest.send()
    guest.result()
    desk.wait("return state.waiting.length === 1")
    desk.click("#forget")
    desk.click("#forget")
    desk.wait("return document.getElementById('said').textContent.startsWith('Removed')")
    assert stored(server, guest.ticket) == {"versions": 0, "objects": 0, "faces": 0}
    assert guest.entrance.ask("GET", f"/photos/{guest.ticket}").status == 404


def test_photo_call_cover_and_qr_code_on_the_projector(wall: Wall, screens: tuple[Browser, Browser]):
    _, projector = screens
    projector.wait("return document.getElementById('qr').naturalWidth > 0")
    image = cv2.imdecode(np.frombuffer(projector.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert cv2.QRCodeDetector().detectAndDecode(image)[0] == wall.entrance.address
    projector.press("c")
    projector.wait(VISIBLE, "call")
    assert int(projector.run("return document.getElementById('seconds').textContent")) > 50
    projector.press("c")
    projector.wait("return document.getElementById('call').hidden")
    projector.press("r")
    projector.wait("return document.body.innerText.includes('covered')")
    projector.press("r")


def test_both_screens_are_accessible_and_quiet(screens: tuple[Browser, Browser]):
    for screen in screens:
        assert screen.accessibility_problems() == []
        assert screen.complaints() == []


def test_a_closed_door_says_so_to_guests_and_lets_them_see_their_photo(
    wall: Wall, phones: Callable[[], Browser], screens: tuple[Browser, Browser]
):
    entrance = wall.entrance
    guest = Guest(entrance, next(selfies(seed=9)))
    guest.send()
    guest.result()
    desk, projector = screens
    desk.click("#close")
    projector.wait("return document.body.innerText.includes('The wall is closed')")
    assert "closed" in phones().run(TEXT)
    late = Guest(entrance, next(selfies(seed=10)))
    assert (late.send().status, late.send().document()) == (403, {"error": "closed"})
    assert guest.picture().status == 200
    desk.click("#open")
    projector.wait("return document.body.innerText.includes('Scan and smile')")
    assert json.loads(guest.remove().body)["again"] is False
