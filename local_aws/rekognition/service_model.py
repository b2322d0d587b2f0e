"""Checks every request and every answer against botocore's own model of Rekognition.

botocore checks types, required members and minimum lengths before it sends a request. It leaves patterns, maxima and
enumerations to the service, so they are checked here. Answers are checked by the same rules, and must not have members
that are missing from the model.
"""

import base64
import binascii
import datetime
import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from local_aws.rekognition.refusal import constraint_violated


class UnfaithfulAnswer(AssertionError):
    """The server's answer violates Rekognition's model: a bug in the server."""


@functools.cache
def rekognition() -> ServiceModel:
    """The installed botocore's model of Rekognition."""
    return botocore.session.get_session().get_service_model("rekognition")


def request_from(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """The request as Python values (blobs as bytes), checked.

    Raises Refusal (ValidationException) with every violated constraint, as AWS words it. Unknown members are ignored,
    as in AWS.
    """
    shape = _shape(rekognition().operation_model(operation).input_shape)
    request: dict[str, Any] = _decoded(body, shape)
    if problems := list(_problems(request, shape, "")):
        raise constraint_violated(problems)
    return request


def answer_to(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer as JSON values (timestamps as seconds), checked.

    Raises UnfaithfulAnswer for unknown members, wrong types and values outside the model's constraints.
    """
    shape = _shape(rekognition().operation_model(operation).output_shape)
    problems = [*_problems(answer, shape, ""), *_unknown(answer, shape, "")]
    if problems:
        raise UnfaithfulAnswer(f"the answer of {operation} violates its model: {'; '.join(problems)}")
    encoded: dict[str, Any] = _encoded(answer)
    return encoded


def _shape(shape: Shape | None) -> Shape:
    if shape is None:
        raise LookupError("this operation has no body in botocore's model; every one served here has")
    return shape


def _decoded(value: Any, shape: Shape) -> Any:
    """JSON values with blobs decoded and unknown members left out; what has the wrong type is left for the check."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            name: _decoded(value[name], member) for name, member in shape.members.items() if value.get(name) is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_decoded(item, shape.member) for item in value]
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return value
    return value


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _encoded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    return value.timestamp() if isinstance(value, datetime.datetime) else value


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (bytes,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "timestamp": (datetime.datetime,),
}


def _problems(value: Any, shape: Shape, at: str) -> Iterator[str]:
    expected = _TYPES[shape.type_name]
    wrong_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if wrong_bool or type(value) not in expected:
        yield _failed(value, at, f"Member must be of type {shape.type_name}")
        return
    yield from (_failed(value, at, broken) for broken in _broken_constraints(value, shape))
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield _failed(None, _below(at, name), "Member must not be null")
        for name, member in shape.members.items():
            if name in value:
                yield from _problems(value[name], member, _below(at, name))
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            yield from _problems(item, shape.member, f"{at}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _problems(key, shape.key, f"{at}.key")
            yield from _problems(item, shape.value, f"{at}.{key}.member")


def _broken_constraints(value: Any, shape: Shape) -> Iterator[str]:
    rules = shape.metadata
    sized = isinstance(value, str | bytes | list | dict)
    measured = len(value) if sized else value
    what = "have length" if sized else "have value"
    if "min" in rules and measured < rules["min"]:
        yield f"Member must {what} greater than or equal to {rules['min']}"
    if "max" in rules and measured > rules["max"]:
        yield f"Member must {what} less than or equal to {rules['max']}"
    if "pattern" in rules and not _pattern(rules["pattern"]).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"


@functools.cache
def _pattern(rule: str) -> re.Pattern[str]:
    """A Java pattern as a Python one, which has no Unicode categories: letters, numbers and separators."""
    for category, members in {
        "L": r"\w",
        "N": r"\w",
        "Z": r"\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    }.items():
        rule = rule.replace(f"\\p{{{category}}}", members)
    return re.compile(rule)


def _unknown(value: Any, shape: Shape, at: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, item in value.items():
            if name in shape.members:
                yield from _unknown(item, shape.members[name], _below(at, name))
            else:
                yield f"'{_below(at, name)}' is unknown"
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for item in value:
            yield from _unknown(item, shape.member, at)


def _below(at: str, name: str) -> str:
    """AWS names members in camel case in its sentences: image.bytes."""
    return ".".join(filter(None, (at, name[:1].lower() + name[1:])))


def _failed(value: Any, at: str, constraint: str) -> str:
    if isinstance(value, bytes):
        # The service's own words for a blob, as people quote them.
        shown = f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    else:
        shown = "null" if value is None else str(value)
    return f"Value '{shown[:1000]}' at '{at}' failed to satisfy constraint: {constraint}"
