"""Are this computer and this account ready for the workshop? Every check is limited in time and raises nothing.

The checks of this computer need no account; those of the account are made only once its credentials are accepted.
"""

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.regions import INDEX_FACES_PER_SECOND
from infra.settings import DEFAULT_QUALIFIER, kept_settings, stack_name
from workshop import PROJECT
from workshop.aws.account import Account, Choice
from workshop.aws.cdk import bootstrap_qualifier, qualifier_of
from workshop.terminal.errors import WorkshopError, code_of, explain, uses_local_aws
from workshop.terminal.findings import Finding

SECONDS = 15
"""How long a check may take."""

_IMPATIENT = Config(connect_timeout=3, read_timeout=6, retries={"total_max_attempts": 1})

_BOOTSTRAP = 6
"""The oldest bootstrap template that CDK's default synthesizer deploys with; its templates carry the same rule."""

_WITHOUT_DOCKER = "Or deploy the function without Docker: emotions settings package=zip"

Check = Callable[[], Finding]


def examine(choice: Choice) -> Iterator[Finding]:
    """All findings, in a steady order, each as soon as those before it are known.

    Checks run side by side, so that the whole takes as long as the slowest, at most about twice SECONDS.
    """
    computer: list[tuple[str, Check]] = [
        ("Python", python),
        ("Node", node),
        ("CDK", cdk),
        ("Docker", docker),
        ("Disk", disk),
    ]
    opened: list[Account] = []
    yield from _side_by_side([*computer, ("Credentials", lambda: credentials(choice, opened))])
    name = opened[0].region if opened else _region_of(choice)
    where = region(name) if name else None
    if where:
        yield where
    if not opened or not where:
        return
    account = opened[0]
    if where.verdict == "problem":
        return  # and nothing else of this region matters
    # boto3 sessions are not thread-safe, clients are: they are made here, before the threads start.
    ssm, cloudformation, functions, faces = (
        account.session.client(service, region_name=account.region, config=_IMPATIENT)
        for service in ("ssm", "cloudformation", "lambda", "rekognition")
    )
    yield from _side_by_side(
        [
            ("Bootstrap", lambda: bootstrap(account, ssm, _qualifier(account, cloudformation))),
            ("Lambda", lambda: concurrency(functions)),
            ("Rekognition", lambda: rekognition(account, faces)),
        ]
    )


def python() -> Finding:
    """Is this Python one that the project supports?"""
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "ok", version)
    return Finding(
        "Python", "problem", f"{version} is not supported; 3.11, 3.12 and 3.13 are.", "make clean && make setup"
    )


def node() -> Finding:
    """Is there a Node that the CDK supports? `make setup` installs one next to this Python."""
    program = shutil.which("node", path=_path())
    if program is None:
        return Finding("Node", "problem", "Node is not installed; the CDK needs it.", "make setup")
    version = _run([program, "--version"]).strip().removeprefix("v")
    major = int(version.partition(".")[0]) if version[:1].isdigit() else 0
    if major >= 22:
        return Finding("Node", "ok", version)
    return Finding("Node", "problem", f"{version or 'This Node'} is too old; use 22 or 24.", "make setup")


def cdk() -> Finding:
    """Is the pinned CDK CLI installed, and new enough for the library?"""
    pinned = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))["dependencies"]["aws-cdk"]
    manifest = PROJECT / "node_modules" / "aws-cdk" / "package.json"
    if not manifest.exists():
        return Finding("CDK", "problem", f"The CDK CLI {pinned} is not installed in this folder.", "make setup")
    installed = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    library = importlib.metadata.version("aws-cdk-lib")
    if installed != pinned:
        return Finding("CDK", "problem", f"The CLI is {installed}; this project needs {pinned}.", "npm ci")
    needed = _cli_that_the_library_needs()
    if _numbers(installed) < _numbers(needed):
        return Finding("CDK", "problem", f"The CLI is {installed}; aws-cdk-lib {library} needs {needed}.", "make lock")
    return Finding("CDK", "ok", f"CLI {installed}, library {library}; type npx cdk, not a global cdk")


def docker() -> Finding:
    """Can Docker, or what CDK_DOCKER names, build and push the image? A warning at worst: there is the zip package."""
    if kept_settings(PROJECT).get("package", ("image",))[0] == "zip":
        return Finding("Docker", "ok", "not needed: the setting is package=zip")
    if uses_local_aws():
        return Finding("Docker", "ok", "not needed: the local AWS runs the function without it")
    name = os.environ.get("CDK_DOCKER") or "docker"
    program = shutil.which(name)
    if program is None:
        install = "Install Docker, or use CloudShell, which has it"
        return Finding(
            "Docker",
            "warning",
            f"{_the(name)} is not installed; only Step 5 needs it.",
            f"{install}\n{_WITHOUT_DOCKER}",
        )
    # Podman and Finch spell their templates differently, but all three print JSON.
    answer = subprocess.run(
        [program, "info", "--format", "{{json .}}"], capture_output=True, text=True, timeout=SECONDS - 3, check=False
    )
    if answer.returncode:
        start = "Open Docker Desktop; on Linux: sudo systemctl start docker"
        says = f"{_the(name)} is not running; only Step 5 needs it."
        return Finding("Docker", "warning", says, f"{start}\n{_WITHOUT_DOCKER}")
    if unusable := Path(program).stem == "docker" and _unusable_helper():
        return unusable
    machine = _architecture(answer.stdout) or platform.machine()
    if machine in ("aarch64", "arm64"):
        return Finding(
            "Docker",
            "warning",
            f"{name} runs on {machine}; the function's image is for x86_64, which is emulated here and slow.",
            f"Build for this machine: emotions settings architecture=arm64\n{_WITHOUT_DOCKER}",
        )
    return Finding("Docker", "ok", f"{name} runs on {machine}")


def _the(program: str) -> str:
    """The finding's subject says Docker already."""
    return "It" if program == "docker" else program


def _unusable_helper() -> Finding | None:
    """A finding if `docker login`, with which the CDK begins a push, cannot store the credentials.

    Docker Desktop leaves `"credsStore": "desktop.exe"` behind in WSL (docker/for-win #14039, #12091). Docker asks
    the helper of the registry, or that for all (Docker CLI reference, "docker login").
    """
    file = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        configured = json.loads(file.read_text(encoding="utf-8"))
        by_registry = configured.get("credHelpers") or {}
        of_aws = [helper for registry, helper in by_registry.items() if registry.endswith(("amazonaws.com", "ecr.aws"))]
        helpers = [helper for helper in (configured.get("credsStore"), *of_aws) if helper]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as problem:
        return Finding("Docker", "warning", f"{file} cannot be read: {problem}", _WITHOUT_DOCKER)
    for helper in helpers:
        name = f"docker-credential-{helper}"
        program = shutil.which(name)
        if (
            program
            and not subprocess.run(
                [program, "list"], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS / 3, check=False
            ).returncode
        ):
            continue
        return Finding(
            "Docker",
            "warning",
            f"Docker cannot log in: {file} names {name}, which {'fails' if program else 'is not installed'}.",
            f'Remove the line with "{helper}" from {file}\n{_WITHOUT_DOCKER}',
        )
    return None


def disk() -> Finding:
    """Is there room for the image and the CDK's output?"""
    free = shutil.disk_usage(PROJECT).free / 1e9
    says = f"{free:.1f} GB free"
    if free >= 4:
        return Finding("Disk", "ok", says)
    return Finding(
        "Disk",
        "warning" if free >= 0.5 else "problem",
        f"{says}; building the image in Step 5 may need 4 GB.",
        f"docker system prune\n{_WITHOUT_DOCKER}",
    )


def credentials(choice: Choice, opened: list[Account]) -> Finding:
    """Does AWS accept the credentials, and for how long? An accepted account is put into `opened`."""
    account = choice.account()
    sts = account.session.client("sts", region_name=account.region, config=_IMPATIENT)
    identity = sts.get_caller_identity()
    opened.append(account)
    who = identity["Arn"].rpartition(":")[2]
    says = f"{who} in account {identity['Account']}"
    ends = account.credentials_expire
    if ends is None:
        if account.credentials_are_temporary:
            return Finding("Credentials", "ok", f"{says}; temporary, with an unknown end")
        return Finding("Credentials", "ok", says)
    if account.credentials_are_renewed:
        return Finding("Credentials", "ok", f"{says}; renewed while your sign-in lasts")
    left = ends - datetime.now(UTC)
    says = f"{says}, until {ends.astimezone():%H:%M} ({int(left.total_seconds() // 60)} minutes)"
    if left < timedelta(hours=1):
        return Finding("Credentials", "warning", says, "Sign in again before they end: aws login, or aws sso login")
    return Finding("Credentials", "ok", says)


def region(name: str) -> Finding:
    """Has the region Rekognition, by AWS's own list and by botocore's?"""
    if name in INDEX_FACES_PER_SECOND:
        return Finding("Region", "ok", f"{name}: {INDEX_FACES_PER_SECOND[name]} photos a second by default")
    if name in boto3.session.Session().get_available_regions("rekognition"):
        return Finding(
            "Region", "warning", f"{name} is new for Rekognition; the stacks do not know it yet.", _ELSEWHERE
        )
    return Finding("Region", "problem", f"{name} has no Rekognition.", _ELSEWHERE)


def bootstrap(account: Account, ssm: Any, qualifier: str = DEFAULT_QUALIFIER) -> Finding:
    """Is the account bootstrapped for the CDK in this region, with this qualifier?"""
    fix = account.cdk("bootstrap")
    its = "" if qualifier == DEFAULT_QUALIFIER else f" with the qualifier {qualifier}"
    try:
        parameter = ssm.get_parameter(Name=f"/cdk-bootstrap/{qualifier}/version")["Parameter"]
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        if others := _qualifiers(ssm):
            return Finding(
                "Bootstrap",
                "problem",
                f"{account.region} is bootstrapped with another qualifier: {' and '.join(others)}, not {qualifier}.",
                f'Under context in cdk.json, add: "@aws-cdk/core:bootstrapQualifier": "{others[0]}"',
            )
        return Finding("Bootstrap", "problem", f"{account.region} is not bootstrapped for the CDK{its}.", fix)
    version = int(parameter["Value"])
    if version < _BOOTSTRAP:
        return Finding("Bootstrap", "problem", f"Version {version} is too old; it must be {_BOOTSTRAP} or newer.", fix)
    return Finding("Bootstrap", "ok", f"version {version}{its}")


def _qualifier(account: Account, cloudformation: Any) -> str:
    """The qualifier that the attendee's stack was deployed with; where there is none, that of the next deploy."""
    name = stack_name(account.attendee, "Foundation")
    try:
        template = cloudformation.get_template(StackName=name, TemplateStage="Original").get("TemplateBody")
    except ClientError:
        template = None
    return qualifier_of(template) if isinstance(template, dict) else bootstrap_qualifier()


def _qualifiers(ssm: Any) -> list[str]:
    """The qualifiers of all bootstraps of the region, if they may be listed; each has a parameter with its version."""
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/cdk-bootstrap", Recursive=True)
    try:
        return sorted(parameter["Name"].split("/")[2] for page in pages for parameter in page["Parameters"])
    except ClientError:
        return []


def concurrency(functions: Any) -> Finding:
    """How many functions may run at once? A new account starts with 10."""
    limit = int(functions.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    if limit >= 10:
        return Finding(
            "Lambda",
            "ok",
            f"runs up to {limit} functions at a time{', as in a new account: enough' if limit == 10 else ''}",
        )
    return Finding(
        "Lambda",
        "warning",
        f"Runs only {limit} at a time, so photos will wait in the queue.",
        "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
        "--desired-value 100",
    )


def rekognition(account: Account, faces: Any) -> Finding:
    """Does Rekognition answer this account?"""
    faces.list_collections(MaxResults=1)
    return Finding("Rekognition", "ok", f"answers in {account.region}")


_ELSEWHERE = "export AWS_REGION=ap-southeast-2 (or another of: " + ", ".join(sorted(INDEX_FACES_PER_SECOND)) + ")"


def _side_by_side(checks: Sequence[tuple[str, Check]]) -> Iterator[Finding]:
    """Run the checks in parallel and yield their findings in order; one that takes too long becomes a warning."""
    found: dict[str, Finding] = {}

    def run(subject: str, check: Check) -> None:
        found[subject] = _without_raising(subject, check)

    # Daemons: an executor would wait at exit for a check that hangs.
    threads = {subject: threading.Thread(target=run, args=(subject, check), daemon=True) for subject, check in checks}
    for thread in threads.values():
        thread.start()
    until = time.monotonic() + SECONDS
    for subject, thread in threads.items():
        thread.join(max(0, until - time.monotonic()))
        late = Finding(
            subject, "warning", f"No answer within {SECONDS} seconds.", "Check the network connection, then try again"
        )
        yield found.get(subject, late)


def _without_raising(subject: str, check: Check) -> Finding:
    try:
        return check()
    except WorkshopError as error:
        return Finding(subject, "problem", error.message, error.hint)
    except subprocess.TimeoutExpired as error:
        return Finding(subject, "warning", f"{Path(error.cmd[0]).name} did not answer in {error.timeout:.0f} seconds.")
    except Exception as error:  # a check that fails is a finding; the other checks go on
        explained = explain(error)
        if explained is None:
            return Finding(subject, "problem", f"This check failed: {error}")
        return Finding(subject, "problem", explained.message, explained.hint)


def _region_of(choice: Choice) -> str | None:
    """The region that was chosen, or that of the profile; None if there is none or the profile cannot be read."""
    try:
        return choice.region or boto3.session.Session(profile_name=choice.profile).region_name
    except BotoCoreError:
        return None


def _path() -> str:
    """PATH with the folder of this Python first, where `make setup` puts Node."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS - 3, check=False).stdout


def _architecture(information: str) -> str | None:
    """The machine in `docker info`, or in Podman's and Finch's way of writing it."""
    try:
        said = json.loads(information)
    except ValueError:
        return None
    machine = said.get("Architecture") or said.get("host", {}).get("arch")
    return str(machine) if machine else None


def _cli_that_the_library_needs() -> str:
    """The oldest CLI that reads this library's output, which the library carries in its JavaScript part."""
    library = importlib.metadata.distribution("aws-cdk-cloud-assembly-schema")
    (bundle,) = (file for file in library.files or () if file.name.endswith(".jsii.tgz"))
    with tarfile.open(str(bundle.locate())) as package:
        member = package.extractfile("package/cli-version.json")
        return str(json.load(member)["version"]) if member else "0"


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
