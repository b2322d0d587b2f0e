"""Where CloudFormation calls; it gets an answer on every path, a crash and a time-out included.

Without an answer CloudFormation waits for the resource's time-out and then says nothing useful. So everything that
can go wrong happens inside `handle`: boto3 is imported there too.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import traceback
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

LAST_WORD_SECONDS: Final = 120.0
"""How long before the function's time-out a FAILED is sent, whatever is still running. Longer than everything that
can come after it (six calls of `_client` at their slowest, then the answer itself), so that the invocation still ends
by itself: Lambda repeats one that it had to end, and a repeated Create would make what nobody asks for any more."""

LONGEST_REASON: Final = 1000
"""Characters, each of at most two bytes once it is JSON; the whole answer may have 4,096 bytes (CloudFormation user
guide, "Custom resource response objects")."""

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
        seconds,
        _try_to_fail,
        [answer, f"Rekognition did not finish {what['RequestType']} in {seconds:.0f} s; try again"],
    )
    last_word.start()
    try:
        physical_id, attributes = _carry_out(event)
    except Exception as problem:
        # One line of ASCII, whatever the request held.
        log.error(json.dumps({"message": "failed", **what, "error": traceback.format_exc()}))  # noqa: TRY400
        answer.fail(f"{type(problem).__name__}: {problem}")
    else:
        if not answer.succeed(physical_id, attributes) and event["RequestType"] == "Create":
            # CloudFormation was already told that this failed, and may have sent its Delete before we were done.
            _carry_out({**event, "RequestType": "Delete", "PhysicalResourceId": physical_id})
    finally:
        last_word.cancel()
        # Lambda freezes the process when we return; a last word under way must be out by then.
        last_word.join()


def _try_to_fail(answer: Answer, reason: str) -> None:
    """The last word; when it cannot be delivered, whoever is still at work will answer."""
    try:
        answer.fail(reason)
    except OSError as problem:
        log.warning(json.dumps({"message": "last word not delivered", "reason": str(problem)}))


def _carry_out(event: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Does what the event asks; the physical id and the attributes to answer with."""
    from face_collection import lifecycle

    rekognition = _client()
    request, stack_id = event["RequestType"], event["StackId"]
    properties = event["ResourceProperties"]
    if not isinstance(properties, dict) or not isinstance(properties.get("CollectionId", ""), str):
        raise TypeError("ResourceProperties must be an object whose CollectionId is text")
    if request == "Delete" and "CollectionId" not in properties:
        # The Create that was refused for it made nothing.
        return event["PhysicalResourceId"], {}
    collection_id: str = properties["CollectionId"]
    physical_id = event.get("PhysicalResourceId", collection_id)
    tags = properties.get("Tags", {})
    if request == "Delete":
        lifecycle.delete(rekognition, _collection_to_delete(physical_id, collection_id), stack_id)
        return physical_id, {}
    if request not in ("Create", "Update"):
        raise ValueError(f"CloudFormation asked for {request!r}; this resource knows Create, Update and Delete")
    # An Update is a Create too: it finds what is ours, makes what is missing, and refuses what is somebody else's.
    # With a new id, CloudFormation sees another physical id and sends a Delete for the old one.
    patience = lifecycle.PROPAGATION if request == "Create" else ()
    collection = lifecycle.create(rekognition, collection_id, stack_id, tags, patience)
    outdated = event.get("OldResourceProperties", {}).get("CollectionId", collection_id)
    if physical_id == collection_id != outdated:
        # A roll-back from an Update whose answer got lost: nothing else knows of the collection that it made.
        lifecycle.delete(rekognition, outdated, stack_id)
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
    """A client whose slowest call takes 18 seconds: three tries of 5, and up to 3 of pauses between them."""
    import boto3
    from botocore.config import Config

    client: RekognitionClient = boto3.client(
        "rekognition",
        config=Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}),
    )
    return client


class Answer:
    """The one answer that CloudFormation gets: the first that can be delivered."""

    def __init__(self, event: dict[str, Any], log_stream: str) -> None:
        self._event = event
        self._log_stream = log_stream
        self._delivery = threading.Lock()
        self._given = False

    def succeed(self, physical_id: str, attributes: dict[str, str]) -> bool:
        """Tells CloudFormation that it is done; False when it was answered already."""
        return self._give({"Status": "SUCCESS", "PhysicalResourceId": physical_id, "Data": attributes})

    def fail(self, reason: str) -> bool:
        """Tells CloudFormation what went wrong; False when it was answered already.

        A Create that failed still names a physical id: CloudFormation sends a Delete for it, which deletes nothing
        that is not ours.
        """
        properties = self._event.get("ResourceProperties")
        wanted = properties.get("CollectionId") if isinstance(properties, dict) else None
        names = (self._event.get("PhysicalResourceId"), wanted, "never-made")
        return self._give(
            {
                "Status": "FAILED",
                "PhysicalResourceId": next(
                    name for name in names if isinstance(name, str) and 1 <= len(json.dumps(name)[1:-1]) <= 1024
                ),
                "Reason": f"{_plain(reason[:LONGEST_REASON])} (log stream {self._log_stream})",
            }
        )

    def _give(self, answer: dict[str, Any]) -> bool:
        with self._delivery:
            if self._given:
                return False
            identity = {
                name: self._event.get(name, "unknown") for name in ("StackId", "RequestId", "LogicalResourceId")
            }
            _put(self._event["ResponseURL"], json.dumps({**identity, **answer}).encode())
            self._given = True
        log.info(json.dumps({"message": "answered", "RequestId": identity["RequestId"], "Status": answer["Status"]}))
        return True


def _plain(text: str) -> str:
    """`text` without the characters that JSON spells out in six bytes or more."""
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in text)


def _put(url: str, body: bytes, tries: int = 3) -> None:
    """Sends the answer to the presigned address, which is a secret and never logged."""
    # CloudFormation signs the address for an empty content type (user guide, "cfn-response module").
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    for again in range(tries):
        try:
            with urllib.request.urlopen(request, timeout=3):  # noqa: S310
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            if again == tries - 1:
                raise
            time.sleep(0.5 * 2**again)
