"""The worst days: each is one sentence on stderr, what to do, exit code 1, and never a traceback."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result

from tests.workshop.attendee import FOUNDATION, PROJECT, Attendee
from tests.workshop.refusing import RefusingServer
from workshop.terminal import errors

pytestmark = pytest.mark.slow

EVERY_COMMAND = [("upload",), ("index",), ("url",), ("send",), ("why",), ("forget",)]


def sentence(ran: Result) -> str:
    """The one error on stderr, after checking that it is the only one and that nothing else pretends success."""
    assert ran.exit_code == 1, ran.output
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("Error: ")]
    return line


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_no_credentials(attendee: Attendee, command: tuple[str, ...]):
    ran = attendee.run(*command, str(attendee.photo_file()), AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert sentence(ran) == "Error: No AWS credentials were found."
    assert "aws configure" in ran.stderr


@pytest.mark.parametrize(
    "missing", [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("AWS_REGION", "AWS_DEFAULT_REGION")]
)
def test_a_terminal_that_does_not_use_the_local_aws_is_told_that_it_runs(
    attendee: Attendee, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
):
    running = attendee.folder / "local-aws.env"
    running.touch()
    monkeypatch.setattr(errors, "LOCAL_AWS", running)
    ran = attendee.run("why", "a.jpg", **dict.fromkeys((*missing, "AWS_ENDPOINT_URL")))
    assert "A local AWS is running on this computer." in ran.stderr
    assert "source local-aws.env" in ran.stderr
    assert "aws login" not in ran.stderr


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_the_stack_is_missing(attendee: Attendee, command: tuple[str, ...]):
    ran = attendee.run("--attendee", "simon", *command, str(attendee.photo_file()))
    assert sentence(ran) == "Error: There is no stack ShowYourEmotions-simon-Foundation in ap-southeast-2."
    assert "npx cdk deploy Foundation -c attendee=simon" in ran.stderr


def test_the_stack_is_in_another_region(attendee: Attendee):
    attendee.deploy("Foundation", FOUNDATION, region="eu-west-1")
    ran = attendee.run("why", "selfie.jpg")
    assert sentence(ran).endswith("in ap-southeast-2. It is in eu-west-1.")
    assert "--region eu-west-1" in ran.stderr


def test_the_stack_is_somebody_elses(attendee: Attendee):
    attendee.deploy("Foundation", FOUNDATION, name="anna")
    ran = attendee.run("why", "selfie.jpg")
    assert '--attendee and one of "anna"' in ran.stderr
    assert ran.stderr.index("npx cdk deploy Foundation") < ran.stderr.index("anna"), "the likeliest comes first"
    assert ran.stderr.count("There is no stack") == 1


def test_the_attendee_comes_from_the_environment_too(attendee: Attendee):
    attendee.deploy("Foundation", FOUNDATION, name="anna")
    ran = attendee.run("upload", str(attendee.photo_file()), ATTENDEE="anna")
    assert ran.exit_code == 0, ran.output
    assert "--attendee anna index" in ran.stderr, "what is there to paste names the attendee"


@pytest.mark.parametrize("words", [("why", "a.jpg", "--attendee", "anna"), ("why", "--attendee=anna", "a.jpg")])
def test_the_attendee_may_be_named_after_the_command(attendee: Attendee, words: tuple[str, ...]):
    attendee.deploy("Foundation", FOUNDATION, name="anna")
    assert "a.jpg never arrived in your bucket" in attendee.run(*words).output


def test_what_comes_after_two_dashes_is_a_name(deployed: Attendee):
    assert "--attendee never arrived in your bucket" in deployed.run("why", "--", "--attendee").output


def test_nothing_left_of_a_name_that_was_mistyped_says_who_has_stacks(attendee: Attendee):
    attendee.deploy("Foundation", FOUNDATION, name="anna")
    ran = attendee.run("teardown", "--yes", "--attendee", "ana")
    assert ran.stdout == "nothing left of ana\n"
    assert attendee.run("teardown", "--dry-run", "--attendee", "ana").stdout == ran.stdout
    assert "ana has nothing here. Other attendees have stacks in ap-southeast-2" in ran.stderr
    assert '--attendee and "anna"' in ran.stderr


def test_nothing_left_in_a_region_that_was_mistyped_says_where(attendee: Attendee):
    attendee.deploy("Foundation", FOUNDATION, region="eu-west-1")
    ran = attendee.run("teardown", "--yes")
    assert "me has stacks in eu-west-1: add --region eu-west-1" in ran.stderr


@pytest.mark.parametrize("says", ["/no/such/program", "/bin/echo this is no JSON"])
def test_a_program_for_credentials_that_gives_none_is_one_sentence(attendee: Attendee, says: str):
    config = attendee.folder / "config"
    config.write_text(f"[default]\ncredential_process = {says}\n")
    nothing = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    ran = attendee.run("why", "a.jpg", AWS_CONFIG_FILE=str(config), **nothing)
    assert sentence(ran).startswith("Error: Your AWS credentials could not be read: ")


def test_an_address_that_is_none_is_one_sentence(attendee: Attendee):
    assert "Invalid endpoint: nowhere" in sentence(attendee.run("why", "a.jpg", AWS_ENDPOINT_URL="nowhere"))


def test_a_terminal_without_columns_is_written_to(attendee: Attendee):
    _, stderr = attendee.start("why", "a.jpg", COLUMNS="0").communicate(timeout=60)
    assert "There is no stack" in stderr


def test_step_five_is_missing(deployed: Attendee):
    ran = deployed.run("send", str(deployed.photo_file()))
    assert sentence(ran) == "Error: Step 5 is not deployed: there is no stack ShowYourEmotions-me-Serverless."
    assert "npx cdk deploy Serverless" in ran.stderr
    assert deployed.keys() == [], "nothing is sent that nobody will look at"


def test_an_attendee_that_cannot_be_part_of_a_stacks_name(attendee: Attendee):
    assert "'Simon B' cannot be an attendee's name" in sentence(attendee.run("--attendee", "Simon B", "why", "a.jpg"))


def test_no_region(attendee: Attendee):
    ran = attendee.run("why", "a.jpg", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert sentence(ran) == "Error: No AWS region is chosen."


def test_a_profile_that_is_not_there(attendee: Attendee):
    assert "nobody" in sentence(attendee.run("--profile", "nobody", "why", "a.jpg"))


def test_no_network(attendee: Attendee):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        ran = attendee.run("why", "a.jpg", AWS_ENDPOINT_URL=address)
    assert "could not be reached" in sentence(ran)
    assert "The local AWS is not running." in ran.stderr


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ExpiredToken", "Your AWS credentials have expired."),
        ("InvalidClientTokenId", "AWS does not accept these credentials (InvalidClientTokenId)."),
        ("AccessDenied", "AWS refused DescribeStacks (AccessDenied): no, never"),
        ("RequestTimeTooSkewed", "This computer's clock is wrong"),
        ("OptInRequired", "This account may not use the service behind DescribeStacks"),
    ],
)
def test_what_aws_refuses(attendee: Attendee, refusing: RefusingServer, code: str, expected: str):
    refusing.code = code
    ran = attendee.run("why", "a.jpg", AWS_ENDPOINT_URL=refusing.url)
    assert expected in sentence(ran)


def test_ctrl_c_while_waiting_names_all_photos_and_says_how_to_go_on(serverless: Attendee):
    photos = [str(serverless.photo_file(f"{n}.jpg", seed=n)) for n in (1, 2)]
    process = serverless.start("send", *photos, "--wait", "60")
    while len(serverless.keys()) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    one, two = serverless.keys()
    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    assert "Error: Stopped waiting. The function goes on with 2 photos in the bucket." in stderr
    assert "How each went: emotions why PHOTO\n" in stderr
    assert f"emotions forget {one} {two}\n" in stderr


def test_help_opens_with_an_example_and_needs_nothing():
    ran = subprocess.run(
        ["python", "-X", "importtime", "-m", "workshop", "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "emotions send selfie.jpg" in ran.stdout.split("Options:")[0]
    assert "boto3" not in ran.stderr
    assert "cv2" not in ran.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a disk that is always full")
def test_a_full_disk_is_one_sentence(attendee: Attendee):
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "workshop", "encode", attendee.photo_file()],
            cwd=PROJECT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert "Error: This computer reports: No space left on device.\n" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode


def test_nothing_is_coloured_in_a_pipe(deployed: Attendee):
    process = deployed.start("upload", str(deployed.photo_file()), "/nowhere.jpg", TERM="xterm-256color")
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "\x1b" not in stdout + stderr


def test_a_stack_that_has_failed_is_not_taken_for_a_missing_one(attendee: Attendee):
    impossible = {
        "Resources": {"Taken": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taken"}}},
        "Outputs": {"RawBucket": {"Value": {"Fn::GetAtt": ["Taken", "NoSuchAttribute"]}}},
    }
    with contextlib.suppress(AssertionError):
        attendee.deploy("Foundation", impossible)
    ran = attendee.run("why", "a.jpg")
    assert "has failed" in sentence(ran)


def test_outside_the_virtual_environment_it_says_how_to_get_in():
    without_packages = [sys.executable, "-S", "-m", "workshop", "doctor"]
    ran = subprocess.run(without_packages, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "This Python lacks click; type: source .venv/bin/activate (after `make setup`)\n"
