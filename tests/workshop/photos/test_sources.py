"""Where photos come from: what is read is whole, not endless, and not what nobody meant."""

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import OpenerDirector

import pytest

from workshop.photos import sources
from workshop.photos.sources import expand_folders, read
from workshop.terminal.errors import WorkshopError

SMALL = 1000


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if photos might have this many bytes."""
    monkeypatch.setattr(sources, "LARGEST", SMALL)


class Web(BaseHTTPRequestHandler):
    """A web site whose connections have their faults."""

    def do_GET(self) -> None:
        if self.path == "/silent.jpg":
            self.server.over.wait(10)  # type: ignore[attr-defined]
            return
        self.send_response(302 if self.path == "/moved.jpg" else 200)
        for name, value in {
            "/moved.jpg": {"Location": "/whole.jpg"},
            "/whole.jpg": {"Content-Length": "50"},
            "/short.jpg": {"Content-Length": "100"},
            "/endless.jpg": {"Content-Length": "1" * 5000},
        }.get(self.path, {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"p" * 50)
        for _ in range(100 if self.path in ("/stream.jpg", "/dripping.jpg") else 0):
            try:
                self.wfile.write(b"p" * (SMALL if self.path == "/stream.jpg" else 1))
            except OSError:
                return
            time.sleep(0.02)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        server.over = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.over.set()  # type: ignore[attr-defined]
        server.shutdown()


def test_a_download_is_followed_to_where_it_has_moved(web: str):
    assert read(f"{web}/moved.jpg").body == b"p" * 50


def test_a_download_that_broke_off_is_not_taken_for_the_photo(web: str):
    with pytest.raises(WorkshopError, match=r"The download of short\.jpg broke off after 50 of 100 bytes"):
        read(f"{web}/short.jpg")


def test_a_size_that_no_file_has_is_not_believed(web: str):
    assert read(f"{web}/endless.jpg").body == b"p" * 50


def test_a_download_without_an_end_is_given_up_when_it_is_too_large(web: str, small: None):
    with pytest.raises(WorkshopError, match=r"stream\.jpg is larger than"):
        read(f"{web}/stream.jpg")


def test_a_download_that_drips_is_given_up_when_it_takes_too_long(web: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "DOWNLOAD_SECONDS", 0.2)
    with pytest.raises(WorkshopError, match=r"dripping\.jpg did not arrive within 0\.2 seconds"):
        read(f"{web}/dripping.jpg")


def test_a_server_that_says_nothing_is_not_waited_for(web: str, monkeypatch: pytest.MonkeyPatch):
    really_open = OpenerDirector.open
    waits = []

    def sooner(self: OpenerDirector, request: Any, *, timeout: float) -> Any:
        waits.append(timeout)
        return really_open(self, request, timeout=timeout / 100)

    monkeypatch.setattr(OpenerDirector, "open", sooner)
    with pytest.raises(WorkshopError, match=r"silent\.jpg could not be fetched: it does not answer"):
        read(f"{web}/silent.jpg")
    assert 5 <= waits[0] <= 30


def from_a_file(folder: Path, size: int, _monkeypatch: pytest.MonkeyPatch) -> str:
    (folder / "me.jpg").write_bytes(b"p" * size)
    return str(folder / "me.jpg")


def from_a_pipe(_folder: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> str:
    pipe = SimpleNamespace(buffer=io.BytesIO(b"p" * size), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", pipe)
    return "-"


@pytest.mark.parametrize("given", [from_a_file, from_a_pipe])
def test_a_photo_may_be_as_large_as_the_limit_and_no_larger(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Callable[..., str]
):
    assert len(read(given(tmp_path, SMALL, monkeypatch)).body) == SMALL
    with pytest.raises(WorkshopError, match="is larger than"):
        read(given(tmp_path, SMALL + 1, monkeypatch))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/zero")
def test_a_device_without_a_size_or_an_end_is_too_large(small: None):
    with pytest.raises(WorkshopError, match="zero is larger than"):
        read("/dev/zero")


def test_of_a_folder_hidden_files_and_other_things_stay_here(tmp_path: Path):
    """A Mac leaves a `._selfie.jpg` beside a `selfie.jpg` on foreign disks, which is no photo."""
    for name in ("selfie.jpg", "B.HEIC", "._selfie.jpg", ".hidden.png", "notes.txt", "selfie-1a2b3c4d-qr.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert expand_folders([str(tmp_path), "-"]) == [str(tmp_path / "B.HEIC"), str(tmp_path / "selfie.jpg"), "-"]


@pytest.mark.parametrize("suffix", [".HIF", ".heics", ".avifs", ".apng", ".mpo", ".JPG", ".heif"])
def test_a_folder_has_photos_of_every_camera(tmp_path: Path, suffix: str):
    (tmp_path / f"DSC0001{suffix}").touch()
    assert expand_folders([str(tmp_path)]) == [str(tmp_path / f"DSC0001{suffix}")]


def test_the_folders_in_a_folder_are_searched(tmp_path: Path):
    """A camera's card has its photos in DCIM/100APPLE."""
    for name in (
        "DCIM/100APPLE/IMG_0002.JPG",
        "DCIM/101APPLE/IMG_0001.JPG",
        ".Trashes/DCIM/old.jpg",
        "DCIM/.thumbs/a.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    photos = ["DCIM/100APPLE/IMG_0002.JPG", "DCIM/101APPLE/IMG_0001.JPG"]
    assert expand_folders([str(tmp_path)]) == [str(tmp_path / photo) for photo in photos]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "round").symlink_to(tmp_path)
    assert expand_folders([str(tmp_path)]) == [str(tmp_path / "a.jpg")]


def test_a_folder_without_photos_in_any_of_its_folders_is_an_error(tmp_path: Path):
    (tmp_path / "DCIM").mkdir()
    (tmp_path / "DCIM" / "notes.txt").touch()
    with pytest.raises(WorkshopError, match="There are no photos in the folder"):
        expand_folders([str(tmp_path)])


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a.jpg", "b.txt"], "1 photo, 1 other file left out"),
        (["a.jpg", "b.jpg", "c.txt", "d.txt"], "2 photos, 2 other files left out"),
    ],
)
def test_the_number_of_files_left_out_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str], sentence: str
):
    for name in names:
        (tmp_path / name).touch()
    expand_folders([str(tmp_path)])
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_a_disk_or_a_home_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk or a home named by mistake is not sent."""
    monkeypatch.setattr(sources, "MOST_FILES", 2)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    assert len(expand_folders([str(tmp_path)])) == 3
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "d.jpg").touch()
    with pytest.raises(WorkshopError, match="more than 2 files"):
        expand_folders([str(tmp_path)])
    assert len(expand_folders([str(tmp_path)], all_of_them=True)) == 4, "they may have been sent in parts"


def test_folders_are_searched_three_deep(tmp_path: Path):
    (tmp_path / "1" / "2" / "3" / "4").mkdir(parents=True)
    for where in ("1/2/3", "1/2/3/4"):
        (tmp_path / where / "a.jpg").touch()
    assert expand_folders([str(tmp_path)]) == [str(tmp_path / "1/2/3/a.jpg")]
    assert len(expand_folders([str(tmp_path)], all_of_them=True)) == 2
