"""With IAM enforced, the workshop works. Without any one of the functions' permissions, it does not.

Both stacks are deployed to a local AWS that enforces the policies of the roles, the queue and the buckets, as
synthesised. Then each permission, that is, each pair of an action and a resource, is removed in turn. The same
deployment also serves the tests of foreign access, expiring links, listeners and logs.
"""

import base64
import json
import re
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import SOCK_DGRAM
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import boto3
import cv2
import psutil
import pytest
from annotator.photo import Photo, results_folder
from botocore.exceptions import ClientError
from wall_door import guests
from wall_door.door import Settings

from local_aws.local import PROJECT, LocalAws
from tests.annotator.photos import announcement, encoded, message
from workshop.aws.account import Account
from workshop.aws.links import link_to

pytestmark = pytest.mark.slow

SAMPLE = PROJECT / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample6.jpg"

ANNOTATOR = {
    ("s3:GetObject", "raw/*"),
    ("s3:GetObjectVersion", "raw/*"),
    ("s3:ListBucket", "raw"),
    ("s3:ListBucket", "processed"),
    ("s3:PutObject", "processed/pictures/*"),
    ("s3:DeleteObject", "processed/pictures/*"),
    ("s3:GetObject", "processed/results/*"),
    ("s3:PutObject", "processed/results/*"),
    ("s3:DeleteObject", "processed/results/*"),
    ("rekognition:IndexFaces", "collection"),
    ("rekognition:ListFaces", "collection"),
    ("rekognition:DeleteFaces", "collection"),
    ("sqs:ReceiveMessage", "inbox"),
    ("sqs:DeleteMessage", "inbox"),
    ("sqs:GetQueueAttributes", "inbox"),
    ("sqs:ChangeMessageVisibility", "inbox"),
    ("logs:CreateLogStream", "log group"),
    ("logs:PutLogEvents", "log group"),
}
FACE_COLLECTION = {
    ("rekognition:CreateCollection", "collection family"),
    ("rekognition:DescribeCollection", "collection family"),
    ("rekognition:DeleteCollection", "collection family"),
    ("rekognition:ListTagsForResource", "collection family"),
    ("rekognition:TagResource", "collection family"),
    ("rekognition:UntagResource", "collection family"),
    ("logs:CreateLogStream", "log group"),
    ("logs:PutLogEvents", "log group"),
}
DOOR = {
    ("s3:PutObject", "raw/wall/*"),
    ("s3:DeleteObjectVersion", "raw/wall/*"),
    ("s3:ListBucketVersions", "raw"),
    ("s3:GetObject", "processed/pictures/wall/*"),
    ("s3:DeleteObject", "processed/pictures/wall/*"),
    ("s3:GetObject", "processed/results/wall/*"),
    ("s3:DeleteObject", "processed/results/wall/*"),
    ("s3:GetObject", "processed/wall/door.json"),
    ("s3:PutObject", "processed/wall/taken/*"),
    ("s3:ListBucket", "processed"),
    ("rekognition:ListFaces", "collection"),
    ("rekognition:DeleteFaces", "collection"),
    ("logs:CreateLogStream", "log group"),
    ("logs:PutLogEvents", "log group"),
}
BUCKET_EMPTIER = {("logs:CreateLogStream", "log group"), ("logs:PutLogEvents", "log group")}

Permission = tuple[str, str]


@dataclass(frozen=True)
class Function:
    """A deployed function, and its role's permissions."""

    name: str
    role: str
    log_group: str

    @property
    def permissions(self) -> set[Permission]:
        """Each pair of an action and a resource that the role's policies allow."""
        return {pair for document in self._policies().values() for pair in pairs_in(document)}

    def _policies(self) -> dict[str, dict[str, Any]]:
        iam = boto3.client("iam")
        assert iam.list_attached_role_policies(RoleName=self.role)["AttachedPolicies"] == []
        names = iam.list_role_policies(RoleName=self.role)["PolicyNames"]
        return {name: iam.get_role_policy(RoleName=self.role, PolicyName=name)["PolicyDocument"] for name in names}

    @contextmanager
    def without(self, permission: Permission) -> Iterator[None]:
        before = self._policies()
        iam = boto3.client("iam")
        for name, document in before.items():
            rest = [
                {"Effect": "Allow", "Action": action, "Resource": resource}
                for action, resource in sorted(pairs_in(document) - {permission})
            ]
            rest = rest or [{"Effect": "Deny", "Action": "none:None", "Resource": "*"}]
            document = {"Version": "2012-10-17", "Statement": rest}
            iam.put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=json.dumps(document))
        try:
            yield
        finally:
            for name, document in before.items():
                iam.put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=json.dumps(document))

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = boto3.client("lambda").invoke(FunctionName=self.name, Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        return {"error": payload} if "FunctionError" in answer else (payload or {})

    def logs_again(self) -> bool:
        """Whether a new environment of the function can log."""
        functions = boto3.client("lambda")
        variables = functions.get_function_configuration(FunctionName=self.name).get("Environment", {})
        changed = variables.get("Variables", {}) | {"AGAIN": uuid.uuid4().hex}
        functions.update_function_configuration(FunctionName=self.name, Environment={"Variables": changed})
        before = len(self.lines())
        self.invoke({"Records": []})
        return len(self.lines()) > before

    def lines(self) -> list[str]:
        pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=self.log_group)
        return [event["message"] for page in pages for event in page["events"]]


def pairs_in(document: dict[str, Any]) -> set[Permission]:
    return {
        (action, resource)
        for statement in document["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@dataclass
class Deployed:
    """All stacks, deployed with IAM enforced."""

    aws: LocalAws
    outputs: dict[str, str]
    annotator: Function
    face_collection: Function
    bucket_emptier: Function
    door: Function

    def resource(self, name: str, function: Function) -> str:
        """The resource in a policy for its short name here."""
        collection = f"arn:aws:rekognition:ap-southeast-2:111122223333:collection/{self.outputs['CollectionId']}"
        inbox = self.outputs["InboxUrl"].rsplit("/", 1)[1]
        arns = {
            "raw": f"arn:aws:s3:::{self.outputs['RawBucket']}",
            "processed": f"arn:aws:s3:::{self.outputs['ProcessedBucket']}",
            "collection": collection,
            "collection family": collection.removesuffix("faces") + "*",
            "inbox": f"arn:aws:sqs:ap-southeast-2:111122223333:{inbox}",
            "log group": f"arn:aws:logs:ap-southeast-2:111122223333:log-group:{function.log_group}:*",
        }
        first, slash, rest = name.partition("/")
        return arns[first] + slash + rest

    def named(self, permissions: set[Permission], function: Function) -> set[Permission]:
        return {(action, self.resource(name, function)) for action, name in permissions}


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with LocalAws(enforce_iam=True) as aws, aws.adopted():
        aws.prepare(attendee="simon")
        aws.deploy("Foundation", "Serverless", "Wall")
        cloudformation = boto3.client("cloudformation")
        outputs: dict[str, str] = {}
        names: dict[str, str] = {}
        for kind in ("Foundation", "Serverless", "Wall"):
            stack = f"ShowYourEmotions-simon-{kind}"
            (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            outputs |= {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
            for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
                if resource["ResourceType"] == "AWS::Lambda::Function":
                    names[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]

        def function(part: str) -> Function:
            (name,) = (name for logical_id, name in names.items() if part in logical_id)
            one = boto3.client("lambda").get_function_configuration(FunctionName=name)
            return Function(name, one["Role"].split("/")[-1], one["LoggingConfig"]["LogGroup"])

        yield Deployed(aws, outputs, *map(function, ("Annotator", "FacesProvider", "S3AutoDelete", "Door")))


@pytest.fixture(scope="module")
def by_hand(deployed: Deployed) -> Deployed:
    """The inbox no longer triggers the function. The tests call it, and get failures directly."""
    functions = boto3.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=deployed.annotator.name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    return deployed


@cache
def picture(mirrored: bool) -> bytes:
    """A photo of three faces, or its mirror image."""
    pixels = cv2.resize(cv2.imread(str(SAMPLE)), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    return encoded(cv2.flip(pixels, 1) if mirrored else pixels, "JPEG", quality=90)


def uploaded(deployed: Deployed, key: str, body: bytes) -> Photo:
    stored = boto3.client("s3").put_object(Bucket=deployed.outputs["RawBucket"], Key=key, Body=body)
    return Photo(deployed.outputs["RawBucket"], key, stored["VersionId"], stored["ETag"].strip('"'), len(body))


def announced(photo: Photo) -> dict[str, Any]:
    """The event that the function receives from SQS for this photo."""
    return {"Records": [message(announcement(photo))]}


def what_goes_wrong(deployed: Deployed) -> str | None:
    """The first problem in the whole lifecycle of a photo, or None.

    A photo with faces is overwritten by another one, and that by a text file; each is delivered twice. A further photo
    is deleted before it is read.
    """
    key = f"{uuid.uuid4().hex}.jpg"
    versions = set()
    for body, status in ((picture(False), "annotated"), (picture(True), "annotated"), (b"no photo", "rejected")):
        photo = uploaded(deployed, key, body)
        versions.add(photo.external_image_id)
        if problem := failed(deployed, photo) or failed(deployed, photo):
            return problem
        if set(results(deployed, key)) != {photo.result_key}:
            return f"the results are {results(deployed, key)}"
        found = stored(deployed, photo)
        if (found["status"], found["picture"]) != (status, status == "annotated"):
            return f"{status} became {found}"
        if found["faces"] != indexed(deployed, versions):
            return f"the collection holds {indexed(deployed, versions)} instead of {found['faces']}"
    gone = uploaded(deployed, f"gone-{key}", picture(False))
    boto3.client("s3").delete_object(Bucket=gone.bucket, Key=gone.key)
    return failed(deployed, gone)


def failed(deployed: Deployed, photo: Photo) -> str | None:
    answer = deployed.annotator.invoke(announced(photo))
    return None if answer == {"batchItemFailures": []} else str(answer)


def results(deployed: Deployed, key: str) -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=deployed.outputs["ProcessedBucket"], Prefix=results_folder(key))
    return [item["Key"] for item in listed.get("Contents", [])]


def stored(deployed: Deployed, photo: Photo) -> dict[str, Any]:
    s3, bucket = boto3.client("s3"), deployed.outputs["ProcessedBucket"]
    result = json.loads(s3.get_object(Bucket=bucket, Key=photo.result_key)["Body"].read())
    there = False
    with suppress(ClientError):
        there = bool(s3.head_object(Bucket=bucket, Key=photo.picture_key))
    faces = {face["face_id"] for face in result["faces"] if face["face_id"]}
    return {"status": result["status"], "picture": there, "faces": faces}


def indexed(deployed: Deployed, versions: set[str]) -> set[str]:
    """The faces of these versions of a photo in the collection."""
    pages = (
        boto3.client("rekognition").get_paginator("list_faces").paginate(CollectionId=deployed.outputs["CollectionId"])
    )
    return {face["FaceId"] for page in pages for face in page["Faces"] if face["ExternalImageId"] in versions}


class CloudFormation:
    """Receives the answers of a custom resource, at a URL on loopback."""

    def __init__(self, function: Function, collection_id: str) -> None:
        self._function = function
        self._collection_id = collection_id
        self._stack_id = f"arn:aws:cloudformation:ap-southeast-2:111122223333:stack/tried/{uuid.uuid4()}"

    def asks(self, request: str, **tags: str) -> str | None:
        """Why the request failed, or None; the custom resource must answer."""
        heard: list[dict[str, Any]] = []

        class Answered(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Answered) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            self._function.invoke(
                {
                    "RequestType": request,
                    "RequestId": str(uuid.uuid4()),
                    "StackId": self._stack_id,
                    "LogicalResourceId": "Faces",
                    "ResponseURL": f"http://127.0.0.1:{server.server_port}/",
                    "PhysicalResourceId": self._collection_id,
                    "ResourceProperties": {"CollectionId": self._collection_id, "Tags": tags},
                }
            )
            server.shutdown()
        (answer,) = heard
        return None if answer["Status"] == "SUCCESS" else answer["Reason"]


def what_fails_in_a_collections_life(deployed: Deployed) -> str | None:
    """Create the collection, change its tags, create it again after a lost answer, and delete it.

    Starts with Updates, as after a change of its id, because a Create waits half a minute for a missing permission.
    """
    family = deployed.outputs["CollectionId"].removesuffix("faces")
    cloudformation = CloudFormation(deployed.face_collection, f"{family}{uuid.uuid4().hex}")
    return (
        cloudformation.asks("Update", attendee="simon", team="cloud")
        or cloudformation.asks("Update", attendee="simon", event="meetup")
        or cloudformation.asks("Create", attendee="simon", event="meetup")
        or cloudformation.asks("Delete", attendee="simon", event="meetup")
    )


def what_goes_wrong_at_the_door(deployed: Deployed) -> str | None:
    """The first problem of a guest who sends a photo, sees the result and the picture, and removes everything."""
    key, ticket = uuid.uuid4().hex[:16], f"show-{uuid.uuid4().hex}"
    s3, processed = boto3.client("s3"), deployed.outputs["ProcessedBucket"]
    settings = Settings(key, datetime.now(UTC) + timedelta(hours=1), photos=1)
    s3.put_object(Bucket=processed, Key=guests.SETTINGS_KEY, Body=settings.to_json())

    def asks(route: str, status: int, query: str = "", body: bytes = b"") -> str | None:
        answer = deployed.door.invoke(
            {
                "routeKey": route,
                "rawQueryString": query,
                "headers": {"x-ticket": ticket, "x-consent": "analyse"},
                "pathParameters": {"id": ticket},
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            }
        )
        return None if answer.get("statusCode") == status else f"{route}: {answer}"

    one = "/photos/{id}"
    if problem := asks("POST /photos", 201, key, picture(False)) or asks(f"GET {one}", 200):
        return problem
    if problem := asks("POST /photos", 200, key, picture(False)):
        return f"the photo is not counted: {problem}"
    (version,) = s3.list_object_versions(Bucket=deployed.outputs["RawBucket"], Prefix=f"wall/{ticket}")["Versions"]
    raw = (deployed.outputs["RawBucket"], version["Key"], version["VersionId"], version["ETag"].strip('"'))
    photo = Photo(*raw, version["Size"])
    failed(deployed, photo)
    problem = asks(f"GET {one}/picture", 200) or asks(f"DELETE {one}", 200) or asks(f"GET {one}", 404)
    if not problem and (left := indexed(deployed, {photo.external_image_id})):
        return f"the collection still holds {left}"
    return problem


def test_every_permission_of_the_roles_is_under_test(deployed):
    """Otherwise a permission could be superfluous without a test that removes it."""
    for function, permissions in (
        (deployed.annotator, ANNOTATOR),
        (deployed.face_collection, FACE_COLLECTION),
        (deployed.bucket_emptier, BUCKET_EMPTIER),
        (deployed.door, DOOR),
    ):
        assert function.permissions == deployed.named(permissions, function)


def test_an_uploaded_photo_is_annotated_under_iam(deployed):
    """Covers the bucket's notification, the queue's policy and the function's role together."""
    photo = uploaded(deployed, "announced.jpg", picture(False))
    waiter = boto3.client("s3").get_waiter("object_exists")
    waiter.wait(
        Bucket=deployed.outputs["ProcessedBucket"],
        Key=photo.result_key,
        WaiterConfig={"Delay": 1, "MaxAttempts": 20},
    )
    assert stored(deployed, photo)["status"] == "annotated"


def test_all_permissions_together_suffice(by_hand):
    assert what_goes_wrong(by_hand) is None
    assert what_fails_in_a_collections_life(by_hand) is None
    assert what_goes_wrong_at_the_door(by_hand) is None
    assert by_hand.annotator.logs_again()
    assert by_hand.face_collection.logs_again()


@pytest.mark.parametrize(
    "permission", sorted(each for each in ANNOTATOR if each[0].startswith(("s3:", "rekognition:"))), ids=" on ".join
)
def test_a_photo_goes_wrong_without(by_hand, permission):
    action, name = permission
    before = set(by_hand.annotator.lines())
    with by_hand.annotator.without((action, by_hand.resource(name, by_hand.annotator))):
        assert what_goes_wrong(by_hand)
    (*_, last) = (line for line in set(by_hand.annotator.lines()) - before if '"error"' in line)
    assert "AccessDenied" in last or "Forbidden" in last


@pytest.mark.parametrize(
    "permission",
    sorted((action, name) for action, name in ANNOTATOR if action.startswith("sqs:") and "Visibility" not in action),
    ids=" on ".join,
)
def test_lambda_does_not_poll_without(by_hand, permission):
    action, name = permission
    wanted = {
        "FunctionName": by_hand.annotator.name,
        "EventSourceArn": by_hand.resource(name, by_hand.annotator),
        "Enabled": False,
    }
    functions = boto3.client("lambda")
    with by_hand.annotator.without((action, wanted["EventSourceArn"])), pytest.raises(ClientError) as refused:
        functions.create_event_source_mapping(**wanted)
    assert f"does not have permissions to call {action.removeprefix('sqs:')} on SQS" in str(refused.value)


def test_a_failed_photo_waits_for_the_queue_without(by_hand):
    """With the permission, the message is visible again after a few seconds."""
    action, inbox = "sqs:ChangeMessageVisibility", by_hand.resource("inbox", by_hand.annotator)
    reading = ("s3:GetObject", by_hand.resource("raw/*", by_hand.annotator))
    for permissions, expected in (([reading], '"retry scheduled"'), ([reading, (action, inbox)], "AccessDenied")):
        uploaded(by_hand, "failing.jpg", picture(False))
        received = boto3.client("sqs").receive_message(QueueUrl=by_hand.outputs["InboxUrl"])["Messages"][0]
        with ExitStack() as taken:
            for permission in permissions:
                taken.enter_context(by_hand.annotator.without(permission))
            record = {"messageId": "1", "receiptHandle": received["ReceiptHandle"], "body": received["Body"]}
            by_hand.annotator.invoke({"Records": [record]})
        (*_, last) = (line for line in by_hand.annotator.lines() if '"waiting"' in line)
        assert expected in last


@pytest.mark.parametrize(
    "permission", sorted(each for each in FACE_COLLECTION if each[0].startswith("rekognition:")), ids=" on ".join
)
def test_the_collections_lifecycle_fails_without(by_hand, permission):
    action, name = permission
    with by_hand.face_collection.without((action, by_hand.resource(name, by_hand.face_collection))):
        assert f"not authorized to perform: {action}" in (what_fails_in_a_collections_life(by_hand) or "")


@pytest.mark.parametrize("permission", sorted(each for each in DOOR if "logs:" not in each[0]), ids=" on ".join)
def test_a_guest_is_not_served_without(by_hand, permission):
    action, name = permission
    with by_hand.door.without((action, by_hand.resource(name, by_hand.door))):
        assert what_goes_wrong_at_the_door(by_hand)


@pytest.mark.parametrize("action", ["logs:CreateLogStream", "logs:PutLogEvents"])
@pytest.mark.parametrize("who", ["annotator", "face_collection", "door"])
def test_a_function_has_no_logs_without(by_hand, who, action):
    function = getattr(by_hand, who)
    with function.without((action, by_hand.resource("log group", function))):
        assert not function.logs_again()
    assert function.logs_again()


def test_another_accounts_bucket_cannot_fill_the_inbox(by_hand):
    """S3 sends events for any account; the queue's policy checks which one (the confused deputy)."""
    with by_hand.aws.adopted(account="222233334444"):
        theirs = boto3.Session().client("s3")
        where = {"LocationConstraint": "ap-southeast-2"}
        theirs.create_bucket(Bucket="somebody-elses", CreateBucketConfiguration=where)
        queue = {"QueueArn": by_hand.resource("inbox", by_hand.annotator), "Events": ["s3:ObjectCreated:*"]}
        with suppress(ClientError):
            theirs.put_bucket_notification_configuration(
                Bucket="somebody-elses", NotificationConfiguration={"QueueConfigurations": [queue]}
            )
        theirs.put_object(Bucket="somebody-elses", Key="theirs.jpg", Body=picture(False))
    uploaded(by_hand, "ours.jpg", picture(False))
    bodies = messages(by_hand.outputs["InboxUrl"])
    assert any("ours.jpg" in body for body in bodies)
    assert not any("theirs.jpg" in body or "somebody-elses" in body for body in bodies)


def messages(queue: str) -> list[str]:
    bodies = []
    while found := boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in found]
    return bodies


def test_photos_and_results_are_private(by_hand):
    """Neither another account nor an anonymous caller can read or list them."""
    photo = uploaded(by_hand, "private.jpg", picture(False))
    address = f"{by_hand.aws.emulator.url}/{photo.bucket}/{photo.key}"
    with pytest.raises(HTTPError, match="403"):
        urlopen(address)
    with by_hand.aws.adopted(account="222233334444"):
        theirs = boto3.Session().client("s3")
        for bucket in (by_hand.outputs["RawBucket"], by_hand.outputs["ProcessedBucket"]):
            with pytest.raises(ClientError, match="AccessDenied"):
                theirs.list_objects_v2(Bucket=bucket)
            with pytest.raises(ClientError, match="AccessDenied"):
                theirs.get_object(Bucket=bucket, Key=photo.key)
            with pytest.raises(ClientError, match="AccessDenied"):
                theirs.put_object(Bucket=bucket, Key="theirs.jpg", Body=b"")


def test_a_link_shows_one_picture_until_it_expires(by_hand):
    photo = uploaded(by_hand, "shared.jpg", picture(False))
    other = uploaded(by_hand, "not-shared.jpg", picture(True))
    account = Account.open("simon")
    link = link_to(account, photo.bucket, photo.key, timedelta(hours=2)).url
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["7200"]
    assert urlopen(link).status == 200
    short = link_to(account, photo.bucket, photo.key, timedelta(seconds=1)).url
    time.sleep(2.1)
    for refused in (
        short,
        short.replace("X-Amz-Expires=1&", "X-Amz-Expires=7200&"),
        link.replace(photo.key, other.key),
        link.partition("?")[0],
    ):
        with pytest.raises(HTTPError, match="403"):
            urlopen(refused)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the sockets of child processes")
def test_all_servers_listen_on_loopback_only(by_hand):
    """The emulator, Rekognition, the Lambda host, the functions and face-api, as `make local` starts them."""
    us = psutil.Process()
    running = [us, *us.children(recursive=True)]
    commands = "\n".join(" ".join(process.cmdline()) for process in running)
    assert all(one in commands for one in ("ministack_process", "python_runtime.py", "eyes.cjs"))
    sockets = [
        socket
        for process in running
        for socket in process.net_connections("inet")
        if socket.status == psutil.CONN_LISTEN or (socket.type == SOCK_DGRAM and not socket.raddr)
    ]
    assert len(sockets) >= 3
    assert {socket.laddr.ip for socket in sockets} == {"127.0.0.1"}


def test_no_log_contains_credentials_or_signed_urls(by_hand):
    """Neither the functions' logs, including errors and custom resources, nor the emulator's own."""
    permission = ("rekognition:IndexFaces", by_hand.resource("collection", by_hand.annotator))
    with by_hand.annotator.without(permission):
        assert what_goes_wrong(by_hand)
    functions = (by_hand.annotator, by_hand.face_collection, by_hand.bucket_emptier)
    lines = [line for function in functions for line in function.lines()]
    assert any("AccessDenied" in line for line in lines)
    lines.append(by_hand.aws.emulator.log.read_text())
    given = [process.environ() for process in psutil.Process().children(recursive=True)]
    held = {one[name] for one in given for name in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN") if name in one}
    secrets = {each for each in held if each.startswith("ASIA") or len(each) > 40}
    assert len(secrets) >= 2
    signed = re.compile("X-Amz-(Signature|Credential|Security-Token)", re.IGNORECASE)
    assert [line for line in lines if signed.search(line) or any(secret in line for secret in secrets)] == []


def test_the_stacks_are_deleted_with_all_their_data(by_hand):
    """The functions that empty the buckets and delete the collection have all permissions that they need."""
    uploaded(by_hand, "last.jpg", picture(False))
    by_hand.aws.destroy()
    left = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    assert not left & {by_hand.outputs["RawBucket"], by_hand.outputs["ProcessedBucket"]}
    assert by_hand.outputs["CollectionId"] not in boto3.client("rekognition").list_collections()["CollectionIds"]
