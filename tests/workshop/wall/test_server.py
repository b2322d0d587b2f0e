"""The wall's pages on 127.0.0.1: who may ask, what is pushed, and how soon."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from wall_door.door import Settings

from tests.workshop.wall.test_board import Bucket, looked
from workshop.wall.evening import Evening
from workshop.wall.server import PAGES, WallServer

ADDRESS = "https://abcdefghij.execute-api.ap-southeast-2.amazonaws.com/?" + "k" * 16
"""As long as a real one with the longest region's name."""


@pytest.fixture
def bucket() -> Bucket:
    bucket = Bucket()
    bucket.annotate("a")
    return bucket


@pytest.fixture
def server(bucket: Bucket) -> Iterator[WallServer]:
    settings = Settings("k" * 16, datetime.now(UTC) + timedelta(hours=1), 10)
    door: Any = SimpleNamespace(settings=lambda: settings, taken=lambda _settings: 0, address=lambda _settings: ADDRESS)
    evening = Evening(door, looked(bucket), bucket.stacks, settings)
    with WallServer(evening, 0) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def ask(server: WallServer, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, json.dumps(body) if body else None, given)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def act(server: WallServer, action: str, id_: str = "") -> tuple[int, bytes, Any]:
    return ask(server, "POST", "/do", {"action": action, "id": id_}, X_Wall="desk")


def test_a_name_that_points_to_this_computer_is_refused(server: WallServer):
    """DNS rebinding: another site's name resolves to 127.0.0.1."""
    for path in ("/desk", "/events/desk", "/pictures/x", "/qr.svg"):
        assert ask(server, "GET", path, Host=f"evil.example:{server.server_port}")[0] == 403
    assert ask(server, "POST", "/do", {"action": "cover"}, Host="evil.example", X_Wall="desk")[0] == 403


def test_a_page_of_another_site_cannot_act(server: WallServer):
    """Without the header that only our own pages may send."""
    assert ask(server, "POST", "/do", {"action": "cover"})[0] == 403
    assert not server.evening.covered


def test_a_page_of_another_origin_cannot_act_although_it_has_the_header(server: WallServer):
    asked = {"Origin": f"http://127.0.0.1:{server.server_port + 1}", "X_Wall": "desk"}
    assert ask(server, "POST", "/do", {"action": "cover"}, **asked)[0] == 403
    assert not server.evening.covered
    ours = {"Origin": f"http://127.0.0.1:{server.server_port}", "X_Wall": "desk"}
    assert ask(server, "POST", "/do", {"action": "cover"}, **ours)[0] == 200


@pytest.mark.parametrize("before", [0, 10_000])
def test_a_request_in_the_body_of_another_is_not_carried_out(server: WallServer, before: int):
    """Request smuggling: a page of another site writes the body, and with it every header of a hidden request."""
    host = f"Host: 127.0.0.1:{server.server_port}\r\n"
    action = b'{"action": "cover"}'
    hidden = f"POST /do HTTP/1.1\r\n{host}X-Wall: desk\r\nContent-Length: {len(action)}\r\n\r\n".encode() + action
    body = b" " * before + hidden
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=1) as connection:
        connection.sendall(f"POST /do HTTP/1.1\r\n{host}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        with contextlib.suppress(OSError):  # until the server has ended the connection
            while connection.recv(10_000):
                pass
    assert not server.evening.covered


def test_an_action_of_more_than_10_000_bytes_is_refused(server: WallServer):
    assert ask(server, "POST", "/do", {"action": "cover", "id": "x" * 10_000}, X_Wall="desk")[0] == 413
    assert not server.evening.covered


@pytest.mark.parametrize(
    "path", ["/../server.py", "/%2e%2e/server.py", "/pages/desk.html", "/nothing", "/pictures/../desk"]
)
def test_only_the_pages_are_served(server: WallServer, path: str):
    assert ask(server, "GET", path)[0] == 404


@pytest.mark.parametrize("path", ["/desk", "/projector", *(f"/{file.name}" for file in PAGES.iterdir())])
def test_every_page_has_its_policy_and_is_not_kept(server: WallServer, path: str):
    status, _, headers = ask(server, "GET", path)
    assert status == 200
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("body", [None, [], {"id": "x"}, {"action": ["approve"]}])
def test_an_action_that_is_none_changes_nothing(server: WallServer, body: object):
    before = server.evening.desk()
    assert ask(server, "POST", "/do", body, X_Wall="desk")[0] in (200, 400)
    assert server.evening.desk() == before


def test_the_qr_code_is_of_version_5_and_leads_to_the_door(server: WallServer):
    segno = pytest.importorskip("segno")
    assert segno.make_qr(ADDRESS, error="m").version <= 5
    svg = ask(server, "GET", "/qr.svg")[1]
    assert svg.startswith(b"<svg")
    modules = np.array([list(row) for row in segno.make_qr(ADDRESS, error="m").matrix_iter(border=4)], np.uint8)
    picture = cv2.resize((1 - modules) * 255, None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == ADDRESS


class Stream:
    """One page's events."""

    def __init__(self, server: WallServer, page: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        self._connection.request("GET", f"/events/{page}")
        self._answer = self._connection.getresponse()

    def next(self) -> dict[str, Any]:
        while True:
            line = self._answer.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return dict(json.loads(line[6:]))

    def close(self) -> None:
        self._connection.close()


def test_what_is_approved_reaches_the_projector_and_what_is_hidden_leaves_it_at_once(server: WallServer):
    (card,) = server.evening.desk()["waiting"]
    projector = Stream(server, "projector")
    assert projector.next()["cards"] == []
    act(server, "approve", card["id"])
    assert [each["id"] for each in projector.next()["cards"]] == [card["id"]]
    assert ask(server, "GET", f"/pictures/{card['id']}")[1] == b"\xff\xd8a"
    began = time.monotonic()
    act(server, "hide", card["id"])
    assert projector.next()["cards"] == []
    assert time.monotonic() - began < 0.5
    projector.close()


def test_a_forgotten_picture_is_no_longer_served(server: WallServer, bucket: Bucket):
    (card,) = server.evening.desk()["waiting"]
    assert ask(server, "GET", f"/pictures/{card['id']}")[0] == 200
    act(server, "approve", card["id"])
    server.evening.board.save()
    status, said, _ = act(server, "forget", card["id"])
    assert (status, json.loads(said)["said"]) == (200, "Removed: 1 picture, 1 result")
    assert json.loads(act(server, "forget", card["id"])[1])["said"] == "It is gone already."
    assert ask(server, "GET", f"/pictures/{card['id']}")[0] == 404
    assert not bucket.objects


def test_what_fails_at_the_desk_is_a_sentence(server: WallServer, bucket: Bucket):
    (card,) = server.evening.desk()["waiting"]
    bucket.offline = True
    assert b"could not be reached" in act(server, "forget", card["id"])[1]
    assert act(server, "undo")[0] == 200
