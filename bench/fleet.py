"""Sixty accounts on the local AWS: `python -m bench.fleet`, about ten minutes.

First the times: `emotions fleet` deploys, checks and clears away all accounts, against what one attendee does today,
measured for a few accounts and multiplied. Then an evening of trouble: throttling at random, one account failing at
each stage, Ctrl-C in the middle; in the end every account is deployed or named with its reason, and nothing is left.
"""

import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import click

from bench.measuring import Figure, machine, table
from local_aws.emulator import SECRET
from local_aws.local import REGION, LocalAws
from tests.reliability.faulty_s3 import Fault, FaultyS3, Request
from workshop import PROJECT
from workshop.aws.cdk import cdk

ONE_IN = 20
"""One request of so many is answered with 503 SlowDown in the evening of trouble."""


@click.command()
@click.option("--accounts", default=60, show_default=True)
@click.option("--alone", default=3, show_default=True, help="Accounts that are measured in today's way.")
@click.option("--only", type=click.Choice(["times", "trouble"]), help="Only half of it.")
def main(accounts: int, alone: int, only: str | None) -> None:
    """Measure a fleet, then play an evening of trouble."""
    with LocalAws() as aws, tempfile.TemporaryDirectory() as folder:
        if only != "trouble":
            today = _today(aws, [str(500000000001 + number) for number in range(alone)])
            evening = Evening(aws, Path(folder), [str(600000000001 + number) for number in range(accounts)])
            print(f"{machine()}\n\n{table(_figures(evening, today))}\n", flush=True)
        if only != "times":
            troubled = Evening(aws, Path(folder), [str(700000000001 + number) for number in range(accounts)])
            print("\n".join(f"- {line}" for line in _trouble(troubled)))


@dataclass(frozen=True)
class Evening:
    """An organiser's folder with a fleet.csv, and the commands that are typed there."""

    aws: LocalAws
    folder: Path
    accounts: list[str]
    variables: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """`emotions fleet …` as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "workshop", "fleet", "--file", str(self.folder / "fleet.csv"), *arguments],
            cwd=PROJECT,
            env={**self.aws.process_environment(), **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, wrong: bool = False) -> tuple[float, list[str]]:
        """The command's seconds and lines on stdout; `wrong` allows exit code 1."""
        began = time.perf_counter()
        process = self.start(*arguments)
        out, err = process.communicate()
        seconds = time.perf_counter() - began
        if process.returncode and not (wrong and process.returncode == 1):
            raise RuntimeError(
                f"fleet {' '.join(arguments)} ended with {process.returncode}:\n{out[-3000:]}{err[-3000:]}"
            )
        print(f"fleet {' '.join(arguments)[:40]}: {seconds:.1f} s", file=sys.stderr)
        return seconds, out.splitlines()

    def client(self, service: str, account: str) -> Any:
        """A client in this account, past everything that is measured or injected."""
        endpoint = self.aws.rekognition.url if service == "rekognition" else self.aws.emulator.url
        keys: dict[str, Any] = {"aws_access_key_id": account, "aws_secret_access_key": SECRET}
        return boto3.client(service, endpoint_url=endpoint, region_name=REGION, **keys)

    def stacks(self) -> Counter[str]:
        """How many stacks of all accounts are in which status."""
        found: Counter[str] = Counter()
        for account in self.accounts:
            stacks = self.client("cloudformation", account).describe_stacks()["Stacks"]
            found.update(stack["StackStatus"] for stack in stacks)
        return found


def _today(aws: LocalAws, accounts: list[str]) -> dict[str, float]:
    """Mean seconds of each command that an attendee types today; the bootstrap is not counted."""
    spent: dict[str, float] = {"deploy": 0, "check": 0, "teardown": 0}
    for account in accounts:
        aws.cdk("bootstrap", f"aws://{account}/{REGION}", account=account, folder=aws.assembly.parent)
        stacks = ("Foundation", "Serverless", "--require-approval", "never")
        commands = {
            "deploy": cdk("deploy", *stacks, "--output", str(aws.assembly)),
            "check": [sys.executable, "-m", "workshop", "check"],
            "teardown": [sys.executable, "-m", "workshop", "teardown", "--yes"],
        }
        for name, command in commands.items():
            began = time.perf_counter()
            done = subprocess.run(
                command,
                cwd=PROJECT,
                env={**aws.process_environment(account), "CDK_VALIDATION": "false", "CDK_DISABLE_VERSION_CHECK": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode and name != "check":  # which stops at step 2, as the fleet's does
                raise RuntimeError(f"{name} failed:\n{done.stdout}{done.stderr}")
            spent[name] += (time.perf_counter() - began) / len(accounts)
            print(f"{name} of one account: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    return spent


def _figures(evening: Evening, today: dict[str, float]) -> list[Figure]:
    number = len(evening.accounts)
    _init(evening)
    published, _ = evening.run("publish")
    deployed, lines = evening.run("deploy")
    _require(lines, "Foundation: created, Serverless: created", number)
    checked, lines = evening.run("check", wrong=True)
    _require(lines, "step 2: There is no photo", number)
    destroyed, lines = evening.run("destroy", "--yes")
    _require(lines, "nothing left", number)

    def figure(what: str, ours: float, name: str, target: str) -> Figure:
        theirs = number * today[name]
        return Figure(what, f"{ours:.0f} s", f"{theirs:.0f} s, {number} x {today[name]:.1f} s", ours / theirs, target)

    return [
        figure(f"fleet deploy, {number} accounts", deployed, "deploy", "<= 0.15"),
        figure(f"fleet check, {number} accounts", checked, "check", "<= 0.3"),
        figure(f"fleet destroy and proof, {number} accounts", destroyed, "teardown", "<= 0.3"),
        Figure("fleet publish, once", f"{published:.0f} s", "", None, ""),
    ]


def _trouble(evening: Evening) -> Iterator[str]:
    """What happened, sentence by sentence; raises RuntimeError when an account is neither deployed nor named."""
    number, roster = len(evening.accounts), evening.folder / "fleet.csv"
    nowhere, occupied = evening.accounts[:2]
    _init(evening)
    # One cannot be opened; in one, another's collection has the name; one may not read the code of Foundation, and one
    # not that of Serverless.
    _publish_without(evening, 3)
    evening.run("--only", "attendee04", "deploy", "Foundation")
    _publish_without(evening, 3, 4)
    roster.write_text(roster.read_text().replace(f",{nowhere},,,", f",{nowhere},,no-such-profile,"))
    collection = "ShowYourEmotions-attendee02-Foundation.faces"
    evening.client("rekognition", occupied).create_collection(CollectionId=collection)
    random.seed(1)
    with _throttled(evening) as throttled:
        _interrupt_in_the_middle(throttled)
        yield f"Ctrl-C in the middle of a deploy: exit code 130; stacks then: {_words(evening.stacks())}."
        seconds, lines = throttled.run("deploy", wrong=True)
        failed = [line for line in lines if "failed: " in line]
        _require(lines, "^attendee..  Foundation: ", number - 4)
        _require(failed, "^attendee0[1234]  failed: ", 4)
        yield f"Second run, one in {ONE_IN} requests throttled, {seconds:.0f} s: {number - 4} deployed, four by name:"
        yield from (f"`{line}`" for line in failed)
        roster.write_text(roster.read_text().replace("no-such-profile", ""))
        evening.client("rekognition", occupied).delete_collection(CollectionId=collection)
        throttled.run("publish")
        seconds, lines = throttled.run("deploy")
        _require(lines, "Serverless: created", 4)
        yield f"After mending the four, third run, {seconds:.0f} s: {_words(evening.stacks())}."
        logs, late = evening.client("logs", occupied), "ShowYourEmotions-attendee02-Serverless-late"
        logs.create_log_group(logGroupName=late)
        seconds, lines = throttled.run("destroy", "--yes", wrong=True)
        _require(lines, "nothing left", number - 1)
        _require(lines, f"attendee02  left: log group {late}", 1)
        yield f"Destroy, throttled, {seconds:.0f} s: nothing left in {number - 1}; the log group put there is named."
        logs.delete_log_group(logGroupName=late)
        seconds, lines = throttled.run("destroy", "--yes")
        _require(lines, "nothing left", number)
        throttled.run("unpublish", "--yes")
    if left := evening.stacks():
        raise RuntimeError(f"Left: {left}")
    yield f"Second destroy, {seconds:.0f} s: nothing left in {number} accounts."


def _publish_without(evening: Evening, *left_out: int) -> None:
    roster = evening.folder / "fleet.csv"
    everybody = roster.read_text()
    names = tuple(f"attendee{number:02}," for number in left_out)
    roster.write_text("".join(line for line in everybody.splitlines(True) if not line.startswith(names)))
    evening.run("publish")
    roster.write_text(everybody)


def _interrupt_in_the_middle(evening: Evening) -> None:
    deploy, begun = evening.start("deploy"), 0
    assert deploy.stderr
    for line in deploy.stderr:
        begun += ": creating Foundation" in line
        if begun > len(evening.accounts) / 3:
            break
    deploy.send_signal(signal.SIGINT)
    out, err = deploy.communicate()
    if deploy.returncode != 130:
        raise RuntimeError(f"Ctrl-C ended with {deploy.returncode}: {out}{err}")


def _words(stacks: Counter[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(stacks.items()))


def _init(evening: Evening) -> None:
    (evening.folder / "fleet.csv").unlink(missing_ok=True)
    evening.run("init", *evening.accounts)


@contextmanager
def _throttled(evening: Evening) -> Iterator[Evening]:
    """The same evening behind a proxy that answers some requests at random with 503 SlowDown."""

    def decide(_request: Request) -> Fault | None:
        return Fault("503") if random.randrange(ONE_IN) == 0 else None

    with FaultyS3(evening.aws.emulator.url, decide) as proxy:
        yield Evening(evening.aws, evening.folder, evening.accounts, {"AWS_ENDPOINT_URL": proxy.url})


def _require(lines: list[str], pattern: str, times: int) -> None:
    found = sum(bool(re.search(pattern, line)) for line in lines)
    if found != times:
        raise RuntimeError(f"{pattern!r} in {found} lines, not {times}:\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
