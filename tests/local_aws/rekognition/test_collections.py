"""Collections, their tags and lists, through boto3."""

import datetime

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.rekognition.painted import jpeg, picture

ARN = "arn:aws:rekognition:ap-southeast-2:111122223333:collection/room-1"


def test_a_new_collection_says_where_it_is_and_which_model_it_uses(client):
    """The ARN lacks its `arn:`, as AWS answers here and nowhere else (aws/aws-sdk-js-v3 #6704)."""
    answer = client.create_collection(CollectionId="room-1", Tags={"workshop": "show-your-emotions"})
    assert (answer["StatusCode"], answer["CollectionArn"], answer["FaceModelVersion"]) == (200, ARN[4:], "7.0")


def test_describe_collection_has_the_arn_and_the_face_count(client, collection):
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
    client.index_faces(CollectionId=collection, Image={"Bytes": jpeg(picture((100, 100, 120, 140)))})
    answer = client.describe_collection(CollectionId=collection)
    assert answer["CollectionARN"] == ARN
    assert answer["FaceCount"] == 1
    assert answer["UserCount"] == 0
    assert answer["CreationTimestamp"] > before


def test_a_name_is_taken_once(client, collection, refused):
    assert refused(client.create_collection, CollectionId=collection) == (
        "ResourceAlreadyExistsException",
        "The collection id: room-1 already exists",
    )


def test_names_are_case_sensitive(client, collection):
    client.create_collection(CollectionId="ROOM-1")
    assert client.list_collections()["CollectionIds"] == ["ROOM-1", "room-1"]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("describe_collection", {}),
        ("delete_collection", {}),
        ("list_faces", {}),
        ("index_faces", {"Image": {"Bytes": b"never looked at"}}),
        ("delete_faces", {"FaceIds": ["11111111-2222-4333-8444-555555555555"]}),
    ],
)
def test_what_needs_a_collection_says_when_there_is_none(client, refused, operation, request_):
    assert refused(getattr(client, operation), CollectionId="nowhere", **request_) == (
        "ResourceNotFoundException",
        "The collection id: nowhere does not exist",
    )


def test_deleting_a_collection_takes_its_faces_with_it(client, collection):
    client.index_faces(CollectionId=collection, Image={"Bytes": jpeg(picture((100, 100, 120, 140)))})
    assert client.delete_collection(CollectionId=collection)["StatusCode"] == 200
    client.create_collection(CollectionId=collection)
    assert client.list_faces(CollectionId=collection)["Faces"] == []


def test_collections_come_in_pages(client):
    names = [f"room-{number}" for number in range(5)]
    for name in names:
        client.create_collection(CollectionId=name)
    pages = list(client.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 2}))
    assert [page["CollectionIds"] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert [len(page["FaceModelVersions"]) for page in pages] == [2, 2, 1]


def test_a_token_that_was_never_handed_out_is_refused(client, collection, refused):
    for token in ("nonsense", "77", "-1", "²"):
        code, _ = refused(client.list_collections, NextToken=token)
        assert code == "InvalidPaginationTokenException"


def test_tags_are_put_on_listed_and_taken_off(client):
    client.create_collection(CollectionId="room-1", Tags={"attendee": "simon"})
    client.tag_resource(ResourceArn=ARN, Tags={"attendee": "zoë", "with space": ""})
    client.untag_resource(ResourceArn=ARN, TagKeys=["with space", "never there"])
    assert client.list_tags_for_resource(ResourceArn=ARN)["Tags"] == {"attendee": "zoë"}


def test_tags_belong_to_something_that_exists_and_is_ones_own(client, connect, collection, refused):
    assert refused(client.list_tags_for_resource, ResourceArn=ARN.replace("room-1", "room-2"))[0] == (
        "ResourceNotFoundException"
    )
    other = connect("444455556666")
    assert refused(other.tag_resource, ResourceArn=ARN, Tags={})[0] == "ResourceNotFoundException"


def test_two_accounts_do_not_see_each_other(client, connect, collection, refused):
    other = connect("444455556666")
    assert other.list_collections()["CollectionIds"] == []
    assert refused(other.describe_collection, CollectionId=collection)[0] == "ResourceNotFoundException"
    other.create_collection(CollectionId=collection)
    other.index_faces(CollectionId=collection, Image={"Bytes": jpeg(picture((100, 100, 120, 140)))})
    assert client.describe_collection(CollectionId=collection)["FaceCount"] == 0


def test_two_regions_do_not_see_each_other(connect, collection):
    assert connect(region="eu-west-1").list_collections()["CollectionIds"] == []


def test_a_key_that_is_no_account_number_is_the_first_account(connect):
    answer = connect("AKIAIOSFODNN7EXAMPLE").create_collection(CollectionId="room-1")
    assert ":000000000000:" in answer["CollectionArn"]


def test_errors_carry_what_boto3_and_people_look_for(client):
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.describe_collection(CollectionId="nowhere")
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert len(response["ResponseMetadata"]["RequestId"]) == 36
    assert isinstance(caught.value, ClientError)
