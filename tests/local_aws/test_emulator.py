"""The emulator with its gaps closed behaves, as far as the workshop looks, as AWS does."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from local_aws import processes
from local_aws.emulator import Emulator
from local_aws.errors import LocalAwsError
from local_aws.lambda_host import LambdaHost
from tests.local_aws.deployed import zipped

pytestmark = pytest.mark.slow

Client = Callable[[str], Any]


class Started:
    """An emulator and a Lambda host, as LocalAws puts them together."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        port = processes.free_port()
        self.host = stack.enter_context(LambdaHost(f"http://127.0.0.1:{port}", folder=folder / "lambda"))
        self.emulator = stack.enter_context(Emulator(self.host.url, port, folder))

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.emulator.url,
            region_name="ap-southeast-2",
            aws_access_key_id="111122223333",
            aws_secret_access_key="local",
        )


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with ExitStack() as stack:
        yield Started(tmp_path_factory.mktemp("emulator"), stack)


@pytest.fixture
def client(started: Started) -> Client:
    return started.client


def role_that_may(client: Client, *actions: str) -> str:
    """The ARN of a new role with these permissions on everything."""
    iam, name = client("iam"), f"role-{uuid.uuid4().hex}"
    trust = {"Version": "2012-10-17", "Statement": []}
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": list(actions) or ["s3:GetObject"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=json.dumps(policy))
    return arn


WRITES_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")


def deploy(client: Client, source: str, role: str = "", **settings: Any) -> str:
    """A new function of this source; its name."""
    name = f"tried-{uuid.uuid4().hex}"
    client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handle",
        Role=role or role_that_may(client, *WRITES_LOGS),
        Code={"ZipFile": zipped(source)},
        **{"Timeout": 5, "MemorySize": 512} | settings,
    )
    return name


def invoke(client: Client, name: str, event: Any = None) -> Any:
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    payload = json.loads(answer["Payload"].read())
    return {"error": payload} if "FunctionError" in answer else payload


def within(seconds: float, condition: Callable[[], Any]) -> Any:
    """What the condition answers as soon as that is true; the last answer when the time is over."""
    until = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < until:
        time.sleep(0.1)
    return answer


def test_it_listens_on_loopback_only(started: Started):
    emulator = psutil.Process(started.emulator._process.pid)
    listening = [each for each in emulator.net_connections() if each.status == psutil.CONN_LISTEN]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}
    assert started.emulator.port in {each.laddr.port for each in listening}


def test_a_function_sees_its_roles_credentials_and_the_emulator(client: Client, started: Started):
    name = deploy(
        client,
        "import boto3\ndef handle(event, context): return boto3.client('sts').get_caller_identity()['Account']",
        Timeout=20,
    )
    assert invoke(client, name) == "111122223333"


def test_what_a_function_raises_reaches_the_caller_as_a_function_error(client: Client):
    name = deploy(client, "def handle(event, context): raise ValueError('no')")
    assert invoke(client, name)["error"]["errorType"] == "ValueError"


def test_a_functions_log_is_in_its_own_group_in_cloudwatch(client: Client):
    group = f"/workshop/{uuid.uuid4().hex}"
    client("logs").create_log_group(logGroupName=group)
    name = deploy(client, "def handle(event, context): print('seen')", LoggingConfig={"LogGroup": group})
    invoke(client, name)
    events = client("logs").filter_log_events(logGroupName=group)["events"]
    assert [event["message"].split()[0] for event in events] == ["START", "seen", "END", "REPORT"]


def test_a_role_that_may_not_create_log_groups_leaves_none(client: Client):
    name = deploy(client, "def handle(event, context): print('lost')", role_that_may(client, *WRITES_LOGS))
    invoke(client, name)
    assert not client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]


def test_a_role_that_may_create_log_groups_leaves_one(client: Client):
    """As on AWS, which is how `cdk destroy` comes to leave something; the workshop must notice it here."""
    name = deploy(client, "def handle(event, context): 1", role_that_may(client, "logs:CreateLogGroup", *WRITES_LOGS))
    invoke(client, name)
    (group,) = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert "retentionInDays" not in group


class Inbox:
    """A queue with a dead-letter queue, and a function that is fed from it."""

    def __init__(self, client: Client, source: str, concurrency: int = 2, visibility: int = 1, **settings: Any) -> None:
        self.sqs = client("sqs")
        self.dead_letters = self.sqs.create_queue(QueueName=f"dead-{uuid.uuid4().hex}")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.arn(self.dead_letters), "maxReceiveCount": 2}
        self.url = self.sqs.create_queue(
            QueueName=f"inbox-{uuid.uuid4().hex}",
            Attributes={"VisibilityTimeout": str(visibility), "RedrivePolicy": json.dumps(redrive)},
        )["QueueUrl"]
        self.name = deploy(client, source, **settings)
        client("lambda").create_event_source_mapping(
            FunctionName=self.name,
            EventSourceArn=self.arn(self.url),
            BatchSize=1,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig={"MaximumConcurrency": concurrency},
        )

    def arn(self, url: str) -> str:
        arn: str = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def dead(self) -> list[str]:
        messages = self.sqs.receive_message(QueueUrl=self.dead_letters, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in messages.get("Messages", [])]

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(number) for number in attributes.values())


def noting(client: Client) -> tuple[str, Callable[[], list[str]]]:
    """A bucket into which handlers put an object for each report, and a function that returns the reports."""
    s3, bucket = client("s3"), f"notes-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"})

    def notes() -> list[str]:
        found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [str(each["Key"]) for each in found]

    return bucket, notes


def test_a_message_that_always_fails_goes_to_the_dead_letter_queue(client: Client):
    inbox = Inbox(client, "def handle(event, context): raise ValueError('never')")
    inbox.send("bad")
    assert within(15, inbox.dead) == ["bad"]
    assert inbox.left() == 0


def test_only_the_reported_messages_of_a_batch_come_back(client: Client):
    inbox = Inbox(
        client,
        """
        def handle(event, context):
            bad = [record for record in event["Records"] if record["body"] == "bad"]
            return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in bad]}
        """,
    )
    inbox.send("good", "bad", "good")
    assert within(15, inbox.dead) == ["bad"]
    assert within(5, lambda: inbox.left() == 0)


def test_a_function_that_dies_on_a_message_gets_it_again(client: Client):
    bucket, notes = noting(client)
    inbox = Inbox(
        client,
        f"""
        import boto3, os
        def handle(event, context):
            count = event["Records"][0]["attributes"]["ApproximateReceiveCount"]
            boto3.client("s3").put_object(Bucket="{bucket}", Key=count)
            if count == "1": os._exit(1)
        """,
        Timeout=20,
    )
    inbox.send("once more")
    assert within(15, lambda: notes() == ["1", "2"])
    assert within(5, lambda: inbox.left() == 0)


def test_the_mappings_maximum_concurrency_is_respected(client: Client):
    bucket, notes = noting(client)
    inbox = Inbox(
        client,
        f"""
        import boto3, time
        def handle(event, context):
            began = time.time()
            time.sleep(0.4)
            boto3.client("s3").put_object(Bucket="{bucket}", Key=f"{{began}} {{time.time()}}")
        """,
        visibility=60,
        Timeout=20,
    )
    inbox.send(*"abcdef")
    assert within(20, lambda: len(notes()) == 6)
    spans = [tuple(map(float, note.split())) for note in notes()]
    at_once = [sum(began <= moment < ended for began, ended in spans) for moment, _ in spans]
    assert max(at_once) == 2


def test_a_bucket_is_given_the_tags_encryption_and_expiry_of_its_template(client: Client):
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "Tags": [{"Key": "workshop", "Value": "show-your-emotions"}],
            "LifecycleConfiguration": {"Rules": [{"Id": "Forget", "Status": "Enabled", "ExpirationInDays": 1}]},
        },
    }
    _, name = stack_with(client, bucket)
    s3 = client("s3")
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "workshop", "Value": "show-your-emotions"}]
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (rule["ID"], rule["Status"], rule["Expiration"]) == ("Forget", "Enabled", {"Days": 1})
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def stack_with(client: Client, resource: dict[str, Any]) -> tuple[str, str]:
    """The id of a new stack, and the physical name of its one resource."""
    cloudformation, name = client("cloudformation"), f"stack-{uuid.uuid4().hex}"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Only": resource}}))
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", "the call answers when the stack is done"
    (made,) = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return stack["StackId"], made["PhysicalResourceId"]


def test_a_stack_with_a_non_empty_bucket_cannot_be_deleted(client: Client):
    stack, bucket = stack_with(client, {"Type": "AWS::S3::Bucket"})
    client("s3").put_object(Bucket=bucket, Key="photo.jpg", Body=b"")
    client("cloudformation").delete_stack(StackName=stack)
    (after,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    assert after["StackStatus"] == "DELETE_FAILED"
    assert client("s3").head_bucket(Bucket=bucket)


def test_a_port_in_use_is_said_with_a_way_out(tmp_path: Path, started: Started):
    with pytest.raises(LocalAwsError, match=f"Port {started.emulator.port} is in use .* make local PORT="):
        Emulator(started.host.url, started.emulator.port, tmp_path).__enter__()


def test_it_ends_and_cleans_up_when_its_starter_is_killed(tmp_path: Path):
    folder = tmp_path / "emulator"
    folder.mkdir()
    port = processes.free_port()
    script = f"""
import time
from pathlib import Path
from local_aws.emulator import Emulator
with Emulator("http://127.0.0.1:1", {port}, Path({str(folder)!r})) as emulator:
    print(emulator._process.pid, flush=True)
    time.sleep(60)
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    assert starter.stdout
    emulator = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    assert within(10, lambda: not psutil.pid_exists(emulator))
    assert not folder.exists()


@pytest.mark.parametrize("key", ["a\x1bb\x07.jpg", "a\rb", "<&> %41 + ü.jpg"])
def test_versions_of_any_key_are_listed(client: Client, key: str):
    """S3 encodes keys on request, since XML has no control characters (S3 API reference, ListObjectVersions)."""
    s3 = client("s3")
    bucket = f"versions-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
    (listed,) = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    assert (listed["Key"], listed["VersionId"]) == (key, version)


class _Registry(BaseHTTPRequestHandler):
    """A Docker registry that has one tag."""

    def do_HEAD(self) -> None:
        self.send_response(200 if self.path == "/v2/images/manifests/pushed" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_with_a_registry_an_image_is_there_once_it_is_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The CDK CLI builds and pushes only what DescribeImages does not find."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    registry = f"127.0.0.1:{server.server_port}"
    monkeypatch.setenv("LOCAL_REGISTRY", registry)
    with ExitStack() as stack:
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        ecr = Started(tmp_path, stack).client("ecr")
        created = ecr.create_repository(repositoryName="images")["repository"]
        assert created["repositoryUri"] == f"{registry}/images"
        (login,) = ecr.get_authorization_token()["authorizationData"]
        assert login["proxyEndpoint"] == f"http://{registry}"
        ecr.describe_images(repositoryName="images", imageIds=[{"imageTag": "pushed"}])
        with pytest.raises(ecr.exceptions.ImageNotFoundException):
            ecr.describe_images(repositoryName="images", imageIds=[{"imageTag": "other"}])


def test_a_registry_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOCAL_REGISTRY", "registry.example.com:443")
    with ExitStack() as stack, pytest.raises(LocalAwsError, match="not on this machine"):
        Started(tmp_path, stack)
