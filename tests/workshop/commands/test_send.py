"""`emotions send`: from the file to the faces, and what it says when that takes long."""

import json
import time
import urllib.request

import pytest
from annotator.photo import Photo
from annotator.result import RawObject, Result

from tests.workshop.answering import account_with, stacks_with
from tests.workshop.attendee import GROUP_PHOTO, Attendee, uploaded
from workshop.commands import send
from workshop.photos import uploads
from workshop.photos.uploads import Upload
from workshop.terminal.errors import Interrupted, WorkshopError

pytestmark = pytest.mark.slow


def test_send_goes_all_the_way(serverless: Attendee):
    with serverless.the_function_working():
        ran = serverless.run("send", str(GROUP_PHOTO))
    assert ran.exit_code == 0, ran.output
    table, link = ran.stdout.strip().rsplit("\n", 1)
    assert all(len(line) <= 80 for line in table.splitlines())
    assert table.count("yes") >= 3, "three faces, indexed"
    assert urllib.request.urlopen(link).status == 200
    assert "already has a result" in serverless.run("send", str(GROUP_PHOTO)).stderr


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


def test_ctrl_c_during_the_upload_says_what_arrived_and_is_one_hint_for_all(monkeypatch: pytest.MonkeyPatch):
    arrived = [Upload(name, Photo("raw", name, "v1", "etag", 1), True, ()) for name in ("a.jpg", "b.jpg")]
    answers = iter(arrived)

    def upload(*_: object) -> Upload:
        if (photo := next(answers, None)) is None:
            raise KeyboardInterrupt
        return photo

    monkeypatch.setattr(uploads, "_upload", upload)
    monkeypatch.setattr(uploads, "read", lambda name: name)
    sent: list[Upload] = []
    with pytest.raises(Interrupted, match=r"^Stopped: 2 of 4 photos arrived\.$") as stopped:
        send._upload(stacks_with(), ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], None, sent)
    assert sent == arrived
    error = send._with_what_is_left(account_with(), stopped.value, [upload.photo for upload in sent])
    assert str(error.hint).count("emotions --attendee simon why") == 1
    assert "emotions --attendee simon forget a.jpg b.jpg" in str(error.hint)
