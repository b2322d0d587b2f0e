"""`python -m bench.hostile`: processes every hostile file, in memory and deployed, and runs the fuzzers for longer.

The files are those of tests/annotator/hostile.py, including the heavy ones. There are three parts, and each prints a
table:

- `alone`: the handler with S3 and Rekognition in memory, in a process that is measured. Each heavy file gets its own
  process, and the most expensive files run again with the processor share of 512 MB in Lambda.
- `deployed`: both stacks on a local AWS, with the function's own memory and time-out. Every uploaded file must get a
  result, and the dead-letter queue must stay empty.
- `chance`: the hypothesis tests, with many more examples.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click
import numpy as np
from annotator.result import Result
from botocore.exceptions import ClientError

from bench.burst.photos import see_painted_faces
from bench.deployed import log_of, messages
from bench.processors import limited, processors_at
from local_aws.local import PROJECT, LocalAws
from local_aws.rekognition import operations
from tests.annotator.hostile import Hostile, files
from tests.annotator.playing import Played, play
from workshop.aws.account import Account
from workshop.aws.results import latest_result
from workshop.aws.stacks import Stacks

PARTS = ("alone", "deployed", "chance")
MEMORY, TIMEOUT = 512, 30
"""Megabytes and seconds that the function has."""

SHARE = processors_at(MEMORY)
FUZZED = (
    "tests/annotator/test_fuzz_decoding.py",
    "tests/annotator/test_fuzz_documents.py",
    "tests/face_collection/test_handler.py",
    "tests/workshop/commands/test_fuzz_arguments.py",
)


@click.command(epilog="It takes about ten minutes; nothing is kept.")
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--only", default="", help="Only the files whose names contain this.")
@click.option(
    "--slowest",
    default=12,
    show_default=True,
    help="How many files are shown, and run at Lambda's share.",
)
@click.option("--examples", default=3000, show_default=True, help="How many examples each test of chance tries.")
@click.option("--patience", default=900.0, show_default=True, help="Seconds to wait for the last result.")
def main(parts: Sequence[str], only: str, slowest: int, examples: int, patience: float) -> None:
    """Process hostile files and print Markdown tables; for example: python -m bench.hostile alone"""
    some = [each for each in files() if only in each.name]
    well = True
    if "alone" in (parts or PARTS):
        well &= alone(some, slowest)
    if "deployed" in (parts or PARTS):
        well &= deployed(some, patience)
    if "chance" in (parts or PARTS):
        well &= chance(examples)
    click.echo(f"\nThe machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end.")
    sys.exit(0 if well else 1)


# --- alone --------------------------------------------------------------------------------------------------------


def alone(some: list[Hostile], slowest: int) -> bool:
    """Each file's outcome, time and memory; whether all are as they should be."""
    light, heavy = [each for each in some if not each.heavy], [each for each in some if each.heavy]
    flipped = [each for each in heavy if "-flipped-" in each.name]
    played = [*_played(light), *_played(flipped)]
    for file in heavy:
        if file not in flipped:
            _say(file.name)
            played += _played([file])
    expected = {each.name: each.expected for each in some}
    right = {"opened": {"annotated"}, "rejected": {"rejected"}, "either": {"annotated", "rejected"}}
    wrong = [each for each in played if each.failed or each.status not in right[expected[each.name]]]
    lost = sorted(expected.keys() - {each.name for each in played})
    by_name = {each.name: each for each in some}
    by_time = sorted(played, key=lambda each: each.seconds, reverse=True)[:slowest]
    by_memory = sorted(played, key=lambda each: each.megabytes, reverse=True)[:slowest]
    slowly: dict[str, Played] = {}
    for each in by_time:
        _say(f"{each.name} with {SHARE:.2f} of a processor")
        slowly |= {one.name: one for one in _played([by_name[each.name]], share=SHARE)}
    outcomes = Counter(each.status for each in played)
    click.echo("\n| hostile files, alone | |\n|---|---|")
    click.echo(f"| files | {len(some)} |")
    click.echo(f"| annotated / rejected with a sentence | {outcomes['annotated']} / {outcomes['rejected']} |")
    click.echo(f"| ended the process, or its time | {len(lost)} {', '.join(lost)} |")
    click.echo(f"| failed, or not as they should be | {len(wrong)} {', '.join(each.name for each in wrong)} |")
    click.echo(f"| most memory, S3's copies included | {by_memory[0].megabytes:.0f} of {MEMORY} MB |")
    worst = max((each.waited for each in slowly.values()), default=0.0)
    click.echo(f"| longest with {SHARE:.2f} of a processor | {worst:.1f} of {TIMEOUT} s |")
    click.echo(f"\n| slowest or largest file | outcome | processor | with {SHARE:.2f} of one | most memory |")
    click.echo("|---|---|---|---|---|")
    for each in dict.fromkeys([*by_time, *by_memory]):
        slow = f"{slowly[each.name].waited:.1f} s" if each.name in slowly else ""
        click.echo(f"| {each.name} | {each.status} | {each.seconds:.2f} s | {slow} | {each.megabytes:.0f} MB |")
    return (
        not lost and not wrong and len(slowly) == len(by_time) and by_memory[0].megabytes <= MEMORY and worst <= TIMEOUT
    )


def _played(some: list[Hostile], share: float | None = None) -> list[Played]:
    """What became of these; after one that ends the process, another process goes on with the rest."""
    results: list[Played] = []
    while some:
        with tempfile.TemporaryDirectory() as folder:
            played, last_words = play(
                Path(folder), some, 600, lambda pid: limited(pid, share) if share else nullcontext()
            )
        results += played
        if len(played) == len(some):
            break
        _say(f"{some[len(played)].name} ended the process: {last_words}")
        some = some[len(played) + 1 :]
    return results


# --- deployed -----------------------------------------------------------------------------------------------------


def deployed(some: list[Hostile], patience: float) -> bool:
    """All files through the deployed function; whether each has a result."""
    with LocalAws() as aws, aws.adopted():
        see_painted_faces(aws)
        # Rekognition would decode hundreds of megapixels on this machine too; here it looks at a blank page instead.
        blank = np.zeros((80, 80, 3), np.uint8)
        operations.pixels_of = lambda file: blank  # type: ignore[attr-defined]  # noqa: ARG005
        _say("deploying both stacks")
        aws.prepare()
        aws.deploy()
        stacks = Stacks.of(Account.open())
        s3 = stacks.account.client("s3")
        not_taken = []
        for number, each in enumerate(some):
            _say(f"uploading {number + 1} of {len(some)}", again=True)
            try:
                s3.put_object(Bucket=stacks.raw_bucket, Key=each.key, Body=each.make())
            except Exception as error:
                not_taken.append(f"{each.name} ({type(error).__name__})")
        sent = [each for each in some if not any(line.startswith(each.name + " ") for line in not_taken)]
        until = time.monotonic() + patience
        while time.monotonic() < until and (waiting := messages(stacks, stacks.inbox_url)):
            _say(f"{waiting} of {len(sent)} wait in the inbox", again=True)
            time.sleep(1)
        dead, log = messages(stacks, stacks.dead_letter_queue_url), [line for _, line in log_of(stacks)]
        results = {each.name: _result(stacks, each.key or "") for each in sent}
        without = [name for name, result in results.items() if result is None]
        troubles = _troubles(log, {each.key: each.name for each in sent})
        reports = [re.search(r"Duration: ([\d.]+) ms.*Max Memory Used: (\d+) MB", line) for line in log]
        durations = [(float(each[1]) / 1000, int(each[2])) for each in reports if each]
        outcomes = Counter(result.status for result in results.values() if result)
    click.echo("\n| hostile files, deployed (512 MB, 30 s) | |\n|---|---|")
    click.echo(f"| files uploaded | {len(sent)} |")
    click.echo(f"| not taken by the emulator's S3 | {len(not_taken)} {', '.join(not_taken)} |")
    counts = " / ".join(str(outcomes[status]) for status in ("annotated", "no_face", "rejected"))
    click.echo(f"| annotated / no face / rejected | {counts} |")
    click.echo(f"| without a result | {len(without)} {', '.join(without)} |")
    click.echo(f"| in the dead-letter queue | {dead} |")
    click.echo(f"| killed, out of time, or failed, and tried again | {len(troubles)} {'; '.join(troubles)} |")
    if durations:
        click.echo(f"| longest invocation | {max(seconds for seconds, _ in durations):.1f} s |")
        click.echo(f"| most memory | {max(megabytes for _, megabytes in durations)} MB |")
    return not without and not dead


def _result(stacks: Stacks, key: str) -> Result | None:
    try:
        return latest_result(stacks, key)
    except ClientError:  # the emulator has words of its own for some keys that are not there
        return None


def _troubles(log: Sequence[str], names: dict[str | None, str]) -> list[str]:
    """Which photos an invocation did not finish, and how it ended."""
    lines = [json.loads(line) for line in log if line.startswith("{")]
    begun = {line["request_id"]: names.get(line["key"]) for line in lines if line.get("status") == "begun"}
    ends = [f"{names.get(line.get('key'))}: {line['error'][-120:]}" for line in lines if line.get("status") == "failed"]
    for line in log:
        if died := re.search(r"signal: [a-z ]+|Task timed out", line):
            name = next((name for id_, name in begun.items() if id_ in line), None)
            ends.append(f"{name}: {died[0]}")
    return ends


# --- chance -------------------------------------------------------------------------------------------------------


def chance(examples: int) -> bool:
    """The tests that hypothesis feeds, with so many examples each; whether they all passed."""
    _say(f"{examples} examples for each test of chance")
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *FUZZED],
        cwd=PROJECT,
        env={**os.environ, "FUZZ_EXAMPLES": str(examples)},
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    closing = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else ran.stderr[-300:]
    click.echo("\n| chance | |\n|---|---|")
    click.echo(f"| examples for each test | {examples} |")
    click.echo(f"| tests | {closing} |")
    click.echo(f"| time | {time.monotonic() - began:.0f} s |")
    if ran.returncode:
        _say(ran.stdout[-4000:])
    return ran.returncode == 0


def _say(line: str, *, again: bool = False) -> None:
    """Print progress on standard error; repeated lines only on a terminal."""
    if not again:
        click.echo(line, err=True)
    elif sys.stderr.isatty():
        click.echo(f"\r{line}\x1b[K", nl=False, err=True)


if __name__ == "__main__":
    main()
