"""Checks permissions with the emulator, which has the roles and their policies."""

from collections.abc import Mapping
from typing import Any, Final

from local_aws.clients import client
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
        answers = client("iam", self._endpoint, caller.region, place.account).simulate_principal_policy(
            PolicySourceArn=role, ActionNames=actions, ResourceArns=[resource]
        )
        for answer in answers["EvaluationResults"]:
            if answer["EvalDecision"] != "allowed":
                raise access_denied(role, answer["EvalActionName"], resource)

    def _role_of(self, caller: Caller) -> str:
        if caller.access_key not in self._roles:
            sts = client("sts", self._endpoint, caller.region, caller.access_key, caller.session_token)
            _, partition, _, _, account, session = sts.get_caller_identity()["Arn"].split(":")
            self._roles[caller.access_key] = f"arn:{partition}:iam::{account}:role/{session.split('/')[1]}"
        return self._roles[caller.access_key]


def _resource(place: Place, operation: str, request: Mapping[str, Any]) -> str:
    if operation in ON_NO_RESOURCE:
        return "*"
    return request.get("ResourceArn") or place.arn(request["CollectionId"])
