"""The yardstick: the design of the 2019 workshop, where S3 calls the function itself.

The handler is that of the other benchmarks, with the ten seconds and 512 MB of the workshop's instructions and nothing
else set. The buckets, the function and the collection are the local AWS's; S3's notifications are read from a queue of
its and handed to `EventQueue`, which stands for Lambda's own.
"""

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.burst.crowd import upload
from bench.burst.event_queue import Event, EventQueue, through_lambda
from bench.burst.measures import Played, invocation
from local_aws.local import ACCOUNT, LocalAws

RAW, PROCESSED = "original-raw-photos", "original-processed-photos"
FUNCTION = "rekognition-workshop"
COLLECTION = "rekognition-workshop"
MOST_INVOCATIONS = 200
"""As many may be under way at once; an account with more concurrency than that is not played."""

TIMEOUT, MEMORY = 10, 512
HANDLER = Path(__file__).parents[1] / "yardsticks" / "original" / "handler.py"


def deploy(region: str) -> str:
    """Buckets, collection and function, and the notification; answers with the URL of the queue it goes to."""
    s3, iam = boto3.client("s3"), boto3.client("iam")
    elsewhere = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    for bucket in (RAW, PROCESSED):
        s3.create_bucket(Bucket=bucket, **elsewhere)
    boto3.client("rekognition").create_collection(CollectionId=COLLECTION)
    anyone = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=json.dumps({**anyone, "Statement": [trust]}))
    iam.put_role_policy(RoleName=FUNCTION, PolicyName="everything", PolicyDocument=json.dumps(anyone))
    boto3.client("lambda").create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Handler="handler.handle",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": _zipped()},
        Timeout=TIMEOUT,
        MemorySize=MEMORY,
        Environment={"Variables": {"PROCESSED_BUCKET": PROCESSED, "COLLECTION_ID": COLLECTION}},
    )
    sqs = boto3.client("sqs")
    queue: str = sqs.create_queue(QueueName="lambda-asynchronous-events")["QueueUrl"]
    arn = f"arn:aws:sqs:{region}:{ACCOUNT}:lambda-asynchronous-events"
    letting = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({**anyone, "Statement": [letting]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    s3.put_bucket_notification_configuration(
        Bucket=RAW,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
    )
    return queue


def play(
    aws: LocalAws,
    queue: str,
    photos: Mapping[str, bytes],
    *,
    quota: float,
    within: float,
    patience: float,
    say: Callable[[str], None],
) -> Played:
    """Upload the photos, wait until each is done or discarded, at most `patience` seconds, and look at everything."""
    done: dict[str, float] = {}
    faces_named = 0

    def note(event: Event, answer: Any) -> None:
        nonlocal faces_named
        faces_named += answer["faces"]
        key = event.payload["Records"][0]["s3"]["object"]["key"]
        done[key] = time.time()

    # No retries: those are the event queue's.
    config = Config(max_pool_connections=MOST_INVOCATIONS, read_timeout=TIMEOUT + 60, retries={"total_max_attempts": 1})
    events = EventQueue(through_lambda(boto3.client("lambda", config=config), FUNCTION), note, at_once=MOST_INVOCATIONS)
    over = threading.Event()
    reading = threading.Thread(target=_hand_over, args=(queue, events, over), daemon=True)
    reading.start()
    try:
        s3 = boto3.client("s3", config=Config(max_pool_connections=16))
        uploaded = upload(s3, RAW, photos, within=within)
        until = time.monotonic() + patience
        while len(done) + len(events.discarded) < len(photos) and time.monotonic() < until:
            say(f"{events.pending} of {len(photos)} photos wait, {len(events.discarded)} discarded")
            time.sleep(0.3)
    finally:
        over.set()
        reading.join()
        waiting = events.pending
        events.close()
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=PROCESSED)
    stored = {item["Key"] for page in pages for item in page.get("Contents", [])}
    faces_kept = boto3.client("rekognition").describe_collection(CollectionId=COLLECTION)["FaceCount"]
    return Played(
        design="original (2019)",
        quota=quota,
        workers="what the account has",
        uploaded=uploaded,
        done={key: at for key, at in done.items() if key in stored},
        waiting=waiting,
        faces_unnamed=max(0, faces_kept - faces_named),
        faces_missing=max(0, faces_named - faces_kept),
        calls=aws.rekognition.conditions.calls().get("IndexFaces", 0),
        throttled=sum(aws.rekognition.conditions.refusals().get("IndexFaces", {}).values()),
        begun_again=events.errors - len(events.discarded),
        refused_for_concurrency=events.throttles,
        invocations=_invocations(),
    )


def _hand_over(queue: str, events: EventQueue, over: threading.Event) -> None:
    sqs = boto3.client("sqs")
    while not over.is_set():
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            body = json.loads(message["Body"])
            if "Records" in body:
                events.put(body)
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def _invocations() -> list[Any]:
    logs = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
    found = [invocation(event["timestamp"] / 1000, event["message"]) for page in logs for event in page["events"]]
    return [one for one in found if one]


def _zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.write(HANDLER, HANDLER.name)
    return archive.getvalue()
