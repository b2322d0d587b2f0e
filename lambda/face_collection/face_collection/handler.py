"""Where CloudFormation calls; it gets an answer on every path, a crash and a time-out included.

Without an answer CloudFormation waits for the resource's time-out and then says nothing useful. So everything that
can go wrong happens inside `handle`: boto3 is imported there too.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

LAST_WORD_SECONDS: Final = 20.0
"""How long before the function's time-out a FAILED is sent, whatever is still running: longer than the client's
slowest call, so that the invocation still ends by itself and Lambda does not repeat it."""

LONGEST_REASON: Final = 1000
"""Characters; the whole answer may have 4,096 bytes (CloudFormation user guide, "Custom resource response objects")."""

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


def handle(event: dict[str, Any], context: Any) -> None:
    """Answers one request of CloudFormation's.

    Raises when no answer could be delivered, so that Lambda calls again; every step is safe to repeat.
    """
    what = {name: event.get(name) for name in ("RequestType", "RequestId", "StackId", "LogicalResourceId")}
    log.info(json.dumps({"message": "asked", **what}))
    answer = Answer(event, log_stream=getattr(context, "log_stream_name", "unknown"))
    seconds = max(context.get_remaining_time_in_millis() / 1000 - LAST_WORD_SECONDS, 0.0)
    last_word = threading.Timer(
        seconds, answer.fail, [f"Rekognition did not finish {what['RequestType']} in {seconds:.0f} s; try again"]
    )
    last_word.daemon = True
    last_word.start()
    try:
        physical_id, attributes = _carry_out(event)
    except Exception as problem:
        log.exception(json.dumps({"message": "failed", **what}))
        answer.fail(f"{type(problem).__name__}: {problem}")
    else:
        if not answer.succeed(physical_id, attributes) and event["RequestType"] == "Create":
            # CloudFormation was already told that this failed, and may have sent its Delete before we were done.
            _carry_out({**event, "RequestType": "Delete", "PhysicalResourceId": physical_id})
    finally:
        last_word.cancel()


def _carry_out(event: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Does what the event asks; the physical id and the attributes to answer with."""
    from face_collection import lifecycle

    rekognition = _client()
    request, stack_id = event["RequestType"], event["StackId"]
    properties = event["ResourceProperties"]
    collection_id = properties["CollectionId"]
    physical_id = event.get("PhysicalResourceId", collection_id)
    tags = properties.get("Tags", {})
    if request == "Delete":
        lifecycle.delete(rekognition, _collection_to_delete(physical_id, collection_id), stack_id)
        return physical_id, {}
    if request == "Update" and physical_id == collection_id:
        outdated = event.get("OldResourceProperties", {}).get("CollectionId", collection_id)
        if outdated != collection_id:
            # A roll-back from an Update whose answer got lost: nothing else knows of the collection that it made.
            lifecycle.delete(rekognition, outdated, stack_id)
        collection = lifecycle.retag(rekognition, collection_id, stack_id, tags)
    elif request in ("Create", "Update"):
        # A new id is a new collection: CloudFormation sees another physical id and sends a Delete for the old one.
        collection = lifecycle.create(rekognition, collection_id, stack_id, tags)
    else:
        raise ValueError(f"CloudFormation asked for {request!r}; this resource knows Create, Update and Delete")
    return collection.id, {
        "CollectionId": collection.id,
        "CollectionArn": collection.arn,
        "FaceModelVersion": collection.face_model_version,
    }


def _collection_to_delete(physical_id: str, collection_id: str) -> str:
    """The physical id, unless CloudFormation made it up because the answer to Create got lost."""
    family = collection_id.rpartition(".")[0]
    return physical_id if physical_id.rpartition(".")[0] == family else collection_id


def _client() -> RekognitionClient:
    """A client whose slowest call, three tries of 5 seconds and the pauses between them, ends within the last word."""
    import boto3
    from botocore.config import Config

    client: RekognitionClient = boto3.client(
        "rekognition",
        config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}),
    )
    return client


class Answer:
    """The one answer that CloudFormation gets; the first to give it wins."""

    def __init__(self, event: dict[str, Any], log_stream: str) -> None:
        self._event = event
        self._log_stream = log_stream
        self._once = threading.Lock()

    def succeed(self, physical_id: str, attributes: dict[str, str]) -> bool:
        """Tells CloudFormation that it is done; False when it was answered already."""
        return self._give({"Status": "SUCCESS", "PhysicalResourceId": physical_id, "Data": attributes})

    def fail(self, reason: str) -> bool:
        """Tells CloudFormation what went wrong; False when it was answered already.

        A Create that failed still names a physical id: CloudFormation sends a Delete for it, which deletes nothing
        that is not ours.
        """
        wanted = self._event.get("ResourceProperties", {}).get("CollectionId")
        return self._give(
            {
                "Status": "FAILED",
                "PhysicalResourceId": self._event.get("PhysicalResourceId") or wanted or "never-made",
                "Reason": f"{reason[:LONGEST_REASON]} (log stream {self._log_stream})",
            }
        )

    def _give(self, answer: dict[str, Any]) -> bool:
        if not self._once.acquire(blocking=False):
            return False
        identity = {name: self._event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
        _put(self._event["ResponseURL"], json.dumps({**identity, **answer}).encode())
        log.info(json.dumps({"message": "answered", "RequestId": identity["RequestId"], "Status": answer["Status"]}))
        return True


def _put(url: str, body: bytes, tries: int = 4) -> None:
    """Sends the answer to the presigned address, which is a secret and never logged."""
    # CloudFormation signs the address for an empty content type (user guide, "cfn-response module").
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    for again in range(tries):
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            if again == tries - 1:
                raise
            time.sleep(0.5 * 2**again)
