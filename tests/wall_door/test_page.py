"""The guest's page in a browser, with the door's own answers; S3 and the annotator are in memory."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from wall_door import handler

from tests.browser import Browser, needs_chromium, opened
from tests.wall_door.test_handler import KEY, Memory, done

pytestmark = [pytest.mark.slow, needs_chromium]

VISIBLE = "return !document.getElementById(arguments[0]).hidden"
SAYS = "return document.body.innerText.includes(arguments[0])"


class Http(BaseHTTPRequestHandler):
    """The HTTP API in front of the door; `asked` are the routes of its requests."""

    asked: list[str] = []  # noqa: RUF012 - one for all requests

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        route = {("",): "/", ("photos",): "/photos"}.get(tuple(parts), "/".join(["/photos/{id}", *parts[2:]]))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        event = {
            "routeKey": f"{self.command} {route}",
            "rawQueryString": url.query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "pathParameters": {"id": parts[1] if len(parts) > 1 else ""},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        self.asked.append(event["routeKey"])
        answer = handler.handle(event, None)
        content = answer["body"].encode()
        if answer.get("isBase64Encoded"):
            content = base64.b64decode(content)
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened(tmp_path_factory.mktemp("phone"), (320, 568)) as browser:
        yield browser


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    memory.picture = lambda _result: cv2.imencode(".jpg", np.full((30, 40, 3), 99, np.uint8))[1].tobytes()
    monkeypatch.setattr(handler, "_cloud", lambda: memory)
    monkeypatch.setenv("KEEP_DAYS", "1")
    monkeypatch.setattr(Http, "asked", [])
    return memory


@pytest.fixture
def phone(browser: Browser, memory: Memory) -> Iterator[Browser]:
    """The page on a new phone, the first consent given."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Http) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/?{KEY}")
        yield browser
        browser.open("about:blank")
        server.shutdown()


@pytest.fixture
def selfie(tmp_path: Path) -> str:
    file = tmp_path / "selfie.png"
    cv2.imwrite(str(file), np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8))
    return str(file)


def sent(phone: Browser, selfie: str) -> str:
    """The ticket of a photo that the page has just chosen to send."""
    phone.click("#analyse")
    phone.type("#gallery", selfie)
    phone.wait("return memory.tickets.length > 0")
    return str(phone.run("return memory.tickets[0]"))


def reloaded(phone: Browser) -> None:
    phone.run("window.old = true; location.reload()")
    phone.wait("return !window.old && document.readyState === 'complete'")


def kept(phone: Browser) -> list[str]:
    return list(json.loads(phone.run("return localStorage.getItem('wall')"))["tickets"])


def test_nothing_can_be_sent_without_the_first_tick_and_no_tick_is_set(phone: Browser):
    boxes = phone.run("return [...document.querySelectorAll('input[type=checkbox]')].map(box => box.checked)")
    assert boxes == [False, False]
    files = "return [...document.querySelectorAll('input[type=file]')].map(file => file.disabled)"
    assert phone.run(files) == [True, True]
    phone.click("#show")
    assert phone.run(files) == [True, True]
    phone.click("#analyse")
    assert phone.run(files) == [False, False]
    assert phone.run("return document.getElementById('camera').getAttribute('capture')") == "user"
    assert not phone.run("return document.getElementById('gallery').hasAttribute('capture')")


def test_a_photo_that_is_stored_after_the_page_was_reloaded_is_found_and_can_be_removed(
    phone: Browser, memory: Memory, selfie: str, monkeypatch: pytest.MonkeyPatch
):
    """A phone may end the page while the camera is open; the door goes on storing what it has received."""
    received, go_on = threading.Event(), threading.Event()
    store = memory.store

    def late(key: str, ticket: str, photo: bytes) -> None:
        received.set()
        assert go_on.wait(20)
        store(key, ticket, photo)

    monkeypatch.setattr(memory, "store", late)
    ticket = sent(phone, selfie)
    assert received.wait(10)
    Http.asked.clear()
    reloaded(phone)
    while "GET /photos/{id}" not in Http.asked:
        time.sleep(0.01)
    time.sleep(0.2)  # for what the page does about the answer
    assert kept(phone) == [ticket]
    go_on.set()
    memory.results[ticket] = done(ticket)
    phone.wait(VISIBLE, "done")
    phone.click("#remove")
    assert memory.photos
    phone.click("#remove")
    phone.wait(SAYS, "Nothing is left")
    assert not memory.photos
    assert kept(phone) == []


def test_a_refused_photo_can_still_be_removed(phone: Browser, memory: Memory, selfie: str):
    """Its answer may have been lost, and the address renewed before the next try."""
    memory.evening = None
    ticket = sent(phone, selfie)
    phone.wait(SAYS, "does not know this address")
    assert kept(phone) == [ticket]
    memory.photos[ticket], memory.results[ticket] = b"stored by the first try", done(ticket)
    phone.click("#remove")
    phone.click("#remove")
    phone.wait(SAYS, "Nothing is left")
    assert not memory.photos


def test_after_a_failed_removal_one_tap_tries_again(phone: Browser, memory: Memory, selfie: str):
    ticket = sent(phone, selfie)
    memory.results[ticket] = done(ticket)
    phone.wait(VISIBLE, "done")
    phone.run("window.network = ask; ask = () => Promise.reject(new Error())")
    phone.click("#remove")
    phone.click("#remove")
    phone.wait(SAYS, "Not everything could be removed")
    phone.run("ask = window.network")
    phone.click("#again")
    phone.wait(SAYS, "Nothing is left")
    assert not memory.photos


def test_a_removal_goes_on_when_the_page_is_reloaded_in_its_pause(phone: Browser, memory: Memory, selfie: str):
    """Without a result, the annotator may still be at work, so the page removes once more later."""
    ticket = sent(phone, selfie)
    phone.wait(SAYS, "Looking")
    phone.run("removeAll()")
    phone.wait(SAYS, "check again in half a minute")
    memory.results[ticket] = done(ticket)
    phone.run("remember({ checkAt: Date.now() + 1000 })")
    reloaded(phone)
    phone.wait(SAYS, "Nothing is left")
    assert not memory.results
    assert Http.asked.count("DELETE /photos/{id}") == 3


def test_nothing_moves_when_the_picture_arrives(phone: Browser, memory: Memory, selfie: str):
    come = threading.Event()
    picture = memory.picture

    def late(result: SimpleNamespace) -> bytes:
        assert come.wait(20)
        return picture(result)

    memory.picture = late
    ticket = sent(phone, selfie)
    memory.results[ticket] = done(ticket)
    phone.wait(VISIBLE, "done")
    place = "return document.getElementById('more').getBoundingClientRect().top"
    before = phone.run(place)
    assert phone.run("return document.getElementById('picture').naturalWidth") == 0
    come.set()
    phone.wait("return document.getElementById('picture').naturalWidth > 0")
    assert phone.run(place) == before
