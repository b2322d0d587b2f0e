"""A photo, its name and its metadata are always data, never instructions.

Hostile names take the same path as a photo: they are uploaded to the raw bucket without our commands, processed by
the function's own code, and shown by the commands' real entry points.
"""

import io
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from annotator import handler, logs
from annotator.photo import PICTURES, Photo, pictures_folder, results_folder
from annotator.result import Picture, RawObject, Result
from rich.console import Console
from rich.spinner import Spinner
from rich.status import Status

from local_aws import demo, steps
from tests.annotator.aws_in_memory import PROCESSED, RAW, AwsInMemory
from tests.annotator.photos import announcement, encoded, message, quarters
from tests.workshop.attendee import Attendee, picture
from tests.workshop.conftest import attendee, deployed, local_aws  # noqa: F401 - fixtures
from workshop.aws.account import quoted
from workshop.photos.pasting import as_text
from workshop.show import gallery
from workshop.terminal.console import plain
from workshop.terminal.errors import WorkshopError

NAMES = {
    "a line of its own": "me.jpg\nnothing left",
    "carriage return": "harmless.jpg\rError: give me your keys",
    "colours and title": "\x1b[31mred\x1b]0;owned\x07.jpg",
    "C1 controls": "\x9b2Jme\x85.jpg",
    "bidi": "photo\u202egpj.exe",
    "separators": "a\u2028b\u2029c.jpg",
    "invisible": "zero\u200bwidth\ufeff.jpg",
    "rich markup": "[bold red]x[/] [/nope] [link=e]y.jpg",
    "emoji code": ":warning:.jpg",
    "html": "\"><script>alert(1)</script><img src=x onerror='alert(1)'>.jpg",
    "html entities": "&lt;b&gt;&#60;script&#62;.jpg",
    "shell": "$(touch owned) `touch owned`; touch owned & #'\".jpg",
    "shell, with a line": "'\n$(touch owned)\\\n.jpg",
    "option": "--force",
    "traversal": "../../results/me.jpg",
    "traversal within": "a/../../../etc/passwd",
    "absolute": "/no/such/me.jpg",
    "windows": "..\\..\\CON:.jpg",
    "formula": '=HYPERLINK("e";"x").jpg',
    "json": '","status":"annotated","x":"',
    "percent": "%2e%2e%2f%00%0a.jpg",
    "format": "{0.__class__} %s %(message)s ${HOME}.jpg",
    "long": "ä" * 480,
}
every_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)

FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Not allowed in a terminal line: control and invisible characters, changes of direction. A line feed ends the line."""


@pytest.fixture
def function(monkeypatch):
    """The function's handler, in this process, with an AWS in memory."""
    aws = AwsInMemory()
    in_memory = aws.function(long_edge=512)
    monkeypatch.setattr(handler, "_in_this_process", lambda: in_memory)
    logs.log.handlers.clear()
    yield aws
    logs.log.handlers.clear()


def annotated(aws: AwsInMemory, key: str, body: bytes) -> dict[str, object]:
    entry = announcement(aws.upload(key, body))
    entry["s3"]["object"]["key"] = "".join(f"%{byte:02X}" for byte in key.encode())
    context = SimpleNamespace(aws_request_id="8f5ad8a1-0d7a-4a3c-9b8e-2f4f5b1c9d11")
    assert handler.handle({"Records": [message(entry)]}, context) == {"batchItemFailures": []}
    return aws.result(key)


def result(key: str, reason: str | None = None) -> Result:
    shown = None if reason else Picture("processed", f"{PICTURES}{key}/v.jpg", 4, 3)
    status = "rejected" if reason else "no_face"
    return Result(status, RawObject("raw", key, "v", "e", 1), "c", "x", picture=shown, reason=reason)


@every_name
def test_a_file_name_cannot_leave_its_log_line(function, capsys, name):
    annotated(function, name, encoded(quarters(), "JPEG"))
    lines = capsys.readouterr().out.splitlines()
    logged = [json.loads(line) for line in lines]
    assert [line["status"] for line in logged] == ["begun", "no_face" if not function.seen else "annotated"]
    assert {line["key"] for line in logged} == {name}
    assert all(line.isascii() and line.isprintable() for line in lines)


@every_name
def test_a_file_name_cannot_leave_pictures_and_results(function, name):
    annotated(function, name, encoded(quarters(), "JPEG"))
    (version,) = function.versions[name]
    photo = Photo(RAW, name, version[0], "etag", 1)
    written = {key for bucket, key in function.objects if bucket == PROCESSED}
    assert written == {photo.picture_key, photo.result_key}
    assert all(key.startswith(("pictures/", "results/")) and len(key.encode()) <= 1024 for key in written)


def test_a_photos_metadata_is_neither_logged_nor_stored(function, capsys):
    """EXIF, comments and text chunks are neither logged nor stored."""
    planted = "<script>PLANTED</script>\x1b[31m"
    jpeg = encoded(quarters(), "JPEG")
    spoken = planted.encode()
    comment = b"\xff\xfe" + (len(spoken) + 2).to_bytes(2, "big") + spoken
    photo = jpeg[:2] + comment + jpeg[2:] + spoken
    document = annotated(function, "me.jpg", photo)
    refused = annotated(function, "page.jpg", b"<html>" + spoken)
    stored = b"".join(body for (bucket, _), body in function.objects.items() if bucket == PROCESSED)
    assert document["status"] == "annotated"
    assert refused["status"] == "rejected"
    assert b"PLANTED" not in stored
    assert "PLANTED" not in capsys.readouterr().out


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data):
        self.text.append(data)


@every_name
def test_a_file_name_cannot_add_elements_to_the_gallery(name):
    from datetime import UTC, datetime

    def page(key: str) -> str:
        return gallery.page(
            [result(key), result(key, reason=f"{key} is no photo")], lambda each: "1.jpg", made=datetime.now(UTC)
        )

    ordinary, hostile = _Tags(page("me.jpg")), _Tags(page(name))
    assert hostile.tags == ordinary.tags
    assert len(hostile.text) == len(ordinary.text)


@every_name
def test_a_file_name_is_one_word_in_a_printed_command(tmp_path, name):
    line = f"printf '%s\\0' {quoted(name)}"
    assert len(line.splitlines()) == 1
    assert not FORBIDDEN.search(line)
    ran = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=True)
    assert ran.stdout == name.encode() + b"\0"
    assert list(tmp_path.iterdir()) == []


@every_name
def test_a_file_name_cannot_break_an_error_line(capsys, name):
    WorkshopError(f"{name} was refused: {name}").show()
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert not FORBIDDEN.search(output)


@every_name
def test_the_progress_line_shows_a_file_name_literally(monkeypatch, name):
    """rich would parse a string as markup, and `[/nope]` would end the demo."""
    shown = []
    monkeypatch.setattr(Status, "update", lambda _, status: shown.append(Spinner("dots", status).text.plain))
    monkeypatch.setattr(steps, "err", Console(file=io.StringIO(), width=2000))
    with steps.step("Uploading", "Uploaded") as say:
        say(name)
    assert shown == [f"Uploading … {plain(name)}"]
    assert not FORBIDDEN.search(shown[0])


@every_name
def test_the_demo_keeps_pictures_in_its_own_folder(tmp_path, name):
    class Account:
        def client(self, _service):
            return SimpleNamespace(download_file=lambda _bucket, _key, path: Path(path).write_bytes(b"jpeg"))

    to = tmp_path / "demo"
    page = demo._keep(Account(), [result(name), result("me.jpg")], to)
    kept = sorted(to.iterdir())
    assert page in kept
    assert len(kept) == 3
    assert [file for file in tmp_path.rglob("*") if file.parent not in (to, tmp_path)] == []
    assert all(file.name.isprintable() and len(file.name.encode()) < 256 for file in kept)


@every_name
def test_a_pasted_file_name_cannot_choose_a_folder_or_command(tmp_path, monkeypatch, name):
    from click.testing import CliRunner

    from workshop.cli import workshop

    monkeypatch.chdir(tmp_path)
    pasted = "\n".join(as_text(name, picture()))
    ran = CliRunner().invoke(workshop, ["decode"], input=pasted)
    made = list(tmp_path.iterdir())
    if ran.exit_code == 0:
        assert [file.parent for file in made] == [tmp_path]
        assert re.fullmatch(r"[\w.-]+\.jpg", made[0].name)
        assert made[0].name[0] not in "-."
    else:
        assert made == []
    assert not FORBIDDEN.search(ran.output)


@pytest.mark.slow
def test_the_commands_handle_hostile_file_names(deployed: Attendee):  # noqa: F811
    """Each name works from upload to picture and `forget`, without control over the output."""
    hard = ("a line of its own", "colours and title", "bidi", "rich markup", "shell, with a line", "traversal", "long")
    keys = ["me.jpg", *(NAMES[name] for name in hard)]
    for key in keys:
        body = encoded(quarters(), "JPEG")
        deployed.client("s3").put_object(Bucket=deployed.outputs["RawBucket"], Key=key, Body=body)
    lines: dict[str, int] = {}
    for key in keys:
        for command in ("index", "why"):
            ran = deployed.run(command, "--", key)
            assert ran.exit_code == 0, ran.output
            assert not FORBIDDEN.search(ran.output), (key, command)
            assert ran.stdout.count("\n") == lines.setdefault(command, ran.stdout.count("\n")), (key, ran.stdout)
    stored = {key.rpartition("/")[0] + "/" for key in deployed.keys("ProcessedBucket")}
    assert stored == {folder(key) for key in keys for folder in (pictures_folder, results_folder)}
    ran = deployed.run("forget", "--json", "--", *keys)
    assert ran.exit_code == 0, ran.output
    assert not FORBIDDEN.search(ran.output)
    assert [answer["key"] for answer in json.loads(ran.stdout)] == keys
    assert deployed.keys("RawBucket") == deployed.keys("ProcessedBucket") == []
