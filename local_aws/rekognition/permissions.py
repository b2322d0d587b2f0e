"""Checks permissions with the emulator, which has the roles and their policies."""

import threading
from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config

from local_aws.emulator import SECRET
from local_aws.rekognition.collection import Place
from local_aws.rekognition.refusal import access_denied
from local_aws.rekognition.s3_objects import Caller

ON_NO_RESOURCE: Final = frozenset({"DetectFaces", "ListCollections"})
"""Actions that need the resource `*` (Service Authorization Reference, "Actions defined by Amazon Rekognition")."""


class Permissions:
    """Enforces the role's policies, in the emulator at `endpoint`, for callers with temporary credentials.

    The root user of an account, whose access key here is the account id, can do everything.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._roles: dict[str, str] = {}
        self._clients: dict[tuple[str, ...], Any] = {}
        self._one_at_a_time = threading.Lock()

    def account_of(self, caller: Caller) -> str | None:
        """The account of the caller's role; None for an account's root user."""
        return self._role_of(caller).split(":")[4] if caller.session_token else None

    def require(self, caller: Caller, place: Place, operation: str, request: Mapping[str, Any]) -> None:
        """Raises Refusal (AccessDeniedException) if the caller's role does not allow the operation."""
        if not caller.session_token:
            return
        role = self._role_of(caller)
        actions = [f"rekognition:{operation}"]
        if operation == "CreateCollection" and request.get("Tags"):
            actions.append("rekognition:TagResource")  # API reference, CreateCollection
        resource = _resource(place, operation, request)
        answers = self._client("iam", place.account, caller.region).simulate_principal_policy(
            PolicySourceArn=role, ActionNames=actions, ResourceArns=[resource]
        )
        for answer in answers["EvaluationResults"]:
            if answer["EvalDecision"] != "allowed":
                raise access_denied(role, answer["EvalActionName"], resource)

    def _role_of(self, caller: Caller) -> str:
        if caller.access_key not in self._roles:
            sts = self._client("sts", caller.access_key, caller.region, caller.session_token or "")
            _, partition, _, _, account, session = sts.get_caller_identity()["Arn"].split(":")
            self._roles[caller.access_key] = f"arn:{partition}:iam::{account}:role/{session.split('/')[1]}"
        return self._roles[caller.access_key]

    def _client(self, service: str, *who: str) -> Any:
        access_key, region, token = (*who, "")[:3]
        with self._one_at_a_time:
            if (service, *who) not in self._clients:
                self._clients[service, *who] = boto3.session.Session().client(
                    service,
                    endpoint_url=self._endpoint,
                    region_name=region,
                    aws_access_key_id=access_key,
                    aws_secret_access_key=SECRET,
                    aws_session_token=token or None,
                    config=Config(proxies={}, retries={"total_max_attempts": 2}),
                )
            return self._clients[service, *who]


def _resource(place: Place, operation: str, request: Mapping[str, Any]) -> str:
    if operation in ON_NO_RESOURCE:
        return "*"
    return request.get("ResourceArn") or place.arn(request["CollectionId"])
