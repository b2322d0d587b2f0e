"""The workshop's own design under the burst: both stacks as the pinned CDK CLI deploys them."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from annotator.photo import RESULTS

from bench.burst.crowd import upload
from bench.burst.measures import Played, invocation
from bench.deployed import log_of, messages
from local_aws.local import LocalAws
from workshop.aws.account import Account
from workshop.aws.stacks import Stacks

SETTLED = 3
"""How often in a row the inbox must be seen empty before the burst counts as over."""


def deploy(aws: LocalAws, region: str) -> Stacks:
    """Both stacks in `region`, whose quota decides the concurrency."""
    aws.prepare(region=region)
    aws.deploy(region=region)
    return Stacks.of(Account.open())


def play(
    aws: LocalAws,
    stacks: Stacks,
    photos: Mapping[str, bytes],
    *,
    quota: float,
    within: float,
    patience: float,
    say: Callable[[str], None],
) -> Played:
    """Upload the photos, wait until each has its outcome or `patience` seconds are over, and look at everything."""
    uploaded = upload(stacks.account.client("s3"), stacks.raw_bucket, photos, within=within)
    until = time.monotonic() + patience
    empty = 0
    while empty < SETTLED and time.monotonic() < until:
        waiting = messages(stacks, stacks.inbox_url)
        empty = empty + 1 if waiting == 0 else 0
        say(f"{waiting} of {len(photos)} photos wait in the inbox")
        time.sleep(0.3)
    played = Played(
        design="workshop",
        quota=quota,
        workers=f"{_max_concurrency(stacks)} (event source)",
        uploaded=uploaded,
        done={},
        dead_letters=messages(stacks, stacks.dead_letter_queue_url),
        waiting=messages(stacks, stacks.inbox_url),
        calls=aws.rekognition.conditions.calls().get("IndexFaces", 0),
        throttled=sum(aws.rekognition.conditions.refusals().get("IndexFaces", {}).values()),
    )
    _read_log(stacks, played)
    _read_results(stacks, played)
    return played


def _read_log(stacks: Stacks, played: Played) -> None:
    """When each photo was done, how often one had to begin again, and what each invocation took."""
    invocations = []
    begun = 0
    for at, message in log_of(stacks):
        if one := invocation(at, message):
            invocations.append(one)
        elif message.startswith("{"):
            line = json.loads(message)
            begun += line.get("status") == "begun"
            if line.get("status") in ("annotated", "no_face", "rejected"):
                played.done[line["key"]] = _seconds(line["time"])
    played.invocations = invocations
    played.begun_again = begun - len(played.uploaded)


def _read_results(stacks: Stacks, played: Played) -> None:
    """The results as they lie in the bucket, and the faces as they are in the collection.

    A photo without a result document is not done, whatever the log says.
    """
    s3, rekognition = stacks.account.client("s3"), stacks.account.client("rekognition")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=stacks.processed_bucket, Prefix=RESULTS)
    stored = [item["Key"] for page in pages for item in page.get("Contents", [])]
    results = [_document(s3, stacks.processed_bucket, key) for key in stored]
    with_result = {document["raw"]["key"] for document in results}
    played.done = {key: at for key, at in played.done.items() if key in with_result}
    named = {face["face_id"] for document in results for face in document["faces"] if face["face_id"]}
    pages = rekognition.get_paginator("list_faces").paginate(CollectionId=stacks.collection_id)
    kept = {face["FaceId"] for page in pages for face in page["Faces"]}
    played.faces_unnamed, played.faces_missing = len(kept - named), len(named - kept)


def _document(s3: Any, bucket: str, key: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return document


def _seconds(written: str) -> float:
    """The log's `2026-11-22T10:00:00.123Z` as seconds since 1970."""
    return datetime.fromisoformat(written).timestamp()


def _max_concurrency(stacks: Stacks) -> int:
    mappings = stacks.account.client("lambda").list_event_source_mappings(FunctionName=stacks.function_name)
    (mapping,) = mappings["EventSourceMappings"]
    return int(mapping["ScalingConfig"]["MaximumConcurrency"])
