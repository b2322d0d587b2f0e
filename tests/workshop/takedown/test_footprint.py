"""Whose is it? What belongs to one attendee by tag and by name, and what only looks as if it did."""

import json
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from app import compose
from infra.settings import WorkshopSettings
from tests.workshop.answering import Answering, account_with
from workshop.takedown import footprint
from workshop.takedown.footprint import GOES_WITH_ANOTHER, KIND_OF, Thing, assets_in, is_template_of, thing_named_by

HASH = "9367d28f0c5e6b8cd8284568226c4b1fa6a3d4feadfb04bd0868d7b298c7806c"


def template(**tags: str) -> dict[str, Any]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"Resources": {"Policy": {"Type": "AWS::IAM::Policy"}, "Raw": {"Properties": {"Tags": pairs}}}}


def test_a_template_with_both_tags_is_the_attendees():
    assert is_template_of("simon", template(workshop="show-your-emotions", attendee="simon", team="cloud"))


@pytest.mark.parametrize(
    "tags",
    [
        {"workshop": "show-your-emotions", "attendee": "simon-2"},
        {"workshop": "show-your-emotions"},
        {"workshop": "another", "attendee": "simon"},
        {"attendee": "simon"},
        {},
    ],
)
def test_a_template_with_other_tags_is_somebody_elses(tags: dict[str, str]):
    assert not is_template_of("simon", template(**tags))


@pytest.mark.parametrize(
    "document", [{}, {"Resources": []}, {"Resources": {"A": None}}, {"Resources": {"A": {"Properties": {"Tags": "x"}}}}]
)
def test_a_document_that_is_no_template_is_nobodys(document: dict[str, Any]):
    """Other apps keep other JSON in the bootstrap bucket."""
    assert not is_template_of("simon", document)


def test_the_image_and_the_code_of_a_template_are_found_by_their_hashes():
    registry = "${AWS::AccountId}.dkr.ecr.eu-west-1.${AWS::URLSuffix}"
    body = {
        "ImageUri": {"Fn::Sub": f"{registry}/cdk-hnb659fds-container-assets-111122223333-eu-west-1:{HASH}"},
        "S3Key": f"{HASH[::-1]}.zip",
        "Description": f"not a key: {HASH}",
    }
    assert assets_in(body) == {Thing("image", HASH), Thing("asset", f"{HASH[::-1]}.zip")}


@pytest.mark.parametrize(
    ("arn", "thing"),
    [
        ("arn:aws:s3:::my-bucket", Thing("bucket", "my-bucket")),
        ("arn:aws:sqs:eu-west-1:111122223333:inbox", Thing("queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/inbox")),
        ("arn:aws:lambda:eu-west-1:111122223333:function:annotator", Thing("function", "annotator")),
        ("arn:aws:lambda:eu-west-1:111122223333:event-source-mapping:6a-1", Thing("event source mapping", "6a-1")),
        ("arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/a:*", Thing("log group", "/aws/lambda/a")),
        ("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:failed: often", Thing("alarm", "failed: often")),
        ("arn:aws:rekognition:eu-west-1:111122223333:collection/a.faces", Thing("collection", "a.faces")),
        ("arn:aws:apigateway:eu-west-1::/apis/a1b2c3d4", Thing("http api", "a1b2c3d4")),
        ("arn:aws:apigateway:eu-west-1::/apis/a1b2c3d4/stages/$default", None),
        ("arn:aws:dynamodb:eu-west-1:111122223333:table/mine", None),
        ("arn:aws:s3:::my-bucket/an-object", None),
        ("arn:aws:rekognition:eu-west-1:111122223333:project/x/1", None),
    ],
)  # fmt: skip
def test_an_arn_names_a_thing_that_our_stacks_make_or_nothing(arn: str, thing: Thing | None):
    assert thing_named_by(arn) == thing


@pytest.mark.slow
def test_no_resource_of_the_stacks_is_overlooked():
    """A type that is new to the stacks must be looked for after a destroy, or be known to go with another."""
    app = App(context={"aws:cdk:bundling-stacks": []})
    stacks = compose(app, WorkshopSettings(attendee="simon"))
    types = {r["Type"] for stack in stacks for r in Template.from_stack(stack).to_json()["Resources"].values()}
    assert types <= KIND_OF.keys() | GOES_WITH_ANOTHER
    assert not KIND_OF.keys() & GOES_WITH_ANOTHER


@pytest.mark.slow
def test_real_templates_are_recognised_and_name_their_assets():
    app = App(context={"aws:cdk:bundling-stacks": []})
    foundation, serverless, wall = (
        Template.from_stack(stack).to_json() for stack in compose(app, WorkshopSettings(attendee="simon"))
    )
    for each in (foundation, serverless, wall):
        assert is_template_of("simon", json.loads(json.dumps(each)))
        assert not is_template_of("simo", each)
    assert {thing.kind for thing in assets_in(foundation)} == {"asset"}
    assert {thing.kind for thing in assets_in(serverless)} == {"image"}
    assert {thing.kind for thing in assets_in(wall)} == {"asset"}


def test_a_stack_that_only_has_a_change_set_has_no_template_yet():
    """GetTemplate leaves TemplateBody out for a stack in REVIEW_IN_PROGRESS."""
    cloudformation = Answering({"StagesAvailable": []})
    assert footprint._template_of(account_with(cloudformation=cloudformation), "arn") == {}
