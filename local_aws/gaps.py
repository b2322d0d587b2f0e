"""Differences between the emulator (ministack 1.5.33) and AWS that matter for the workshop.

Each function describes one gap and closes it inside the emulator's own process. Delete it when ministack closes the
gap itself. The functions replace private names of ministack. So ministack's version is pinned, and `close_gaps` fails
at start-up if a name is missing.
"""

import asyncio
import base64
import contextvars
import functools
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import unescape

from ministack import app
from ministack.core import iam_evaluator, responses
from ministack.core.lambda_runtime import execution_credentials
from ministack.services import cloudformation, ecr, lambda_svc, s3
from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Attributes = tuple[str, dict[str, Any]]


def close_gaps(lambda_host: str, credentials_of: Callable[[Properties], dict[str, str]] | None = None) -> None:
    """Close every gap; `lambda_host` is the address for invocations.

    `credentials_of` returns a function's credentials, as environment variables, for its configuration.
    """
    run_functions_in(lambda_host, credentials_of or execution_credentials)
    apply_bucket_properties()
    reject_deleting_a_bucket_with_objects()
    wait_until_a_stack_is_done()
    encode_keys_in_version_listings()
    treat_loopback_as_tls()
    read_code_from_buckets_of_other_accounts()


def push_images_to(registry: str) -> None:
    """Gap: DescribeImages succeeds for an unknown tag, so the CDK CLI believes the image is there and never builds it.

    `registry` is the address of a Docker registry on this machine, such as 127.0.0.1:5000. ECR then answers as AWS
    does, and its repositories are that registry's, so that the CLI builds the image and pushes it there. Without a
    registry the gap stays open: a push would go to AWS.
    """
    describe = ecr._describe_images

    def describe_if_pushed(data: Properties) -> Any:
        name = data.get("repositoryName", "")
        for image in data.get("imageIds") or []:
            tag = image.get("imageTag")
            if name in ecr._repositories and not ecr._find_image(name, image) and not _has(registry, name, tag):
                reason = f"The image with imageId {{imageTag:'{tag}'}} does not exist within the repository '{name}'"
                return ecr.error_response_json("ImageNotFoundException", reason, 400)
        return describe(data)

    def authorization_token(_data: Properties) -> Any:
        token = base64.b64encode(b"AWS:local").decode()
        return ecr.json_response(
            {"authorizationData": [{"authorizationToken": token, "proxyEndpoint": f"http://{registry}"}]}
        )

    _replace(ecr, "_describe_images", describe_if_pushed)
    _replace(ecr, "_get_authorization_token", authorization_token)
    _replace(ecr, "_repo_uri", lambda name: f"{registry}/{name}")


def _has(registry: str, repository: str, tag: str | None) -> bool:
    """Whether the registry has the tag (Docker Registry HTTP API V2, "Existing Manifests")."""
    kinds = (
        "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
        "application/vnd.docker.distribution.manifest.v2+json"
    )
    url = f"http://{registry}/v2/{repository}/manifests/{quote(tag or '')}"
    request = urllib.request.Request(url, headers={"Accept": kinds}, method="HEAD")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
            return True
    except urllib.error.HTTPError as answer:
        if answer.code == 404:
            return False
        raise


def run_functions_in(lambda_host: str, credentials_of: Callable[[Properties], dict[str, str]]) -> None:
    """Gap: image functions need Docker, and zip functions run in the emulator's own Python, with its limits.

    ministack can send a function's invocations to another address, but only if the function's environment or name
    contains that address. Both are known only after the deployment, which itself invokes functions. So every
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
        # The host enforces the function's time-out; this one is for a host that hangs. An invocation may wait its turn.
        with direct.open(request, timeout=int(config.get("Timeout") or 3) + 600) as answer:
            outcome = json.loads(answer.read())
        result = {"body": outcome["payload"], "log": base64.b64decode(outcome["log"]).decode(errors="replace")}
        return result | ({"error": True} if outcome["is_error"] else {})

    _replace(lambda_svc, "_execute_function_dispatch", dispatch)


def apply_bucket_properties() -> None:
    """Gap: CloudFormation ignores a bucket's Tags, LifecycleConfiguration and BucketEncryption.

    CDK's own handler does not empty a bucket without tags (NoSuchTagSet).
    """
    create, update = provisioners._s3_create, provisioners._s3_update

    def configure(bucket: str, properties: Properties) -> None:
        if tags := properties.get("Tags"):
            s3._put_bucket_tagging(bucket, _tagging(tags))
        encryption = _encryption(properties.get("BucketEncryption") or {})
        # The emulator has no aws/s3 key, so it would reject every upload to a bucket with KMS but without a key, such
        # as CDK's bootstrap bucket.
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


def reject_deleting_a_bucket_with_objects() -> None:
    """Gap: CloudFormation deletes a bucket together with its objects; AWS fails with "not empty".

    A stack that does not empty its buckets must fail here, before it fails in an attendee's account.
    """
    delete = provisioners._s3_delete

    @functools.wraps(delete)
    def delete_if_empty(physical_id: str, properties: Properties) -> None:
        bucket = s3._buckets.get(physical_id)
        if bucket and bucket["objects"]:
            raise ValueError(f"The bucket you tried to delete is not empty (Service: S3, Bucket: {physical_id})")
        delete(physical_id, properties)

    _replace_provisioner("AWS::S3::Bucket", "delete", delete_if_empty)


def wait_until_a_stack_is_done() -> None:
    """Gap: each deployment takes 5 seconds too long, because the CDK CLI polls at that interval.

    Here a stack is done much sooner. So the call that starts it answers when it is done, or after 20 seconds.
    """
    handle = cloudformation.handle_request
    starts = {"ExecuteChangeSet", "CreateStack", "UpdateStack", "DeleteStack"}

    async def handle_and_wait(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        running = _in_progress()
        answer = await handle(method, path, headers, body, query_params)
        if answer[0] == 200 and any(f"<{action}Response".encode() in _bytes(answer[2]) for action in starts):
            await asyncio.sleep(0.02)  # another task sets the stack's status
            started = _in_progress() - running
            for _ in range(1000):
                if not started & _in_progress():
                    break
                await asyncio.sleep(0.02)
        return answer

    _replace(cloudformation, "handle_request", handle_and_wait)


def encode_keys_in_version_listings() -> None:
    """Gap: ListObjectVersions ignores `encoding-type`, so its XML is invalid if a key has a control character."""
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


def treat_loopback_as_tls() -> None:
    """Gap: there is no TLS here, but the buckets and queues reject requests without it (aws:SecureTransport)."""
    origin = contextvars.ContextVar("origin", default=("127.0.0.1", True))
    _replace(iam_evaluator, "_request_origin", origin)
    _replace(app, "pin_request_origin", lambda _source_ip, _secure_transport: None)


def read_code_from_buckets_of_other_accounts() -> None:
    """Gap: a function's zip file is only found in a bucket of its own account, and CloudFormation does without it.

    On AWS the bucket "can be in a different AWS account" (Lambda API reference, FunctionCode), if its policy allows
    that account to read the file; if not, the function cannot be created.
    """
    fetch, create = lambda_svc._fetch_code_from_s3, provisioners._lambda_create

    @functools.wraps(fetch)
    def fetch_from_anywhere(bucket: str, key: str, version_id: str | None = None) -> Any:
        owner, caller = s3._bucket_owner_account(bucket), responses.get_account_id()
        if owner in (None, caller):
            return fetch(bucket, key, version_id)
        if not s3._foreign_bucket_allows(owner, bucket, key, "GET", {}, caller):
            return None
        with responses.request_scope(owner, responses.get_region()):
            return fetch(bucket, key, version_id)

    @functools.wraps(create)
    def create_with_code(logical_id: str, properties: Properties, stack_name: str) -> Attributes:
        code = properties.get("Code") or {}
        if code.get("S3Bucket") and fetch_from_anywhere(code["S3Bucket"], code["S3Key"]) is None:
            raise ValueError(
                "Your access has been denied by S3, please make sure your request credentials have permission to "
                f"GetObject for {code['S3Bucket']}/{code['S3Key']}."
            )
        attributes: Attributes = create(logical_id, properties, stack_name)
        return attributes

    _replace(lambda_svc, "_fetch_code_from_s3", fetch_from_anywhere)
    _replace_provisioner("AWS::Lambda::Function", "create", create_with_code)


def _in_progress() -> set[str]:
    """The ids of the caller's stacks in progress. A stack in REVIEW_IN_PROGRESS only waits for its change set."""
    statuses = {
        stack["StackId"]: stack.get("StackStatus", "").removeprefix("REVIEW_IN_PROGRESS")
        for (account, *_), stack in list(cloudformation._stacks._data.items())
        if account == responses.get_account_id()
    }
    return {stack_id for stack_id, status in statuses.items() if status.endswith("_IN_PROGRESS")}


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _replace(module: Any, name: str, replacement: object) -> None:
    if not hasattr(module, name):
        raise AttributeError(f"ministack no longer has {module.__name__}.{name}; review this gap")
    setattr(module, name, replacement)


def _replace_provisioner(resource_type: str, action: str, replacement: Callable[..., Any]) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    if action not in handlers:
        raise AttributeError(f"ministack no longer has {action} for {resource_type}; review this gap")
    handlers[action] = replacement


def _tagging(tags: list[dict[str, str]]) -> bytes:
    root = Element("Tagging")
    tag_set = SubElement(root, "TagSet")
    for tag in tags:
        _children(SubElement(tag_set, "Tag"), Key=tag["Key"], Value=tag["Value"])
    return bytes(tostring(root))


def _encryption(encryption: Properties) -> bytes:
    root = Element("ServerSideEncryptionConfiguration", xmlns=s3.S3_NS)
    # By default, S3 encrypts with its own keys (SSE-S3).
    sse_s3 = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    for rule in encryption.get("ServerSideEncryptionConfiguration") or [sse_s3]:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        names = {"SSEAlgorithm": default.get("SSEAlgorithm"), "KMSMasterKeyID": default.get("KMSMasterKeyID")}
        _children(SubElement(SubElement(root, "Rule"), "ApplyServerSideEncryptionByDefault"), **names)
    return bytes(tostring(root))


def _lifecycle(lifecycle: Properties) -> bytes:
    """The rules' expiry, which this project uses. Transitions are not supported."""
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
