"""IAM, enforced for the roles of functions: closes the gaps of the emulator's own AUTH=true.

ministack 1.5.33 checks signatures, policies and presigned links if it is started with AUTH=true. This module closes
the gaps of that mode inside the emulator's process, for the same reasons as `gaps.py`.
"""

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator, responses
from ministack.core.iam_evaluator import AuthError, EvalContext
from ministack.core.lambda_runtime import execution_credentials
from ministack.services import lambda_svc, s3, sts
from ministack.services.cloudformation import provisioners

from local_aws.emulator import SECRET
from local_aws.gaps import Attributes, Properties, _replace, _replace_provisioner

BOOTSTRAP_ROLES = ":assumed-role/cdk-hnb659fds-"
"""Part of the ARN of every CDK bootstrap role. These roles belong to the deployer, not to the stacks."""

POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""Lambda's calls to a queue as the function's role (Lambda developer guide, "Using Lambda with Amazon SQS")."""


def enforce_iam() -> None:
    """Close every gap of AUTH=true."""
    allow_everything_to_the_deployer()
    hide_missing_objects_without_list_permission()
    check_permission_to_poll()
    give_every_session_the_same_secret()


def allow_everything_to_the_deployer() -> None:
    """Gap: the roles of CDK's bootstrap lack permission to publish assets.

    The deployer uses these roles, and the deployer's permissions are not under test.
    """
    resolve = iam_evaluator.resolve_principal

    @functools.wraps(resolve)
    def resolve_with_the_deployer(*arguments: Any, **named: Any) -> Any:
        principal = resolve(*arguments, **named)
        if not isinstance(principal, AuthError) and BOOTSTRAP_ROLES in principal.arn:
            principal.policies = None
        return principal

    _replace(iam_evaluator, "resolve_principal", resolve_with_the_deployer)


def hide_missing_objects_without_list_permission() -> None:
    """Gap: a missing object is always a 404.

    On AWS it is a 403 if the caller cannot list the bucket (S3 API reference, GetObject and HeadObject).
    """
    handle = s3.handle_request

    @functools.wraps(handle)
    async def handle_and_hide(method: str, path: str, headers: Any, *rest: Any, **named: Any) -> Any:
        answer = await handle(method, path, headers, *rest, **named)
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        if answer[0] == 404 and method in ("GET", "HEAD") and key and not _may(headers, "s3:ListBucket", bucket):
            return s3._error("AccessDenied", "Access Denied", 403, path)
        return answer

    _replace(s3, "handle_request", handle_and_hide)


def check_permission_to_poll() -> None:
    """Gap: a mapping works with any role. Lambda rejects a mapping whose role lacks one of POLLING."""
    create, provision = lambda_svc._create_esm, provisioners._lambda_esm_create

    @functools.wraps(create)
    def create_if_allowed(data: Mapping[str, Any]) -> Any:
        if problem := _why_no_mapping(data):
            return lambda_svc._invalid_parameter_value(problem)
        return create(data)

    @functools.wraps(provision)
    def provision_if_allowed(logical_id: str, properties: Properties, stack_name: str) -> Attributes:
        if problem := _why_no_mapping(properties):
            raise ValueError(problem)
        attributes: Attributes = provision(logical_id, properties, stack_name)
        return attributes

    _replace(lambda_svc, "_create_esm", create_if_allowed)
    _replace_provisioner("AWS::Lambda::EventSourceMapping", "create", provision_if_allowed)


def give_every_session_the_same_secret() -> None:
    """Not a gap: so the Rekognition-compatible server can call the emulator as whoever calls it."""
    _replace(sts, "_gen_secret", lambda: SECRET)


def role_session(configuration: dict[str, Any]) -> dict[str, str]:
    """The environment variables that give a function its role's credentials.

    All credentials have the same secret, so that the Rekognition-compatible server can call S3 as the caller.
    """
    variables: dict[str, str] = execution_credentials(configuration)
    sts._sessions[variables["AWS_ACCESS_KEY_ID"]]["SecretAccessKey"] = SECRET
    return {**variables, "AWS_SECRET_ACCESS_KEY": SECRET}


def _why_no_mapping(properties: Mapping[str, Any]) -> str | None:
    name, qualifier, _ = lambda_svc._resolve_existing_esm_function(properties.get("FunctionName", ""))
    queue = properties.get("EventSourceArn", "")
    if not name or ":sqs:" not in queue:
        return None
    role = lambda_svc._get_func_record_for_qualifier(name, qualifier)[1]["Role"]
    for action in POLLING:
        if not _allowed(role, action, queue):
            call = action.partition(":")[2]
            return f"The provided execution role does not have permissions to call {call} on SQS"
    return None


def _may(headers: Mapping[str, str], action: str, resource: str) -> bool:
    """Whether the caller has permission for `action` on the bucket or object `resource`. The root user always has."""
    arn = iam_evaluator.request_caller_arn(dict(headers))
    if ":assumed-role/" not in arn or BOOTSTRAP_ROLES in arn:
        return True
    principal = f":role/{arn.split('/')[1]}"
    return _allowed(principal, action, f"arn:aws:s3:::{resource}")


def _allowed(role: str, action: str, resource: str) -> bool:
    account = responses.get_account_id()
    policies = iam_evaluator._gather_role_policies(role.rsplit("/", 1)[-1], account)
    context = EvalContext(role, "AssumedRole", account, action, resource, responses.get_region())
    decision: str = iam_evaluator.evaluate(context, policies).decision
    return decision == "Allow"
