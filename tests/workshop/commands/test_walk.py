"""The steps after the upload, through their entry points: index, link, send, why, forget."""

import base64
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from annotator.cloud import Cloud
from annotator.events import photos_in
from annotator.photo import Photo
from annotator.result import RawObject, Result
from annotator.workflow import annotate

from infra.settings import PHOTO_TIMEOUT
from tests.workshop.answering import stacks_with
from tests.workshop.attendee import GROUP_PHOTO, PROJECT, Attendee, picture
from workshop.checks import diagnosis
from workshop.commands import forget, send
from workshop.photos.uploads import Upload
from workshop.terminal.errors import WorkshopError

pytestmark = pytest.mark.slow


def uploaded(attendee: Attendee, path: Path, *options: str) -> str:
    before = set(attendee.keys())
    ran = attendee.run("upload", str(path), *options)
    assert ran.exit_code == 0, ran.output
    (key,) = set(attendee.keys()) - before
    return key


def faces_of(attendee: Attendee) -> int:
    listed = attendee.client("rekognition").list_faces(CollectionId=attendee.outputs["CollectionId"])
    return len(listed["Faces"])


def test_index_prints_every_face_and_stores_picture_and_result(deployed: Attendee):
    ran = deployed.run("index", str(GROUP_PHOTO))
    assert ran.exit_code == 0, ran.output
    assert len(re.findall(r"^Face ", ran.stdout, re.MULTILINE)) == 3
    for word in ("Id", "Looks", "Smile", "Gender", "Age"):
        assert len(re.findall(rf"^{word} ", ran.stdout, re.MULTILINE)) == 3
    assert all(len(line) <= 80 for line in ran.stdout.splitlines())
    assert faces_of(deployed) == 3
    (key,) = deployed.keys()
    assert [made.rpartition("/")[0] for made in deployed.keys("ProcessedBucket")] == [
        f"pictures/{key}",
        f"results/{key}",
    ]


def test_indexing_twice_changes_nothing(deployed: Attendee):
    deployed.run("index", str(GROUP_PHOTO))
    again = deployed.run("index", "sample1.jpg")
    assert again.exit_code == 0, again.output
    assert faces_of(deployed) == 3


def test_index_writes_the_result_document_for_scripts(deployed: Attendee):
    ran = deployed.run("index", str(deployed.photo_file()), "--json")
    assert json.loads(ran.stdout)["status"] == "no_face"


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


def test_send_goes_all_the_way(serverless: Attendee):
    with serverless.the_function_working():
        ran = serverless.run("send", str(GROUP_PHOTO))
    assert ran.exit_code == 0, ran.output
    table, link = ran.stdout.strip().rsplit("\n", 1)
    assert all(len(line) <= 80 for line in table.splitlines())
    assert table.count("yes") >= 3, "three faces, indexed"
    assert urllib.request.urlopen(link).status == 200


def test_send_takes_several_and_tells_scripts_all_of_them(serverless: Attendee):
    photos = [str(serverless.photo_file(f"{n}.jpg", seed=n)) for n in range(3)]
    with serverless.the_function_working():
        ran = serverless.run("send", "--json", *photos)
    assert ran.exit_code == 0, ran.output
    answers = json.loads(ran.stdout)
    assert [answer["status"] for answer in answers] == ["no_face"] * 3
    assert all("X-Amz-Signature" in answer["url"] for answer in answers)


def test_send_says_at_once_why_a_photo_was_refused(serverless: Attendee):
    """The client refuses what it can see; what only Rekognition refuses comes back as a result."""
    key = uploaded(serverless, serverless.photo_file())
    broken = serverless.outputs["RawBucket"]
    head = serverless.client("s3").head_object(Bucket=broken, Key=key)
    photo = Photo(broken, key, head["VersionId"], head["ETag"].strip('"'), head["ContentLength"])
    raw = RawObject(photo.bucket, photo.key, photo.version_id, photo.etag, photo.size)
    refused = Result("rejected", raw, "c", "e", reason="Rekognition cannot read this photo: send a JPEG.")
    serverless.client("s3").put_object(
        Bucket=serverless.outputs["ProcessedBucket"], Key=photo.result_key, Body=refused.to_json()
    )
    start = time.monotonic()
    ran = serverless.run("send", str(serverless.folder / "selfie.jpg"))
    assert ran.exit_code == 1
    assert "was refused: Rekognition cannot read this photo" in ran.stderr
    assert time.monotonic() - start < 10


def test_send_does_not_take_an_earlier_photos_result_for_this_ones(serverless: Attendee):
    with serverless.the_function_working():
        serverless.run("send", str(serverless.photo_file("a.jpg", seed=1)), "--key", "me.jpg")
    serverless.client("s3").delete_object(Bucket=serverless.outputs["RawBucket"], Key="me.jpg")
    ran = serverless.run("send", str(serverless.photo_file("b.jpg", seed=2)), "--key", "me.jpg", "--wait", "1")
    assert ran.exit_code == 1
    assert "me.jpg is still queued" in ran.stderr


def test_why_never_arrived(deployed: Attendee):
    ran = deployed.run("why", "my selfie.jpg")
    assert ran.exit_code == 1
    assert ran.stdout == "my selfie.jpg never arrived in your bucket.\n"
    assert "send 'my selfie.jpg'" in ran.stderr


def test_why_it_waits_for_step_five(deployed: Attendee):
    key = uploaded(deployed, deployed.photo_file())
    ran = deployed.run("why", str(deployed.folder / "selfie.jpg"))
    assert ran.exit_code == 1
    assert f"{key} is waiting in the inbox, because Step 5 is not deployed" in ran.stdout
    assert "npx cdk deploy Serverless" in ran.stderr


def test_why_it_is_queued_or_in_work_or_lost(serverless: Attendee, monkeypatch: pytest.MonkeyPatch):
    sqs, inbox = serverless.client("sqs"), serverless.outputs["InboxUrl"]
    sqs.purge_queue(QueueUrl=inbox)  # S3 has announced itself there
    key = uploaded(serverless, serverless.photo_file())
    monkeypatch.setattr(diagnosis, "dead_letters", lambda _stacks: [])  # which takes a second to be found empty
    monkeypatch.setattr(diagnosis, "JUST_ARRIVED", timedelta(0))
    queued = f"{key} is still queued: about %s in the inbox, %s in progress.\n"
    assert serverless.run("why", key).stdout == queued % ("1 message", 0)
    (message,) = sqs.receive_message(QueueUrl=inbox)["Messages"]
    assert serverless.run("why", key).stdout == queued % ("0 messages", 1)
    sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
    lost = serverless.run("why", key)
    assert lost.stdout == f"{key} is in the bucket, but the inbox is empty and there is no result.\n"
    assert f"index {key}" in lost.stderr
    monkeypatch.setattr(diagnosis, "JUST_ARRIVED", timedelta(hours=1))
    assert serverless.run("why", key).stdout == queued % ("0 messages", 0), "it may be on its way there"


def test_why_it_is_done(serverless: Attendee):
    deployed = serverless
    deployed.run("index", str(GROUP_PHOTO))
    ran = deployed.run("why", "sample1.jpg")
    assert ran.exit_code == 0
    assert "is annotated: 3 faces found, 3 of them indexed." in ran.stdout


def failed(attendee: Attendee, *lines: str) -> str:
    """A photo that the function gave up on, after writing these lines about it: "KEY" is this version of it."""
    key = uploaded(attendee, attendee.photo_file("my selfie.jpg"))
    version = attendee.client("s3").head_object(Bucket=attendee.outputs["RawBucket"], Key=key)["VersionId"]
    this, earlier = (f'"{key}", "version_id": "{each}"' for each in (version, "v0"))
    sqs, logs = attendee.client("sqs"), attendee.client("logs")
    received = sqs.receive_message(QueueUrl=attendee.outputs["InboxUrl"], MaxNumberOfMessages=10)["Messages"]
    (message,) = [message for message in received if "s3:TestEvent" not in message["Body"]]
    sqs.send_message(QueueUrl=attendee.outputs["DeadLetterQueueUrl"], MessageBody=message["Body"])
    sqs.delete_message(QueueUrl=attendee.outputs["InboxUrl"], ReceiptHandle=message["ReceiptHandle"])
    group = attendee.outputs["LogGroupName"]
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    now = int(time.time() * 1000)
    written = [line.replace('"KEY"', this).replace('"EARLIER"', earlier) for line in lines]
    events = [{"timestamp": now + n, "message": line} for n, line in enumerate(written)]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    return key


def test_why_it_failed_comes_from_the_functions_log(serverless: Attendee):
    error = "Traceback (most recent call last):\\n  File x\\nbotocore.errorfactory.ThrottlingException: Slow down"
    key = failed(
        serverless,
        '{"level": "ERROR", "message": "photo failed", "key": "KEY", "request_id": "r0", "error": "The first time"}',
        f'{{"level": "ERROR", "message": "photo failed", "key": "KEY", "request_id": "r1", "error": "{error}"}}',
        '{"level": "INFO", "message": "photo done", "key": "KEY"}',
        '{"level": "ERROR", "message": "photo failed", "key": "another.jpg", "error": "Another photo"}',
        '{"level": "ERROR", "message": "photo failed", "key": "EARLIER", "error": "Another photo under this key"}',
    )
    ran = serverless.run("why", "my selfie.jpg")
    assert ran.exit_code == 1
    assert f"{key} failed on every try and is in the dead-letter queue" in ran.stdout
    assert ran.stdout.endswith("The function's last error: botocore.errorfactory.ThrottlingException: Slow down\n")
    assert "redrive" in ran.stderr
    serverless.client("logs").delete_log_group(logGroupName=serverless.outputs["LogGroupName"])
    assert "last error: none in its log" in serverless.run("why", "my selfie.jpg").stdout


def test_why_it_failed_is_known_even_when_the_function_was_killed(serverless: Attendee):
    failed(
        serverless,
        '{"level": "INFO", "message": "began", "key": "KEY", "request_id": "11-22"}',
        "2026-11-22T10:00:30Z 11-22 Task timed out after 30.00 seconds",
    )
    assert "Task timed out after 30.00 seconds" in serverless.run("why", "my selfie.jpg").stdout


def test_asking_why_leaves_the_dead_letter_queue_as_it_was(serverless: Attendee):
    failed(serverless, "START RequestId: 11-22")
    serverless.run("why", "my selfie.jpg")
    queue = serverless.outputs["DeadLetterQueueUrl"]
    assert serverless.client("sqs").receive_message(QueueUrl=queue)["Messages"]


def result_key(attendee: Attendee) -> str:
    (key,) = [key for key in attendee.keys("ProcessedBucket") if key.startswith("results/")]
    return key


def test_forget_removes_every_version_and_what_was_made_of_it(deployed: Attendee):
    """`aws s3 rm` and S3's lifecycle only hide a photo."""
    key = uploaded(deployed, GROUP_PHOTO, "--key", "me.jpg")
    deployed.run("index", key)
    s3, bucket = deployed.client("s3"), deployed.outputs["RawBucket"]
    s3.put_object(Bucket=bucket, Key=key, Body=picture(seed=1))
    s3.put_object(Bucket=bucket, Key="me.jpg.another", Body=picture(seed=2))
    s3.delete_object(Bucket=bucket, Key=key)
    ran = deployed.run("forget", key)
    assert ran.exit_code == 0, ran.output
    assert "nothing left" in ran.stdout
    listed = s3.list_object_versions(Bucket=bucket)
    assert [version["Key"] for version in listed["Versions"]] == ["me.jpg.another"]
    assert "DeleteMarkers" not in listed
    assert deployed.keys("ProcessedBucket") == []
    assert faces_of(deployed) == 0


def test_forget_removes_photo_picture_result_and_faces_and_confirms_each(deployed: Attendee):
    deployed.run("index", str(GROUP_PHOTO))
    uploaded(deployed, deployed.photo_file("somebody-elses.jpg"))
    ran = deployed.run("forget", str(GROUP_PHOTO))
    assert ran.exit_code == 0, ran.output
    for line in ("photo removed", "3 faces removed from the collection", "picture removed", "result removed"):
        assert line in ran.stdout
    assert faces_of(deployed) == 0
    assert deployed.keys("ProcessedBucket") == []
    (left,) = deployed.keys()
    assert left.startswith("somebody-elses")


def test_forgetting_a_folder_forgets_every_photo_in_it(deployed: Attendee):
    folder = deployed.folder / "holiday"
    folder.mkdir()
    for seed in (1, 2):
        (folder / f"{seed}.jpg").write_bytes(picture(seed=seed))
    other = uploaded(deployed, deployed.photo_file("other.jpg", seed=3))
    deployed.run("upload", str(folder))
    ran = deployed.run("forget", str(folder))
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.count("photo removed") == 2
    assert deployed.keys() == [other]


def test_forgetting_twice_is_fine_and_honest(deployed: Attendee):
    deployed.run("index", str(deployed.photo_file()))
    deployed.run("forget", "selfie.jpg")
    again = deployed.run("forget", "selfie.jpg")
    assert again.exit_code == 0
    assert "nothing is stored" in again.stdout


def test_faces_are_forgotten_even_when_the_result_is_lost(deployed: Attendee):
    deployed.run("index", str(GROUP_PHOTO))
    (key,) = deployed.keys()
    deployed.client("s3").delete_object(Bucket=deployed.outputs["ProcessedBucket"], Key=result_key(deployed))
    ran = deployed.run("forget", key)
    assert "3 faces removed" in ran.stdout
    assert "no result was there" in ran.stdout
    assert faces_of(deployed) == 0


@pytest.mark.parametrize("by_file", [False, True], ids=["key", "file"])
def test_forget_finds_faces_by_key_or_file_after_the_photo_expired(deployed: Attendee, by_file: bool):
    deployed.run("index", str(GROUP_PHOTO))
    (key,) = deployed.keys()
    s3 = deployed.client("s3")
    s3.delete_object(Bucket=deployed.outputs["RawBucket"], Key=key)
    for made in deployed.keys("ProcessedBucket"):
        s3.delete_object(Bucket=deployed.outputs["ProcessedBucket"], Key=made)
    ran = deployed.run("forget", str(GROUP_PHOTO) if by_file else key)
    assert key in ran.stdout
    assert "3 faces removed" in ran.stdout
    assert faces_of(deployed) == 0


def test_a_result_that_cannot_be_read_is_forgotten_with_the_rest(deployed: Attendee):
    deployed.run("index", str(GROUP_PHOTO))
    (key,) = deployed.keys()
    deployed.client("s3").put_object(
        Bucket=deployed.outputs["ProcessedBucket"], Key=result_key(deployed), Body=b'{"version": 99}'
    )
    ran = deployed.run("forget", key)
    assert ran.exit_code == 0, ran.output
    assert "3 faces removed" in ran.stdout
    assert deployed.keys() == deployed.keys("ProcessedBucket") == []


def test_the_rest_is_forgotten_even_when_the_collection_is_gone(deployed: Attendee):
    deployed.run("index", str(GROUP_PHOTO))
    deployed.client("rekognition").delete_collection(CollectionId=deployed.outputs["CollectionId"])
    ran = deployed.run("forget", str(GROUP_PHOTO))
    assert ran.exit_code == 0, ran.output
    assert "no faces in the collection" in ran.stdout
    assert deployed.keys() == deployed.keys("ProcessedBucket") == []


def test_forgetting_waits_longer_than_the_function_may_take_for_a_photo():
    assert forget.FUNCTION_ENDS > PHOTO_TIMEOUT


class SlowCloud(Cloud):
    """A function that stores its picture only after somebody has deleted the photo that it read."""

    at_work: threading.Event
    deleted: Callable[[], bool]

    def store_picture(self, *about: Any, **how: Any) -> None:
        self.at_work.set()
        while not self.deleted():
            time.sleep(0.05)
        time.sleep(1)
        super().store_picture(*about, **how)


@pytest.mark.parametrize("an_earlier_one", [False, True], ids=["the first", "another after it"])
def test_forget_waits_for_the_function_and_removes_its_output(serverless: Attendee, an_earlier_one: bool):
    if an_earlier_one:  # whose result says nothing about this photo
        serverless.run("upload", str(serverless.photo_file()), "--key", "me.jpg")
        serverless.run("index", "me.jpg")
        serverless.client("s3").delete_object(Bucket=serverless.outputs["RawBucket"], Key="me.jpg")
        serverless.client("sqs").purge_queue(QueueUrl=serverless.outputs["InboxUrl"])
    key = uploaded(serverless, GROUP_PHOTO, "--key", "me.jpg")
    sqs, inbox = serverless.client("sqs"), serverless.outputs["InboxUrl"]
    (message,) = [
        message
        for message in sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10)["Messages"]
        if key in message["Body"]
    ]
    (photo,) = photos_in({"body": message["Body"]})
    cloud = SlowCloud(
        serverless.client("s3"),
        serverless.client("rekognition"),
        processed_bucket=serverless.outputs["ProcessedBucket"],
        collection_id=serverless.outputs["CollectionId"],
    )
    cloud.at_work, cloud.deleted = threading.Event(), lambda: not serverless.keys()
    outcomes = []

    def work() -> None:
        outcomes.append(annotate(photo, cloud, 1024))
        sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])

    function = threading.Thread(target=work)
    function.start()
    assert cloud.at_work.wait(30)
    ran = serverless.run("forget", key)
    assert outcomes == ["deleted"], "forget waited for the function"
    function.join()
    assert ran.exit_code == 0, ran.output
    assert "nothing left" in ran.stdout
    assert serverless.keys() == serverless.keys("ProcessedBucket") == []
    assert faces_of(serverless) == 0


@pytest.mark.parametrize("name", ["{key}", "s3://{bucket}/{key}", "{file}"], ids=["key", "address", "file"])
def test_a_hidden_photo_is_forgotten_and_no_other_of_its_name(deployed: Attendee, name: str):
    """S3's lifecycle hides a photo a day or two before it erases it. Another one was sent under the same name since."""
    file, s3, bucket = deployed.photo_file("selfie.jpg", seed=1), deployed.client("s3"), deployed.outputs["RawBucket"]
    hidden = uploaded(deployed, file)
    s3.delete_object(Bucket=bucket, Key=hidden)
    other = uploaded(deployed, deployed.photo_file("selfie.jpg", seed=2))
    deployed.photo_file("selfie.jpg", seed=1)
    ran = deployed.run("forget", name.format(key=hidden, bucket=bucket, file=file))
    assert ran.exit_code == 0, ran.output
    assert f"{hidden}\n  photo removed" in ran.stdout
    assert [version["Key"] for version in s3.list_object_versions(Bucket=bucket)["Versions"]] == [other]


def test_of_two_photos_of_one_name_the_file_itself_decides(deployed: Attendee):
    first = uploaded(deployed, deployed.photo_file("image.jpg", seed=1))
    second = uploaded(deployed, deployed.photo_file("image.jpg", seed=2))
    deployed.photo_file("image.jpg", seed=1)
    deployed.run("forget", str(deployed.folder / "image.jpg"))
    assert deployed.keys() == [second]
    ran = deployed.run("forget", str(deployed.folder))
    assert "nothing is stored" in ran.stdout, "a folder's file stands for itself, not for its name"
    assert deployed.keys() == [second]
    assert first != second


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


def test_text_and_back_is_the_same_photo(attendee: Attendee):
    photo = attendee.photo_file()
    text = attendee.run("encode", str(photo)).stdout
    assert all(len(line) <= 80 for line in text.splitlines())
    back = attendee.folder / "back.jpg"
    ran = attendee.run("decode", "-o", str(back), pasted=text)
    assert ran.exit_code == 0, ran.output
    assert back.read_bytes() == photo.read_bytes()


def test_pasted_text_becomes_a_file_of_the_name_it_had(
    attendee: Attendee, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
):
    text = attendee.run("encode", str(attendee.photo_file("my selfie.png"))).stdout
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    ran = attendee.run("decode", pasted=text)
    assert (ran.exit_code, ran.stdout) == (0, "my-selfie.jpg\n")
    assert Path("my-selfie.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_what_a_terminal_adds_to_a_paste_does_not_matter(attendee: Attendee):
    text = attendee.run("encode", str(attendee.photo_file())).stdout
    pasted = "$ emotions encode\r\n" + text.replace("\n", "  \r\n\r\n") + "$ \r\n"
    assert attendee.run("decode", "-o", str(attendee.folder / "back.jpg"), pasted=pasted).exit_code == 0


def test_a_damaged_paste_is_named_by_its_line(attendee: Attendee):
    lines = attendee.run("encode", str(attendee.photo_file())).stdout.splitlines()
    wrong = lines[4].replace(lines[4][20], "A" if lines[4][20] != "A" else "B")
    back = attendee.folder / "back.jpg"
    for damaged, sentence in (
        ([*lines[:4], wrong, *lines[5:]], "damaged at line 4"),
        ([*lines[:4], *lines[5:]], "damaged at line 4"),
        (lines[:-1], "its END line is missing"),
        ([lines[0], lines[-1]], "The paste has 0 of"),
        (["what is this"], "is not a photo as text"),
        ([], "Nothing was pasted"),
    ):
        ran = attendee.run("decode", "-o", str(back), pasted="\n".join(damaged))
        assert ran.exit_code == 1
        assert sentence in ran.stderr
        assert not back.exists()


def test_bare_base64_as_in_the_original_is_understood(attendee: Attendee):
    back = attendee.folder / "back.jpg"
    ran = attendee.run("decode", "-o", str(back), pasted=base64.encodebytes(picture()))
    assert ran.exit_code == 0, ran.output
    assert back.read_bytes() == picture()


def test_decode_overwrites_nothing_unasked(attendee: Attendee):
    text = attendee.run("encode", str(attendee.photo_file())).stdout
    ran = attendee.run("decode", "-o", str(attendee.folder / "selfie.jpg"), pasted=text)
    assert ran.exit_code == 1
    assert "already exists" in ran.stderr


def test_a_link_that_is_too_long_for_a_qr_code_is_still_a_link():
    long = f"{A_LINK}&X-Amz-Security-Token={'t' * 3000}"
    shown = "\n".join(shown_in_a_window(long, 200, 100))
    assert shown.startswith(long)
    assert "too long for a QR code" in shown


def test_once_a_photo_is_late_those_behind_it_are_only_looked_at(monkeypatch: pytest.MonkeyPatch):
    """Or thirty photos would wait for a stuck function for an hour."""
    waited: list[float] = []
    monkeypatch.setattr(send, "wait_for_result", lambda *_, seconds, on_wait: waited.append(seconds))
    late = [Upload(name, Photo("raw", name, "v1", "etag", 1), True, ()) for name in ("a.jpg", "b.jpg", "c.jpg")]
    results: list[Result] = []
    send._wait(stacks_with(), late, 120, results)
    assert results == []
    assert waited == [120, 0, 0]


@pytest.mark.parametrize(("current", "fate"), [(Photo("raw", "a.jpg", "v2", "e", 1), "replaced"), (None, "deleted")])
def test_a_photo_that_is_replaced_while_send_waits_is_not_called_late(
    monkeypatch: pytest.MonkeyPatch, current: Photo | None, fate: str
):
    monkeypatch.setattr(send, "found", lambda *_: current)
    with pytest.raises(WorkshopError, match=f"^a.jpg was {fate} in the bucket"):
        send._raise_for(stacks_with(s3=None), [Photo("raw", "a.jpg", "v1", "e", 1)], [])
