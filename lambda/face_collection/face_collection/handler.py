"""Receives CloudFormation's requests and answers each one.

Without an answer, CloudFormation waits for the resource's time-out and then reports no reason. So everything that can
fail happens inside `handle`, and everything that can hang has a time-out. The time-outs together are shorter than the
function's own.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from face_collection import lifecycle

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

PROPAGATION: Final = 30.0
"""Seconds that a Create waits for its permissions. CloudFormation calls as soon as the role's policy exists, before it
has reached all of IAM (aws/aws-cdk #37675)."""

LONGEST_REASON: Final = 500
"""Characters. An answer can have 4,096 bytes (CloudFormation user guide, "Custom resource response objects"), and JSON
encodes some characters as six."""

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


def handle(event: dict[str, Any], context: Any) -> None:
    """Carries out one request and answers it.

    Raises if the answer cannot be delivered. Lambda then retries twice; every step is safe to repeat.
    """
    request = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    log.info("%s %s", event["RequestType"], request)
    try:
        answer = {"Status": "SUCCESS", **_carry_out(event)}
    except Exception as problem:
        log.exception("%s failed", event["RequestType"])
        reason = f"{type(problem).__name__}: {problem}".encode("ascii", "replace").decode()[:LONGEST_REASON]
        answer = {
            "Status": "FAILED",
            "Reason": f"{reason} (log stream {context.log_stream_name})",
            # CloudFormation sends a Delete with this id after a failed Create; see `_collection_to_delete`.
            "PhysicalResourceId": event.get("PhysicalResourceId", event["RequestId"]),
        }
    _put(event["ResponseURL"], json.dumps(request | answer).encode())
    log.info("%s answered", answer["Status"])


def _carry_out(event: dict[str, Any]) -> dict[str, Any]:
    """Carries out the request; returns the physical id and the attributes for the answer."""
    rekognition = _client()
    request, stack_id, properties = event["RequestType"], event["StackId"], event["ResourceProperties"]
    collection_id: str = properties["CollectionId"]
    physical_id: str = event.get("PhysicalResourceId", "")
    if request == "Delete":
        lifecycle.delete(rekognition, _collection_to_delete(physical_id, collection_id), stack_id)
        return {"PhysicalResourceId": physical_id}
    # An Update does the same as a Create: it finds the stack's collection or creates it. If the id is new,
    # CloudFormation receives a different physical id and sends a Delete for the old one.
    patience = PROPAGATION if request == "Create" else 0.0
    attributes = lifecycle.create(rekognition, collection_id, stack_id, properties.get("Tags", {}), patience)
    outdated = event.get("OldResourceProperties", {}).get("CollectionId", collection_id)
    if physical_id == collection_id != outdated:
        # The rollback of an Update that failed after it created a collection that CloudFormation does not know.
        lifecycle.delete(rekognition, outdated, stack_id)
    return {"PhysicalResourceId": collection_id, "Data": attributes}


def _collection_to_delete(physical_id: str, collection_id: str) -> str:
    """The physical id, or the id in the properties if the physical id names no collection.

    The latter happens if the Create failed, or if its answer was lost and CloudFormation chose a physical id.
    """
    family = collection_id.rpartition(".")[0]
    return physical_id if physical_id.rpartition(".")[0] == family else collection_id


def _client() -> RekognitionClient:
    """A client whose slowest call takes 18 seconds: three attempts of 5 seconds, and up to 3 seconds between them."""
    import boto3  # here, so that a failed import is answered, too
    from botocore.config import Config

    client: RekognitionClient = boto3.client(
        "rekognition",
        config=Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}),
    )
    return client


def _put(url: str, body: bytes) -> None:
    """Sends the answer to the presigned URL, which is a secret and never logged."""
    # CloudFormation signs the URL for an empty content type (user guide, "cfn-response module").
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass
