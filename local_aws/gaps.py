"""What the emulator (ministack 1.5.33) does not do as AWS does, and what the workshop needs of it all the same.

Each function closes one gap inside the emulator's own process and says which; delete it when ministack does it by
itself. The gaps reach into private names of ministack, which is why its version is pinned and `close_gaps` fails at
start-up, not later, when one of the names is gone.
"""

import asyncio
import base64
import functools
import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import unescape

from ministack.core.lambda_runtime import execution_credentials
from ministack.services import cloudformation, lambda_svc, s3
from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Attributes = tuple[str, dict[str, Any]]


def close_gaps(lambda_host: str, credentials_of: Callable[[Properties], dict[str, str]] | None = None) -> None:
    """Close every gap; `lambda_host` is the address that invocations are sent to.

    `credentials_of` makes the environment variables that a function is somebody with, from its configuration.
    """
    run_functions_in(lambda_host, credentials_of or execution_credentials)
    give_buckets_what_the_template_says()
    refuse_to_delete_a_bucket_with_objects()
    answer_when_a_stack_is_done()
    list_versions_of_any_key()


def run_functions_in(lambda_host: str, credentials_of: Callable[[Properties], dict[str, str]]) -> None:
    """Gap: image functions need Docker, and zip functions run in the emulator's own Python, with its limits.

    ministack can hand a function to an address of one's own, but only when that is named in the function's environment
    or by the function's name, and both are known after the deployment only, which itself invokes functions. So every
    invocation goes to our host, together with the configuration and the role's credentials.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def dispatch(_func: Any, config: Properties, event: Any, request_id: str, _started: float) -> Any:
        invocation = {
            "configuration": config,
            "credentials": credentials_of(config),
            "request_id": request_id,
            "event": event,
        }
        request = urllib.request.Request(  # noqa: S310
            lambda_host, json.dumps(invocation).encode(), {"Content-Type": "application/json"}
        )
        # The host keeps the time-out itself; this is for the case that it is gone.
        with direct.open(request, timeout=int(config.get("Timeout") or 3) + 60) as answer:
            outcome = json.loads(answer.read())
        result = {"body": outcome["payload"], "log": base64.b64decode(outcome["log"]).decode(errors="replace")}
        return result | ({"error": True} if outcome["is_error"] else {})

    _replace(lambda_svc, "_execute_function_dispatch", dispatch)


def give_buckets_what_the_template_says() -> None:
    """Gap: CloudFormation ignores a bucket's Tags, LifecycleConfiguration and BucketEncryption.

    Without its tags CDK's own handler refuses to empty a bucket (NoSuchTagSet).
    """
    create, update = provisioners._s3_create, provisioners._s3_update

    def configure(bucket: str, properties: Properties) -> None:
        if tags := properties.get("Tags"):
            s3._put_bucket_tagging(bucket, _tagging(tags))
        encryption = _encryption(properties.get("BucketEncryption") or {})
        # The emulator has no aws/s3 key, so it would refuse every upload to a bucket that asks for KMS and names none,
        # as CDK's bootstrap bucket does.
        if b"aws:kms" not in encryption:
            s3._put_bucket_encryption(bucket, encryption)
        if lifecycle := properties.get("LifecycleConfiguration"):
            s3._put_bucket_lifecycle(bucket, _lifecycle(lifecycle))

    @functools.wraps(create)
    def create_whole(logical_id: str, properties: Properties, stack_name: str) -> Attributes:
        bucket, attributes = create(logical_id, properties, stack_name)
        configure(bucket, properties)
        return bucket, attributes

    @functools.wraps(update)
    def update_whole(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Attributes:
        bucket, attributes = update(physical_id, old, new, stack_name)
        configure(bucket, new)
        return bucket, attributes

    _replace_provisioner("AWS::S3::Bucket", "create", create_whole)
    _replace_provisioner("AWS::S3::Bucket", "update", update_whole)


def refuse_to_delete_a_bucket_with_objects() -> None:
    """Gap: CloudFormation deletes a bucket together with its objects, where AWS fails with "not empty".

    A stack that does not empty its buckets must fail here too, before it fails in an attendee's account.
    """
    delete = provisioners._s3_delete

    @functools.wraps(delete)
    def delete_if_empty(physical_id: str, properties: Properties) -> None:
        bucket = s3._buckets.get(physical_id)
        if bucket and bucket["objects"]:
            raise ValueError(f"The bucket you tried to delete is not empty (Service: S3, Bucket: {physical_id})")
        delete(physical_id, properties)

    _replace_provisioner("AWS::S3::Bucket", "delete", delete_if_empty)


def answer_when_a_stack_is_done() -> None:
    """Gap: a person would wait 5 seconds for nothing at each deployment, since that is how often the CDK CLI looks.

    A stack is done in a fraction of that here. So the call that starts it answers when it is done, or after 20 seconds.
    """
    handle = cloudformation.handle_request
    starts = {"ExecuteChangeSet", "CreateStack", "UpdateStack", "DeleteStack"}

    async def handle_and_wait(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        running = _in_progress()
        answer = await handle(method, path, headers, body, query_params)
        if answer[0] == 200 and any(f"<{action}Response".encode() in _bytes(answer[2]) for action in starts):
            await asyncio.sleep(0.02)  # a task of its own marks the stack
            started = _in_progress() - running
            for _ in range(1000):
                if not started & _in_progress():
                    break
                await asyncio.sleep(0.02)
        return answer

    _replace(cloudformation, "handle_request", handle_and_wait)


def list_versions_of_any_key() -> None:
    """Gap: ListObjectVersions ignores `encoding-type`, so a key with a control character makes its answer no XML."""
    list_versions = s3._list_object_versions

    def encode(element: re.Match[str]) -> str:
        return f"<{element[1]}>{quote(unescape(element[2]), safe='/')}</{element[1]}>"

    def listed(bucket: str, query: dict[str, Any]) -> Any:
        status, headers, body = list_versions(bucket, query)
        if status == 200 and s3._qp(query, "encoding-type", "") == "url":
            text = re.sub(
                r"(?s)<(Key|Prefix|Delimiter|KeyMarker|NextKeyMarker)>(.*?)</\1>", encode, _bytes(body).decode()
            )
            body = text.replace("<Name>", "<EncodingType>url</EncodingType><Name>", 1).encode()
        return status, headers, body

    _replace(s3, "_list_object_versions", listed)


def _in_progress() -> set[str]:
    """The ids of the stacks that something is happening to; one in REVIEW_IN_PROGRESS waits for its change set."""
    statuses = {
        stack["StackId"]: stack.get("StackStatus", "").removeprefix("REVIEW_IN_PROGRESS")
        for stack in cloudformation._stacks._data.values()
    }
    return {stack_id for stack_id, status in statuses.items() if status.endswith("_IN_PROGRESS")}


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _replace(module: Any, name: str, replacement: Callable[..., Any]) -> None:
    if not hasattr(module, name):
        raise AttributeError(f"ministack has no {module.__name__}.{name} any more; look at this gap again")
    setattr(module, name, replacement)


def _replace_provisioner(resource_type: str, action: str, replacement: Callable[..., Any]) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    if action not in handlers:
        raise AttributeError(f"ministack has no {action} for {resource_type} any more; look at this gap again")
    handlers[action] = replacement


def _tagging(tags: list[dict[str, str]]) -> bytes:
    root = Element("Tagging")
    tag_set = SubElement(root, "TagSet")
    for tag in tags:
        _children(SubElement(tag_set, "Tag"), Key=tag["Key"], Value=tag["Value"])
    return bytes(tostring(root))


def _encryption(encryption: Properties) -> bytes:
    root = Element("ServerSideEncryptionConfiguration", xmlns=s3.S3_NS)
    # S3 encrypts with keys of its own (SSE-S3) unless it is told otherwise.
    sse_s3 = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    for rule in encryption.get("ServerSideEncryptionConfiguration") or [sse_s3]:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        names = {"SSEAlgorithm": default.get("SSEAlgorithm"), "KMSMasterKeyID": default.get("KMSMasterKeyID")}
        _children(SubElement(SubElement(root, "Rule"), "ApplyServerSideEncryptionByDefault"), **names)
    return bytes(tostring(root))


def _lifecycle(lifecycle: Properties) -> bytes:
    """The rules' expiry, which is what this project sets; transitions would be left out."""
    root = Element("LifecycleConfiguration", xmlns=s3.S3_NS)
    for given in lifecycle["Rules"]:
        rule = SubElement(root, "Rule")
        _children(rule, ID=given.get("Id"), Status=given["Status"])
        _children(SubElement(rule, "Filter"), Prefix=given.get("Prefix") or "")
        if days := given.get("ExpirationInDays"):
            _children(SubElement(rule, "Expiration"), Days=days)
        if upload := given.get("AbortIncompleteMultipartUpload"):
            _children(
                SubElement(rule, "AbortIncompleteMultipartUpload"), DaysAfterInitiation=upload["DaysAfterInitiation"]
            )
        if noncurrent := given.get("NoncurrentVersionExpiration"):
            _children(SubElement(rule, "NoncurrentVersionExpiration"), NoncurrentDays=noncurrent["NoncurrentDays"])
    return bytes(tostring(root))


def _children(parent: Element, **texts: object) -> None:
    for tag, text in texts.items():
        if text is not None:
            SubElement(parent, tag).text = str(text)
