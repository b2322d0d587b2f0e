"""The checkpoints: each is red before its step and green after it."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.error import URLError

import pytest

from tests.workshop.answering import Answering, refusal, stacks_with
from tests.workshop.attendee import GROUP_PHOTO, SERVERLESS, Attendee
from workshop.aws import links
from workshop.aws.stacks import Stacks
from workshop.checks import checkpoints, parts
from workshop.terminal.findings import Finding

pytestmark = pytest.mark.slow


def test_before_step_1_the_deploy_is_what_comes_next(attendee: Attendee):
    ran = attendee.run("check", "1")
    assert ran.exit_code == 1
    assert "npx cdk deploy Foundation" in ran.stdout


def test_a_bucket_that_could_be_opened_to_the_public_is_a_problem(deployed: Attendee):
    ran = deployed.run("check", "1")
    assert ran.exit_code == 1
    assert "may be opened to the public" in ran.stdout
    assert f"aws s3api put-public-access-block --bucket {deployed.outputs['RawBucket']}" in ran.stdout


@pytest.mark.parametrize("part", [parts.raw_bucket, parts.inbox, parts.collection])
@pytest.mark.parametrize("function", ["annotator", None])
def test_resources_deleted_by_hand_need_destroy_and_deploy(part: Callable[[Stacks], Finding], function: str | None):
    """`cdk deploy` alone compares templates and answers "(no changes)"."""
    gone = {parts.raw_bucket: "NoSuchBucket", parts.inbox: "AWS.SimpleQueueService.NonExistentQueue"}
    client = Answering(refusal(gone.get(part, "ResourceNotFoundException")))
    finding = part(replace(stacks_with(s3=client, sqs=client, rekognition=client), function_name=function))
    assert "was deleted outside CloudFormation" in finding.says
    again = "deploy Foundation Serverless" if function else "deploy Foundation"
    assert finding.fix == f"npx cdk destroy --all -c attendee=simon && npx cdk {again} -c attendee=simon"


CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def closed(attendee: Attendee) -> None:
    for output in ("RawBucket", "ProcessedBucket"):
        attendee.client("s3").put_public_access_block(
            Bucket=attendee.outputs[output], PublicAccessBlockConfiguration=CLOSED
        )


@pytest.mark.parametrize("door", CLOSED)
def test_each_public_access_setting_must_be_on(door: str):
    for block in (CLOSED | {door: False}, {other: True for other in CLOSED if other != door}):
        stacks = stacks_with(s3=Answering({"PublicAccessBlockConfiguration": block}))
        assert parts.raw_bucket(stacks).verdict == "problem"


def test_after_step_1_it_is_done(deployed: Attendee):
    closed(deployed)
    ran = deployed.run("check", "1")
    assert ran.exit_code == 0
    assert deployed.outputs["CollectionId"] in ran.stdout


def test_a_collection_that_is_gone_is_a_problem(deployed: Attendee):
    closed(deployed)
    deployed.client("rekognition").delete_collection(CollectionId=deployed.outputs["CollectionId"])
    assert deployed.run("check", "1").exit_code == 1
    ran = deployed.run("index", str(deployed.photo_file()))
    assert "A resource of your stacks no longer exists (ResourceNotFoundException" in ran.stderr
    assert "emotions check" in ran.stderr


def test_step_2_is_done_by_a_photo(deployed: Attendee):
    assert deployed.run("check", "2").exit_code == 1
    deployed.client("s3").put_object(Bucket=deployed.outputs["RawBucket"], Key="folder/", Body=b"")
    assert deployed.run("check", "2").exit_code == 1
    assert deployed.run("upload", str(deployed.photo_file())).exit_code == 0
    ran = deployed.run("check", "2")
    assert ran.exit_code == 0
    assert "1 photo in the raw bucket" in ran.stdout


def test_step_3_is_done_by_faces_in_the_collection_and_a_picture(deployed: Attendee):
    ran = deployed.run("check", "3")
    assert ran.exit_code == 1
    assert "index selfie.jpg" in ran.stdout
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    ran = deployed.run("check", "3")
    assert ran.exit_code == 0
    assert "3 faces indexed" in ran.stdout


def test_step_3_is_not_done_by_a_photo_without_a_face(deployed: Attendee):
    assert deployed.run("index", str(deployed.photo_file())).exit_code == 0
    ran = deployed.run("check", "3")
    assert ran.exit_code == 1
    assert "It contains no face." in ran.stdout


def test_step_4_needs_a_picture_first(deployed: Attendee):
    ran = deployed.run("check", "4")
    assert ran.exit_code == 1
    assert "There is no annotated picture yet." in ran.stdout


def test_step_4_needs_a_refused_direct_url_and_a_working_link(deployed: Attendee):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    ran = deployed.run("check", "4")
    assert ran.exit_code == 0
    assert "refused, as it should be (403 AccessDenied)" in ran.stdout
    assert "ok       Presigned      a link to a picture opens" in ran.stdout
    (picture,) = [key for key in deployed.keys("ProcessedBucket") if key.startswith("pictures/")]
    deployed.client("s3").delete_object(Bucket=deployed.outputs["ProcessedBucket"], Key=picture)
    ran = deployed.run("check", "4")
    assert ran.exit_code == 1
    assert "problem  Presigned      answered with 404 NoSuchKey." in ran.stdout


def test_a_picture_that_anybody_can_open_is_a_problem(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    """And so is every other answer but a refusal, whether or not the link opens."""
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    really = checkpoints.answer_to_anyone
    for status, code in ((200, "OK"), (404, "NoSuchBucket")):
        monkeypatch.setattr(
            checkpoints,
            "answer_to_anyone",
            lambda address, direct=(status, code): really(address) if "?" in address else direct,
        )
        ran = deployed.run("check", "4")
        assert ran.exit_code == 1
        assert f"problem  Direct         answered with {status} {code} instead of 403" in ran.stdout
        assert "ok       Presigned      a link to a picture opens" in ran.stdout


def test_a_link_that_nobody_answers_is_one_sentence(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0

    def fail(*_asked: object, **_how: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(links, "web", fail)
    ran = deployed.run("check", "4")
    assert ran.exit_code == 1
    assert "no route to host" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def test_step_5_before_its_deploy_is_given_the_command(deployed: Attendee):
    ran = deployed.run("check", "5")
    assert ran.exit_code == 1
    assert "npx cdk deploy Serverless" in ran.stdout


@pytest.fixture
def connected(deployed: Attendee) -> Attendee:
    """Somebody who has a photo from step 3, and then deployed a function that is connected to the inbox."""
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["InboxUrl"])
    time.sleep(1)  # S3 dates things to the second
    deployed.deploy("Serverless", SERVERLESS)
    return deployed


def test_step_5_is_not_done_by_photos_that_are_older_than_the_function(connected: Attendee):
    ran = connected.run("check", "5")
    assert ran.exit_code == 1
    assert "problem  Results        No photo was annotated since the function was deployed" in ran.stdout
    assert "send another-selfie.jpg" in ran.stdout


def test_step_5_is_done_by_a_photo_that_came_out(connected: Attendee):
    connected.run("index", str(connected.photo_file()))
    connected.client("sqs").purge_queue(QueueUrl=connected.outputs["InboxUrl"])
    ran = connected.run("check", "5")
    assert ran.exit_code == 0, ran.stdout
    for subject in ("Function", "Trigger", "Inbox", "Failed", "Results"):
        assert f"ok       {subject} " in ran.stdout


@pytest.mark.parametrize("state", ["Pending", "Inactive", "Failed"])
def test_a_function_that_is_not_active_says_why(state: str):
    finding = parts.function(stacks_with(**{"lambda": Answering({"State": state, "StateReason": "no image"})}))
    assert (finding.verdict, finding.says) == ("problem", f"annotator is {state}: no image")


def test_check_and_why_name_a_function_that_was_deleted_by_hand(connected: Attendee):
    key = connected.keys()[0]
    connected.run("forget", key, "--yes")
    connected.run("upload", str(connected.photo_file("later.jpg")))
    connected.client("lambda").delete_function(FunctionName=connected.outputs["FunctionName"])
    again = "npx cdk destroy Serverless && npx cdk deploy Serverless"
    ran = connected.run("check", "5")
    assert ran.exit_code == 1
    assert f"{connected.outputs['FunctionName']} was deleted outside CloudFormation." in ran.stdout
    assert again in ran.stdout
    ran = connected.run("why", "later.jpg")
    assert "cannot be annotated" in ran.stdout
    assert again in ran.stderr


def test_step_5_fails_with_waiting_or_failed_photos_or_no_trigger(connected: Attendee):
    ran = connected.run("check", "5")
    assert "ok       Inbox " in ran.stdout
    sqs = connected.client("sqs")
    sqs.send_message(QueueUrl=connected.outputs["InboxUrl"], MessageBody="waits")
    sqs.send_message(QueueUrl=connected.outputs["DeadLetterQueueUrl"], MessageBody="failed")
    ran = connected.run("check", "5")
    assert ran.exit_code == 1
    assert "warning  Inbox          1 message waiting" in ran.stdout
    assert "problem  Failed         1 photo failed." in ran.stdout
    assert "ok       Trigger " in ran.stdout
    functions = connected.client("lambda")
    (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    ran = connected.run("check", "5")
    assert "problem  Trigger        The inbox is not connected to the function." in ran.stdout
    assert "1 message waiting for the trigger" in ran.stdout
    assert "Wait a minute" not in ran.stdout


def test_step_6_needs_a_picture_newer_than_the_function(connected: Attendee):
    ran = connected.run("check", "6")
    assert ran.exit_code == 1
    assert "ok       Labels " in ran.stdout
    assert "problem  Your code      No picture was drawn since the function was last deployed." in ran.stdout
    connected.run("index", str(connected.photo_file()))
    ran = connected.run("check", "6")
    assert ran.exit_code == 0, ran.stdout
    assert "ok       Your code " in ran.stdout


def test_all_steps_stop_at_the_first_that_is_not_done(deployed: Attendee):
    closed(deployed)
    ran = deployed.run("check", "--json")
    assert ran.exit_code == 1
    assert [step["step"] for step in json.loads(ran.stdout)] == [1, 2]


@pytest.mark.parametrize("step", ["0", "7", "all"])
def test_there_are_six_steps(deployed: Attendee, step: str):
    assert deployed.run("check", step).exit_code == 2


def test_after_the_last_step_it_says_how_to_end(attendee: Attendee, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workshop.commands.check.findings_at", lambda *_: [Finding("All", "ok", "is well")])
    ran = attendee.run("--attendee", "simon", "check")
    assert ran.exit_code == 0
    assert "All six steps work." in ran.stderr
    assert "To delete everything at the end: emotions --attendee simon teardown" in ran.stderr
    assert "teardown" not in attendee.run("check", "6").stderr
