"""`emotions url`: the refusal, the link, its end, and the QR code."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.workshop.attendee import PROJECT, Attendee, uploaded

pytestmark = pytest.mark.slow


def test_url_shows_the_refusal_first_and_prints_only_the_link(deployed: Attendee):
    deployed.run("index", str(deployed.photo_file()))
    ran = deployed.run("url", "selfie.jpg", "--expires", "15m")
    assert ran.exit_code == 0, ran.output
    assert "403 AccessDenied, as it should be" in ran.stderr
    link = ran.stdout.strip()
    assert "X-Amz-Expires=900" in link
    (key,) = deployed.keys()
    with urllib.request.urlopen(link) as answer:
        assert answer.headers["Content-Disposition"] == f"inline;filename*=UTF-8''{key}"
        assert answer.read(3) == b"\xff\xd8\xff"


def test_a_link_ends_with_the_credentials_that_signed_it(deployed: Attendee):
    deployed.run("index", str(deployed.photo_file()))
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1800))
    temporary = {"AWS_SESSION_TOKEN": "token", "AWS_CREDENTIAL_EXPIRATION": soon}
    ran = deployed.run("url", "selfie.jpg", "--expires", "7d", "--json", **temporary)
    answer = json.loads(ran.stdout)
    assert answer["ends"].startswith(soon[:16])
    assert "because your credentials expire then" in answer["caveat"]


def test_temporary_credentials_without_a_known_end_are_no_promise(deployed: Attendee):
    deployed.run("index", str(deployed.photo_file()))
    ran = deployed.run("url", "selfie.jpg", AWS_SESSION_TOKEN="token")
    assert "or until your temporary credentials expire" in ran.stderr


@pytest.mark.parametrize(
    "command", [("url", "selfie.jpg"), ("send", "selfie.jpg"), ("gallery", "--output", "page.html")]
)
def test_a_link_that_would_outlive_its_picture_is_pointed_out(serverless: Attendee, command: tuple[str, ...]):
    serverless.run("index", str(serverless.photo_file()))
    sentence = "S3 deletes pictures 1 to 2 days after they were made. Then the links stop working."
    assert sentence in serverless.run(*command, "--expires", "2d").stderr
    assert sentence not in serverless.run(*command, "--expires", "1d").stderr


@pytest.mark.parametrize("expires", ["8d", "0s", "tomorrow", "-5m", "5"])
def test_how_long_a_link_may_live_is_checked(deployed: Attendee, expires: str):
    ran = deployed.run("url", "selfie.jpg", "--expires", expires)
    assert ran.exit_code == 2
    assert "--expires" in ran.stderr


def test_url_with_image_and_bucket_works_as_in_the_original(deployed: Attendee):
    """`url_gen.py -i image -b bucket`."""
    key = uploaded(deployed, deployed.photo_file())
    ran = deployed.run("url", "-i", key, "-b", deployed.outputs["RawBucket"])
    assert ran.exit_code == 0, ran.output
    assert urllib.request.urlopen(ran.stdout.strip()).status == 200


def test_url_of_a_photo_without_a_picture_says_what_to_do(deployed: Attendee):
    key = uploaded(deployed, deployed.photo_file())
    ran = deployed.run("url", "selfie.jpg")
    assert ran.exit_code == 1
    assert f"{key} has no annotated picture yet." in ran.stderr
    assert f"why {key}" in ran.stderr


def test_a_picture_that_anybody_can_see_is_an_alarm(deployed: Attendee):
    deployed.run("index", str(deployed.photo_file()))
    bucket = deployed.outputs["ProcessedBucket"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    deployed.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    )
    ran = deployed.run("url", "selfie.jpg")
    assert ran.exit_code == 1
    assert f"{bucket} is public" in ran.stderr
    (picture_key,) = [key for key in deployed.keys("ProcessedBucket") if key.startswith("pictures/")]
    deployed.client("s3").delete_object(Bucket=bucket, Key=picture_key)
    gone = deployed.run("url", "selfie.jpg")
    assert gone.exit_code == 1
    assert "The direct address answered 404 NoSuchKey and not 403" in gone.stderr
    assert "is public" not in gone.stderr


A_LINK = (
    "https://showyouremotions-me-foundation-photosprocessedfe5ae7cf2be6bc556.s3.ap-southeast-2.amazonaws.com/pictures/"
    "IMG_20261122_143000-712c1015.jpg/3HL4kqtJvjVBH40Nrjfkd.R2pQ9s_z1x.jpg?response-content-disposition=inline"
    "%3Bfilename%2A%3DUTF-8%27%27IMG_20261122_143000-712c1015.jpg&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
    "%2F20261122%2Fap-southeast-2%2Fs3%2Faws4_request&X-Amz-Date=20261122T231707Z&X-Amz-Expires=3600"
    "&X-Amz-SignedHeaders=host&X-Amz-Signature=55c2e285e9993b08fd492f7db1f320f62a293141b6a50f204fbe3f9aecbbdb7e"
)
"""As long as a link to a phone's photo in a real account is."""


def shown_in_a_window(
    link: str, columns: int, lines: int, show: str = "show(link, qr=True)", folder: Path = PROJECT, **env: str
) -> list[str]:
    """What a terminal of that size gets when the link is shown, without colours."""
    master, slave = pty.openpty()
    code = "import sys, datetime; from workshop.show.link import *; from workshop.aws.account import Account; "
    code += f"link = Link(sys.argv[1], datetime.datetime.now(datetime.UTC), None, 'selfie-1a2b3c4d.jpg'); {show}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, link],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if name not in ("TERM_PROGRAM", "VTE_VERSION")},
            "PYTHONPATH": f"{PROJECT}:{PROJECT / 'lambda' / 'photo_annotator'}",
            "TERM": "xterm-256color",
            "COLUMNS": str(columns),
            "LINES": str(lines),
            **env,
        },
        stdout=slave,
        stderr=slave,
        stdin=subprocess.DEVNULL,
    )
    os.close(slave)
    shown = io.BytesIO()
    try:
        while chunk := os.read(master, 65536):
            shown.write(chunk)
    except OSError:
        pass  # the other end is closed: that is the end of the output
    assert process.wait() == 0
    os.close(master)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.getvalue().decode().splitlines()]


def test_the_qr_code_on_a_terminal_is_the_link():
    """Read from the terminal's own output: half blocks, black on white."""
    shown = shown_in_a_window(A_LINK, columns=100, lines=60)
    assert shown[0] == A_LINK
    dark = {" ": (0, 0), "▄": (0, 1), "▀": (1, 0), "█": (1, 1)}
    code = [line for line in shown if line and set(line) <= set(dark)]
    assert max(map(len, code)) <= 100
    rows = [[dark[character][half] for character in line] for line in code for half in (0, 1)]
    image = np.kron(255 * (1 - np.array(rows, np.uint8)), np.ones((6, 6), np.uint8))
    read, *_ = cv2.QRCodeDetectorAruco().detectAndDecode(cv2.copyMakeBorder(image, 24, 24, 24, 24, 0, value=255))
    assert read == A_LINK


def test_a_qr_code_that_is_larger_than_the_window_is_a_picture(tmp_path: Path):
    """Temporary credentials make a link three times as long: 129 columns. The local AWS rehearses it."""
    long = f"http://127.0.0.1:4566/bucket/picture.jpg?X-Amz-Security-Token={'t' * 1400}"
    shown = "\n".join(shown_in_a_window(long, 80, 60, folder=tmp_path))
    assert "█" not in shown
    assert "selfie-1a2b3c4d-qr.png" in shown
    assert "open on this computer only" in shown
    image = cv2.imread(str(tmp_path / "selfie-1a2b3c4d-qr.png"), cv2.IMREAD_GRAYSCALE)
    assert cv2.QRCodeDetectorAruco().detectAndDecode(image)[0] == long


def test_a_terminal_that_opens_links_gets_names_to_click_and_no_addresses():
    show = "show_pictures(Account.open(region='eu-west-1'), {'a.jpg': link, 'b.jpg': link}, qr=True)"
    credentials = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
    clickable = shown_in_a_window(A_LINK, 80, 60, show, FORCE_HYPERLINK="1", **credentials)
    assert [re.sub(r"\x1b].*?\x1b\\", "", line) for line in clickable][1:3] == ["Open a.jpg", "Open b.jpg"]
    assert "".join(clickable).count(A_LINK) == 2
    other = "".join(shown_in_a_window(A_LINK, 80, 60, show, **credentials))
    assert A_LINK not in other
    assert "For the address and a QR code: emotions url PHOTO" in other


def test_a_link_that_is_too_long_for_a_qr_code_is_still_a_link():
    long = f"{A_LINK}&X-Amz-Security-Token={'t' * 3000}"
    shown = "\n".join(shown_in_a_window(long, 200, 100))
    assert shown.startswith(long)
    assert "too long for a QR code" in shown
