"""`emotions forget`: everything about a photo goes, however it is named."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from annotator.cloud import Cloud
from annotator.events import photos_in
from annotator.workflow import annotate

from infra.settings import PHOTO_TIMEOUT
from tests.workshop.attendee import GROUP_PHOTO, Attendee, faces_of, picture, result_key, uploaded
from workshop.commands import forget

pytestmark = pytest.mark.slow


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
    sqs, inbox = serverless.client("sqs"), serverless.outputs["InboxUrl"]
    sqs.purge_queue(QueueUrl=inbox)  # S3's test event, which nobody would delete here, counts as work too
    key = uploaded(serverless, GROUP_PHOTO, "--key", "me.jpg")
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


def test_a_name_that_was_misspelt_is_said_to_be_unknown(deployed: Attendee):
    ran = deployed.run("forget", "mee.jpg")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "There is neither a file nor a stored photo called mee.jpg." in ran.stderr
    assert deployed.run("forget", "me-1a2b3c4d.jpg").exit_code == 0, "this may have been a photo, and it is gone"


@pytest.mark.parametrize("gone", ["RawBucket", "ProcessedBucket"])
def test_the_rest_is_forgotten_even_when_a_bucket_is_gone(deployed: Attendee, gone: str):
    deployed.run("index", str(GROUP_PHOTO))
    for key in deployed.keys(gone):
        versions = deployed.client("s3").list_object_versions(Bucket=deployed.outputs[gone], Prefix=key)["Versions"]
        for version in versions:
            deployed.client("s3").delete_object(Bucket=deployed.outputs[gone], Key=key, VersionId=version["VersionId"])
    deployed.client("s3").delete_bucket(Bucket=deployed.outputs[gone])
    ran = deployed.run("forget", str(GROUP_PHOTO))
    assert ran.exit_code == 0, ran.output
    assert "3 faces removed" in ran.stdout
    assert faces_of(deployed) == 0
