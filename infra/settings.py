"""The settings of one deployment: read once from the CDK context, checked, and frozen.

`emotions settings` keeps them in cdk.context.json, which the CDK CLI adds to the context of every synth.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

from infra.regions import INDEX_FACES_PER_SECOND

WORKSHOP: Final = "show-your-emotions"

ASSETS_BUCKET: Final = "show-your-emotions:assets-bucket"
"""Context of `emotions fleet publish`: the bucket with the assets, for templates that fit every account."""

_STACK_PREFIX: Final = "ShowYourEmotions"

Architecture = Literal["x86_64", "arm64"]

KEPT: Final = "cdk.context.json"
"""The file for settings that every deploy from this folder uses. It is not in Git."""

Package = Literal["image", "zip"]
"""How the function is deployed: as a Docker image, or as a zip package that needs no Docker."""

NEW_ACCOUNT_MEMORY: Final = 3008
"""Megabytes: the maximum for a function in a new account. Source: AWS Prescriptive Guidance, "Run parallel
reads of S3 objects by using Python in an AWS Lambda function"."""

PHOTO_TIMEOUT: Final = 30
"""Seconds that the function may take for a photo. It usually takes one or two; the rest is for throttling by
Rekognition and the client's retries."""

DEFAULT_QUALIFIER: Final = "hnb659fds"
"""The part of the names of CDK's bootstrap resources that an organisation can choose (CDK developer guide, "Customize
CDK bootstrapping")."""

MOST_TAGS: Final = 40
"""Tags that an attendee can add. AWS allows 50 per resource; the workshop, CloudFormation and CDK use some of them."""


StackKind = Literal["Foundation", "Serverless", "Wall"]


def stack_name(attendee: str, stack: StackKind) -> str:
    """The name of an attendee's stack in CloudFormation."""
    return f"{_STACK_PREFIX}-{attendee}-{stack}"


def attendee_with(name: str) -> str | None:
    """Whose Foundation stack has this name in CloudFormation, or None for any other stack."""
    match = re.fullmatch(stack_name("(.+)", "Foundation"), name)
    return match[1] if match else None


def workshop_tags(attendee: str) -> dict[str, str]:
    """The two tags that mark a resource as an attendee's."""
    return {"workshop": WORKSHOP, "attendee": attendee}


def is_attendee(name: str) -> bool:
    """Whether the name can be part of a stack's name: up to 32 lower-case letters, digits and hyphens."""
    return re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name) is not None


class UnusableSetting(ValueError):
    """A context value that cannot be deployed. The message names it, gives the reason, and says what is allowed."""


@dataclass(frozen=True, slots=True)
class WorkshopSettings:
    """One attendee's deployment.

    After `keep_days` days, S3 deletes pictures and results and hides photos, which it erases one to two days later.
    `long_edge` is in pixels (0 keeps a photo's size), `memory` in megabytes. `max_concurrency` is how many photos are
    processed at the same time. `tags` are the attendee's own; the workshop adds two. `region` is None when the stacks
    are synthesised for any region.
    """

    attendee: str = "me"
    region: str | None = None
    keep_days: int = 1
    long_edge: int = 2048
    memory: int = 512
    max_concurrency: int = 6
    architecture: Architecture = "x86_64"
    package: Package = "image"
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_context(cls, context: Mapping[str, Any], region: str | None = None) -> Self:
        """The settings in `context`, from `-c name=value` or cdk.json; missing ones have their defaults.

        Ignores names with a punctuation mark, which are CDK's own. Raises UnusableSetting.
        """
        for name in context:
            ours = name.replace("-", "_") in cls.names()
            if name not in cls.names() and (ours or re.fullmatch(r"\w+", name)):
                near = get_close_matches(name, cls.names(), n=1)
                hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(cls.names())}"
                raise UnusableSetting(f"{name} is not a setting; {hint}")
        if region is not None and region not in INDEX_FACES_PER_SECOND:
            raise UnusableSetting(
                f"Amazon Rekognition has no face collections in the region {region}; "
                f"choose another, for example: export AWS_REGION=ap-southeast-2"
            )
        defaults = {f.name: getattr(cls(), f.name) for f in fields(cls)} | {"max_concurrency": concurrency_in(region)}
        chosen = defaults | {name: value for name, value in context.items() if value is not None}
        return cls(
            attendee=_attendee(chosen["attendee"]),
            region=region,
            keep_days=_number(chosen, "keep_days", 1, 365, "days to keep photos, pictures and results"),
            long_edge=_long_edge(chosen),
            memory=_memory(chosen),
            max_concurrency=_number(chosen, "max_concurrency", 2, 1000, "photos processed at the same time"),
            architecture=_one_of(chosen, "architecture", Architecture),
            package=_one_of(chosen, "package", Package),
            tags=_tags(chosen["tags"]),
        )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names that the context can set."""
        return tuple(f.name for f in fields(cls) if f.name != "region")

    def command(self, rest: str) -> str:
        """Our command line for this attendee, to paste: `emotions --attendee simon send …`."""
        return f"emotions {'' if self.attendee == 'me' else f'--attendee {self.attendee} '}{rest}"

    def as_text(self, name: str) -> str:
        """The setting `name` as `-c` takes it."""
        value = getattr(self, name)
        return ",".join("=".join(tag) for tag in value.items()) if isinstance(value, Mapping) else str(value)

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags of every resource."""
        return {**workshop_tags(self.attendee), **self.tags}


def kept_settings(project: Path) -> dict[str, tuple[Any, str]]:
    """The settings that every deploy from the folder `project` uses, each with the file that has it.

    cdk.json comes before cdk.context.json, as for the CDK CLI (aws-cdk, `Configuration.loadConfigFiles`). Raises
    UnusableSetting if a file is not JSON.
    """
    in_context, in_cdk_json = (_json(project / name) for name in (KEPT, "cdk.json"))
    found = {name: (value, KEPT) for name, value in in_context.items()}
    found |= {name: (value, "cdk.json") for name, value in in_cdk_json.get("context", {}).items()}
    return {name: found[name] for name in WorkshopSettings.names() if name in found}


def bootstrap_qualifier(project: Path) -> str:
    """The qualifier of the bootstrap that a deploy from the folder `project` uses, by the CDK's own context key."""
    name = "@aws-cdk/core:bootstrapQualifier"
    in_cdk_json = _json(project / "cdk.json").get("context", {})
    return str(in_cdk_json.get(name) or _json(project / KEPT).get(name) or DEFAULT_QUALIFIER)


def keep(project: Path, settings: Mapping[str, Any]) -> None:
    """Add `settings` to cdk.context.json; None removes one."""
    kept = {name: value for name, value in {**_json(project / KEPT), **settings}.items() if value is not None}
    (project / KEPT).write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise UnusableSetting(f"{file.name} is not valid JSON: {problem}") from None
    return document if isinstance(document, dict) else {}


def concurrency_in(region: str | None) -> int:
    """The default number of concurrent photos in a region.

    One more than the quota of calls a second. This uses up the quota even if a photo takes longer than a second, and
    throttles few photos otherwise (simulated: `python -m bench.retries`). At most 8: a new account has 10 concurrent
    executions in all, and the custom resources need some of them.
    """
    return min(INDEX_FACES_PER_SECOND.get(region or "", 5) + 1, 8)


def _attendee(value: object) -> str:
    name = str(value)
    if not is_attendee(name):
        raise UnusableSetting(
            f"Invalid attendee={name!r}: use up to 32 lower-case letters, digits and hyphens, "
            f"for example -c attendee=simon"
        )
    return name


def _number(chosen: Mapping[str, Any], name: str, low: int, high: int, what: str) -> int:
    value = chosen[name]
    number = int(str(value)) if re.fullmatch(r"[0-9]{1,9}", str(value)) else -1
    if not low <= number <= high:
        raise UnusableSetting(f"Invalid {name}={value!r}: expected a whole number from {low} to {high} ({what})")
    return number


def _long_edge(chosen: Mapping[str, Any]) -> int:
    if str(chosen["long_edge"]) == "0":
        return 0
    return _number(chosen, "long_edge", 256, 8192, "pixels of the annotated picture's longer side; 0 keeps its size")


def _memory(chosen: Mapping[str, Any]) -> int:
    asked = str(chosen["memory"])
    if re.fullmatch(r"[0-9]{4,9}", asked) and int(asked) > NEW_ACCOUNT_MEMORY:
        raise UnusableSetting(
            f"Invalid memory={asked}: a new account allows at most {NEW_ACCOUNT_MEMORY} MB for a function; "
            f"512 is enough for a photo of 48 megapixels"
        )
    return _number(chosen, "memory", 512, NEW_ACCOUNT_MEMORY, "megabytes of the function's memory")


def _one_of(chosen: Mapping[str, Any], name: str, literal: Any) -> Any:
    value, allowed = chosen[name], get_args(literal)
    if value not in allowed:
        raise UnusableSetting(f"Invalid {name}={value!r}: use {' or '.join(allowed)}")
    return value


def _tags(value: object) -> dict[str, str]:
    """Tags from cdk.json's mapping, or from `-c tags=team=cloud,event=meetup`."""
    if isinstance(value, str):
        pairs = [pair.split("=", 1) for pair in value.split(",") if pair]
        if any(len(pair) != 2 for pair in pairs):
            raise UnusableSetting(f"Invalid tags={value!r}: write them as -c tags=team=cloud,event=meetup")
        value = dict(pairs)
    if not isinstance(value, Mapping):
        raise UnusableSetting(f"Invalid tags={json.dumps(value)}: write them as -c tags=team=cloud,event=meetup")
    tags = {str(name).strip(): str(text).strip() for name, text in value.items()}
    for name, text in tags.items():
        # The characters that every service here accepts (IAM user guide, "Rules for tagging").
        if not re.fullmatch(r"(?!(?i:aws:))[\w .:/=+\-@]{1,128}", name) or not re.fullmatch(
            r"[\w .:/=+\-@]{0,256}", text
        ):
            raise UnusableSetting(
                f"AWS does not accept the tag {name}={text!r}: use letters, digits, spaces and _ . : / = + - @"
            )
        if name.casefold() in workshop_tags("me"):
            raise UnusableSetting(f"The workshop itself uses the tag {name}; choose another name")
    # "Tag keys are case insensitive" for IAM, which rejects a role with both Team and team.
    if len({name.casefold() for name in tags}) < len(tags):
        raise UnusableSetting(f"AWS does not accept tags that differ only in case: {', '.join(tags)}")
    if len(tags) > MOST_TAGS:
        raise UnusableSetting(f"Too many tags: {len(tags)}, at most {MOST_TAGS} are possible")
    return tags
