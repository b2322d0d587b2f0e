"""One evening: both stacks deployed with the CDK CLI, every kind of photo sent, everything taken down again."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import boto3
import cv2
import numpy as np
import pytest
from annotator.photo import results_folder

from local_aws.local import PROJECT, LocalAws
from tests.annotator.heic import heic
from tests.annotator.photos import encoded
from tests.workshop.attendee import Attendee
from tests.workshop.takedown.inventory import inventory
from tests.workshop.takedown.test_leftovers import CLINGING, asset_bucket, push, tagged
from workshop.aws.account import Account
from workshop.takedown.footprint import footprint_of

SAMPLES = PROJECT / "node_modules" / "@vladmandic" / "face-api" / "demo"
PATIENCE = 240
"""Seconds that all photos together may take. They take ten; but on a busy machine an invocation may run out of time,
and then its photo waits for the queue's three minutes."""


def sample(number: int) -> np.ndarray:
    """A real group photo as BGR pixels; comes with the npm package that plays Rekognition's eyes."""
    pixels = cv2.imread(str(SAMPLES / f"sample{number}.jpg"))
    return cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def photos() -> dict[str, bytes]:
    """What is uploaded, by key."""
    group = sample(6)
    height, width = group.shape[:2]
    one = group[:, width * 3 // 4 :]
    wall = cv2.GaussianBlur(np.random.default_rng(7).integers(90, 160, (600, 800, 3), np.uint8), (0, 0), 9)
    return {
        "several.jpg": encoded(group, "JPEG", quality=90),
        "one.jpg": encoded(one, "JPEG", quality=90),
        "nobody.jpg": encoded(wall, "JPEG"),
        "a phone/held sideways.jpg": encoded(group, "JPEG", orientation=6, quality=90),
        "scanned.png": encoded(group, "PNG", orientation=8),
        "iphone.HEIC": heic(group[: height // 2 * 2, : width // 2 * 2]),
        "1 + 1 = 2 & müde 你好 %41.jpg": encoded(one, "JPEG", quality=85),
        "really a HEIC.jpg": heic(one[:400, : one.shape[1] // 2 * 2]),
        "notes.txt": b"this is not a photo at all",
        "empty.jpg": b"",
    }


@dataclass
class Evening:
    """What was seen, while everything was up and after it was taken down."""

    sent: dict[str, bytes]
    outputs: dict[str, str] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    faces_in_collection: list[dict[str, Any]] = field(default_factory=list)
    faces_after_second_delivery: int = 0
    results_rewritten: list[str] = field(default_factory=list)
    dead_letters: int = 0
    waiting: int = 0
    log_lines: list[str] = field(default_factory=list)
    diff: str = ""
    before: dict[str, set[str]] = field(default_factory=dict)
    zipped: "Evening | None" = None
    there: dict[str, set[str]] = field(default_factory=dict)
    previewed: set[str] = field(default_factory=set)
    there_after_the_preview: dict[str, set[str]] = field(default_factory=dict)
    left: dict[str, set[str]] = field(default_factory=dict)
    last_words: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    """Simon's evening, in an account with a neighbour called simon-2 and other people's files."""
    with LocalAws() as aws, aws.adopted():
        simon = Attendee(aws, tmp_path_factory.mktemp("simon"), "111122223333")
        aws.prepare(attendee="simon")
        simon.deploy("Foundation", tagged("simon-2", CLINGING, keep=False), name="simon-2")
        push(simon, "e" * 64)
        boto3.client("s3").put_object(Bucket=asset_bucket(simon), Key="somebody-elses.json", Body=b"{}")
        seen = Evening(photos(), before=inventory(simon))
        aws.deploy("Foundation", "Serverless", "Wall")
        (image,) = {thing.name for thing in footprint_of(Account.open("simon")).things if thing.kind == "image"}
        push(simon, image)
        seen.there = inventory(simon)
        seen.outputs = outputs("ShowYourEmotions-simon-Foundation") | outputs("ShowYourEmotions-simon-Serverless")
        send(seen)
        look_at_results(seen)
        send_the_same_events_again(seen)
        look_at_logs(seen)
        seen.diff = aws.cdk("diff", "--app", str(aws.assembly), "Foundation", "Serverless")
        seen.previewed = {thing["name"] for thing in json.loads(teardown("--dry-run", "--json"))}
        seen.there_after_the_preview = inventory(simon)
        seen.zipped = the_same_with_the_zip_package(aws, seen)
        seen.last_words = [teardown("--yes"), teardown("--yes")]
        seen.left = inventory(simon)
    return seen


def teardown(*options: str) -> str:
    """What `emotions teardown` prints to stdout, with everything else in the message if it fails."""
    command = [sys.executable, "-m", "workshop", "--attendee", "simon", "teardown", *options]
    finished = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=180, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def the_same_with_the_zip_package(aws: LocalAws, seen: Evening) -> Evening:
    """Replace the image function by the zip package, and send the same photos under other keys."""
    aws.cdk("deploy", "Serverless", "-c", "attendee=simon", "-c", "package=zip", "--require-approval", "never")
    zipped = Evening({f"zip/{key}": photo for key, photo in seen.sent.items()})
    zipped.outputs = seen.outputs | outputs("ShowYourEmotions-simon-Serverless")
    send(zipped)
    look_at_results(zipped)
    return zipped


def outputs(stack: str) -> dict[str, str]:
    (described,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def send(seen: Evening) -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket=seen.outputs["RawBucket"], Key="a phone/")  # a folder, as the console makes one
    for key, photo in seen.sent.items():
        s3.put_object(Bucket=seen.outputs["RawBucket"], Key=key, Body=photo)


def look_at_results(seen: Evening) -> None:
    s3 = boto3.client("s3")
    processed = seen.outputs["ProcessedBucket"]
    patience = time.monotonic() + PATIENCE
    missing = set(seen.sent)
    while missing and time.monotonic() < patience:
        stored = {document.rpartition("/")[0] + "/": document for document in keys_in(processed)}
        for key in [key for key in missing if results_folder(key) in stored]:
            document = s3.get_object(Bucket=processed, Key=stored[results_folder(key)])
            seen.results[key] = json.loads(document["Body"].read())
            if seen.results[key]["processed"]:
                picture = s3.get_object(Bucket=processed, Key=seen.results[key]["processed"]["key"])
                seen.metadata[key] = {"type": picture["ContentType"], "bytes": picture["Body"].read()}
                seen.pictures[key] = cv2.imdecode(
                    np.frombuffer(seen.metadata[key]["bytes"], np.uint8), cv2.IMREAD_COLOR
                )
            missing.discard(key)
        time.sleep(0.1)
    assert not missing, f"no result after {PATIENCE} seconds: {sorted(missing)}"
    seen.faces_in_collection = faces(seen)


def send_the_same_events_again(seen: Evening) -> None:
    """S3 delivers at least once; the second time must change nothing."""
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    processed = seen.outputs["ProcessedBucket"]
    before = {key: s3.head_object(Bucket=processed, Key=key)["LastModified"] for key in keys_in(processed)}
    for key in ("several.jpg", "iphone.HEIC", "notes.txt"):
        raw = seen.results[key]["raw"]
        entry = {"key": key, "size": raw["size"], "eTag": raw["etag"], "versionId": raw["version_id"]}
        record = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": raw["bucket"]}, "object": entry},
        }
        sqs.send_message(QueueUrl=seen.outputs["InboxUrl"], MessageBody=json.dumps({"Records": [record]}))
    patience = time.monotonic() + 20
    while messages(seen.outputs["InboxUrl"]) and time.monotonic() < patience:
        time.sleep(0.1)
    seen.waiting = messages(seen.outputs["InboxUrl"])
    seen.dead_letters = messages(seen.outputs["DeadLetterQueueUrl"])
    seen.faces_after_second_delivery = len(faces(seen))
    after = {key: s3.head_object(Bucket=processed, Key=key)["LastModified"] for key in keys_in(processed)}
    seen.results_rewritten = [key for key in after if after[key] != before.get(key)]


def look_at_logs(seen: Evening) -> None:
    logs = boto3.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=seen.outputs["LogGroupName"])
    seen.log_lines = [event["message"] for page in pages for event in page["events"]]


def keys_in(bucket: str) -> set[str]:
    return {item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}


def faces(seen: Evening) -> list[dict[str, Any]]:
    pages = boto3.client("rekognition").get_paginator("list_faces").paginate(CollectionId=seen.outputs["CollectionId"])
    return [face for page in pages for face in page["Faces"]]


def messages(queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in counted.values())


def more(after: dict[str, set[str]], before: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is in `after` and was not in `before`, by kind."""
    return {kind: names - before[kind] for kind, names in after.items() if names - before[kind]}
