"""An attendee at a terminal: a real emulator on loopback, the stacks' outputs, and the commands' real entry point."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import cv2
import numpy as np
from annotator.cloud import Cloud
from annotator.events import photos_in
from annotator.workflow import annotate
from click.testing import CliRunner
from click.testing import Result as Ran

from local_aws.local import LocalAws
from workshop.cli import workshop

PROJECT = Path(__file__).parents[2]
GROUP_PHOTO = PROJECT / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample1.jpg"
"""Three faces; it comes with the local AWS."""

REGION = "ap-southeast-2"

# The outputs of both stacks and as much of what is behind them as the commands touch; the stacks themselves are
# deployed in the end-to-end test.
FOUNDATION: dict[str, Any] = {
    "Resources": {
        "DeadLetters": {"Type": "AWS::SQS::Queue"},
        "Inbox": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                    "maxReceiveCount": 5,
                }
            },
        },
        "Raw": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "NotificationConfiguration": {
                    "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Inbox", "Arn"]}}]
                },
                "VersioningConfiguration": {"Status": "Enabled"},
                "LifecycleConfiguration": {"Rules": [{"Id": "Forget", "Status": "Enabled", "ExpirationInDays": 1}]},
            },
        },
        "Processed": {"Type": "AWS::S3::Bucket"},
    },
    "Outputs": {
        "RawBucket": {"Value": {"Ref": "Raw"}},
        "ProcessedBucket": {"Value": {"Ref": "Processed"}},
        "CollectionId": {"Value": {"Fn::Sub": "faces-of-${AWS::AccountId}"}},
        "InboxUrl": {"Value": {"Ref": "Inbox"}},
        "DeadLetterQueueUrl": {"Value": {"Ref": "DeadLetters"}},
    },
}
# Another queue triggers the function, so messages stay in the inbox.
SERVERLESS: dict[str, Any] = {
    "Resources": {
        "Logs": {"Type": "AWS::Logs::LogGroup"},
        "Elsewhere": {"Type": "AWS::SQS::Queue"},
        "Annotator": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Handler": "index.handle",
                "Runtime": "python3.13",
                "Role": "arn:aws:iam::111122223333:role/annotator",
                "Code": {"ZipFile": "def handle(event, context): pass"},
            },
        },
        "Trigger": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Annotator"},
                "EventSourceArn": {"Fn::GetAtt": ["Elsewhere", "Arn"]},
            },
        },
    },
    "Outputs": {"FunctionName": {"Value": {"Ref": "Annotator"}}, "LogGroupName": {"Value": {"Ref": "Logs"}}},
}


@dataclass
class Attendee:
    """A folder, an account, and a terminal."""

    local_aws: LocalAws
    folder: Path
    account: str
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.local_aws.environment(self.account),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "HOME": str(self.folder),
        }

    def run(self, *arguments: str, pasted: str | bytes | None = None, **environment: str | None) -> Ran:
        """The command in this process; `environment` overrides, and None removes a variable."""
        return CliRunner(env={**self.environment, **environment}).invoke(workshop, list(arguments), input=pasted)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """The command as a process of its own, with pipes for a terminal."""
        return subprocess.Popen(
            [sys.executable, "-m", "workshop", *arguments],
            cwd=PROJECT,
            env={**os.environ, **self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def client(self, service: str, region: str = REGION) -> Any:
        local = self.local_aws
        return boto3.client(
            service,
            endpoint_url=local.rekognition.url if service == "rekognition" else local.emulator.url,
            region_name=region,
            aws_access_key_id=self.account,
            aws_secret_access_key="local",
        )

    def deploy(self, stack: str, template: dict[str, Any], *, name: str = "me", region: str = REGION) -> None:
        cloudformation = self.client("cloudformation", region)
        full_name = f"ShowYourEmotions-{name}-{stack}"
        cloudformation.create_stack(StackName=full_name, TemplateBody=json.dumps(template))
        for _ in range(100):
            (described,) = cloudformation.describe_stacks(StackName=full_name)["Stacks"]
            if described["StackStatus"] == "CREATE_COMPLETE":
                self.outputs |= {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
                return
            if "ROLLBACK" in described["StackStatus"] or "FAILED" in described["StackStatus"]:
                break
            time.sleep(0.05)
        raise AssertionError(f"{full_name} is {described['StackStatus']}")

    def photo_file(self, name: str = "selfie.jpg", **how: int) -> Path:
        path = self.folder / name
        path.write_bytes(picture(path.suffix, **how))
        return path

    def keys(self, output: str = "RawBucket") -> list[str]:
        listed = self.client("s3").list_objects_v2(Bucket=self.outputs[output])
        return [item["Key"] for item in listed.get("Contents", [])]

    def raw(self, key: str) -> bytes:
        return bytes(self.client("s3").get_object(Bucket=self.outputs["RawBucket"], Key=key)["Body"].read())

    @contextmanager
    def the_function_working(self) -> Iterator[None]:
        """The function's own code takes photos out of the inbox, in a thread instead of in Lambda."""
        cloud = Cloud(
            self.client("s3"),
            self.client("rekognition"),
            processed_bucket=self.outputs["ProcessedBucket"],
            collection_id=self.outputs["CollectionId"],
        )
        sqs, inbox, over = self.client("sqs"), self.outputs["InboxUrl"], threading.Event()

        def work() -> None:
            while not over.is_set():
                for message in sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10).get("Messages", []):
                    for photo in photos_in({"body": message["Body"]}):
                        annotate(photo, cloud, 1024)
                    sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
                over.wait(0.1)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def picture(suffix: str = ".jpg", *, width: int = 320, height: int = 240, seed: int = 0) -> bytes:
    """A smooth coloured picture without any face, a different one for each seed."""
    corners = np.random.default_rng(seed).integers(0, 255, (3, 4, 3), dtype=np.uint8)
    _, encoded = cv2.imencode(suffix, cv2.resize(corners, (width, height), interpolation=cv2.INTER_CUBIC))
    return encoded.tobytes()


def uploaded(attendee: Attendee, path: Path, *options: str) -> str:
    before = set(attendee.keys())
    ran = attendee.run("upload", str(path), *options)
    assert ran.exit_code == 0, ran.output
    (key,) = set(attendee.keys()) - before
    return key


def faces_of(attendee: Attendee) -> int:
    listed = attendee.client("rekognition").list_faces(CollectionId=attendee.outputs["CollectionId"])
    return len(listed["Faces"])


def result_key(attendee: Attendee) -> str:
    (key,) = [key for key in attendee.keys("ProcessedBucket") if key.startswith("results/")]
    return key
