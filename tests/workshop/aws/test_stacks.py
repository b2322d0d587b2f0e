"""What CloudFormation and S3 say of the stacks: there, not there, or neither yet."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from annotator.photo import Photo
from botocore.exceptions import ClientError

from tests.workshop.answering import Answering, account_with, refusal, stacks_with
from workshop.aws.stacks import Stacks, outputs_of
from workshop.checks import diagnosis
from workshop.terminal.errors import WorkshopError


def outputs_in(status: str) -> dict[str, str] | None:
    stack = {"StackStatus": status, "Outputs": [{"OutputKey": "RawBucket", "OutputValue": "raw"}]}
    return outputs_of(account_with(cloudformation=Answering({"Stacks": [stack]})), "Foundation")


def test_a_stack_that_was_deleted_is_not_there():
    assert outputs_in("DELETE_COMPLETE") is None


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_once_was_whole_is_used(status: str):
    assert outputs_in(status) == {"RawBucket": "raw"}


@pytest.mark.parametrize(
    ("status", "sentence", "hint"),
    [
        ("CREATE_IN_PROGRESS", "is still being created", "Wait"),
        ("REVIEW_IN_PROGRESS", "is still being created", "Wait"),
        ("DELETE_IN_PROGRESS", "is being deleted", "npx cdk deploy Foundation -c attendee=simon"),
        ("CREATE_FAILED", "has failed", "npx cdk destroy Foundation -c attendee=simon && npx cdk deploy"),
        ("ROLLBACK_COMPLETE", "has failed", "npx cdk destroy"),
        ("DELETE_FAILED", "has failed", "npx cdk destroy"),
    ],
)
def test_a_stack_that_cannot_be_used_says_why_and_what_to_do(status: str, sentence: str, hint: str):
    with pytest.raises(WorkshopError, match=sentence) as refused:
        outputs_in(status)
    assert hint in str(refused.value.hint)


def test_an_access_error_is_not_a_missing_stack():
    with pytest.raises(ClientError, match="AccessDenied"):
        outputs_of(account_with(cloudformation=Answering(refusal("AccessDenied"))), "Foundation")


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([{"Expiration": {"Days": 3}}, {"Expiration": {"Days": 1}}, {"Expiration": {"Days": 2}}], 1),
        ([{"Expiration": {"ExpiredObjectDeleteMarker": True}}, {"Expiration": {"Days": 7}}], 7),
        ([{"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}], None),
    ],
)
def test_of_several_rules_the_one_that_deletes_first_counts(rules: list[object], days: int | None):
    assert stacks_with(s3=Answering({"Rules": rules})).kept_for_days() == days


def test_a_bucket_without_rules_does_not_say_how_long():
    assert stacks_with(s3=Answering(refusal("NoSuchLifecycleConfiguration"))).kept_for_days() is None


def test_an_unusable_serverless_stack_does_not_block_steps_1_to_4():
    """`forget` at any time, for instance after a deploy of Step 5 that failed."""
    names = ("RawBucket", "ProcessedBucket", "CollectionId", "InboxUrl", "DeadLetterQueueUrl")

    def answer(_operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        whole = asked["StackName"].endswith("Foundation")
        outputs = [{"OutputKey": name, "OutputValue": name} for name in names]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE" if whole else "ROLLBACK_COMPLETE", "Outputs": outputs}]}

    stacks = Stacks.of(account_with(cloudformation=Answering(answer)))
    assert (stacks.raw_bucket, stacks.has_function) == ("RawBucket", False)
    with pytest.raises(WorkshopError, match="-Serverless has failed"):
        stacks.require_function()


def test_a_functions_stack_that_is_unusable_is_not_called_missing(monkeypatch: pytest.MonkeyPatch):
    being_deleted = WorkshopError("The stack is being deleted.", "To create it again: deploy.")
    stacks = replace(
        stacks_with(s3=Answering({"LastModified": datetime.now(UTC)})),
        function_name=None,
        log_group=None,
        serverless_unusable=being_deleted,
    )
    monkeypatch.setattr(diagnosis, "_in_dead_letters", lambda *_: False)
    monkeypatch.setattr(diagnosis, "messages_in", lambda *_: (1, 0))
    diagnosed = diagnosis._unfinished(stacks, Photo("raw", "me.jpg", "v1", "etag", 1))
    assert diagnosed.sentence == "me.jpg may be waiting in the inbox. The stack is being deleted."
    assert diagnosed.next_step.startswith("To create it again: deploy.\n")
    monkeypatch.setattr(diagnosis, "_in_dead_letters", lambda *_: True)
    assert (
        "its log could not be read" in diagnosis._unfinished(stacks, Photo("raw", "me.jpg", "v1", "etag", 1)).sentence
    )
