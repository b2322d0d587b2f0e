"""Whatever is typed: one sentence, exit code 1 or 2, and never a traceback."""

import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.workshop.attendee import Attendee, picture
from workshop.cli import workshop

NO_AWS = {
    "AWS_ACCESS_KEY_ID": "111122223333",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "ap-southeast-2",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}
"""Enough to begin with, and nobody there to answer."""


def typed(*arguments: str, pasted: bytes | None = None) -> Result:
    return CliRunner(env=NO_AWS).invoke(workshop, list(arguments), input=pasted, prog_name="emotions")


def assert_refused(ran: Result, *, says: str = "") -> None:
    """A sentence on stderr, nothing on stdout, and an exit code that says that it did not work."""
    assert isinstance(ran.exception, SystemExit), repr(ran.exception)
    assert ran.exit_code in (1, 2)
    assert "Traceback" not in ran.output
    assert "Error: " in ran.stderr
    assert says in ran.stderr
    sentence = ran.stderr.split("Error: ", 1)[1]
    assert len(sentence) > 12
    assert sentence.rstrip()[-1] in ".?:’'\"`)…" or "http" in sentence or "emotions" in sentence, sentence
    assert not any(ord(character) < 32 and character != "\n" for character in ran.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing-of-that-name"],
        ["--nothing", "check"],
        ["check", "0"],
        ["check", "99"],
        ["check", "three"],
        ["check", "1e9"],
        ["check", "-1"],
        ["check", "1", "2"],
        ["send"],
        ["send", "--wait", "0", "x"],
        ["send", "--wait", "inf", "x"],
        ["send", "--wait", "1e400", "x"],
        ["send", "--wait", "", "x"],
        ["send", "--expires", "9" * 30, "x"],
        ["send", "--expires", "8d", "x"],
        ["send", "--expires", "0", "x"],
        ["send", "--expires", "-1h", "x"],
        ["send", "--expires", "1y", "x"],
        ["send", "--expires", "", "x"],
        ["send", "--expires", "999999999d", "x"],
        ["url", "--expires", "1h30m", "x"],
        ["gallery", "--expires", "soon"],
        ["index"],
        ["index", "--long-edge", "-1", "x"],
        ["index", "--long-edge", "9" * 5000, "x"],
        ["index", "--long-edge", "2k", "x"],
        ["url"],
        ["why"],
        ["forget"],
        ["upload"],
        ["encode"],
        ["encode", "a", "b"],
        ["gallery", "-o", "."],
        ["redrive", "x"],
        ["cost", "x"],
        ["teardown", "--nothing"],
        ["decode", "nothing-here.txt"],
        ["decode", "."],
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_a_wrong_argument_is_refused_before_anything_is_asked(arguments: list[str]):
    assert_refused(typed(*arguments))


@pytest.mark.parametrize("command", ["send", "upload", "index", "url", "why", "forget", "encode"])
def test_without_a_photo_an_example_is_shown(command: str):
    assert_refused(typed(command), says=f"Which photo? For instance: emotions {command} selfie.jpg")


@pytest.mark.parametrize(
    ("arguments", "says"), [(["six"], "'six' is not one of '1', '2', "), (["--step", "3"], "No such option")]
)
def test_a_step_that_is_none_gets_a_plain_sentence(arguments: list[str], says: str):
    ran = typed("check", *arguments)
    assert_refused(ran, says=says)
    assert "Did you mean" not in ran.stderr


def test_a_wait_that_is_not_a_number_is_refused():
    assert_refused(typed("send", "--wait", "nan", "x"), says="nan is not a number of seconds")


@pytest.mark.parametrize(
    "attendee",
    ["", "../x", "A", "a b", "x" * 33, "-a", "a-", "\x1b[31m", "é", "a\nb", "a/b", "$(id)", "\udcff"],
    ids=ascii,
)
@pytest.mark.parametrize("command", [["check"], ["url", "me.jpg"], ["teardown"], ["doctor"]], ids=" ".join)
def test_an_attendee_who_cannot_be_in_a_name_is_refused(attendee: str, command: list[str]):
    ran = typed("--attendee", attendee, *command)
    assert isinstance(ran.exception, SystemExit), repr(ran.exception)
    assert ran.exit_code == 1
    assert "cannot be an attendee's name" in ran.output


@pytest.mark.parametrize(
    "region", ["a b", "../..", "x" * 300, "eu.", "é", "@evil.example/", "a\nb", "-", "\udcff"], ids=ascii
)
def test_a_region_that_cannot_be_one_is_refused(region: str):
    """It becomes part of the host that the requests go to."""
    assert_refused(typed("--region", region, "url", "me.jpg"))


@pytest.mark.parametrize("profile", ["nobody", "a b", "é", "\udcff"], ids=ascii)
def test_a_profile_that_is_not_there_is_named(profile: str):
    assert_refused(typed("--profile", profile, "url", "me.jpg"))


# --- files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder full of things that are no photos, to stand in."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


NOT_PHOTOS = [
    "nothing.jpg",
    "folder",
    "empty",
    "text.txt",
    "binary",
    "broken",
    "loop",
    "text.txt/x",
    "",
    ".",
    "/",
    "/dev/null",
    "/dev/zero",
    "/proc/self/mem",
    "~nobody/me.jpg",
    "x" * 300,
    "x/" * 3000,
    "\udcff.jpg",
    "\x1b[31m.jpg",
    "a\nb.jpg",
    "$(id).jpg",
]
NOT_ADDRESSES = [
    "http://",
    "://",
    "ftp://127.0.0.1/me.jpg",
    "file:///etc/passwd",
    "http://[::1",
    "http://127.0.0.1:99999/me.jpg",
    "http://127.0.0.1:x/",
    "http://a b/",
    "http://.",
    "http://é..x/",
    "http://127.0.0.1:9/\r\nHost: x",
    "http://127.0.0.1:9/me.jpg",
    "http://user:pass@127.0.0.1:9/",
    "javascript://x",
    "s3://",
    "http://\udcff/",
    "http://127.0.0.1:9/\udcff.jpg",
]


@pytest.mark.parametrize("name", NOT_PHOTOS + NOT_ADDRESSES, ids=lambda name: ascii(name)[:30])
def test_what_is_no_photo_is_not_encoded(name: str, here: Path):
    assert_refused(typed("encode", "--", name))


@pytest.mark.parametrize("name", NOT_PHOTOS, ids=lambda name: ascii(name)[:30])
def test_what_is_no_text_of_a_photo_is_not_decoded(name: str, here: Path):
    before = sorted(path.name for path in here.iterdir())
    assert_refused(typed("decode", "--", name))
    assert sorted(path.name for path in here.iterdir()) == before


def test_a_socket_is_no_photo(here: Path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("listening")
        assert_refused(typed("encode", "listening"))
        assert_refused(typed("decode", "listening"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(here: Path):
    (here / "text.txt").chmod(0)
    assert_refused(typed("encode", "text.txt"), says="text.txt")
    assert_refused(typed("decode", "text.txt"), says="text.txt")


@pytest.mark.parametrize(
    "place", ["folder", "nowhere/me.jpg", "/dev/full", "x" * 300, "text.txt/me.jpg", "text.txt", ""]
)
def test_a_place_that_cannot_be_written_is_named(place: str, here: Path):
    whole = typed("encode", _photo(here))
    (here / "photo.txt").write_text(whole.stdout)
    assert_refused(typed("decode", "-o", place, "photo.txt"))
    assert (here / "text.txt").read_text() == "hello"


def _photo(folder: Path) -> str:
    (folder / "me.jpg").write_bytes(picture(".jpg"))
    return str(folder / "me.jpg")


BEGIN, END = b"-----BEGIN PHOTO me.jpg-----\n", b"-----END PHOTO %b lines, sha256 " + b"0" * 32 + b"-----"
PASTES = {
    "nothing": b"",
    "zeros": b"\0" * 100,
    "chance": bytes((7 * n * n + n) % 251 for n in range(5000)),
    "half a character": b"\xc3\xff\xfe",
    "only the beginning": BEGIN,
    "no lines": BEGIN + END % b"0",
    "more lines than numbers have digits": BEGIN + END % (b"9" * 5000),
    "digits of another script": BEGIN + END % "٣".encode(),
    "base64 of nothing": b"/9j/" + b"A" * 99,
    "base64 not": "é".encode() * 50,
    "colours": b"-----BEGIN PHOTO \x1b[31m-----\nabcd \x1b[2J\n",
    "a path": b"-----BEGIN PHOTO ../../etc/passwd-----\n" + END % b"0",
    "one letter again and again": b"a" * 10_001,
}


@pytest.mark.parametrize("pasted", PASTES.values(), ids=PASTES)
@pytest.mark.parametrize("command", [["decode"], ["encode", "-"]], ids=" ".join)
def test_junk_on_standard_input_is_refused(pasted: bytes, command: list[str], here: Path):
    before = sorted(path.name for path in here.iterdir())
    assert_refused(typed(*command, pasted=pasted))
    assert sorted(path.name for path in here.iterdir()) == before


# --- with an account --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_name_of_a_photo_surprises_any_command(deployed: Attendee, here: Path):
    """One test, so that one account serves them all; the commands take turns, for they find a photo in one way."""
    names = [
        *NOT_PHOTOS,
        *NOT_ADDRESSES,
        "é" * 600,
        "results/x.json",
        "s3://a",
        "s3://a/b",
        "%00",
        "a/../b",
        "?x=y",
        "-",
    ]
    commands = ("upload", "index", "url", "why", "forget")
    turns = [(commands[number % 5], name) for number, name in enumerate(names) if name != "/dev/zero"]
    surprised = []
    for command, name in (*turns, *((command, "\udcff.jpg") for command in commands)):
        ran = deployed.run(command, "--", name, pasted=b"junk")
        if not isinstance(ran.exception, SystemExit | None) or ran.exit_code not in (0, 1, 2):
            surprised.append((command, name, repr(ran.exception)))
    assert surprised == []
    assert deployed.keys() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["upload", "--key", "x" * 1025],
        ["upload", "--key", "\udcff"],
        ["upload", "--key", "é" * 600],
        ["upload", "-b", "a b"],
        ["upload", "-b", "a/../b"],
        ["upload", "-b", "\udcff"],
        ["upload", "-b", "x" * 300],
        ["upload", "-b", "arn:aws:s3:::x"],
        ["url", "-b", "a b"],
        ["url", "-b", "\udcff"],
        ["url", "-b", "arn:aws:s3:::x"],
        ["gallery", "-o", "/dev/full"],
        ["gallery", "-o", "nowhere/gallery.html"],
        ["gallery", "-o", "x" * 300],
    ],
    ids=lambda arguments: ascii(" ".join(arguments))[:40],
)
def test_a_key_a_bucket_or_a_place_that_cannot_be_is_refused(arguments: list[str], deployed: Attendee, here: Path):
    photo = [] if arguments[0] == "gallery" else [_photo(here)]
    assert_refused(deployed.run(*arguments, *photo))
