"""The wire, and botocore's model held against it in both directions."""

import datetime
import http.client
import json
import socket
import struct
import time
from urllib.parse import urlsplit

import botocore.validate
import pytest

from local_aws.rekognition import RekognitionServer
from local_aws.rekognition.collection import Place
from local_aws.rekognition.refusal import Refusal
from local_aws.rekognition.service_model import UnfaithfulAnswer, answer_to, rekognition, request_from
from tests.local_aws.rekognition.painted import jpeg, picture

AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=111122223333/20261122/ap-southeast-2/rekognition/aws4_request, Signature=0"
TARGET = "RekognitionService.ListCollections"


def post(server: RekognitionServer, body: bytes = b"{}", path: str = "/", **headers: str):
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items() if value}
    connection.request("POST", path, body, named)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, json.loads(text)


def test_an_answer_looks_like_one_from_aws(server):
    answer, body = post(server, X_Amz_Target=TARGET, Authorization=AUTHORIZATION)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert len(answer.headers["x-amzn-RequestId"]) == 36
    assert body == {"CollectionIds": [], "FaceModelVersions": []}


def test_an_error_looks_like_one_from_aws(server):
    answer, body = post(
        server,
        b'{"CollectionId": "nowhere"}',
        X_Amz_Target="RekognitionService.DescribeCollection",
        Authorization=AUTHORIZATION,
    )
    assert answer.status == 400
    assert len(body.pop("Logref")) == 36
    assert body == {
        "__type": "ResourceNotFoundException",
        "Code": "ResourceNotFoundException",
        "Message": "The collection id: nowhere does not exist",
    }


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"X_Amz_Target": "RekognitionService.DetectLabels"}, b"{}", "UnknownOperationException"),
        ({"X_Amz_Target": "Textract.ListCollections"}, b"{}", "UnknownOperationException"),
        ({"X_Amz_Target": ""}, b"{}", "UnknownOperationException"),
        ({"Authorization": ""}, b"{}", "MissingAuthenticationTokenException"),
        ({"Authorization": AUTHORIZATION.replace("rekognition", "s3")}, b"{}", "MissingAuthenticationTokenException"),
        ({}, b"{", "SerializationException"),
        ({}, b"[]", "ValidationException"),
    ],
)
def test_a_malformed_request_is_refused_and_not_fatal(server, headers, body, code):
    answer, error = post(server, body, **({"X_Amz_Target": TARGET, "Authorization": AUTHORIZATION} | headers))
    assert (answer.status, error["__type"]) == (400, code)


def test_a_mistake_of_the_server_is_an_internal_error(server, client, refused, monkeypatch, capsys):
    monkeypatch.setattr(server.rekognition, "list_collections", lambda call: {"CollectionIds": [7]})
    assert refused(client.list_collections) == ("InternalServerError", "Internal server error")
    assert "UnfaithfulAnswer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("operation", "request_", "where", "rule"),
    [
        ("CreateCollection", {}, "collectionId", "must not be null"),
        ("CreateCollection", {"CollectionId": "with space"}, "collectionId", r"pattern: [a-zA-Z0-9_.\-]+"),
        ("CreateCollection", {"CollectionId": "a" * 256}, "collectionId", "length less than or equal to 255"),
        ("CreateCollection", {"CollectionId": 7}, "collectionId", "type string"),
        ("CreateCollection", {"CollectionId": "a", "Tags": {"aws:x": ""}}, "tags.key", "pattern"),
        ("CreateCollection", {"CollectionId": "a", "Tags": {"x": "a\nb"}}, "tags.x.member", "pattern"),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "MaxFaces": 0}, "maxFaces", "greater than or equal to 1"),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "MaxFaces": True}, "maxFaces", "type integer"),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "QualityFilter": "BEST"}, "qualityFilter", "enum value set"),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "ExternalImageId": "a/b"}, "externalImageId", "pattern"),
        ("IndexFaces", {"CollectionId": "a", "Image": {"Bytes": ""}}, "image.bytes", "greater than or equal to 1"),
        ("IndexFaces", {"CollectionId": "a", "Image": {"Bytes": "?"}}, "image.bytes", "type blob"),
        ("DetectFaces", {"Image": {}, "Attributes": ["MOOD"]}, "attributes.1.member", "enum value set"),
        ("ListFaces", {"CollectionId": "a", "MaxResults": 4097}, "maxResults", "less than or equal to 4096"),
        ("DeleteFaces", {"CollectionId": "a", "FaceIds": []}, "faceIds", "length greater than or equal to 1"),
    ],
)
def test_every_constraint_of_the_model_is_enforced(operation, request_, where, rule):
    with pytest.raises(Refusal) as caught:
        request_from(operation, request_)
    assert caught.value.code == "ValidationException"
    assert caught.value.message.startswith("1 validation error detected: Value ")
    assert f"at '{where}' failed to satisfy constraint: " in caught.value.message
    assert rule in caught.value.message


def test_several_mistakes_are_named_at_once():
    with pytest.raises(Refusal, match="2 validation errors detected"):
        request_from("IndexFaces", {"CollectionId": "a/b", "Image": {}, "MaxFaces": 0})


def test_unknown_request_parameters_are_ignored_as_on_aws():
    assert request_from("DescribeCollection", {"CollectionId": "a", "New": 1}) == {"CollectionId": "a"}


def test_letters_of_any_language_may_stand_in_a_tag():
    tags = {"Zoë 東京": "ok + /=:@"}
    assert request_from("CreateCollection", {"CollectionId": "a", "Tags": tags})["Tags"] == tags


@pytest.mark.parametrize(
    "answer",
    [
        {"FaceCount": 1, "Surprise": 1},
        {"FaceCount": "1"},
        {"FaceCount": -1},
        {"FaceCount": None},
        {"CreationTimestamp": 1.0},
    ],
)
def test_our_answers_must_match_the_service_model(answer):
    with pytest.raises(UnfaithfulAnswer, match="the answer of DescribeCollection violates its model"):
        answer_to("DescribeCollection", answer)


def test_an_unknown_member_deep_in_an_answer_is_found():
    record = {"FaceDetail": {"Emotions": [{"Type": "HAPPY", "Confidence": 1.0, "Cause": "you"}]}}
    with pytest.raises(UnfaithfulAnswer, match=r"faceRecords.faceDetail.emotions.cause' is unknown"):
        answer_to("IndexFaces", {"FaceRecords": [record]})


def test_a_timestamp_travels_as_seconds():
    noon = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
    assert answer_to("DescribeCollection", {"CreationTimestamp": noon}) == {"CreationTimestamp": noon.timestamp()}


def test_botocores_own_validator_accepts_every_answer(client, collection):
    """A second opinion on the answers, from the code that checks what boto3 sends."""
    image = {"Bytes": jpeg(picture((300, 100, 200, 240), (20, 300, 30, 36)))}
    indexed = client.index_faces(CollectionId=collection, Image=image, DetectionAttributes=["ALL"])
    face = indexed["FaceRecords"][0]["Face"]["FaceId"]
    arn = client.describe_collection(CollectionId=collection)["CollectionARN"]
    answers = {
        "IndexFaces": indexed,
        "DetectFaces": client.detect_faces(Image=image, Attributes=["ALL"]),
        "ListFaces": client.list_faces(CollectionId=collection),
        "ListCollections": client.list_collections(),
        "DescribeCollection": client.describe_collection(CollectionId=collection),
        "ListTagsForResource": client.list_tags_for_resource(ResourceArn=arn),
        "DeleteFaces": client.delete_faces(CollectionId=collection, FaceIds=[face]),
        "DeleteCollection": client.delete_collection(CollectionId=collection),
    }
    for operation, answer in answers.items():
        del answer["ResponseMetadata"]
        shape = rekognition().operation_model(operation).output_shape
        report = botocore.validate.ParamValidator().validate(answer, shape)
        assert not report.has_errors(), f"{operation}: {report.generate_report()}"


def test_the_server_serves_exactly_the_operations_it_promises(server):
    assert server.rekognition.named.keys() <= set(rekognition().operation_names)
    assert len(server.rekognition.named) == 11


def test_a_caller_that_hangs_up_is_no_news(server, capfd):
    server.conditions.set_latency("ListCollections", 0.2)
    for _ in range(3):
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        connection.request("POST", "/", b"{}", {"X-Amz-Target": TARGET, "Authorization": AUTHORIZATION})
        # Closing with unread data and no lingering resets the connection under the server's feet.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    server.conditions.meet(Place("111122223333", "ap-southeast-2"), "ListCollections")
    time.sleep(0.1)
    assert server.conditions.calls() == {"ListCollections": 4}
    assert capfd.readouterr().err == ""
