"""The local AWS can be mistaken for no other AWS, and its commands leave nothing running."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
from click.testing import CliRunner

from local_aws import cli as commands
from local_aws import processes
from local_aws.demo import _usable
from local_aws.errors import LocalAwsError
from local_aws.local import PROJECT, LocalAws

SAMPLE = PROJECT / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample1.jpg"

A_PERSONS_OWN = {
    "AWS_PROFILE": "a-real-account",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a-real-token",
    "AWS_ENDPOINT_URL_S3": "https://s3.ap-southeast-2.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "CDK_DEFAULT_ACCOUNT": "444455556666",
    "HTTPS_PROXY": "http://proxy.example:3128",
}


class _At:
    def __init__(self, url: str) -> None:
        self.url = url


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """One that was never started, in the shell of a person who also has a real account."""
    for name, value in A_PERSONS_OWN.items():
        monkeypatch.setenv(name, value)
    aws = LocalAws()
    aws.emulator = _At("http://127.0.0.1:4566")  # type: ignore[assignment]
    aws.rekognition = _At("http://127.0.0.1:4567")  # type: ignore[assignment]
    return aws


def test_every_address_it_gives_away_is_on_this_machine(aws: LocalAws):
    addresses = [value for name, value in aws.environment().items() if "ENDPOINT_URL" in name and "://" in value]
    assert [urlsplit(address).hostname for address in addresses] == ["127.0.0.1", "127.0.0.1"]


def test_an_endpoint_elsewhere_is_refused(aws: LocalAws):
    aws.rekognition = _At("https://rekognition.ap-southeast-2.amazonaws.com")  # type: ignore[assignment]
    with pytest.raises(LocalAwsError, match="not on this machine; stopped"):
        aws.environment()


def test_child_processes_get_nothing_of_the_real_account(aws: LocalAws):
    given = aws.process_environment()
    for name, value in A_PERSONS_OWN.items():
        assert given.get(name) != value
    assert given["AWS_SHARED_CREDENTIALS_FILE"] == given["AWS_CONFIG_FILE"] == os.devnull
    assert given["AWS_EC2_METADATA_DISABLED"] == "true"


def test_a_session_created_while_adopted_uses_the_local_account(aws: LocalAws):
    with aws.adopted(account="222233334444", region="eu-west-1"):
        client = boto3.Session().client("s3")
        credentials = boto3.Session().get_credentials()
        assert client.meta.endpoint_url == "http://127.0.0.1:4566"
        assert client.meta.region_name == "eu-west-1"
        assert (credentials.access_key, credentials.token) == ("222233334444", None)
    assert os.environ["AWS_PROFILE"] == "a-real-account"


def test_sourcing_the_variables_unsets_those_of_another_aws(aws: LocalAws):
    lines = commands._shell_lines(aws)
    assert lines[0].startswith("unset ")
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} <= set(lines[0].split())
    shell = subprocess.run(["sh", "-c", "\n".join([*lines, "env"])], capture_output=True, text=True, check=True)
    variables = dict(line.split("=", 1) for line in shell.stdout.splitlines() if "=" in line)
    assert {name: variables[name] for name in aws.environment()} == aws.environment()
    assert not variables.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "HTTPS_PROXY"}


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(commands, "STATE", tmp_path / "local-aws.json")
    monkeypatch.setattr(commands, "LOCAL_AWS", tmp_path / "local-aws.env")
    return commands.STATE


@pytest.mark.parametrize(
    "left_behind",
    [
        "",
        json.dumps({"pid": os.getpid(), "started": 1.0, "port": 4566}),
        json.dumps({"pid": 2**22 + 1, "started": 1.0, "port": 4566}),
    ],
    ids=["unreadable", "the number is another process's now", "no such process"],
)
def test_down_removes_stale_files_and_kills_no_other_process(state: Path, left_behind: str):
    state.write_text(left_behind)
    result = CliRunner().invoke(commands.local_aws, ["down"])
    assert result.exit_code == 0
    assert not state.exists()


def test_down_ends_the_process_that_keeps_it_up(state: Path):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = psutil.Process(process.pid).create_time()
    state.write_text(json.dumps({"pid": process.pid, "started": started, "port": 4566}))
    assert CliRunner().invoke(commands.local_aws, ["down"]).exit_code == 0
    assert not psutil.pid_exists(process.pid)


def test_a_second_local_aws_is_refused_and_the_first_named(state: Path):
    state.write_text(json.dumps({"pid": os.getpid(), "started": psutil.Process().create_time(), "port": 4599}))
    result = CliRunner().invoke(commands.local_aws, ["up"])
    assert result.exit_code == 1
    assert "already running on port 4599" in result.output


KEPT_UP = """
import contextlib, pathlib, sys, types
from local_aws import cli
class Aws(contextlib.ExitStack):
    emulator = types.SimpleNamespace(port=4566)
    def __init__(self, port, starting_at_once): super().__init__(); self.callback(print, "cleaned up")
    def environment(self): return {}
    def bootstrap(self): pass
cli.LocalAws = Aws
folder = pathlib.Path(sys.argv.pop())
cli.STATE, cli.LOCAL_AWS = folder / "state", folder / "variables"
cli.local_aws()
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_ends_successfully_when_it_is_stopped(tmp_path: Path, how: signal.Signals):
    """`make local` would call everything else an error."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", KEPT_UP, "up", str(tmp_path)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "Ctrl-C here" not in process.stdout.readline():  # type: ignore[union-attr]
        assert process.poll() is None, process.communicate()
    process.send_signal(how)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 0, stderr
    assert stdout.splitlines()[-1] == "cleaned up"
    assert stderr.splitlines()[-1] == "Stopped the local AWS; nothing is left."
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("photo", "sentence"),
    [
        ("README.md", "Error: README.md cannot be sent: this is not a photo in a format we know"),
        ("nothere.jpg", "Error: There is no file nothere.jpg."),
        ("-", "Error: The demo takes files, folders and URLs, but not standard input."),
    ],
)
def test_without_a_photo_the_demo_starts_nothing(monkeypatch: pytest.MonkeyPatch, photo: str, sentence: str):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr("local_aws.demo.LocalAws", None)
    ran = CliRunner().invoke(commands.local_aws, ["demo", photo])
    assert ran.exit_code == 1
    assert ran.stderr.startswith(sentence)
    assert "Usage" not in ran.stderr


def test_the_demo_continues_without_a_bad_photo(capsys: pytest.CaptureFixture[str]):
    assert _usable([str(PROJECT / "README.md"), str(SAMPLE)]) == [str(SAMPLE)]
    assert "README.md cannot be sent" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("local_aws.cli.os.access", lambda *_: False)
    ran = CliRunner().invoke(commands.local_aws, ["demo"])
    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"Error: {PROJECT} is not writable")


def test_outside_the_virtual_environment_it_says_how_to_get_in():
    without_packages = [sys.executable, "-S", "-m", "local_aws", "up"]
    ran = subprocess.run(without_packages, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "The package click is not installed; type: make local (or: source .venv/bin/activate)\n"


@pytest.mark.slow
def test_a_terminal_can_go_on_after_a_restart():
    """What it sourced is still right: both addresses are the same on the same port."""
    port = processes.free_port()
    with LocalAws(port) as first:
        before = first.environment()
    with LocalAws(port) as second:
        assert second.environment() == before


@pytest.mark.slow
def test_the_demo_shows_faces_and_leaves_nothing(tmp_path: Path):
    """The whole way, as a newcomer goes it, in a shell that could also reach a real account."""
    demo = subprocess.run(
        [sys.executable, "-m", "local_aws", "demo", "--no-open", str(SAMPLE)],
        cwd=PROJECT,
        env={**os.environ, **A_PERSONS_OWN, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr
    assert demo.stdout.count(" yes") >= 3, "sample1.jpg shows three people"
    assert demo.stdout.splitlines()[-1] == "nothing left"
    page = (PROJECT / "build" / "demo" / "index.html").read_text()
    (picture,) = (PROJECT / "build" / "demo").glob("*.jpg")
    assert picture.name.replace(" ", "%20") in page or picture.name in page
    assert picture.name.startswith("01 sample1-")
    assert picture.name.count(".jpg") == 1
    assert not [each for each in tmp_path.iterdir() if each.name.startswith("show-your-emotions")]
