"""The published templates: one for all attendees, whose name becomes a parameter. Pure."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from infra.settings import StackKind, stack_name

ANYBODY: Final = "some-attendee-of-the-fleet"
"""The attendee that the stacks are synthesised for. No other text in them contains it."""

LARGEST_BODY: Final = 51_200
"""Bytes of a template that can be part of a call (CloudFormation user guide, "CloudFormation quotas")."""

_PARAMETERS: Final = {
    "Attendee": {
        "Type": "String",
        "Default": "me",
        "AllowedPattern": "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?",
        "Description": "The attendee's name, which is part of the stack's name: ShowYourEmotions-NAME-Foundation",
    }
}


def for_any_attendee(template: dict[str, Any]) -> str:
    """A template that was synthesised for ANYBODY, as JSON, with the parameter Attendee in place of the name."""
    described = template.get("Description", "").replace(ANYBODY, "an attendee")
    body: dict[str, Any] = _named_by_parameter({**template, "Description": described})
    return json.dumps({**body, "Parameters": _PARAMETERS}, separators=(",", ":"))


def quick_create_link(region: str, template_url: str, attendee: str, stack: StackKind) -> str:
    """A link that opens CloudFormation's "Quick create stack" in whatever account the browser is signed in to.

    Source: CloudFormation user guide, "Create quick-create links for stacks".
    """
    query = urlencode(
        {"templateURL": template_url, "stackName": stack_name(attendee, stack), "param_Attendee": attendee}
    )
    return f"https://{region}.console.aws.amazon.com/cloudformation/home?region={region}#/stacks/create/review?{query}"


def _named_by_parameter(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _named_by_parameter(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_named_by_parameter(each) for each in value]
    if isinstance(value, str) and ANYBODY in value:
        literal = value.replace("${", "${!")  # as Fn::Sub writes a `${` that it shall leave alone
        return {"Fn::Sub": literal.replace(ANYBODY, "${Attendee}")}
    return value
