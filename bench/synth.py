"""The durations of `cdk synth`, of the quick tests, and of the whole test suite."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench.measuring import Figure, compared, interleaved, median_and_range
from bench.photos import BUILD, PROJECT

_EMPTY = """from aws_cdk import App, Stack

app = App()
Stack(app, "Empty")
app.synth()
"""


def figures(rounds: int) -> list[Figure]:
    """`npx cdk synth` of both stacks against an empty CDK app in Python, both as a user runs them."""
    empty = BUILD / "empty"
    shutil.rmtree(empty, ignore_errors=True)
    empty.mkdir(parents=True)
    (empty / "app.py").write_text(_EMPTY)
    shutil.copy(PROJECT / "cdk.json", empty)
    runs = {"ours": lambda: _synth(PROJECT), "empty": lambda: _synth(empty)}
    seconds = interleaved(runs, rounds, warm_up=1)
    ours, yardstick = seconds["ours"], seconds["empty"]
    figures = [
        compared("npx cdk synth", ours, yardstick, "<= 1.7", of="an empty CDK app in Python", unit=_seconds),
    ]
    unvalidated = [_synth(PROJECT, CDK_VALIDATION="false") for _ in range(rounds)]
    figures.append(
        Figure(
            "npx cdk synth without the library's template validation",
            median_and_range(unvalidated, _seconds),
            "",
            None,
            "",
        )
    )
    return figures


# Plugins that these tests do not use take half a second to load.
_LEAN = ("-p", "no:hypothesispytest", "-p", "no:xdist", "-m", "not slow")
_INFRASTRUCTURE = ("tests/infra/test_stacks.py", "tests/infra/test_settings.py")


def inner_loop(rounds: int) -> list[Figure]:
    """The quick tests, without template validation."""
    infrastructure = [_pytest(*_LEAN, *_INFRASTRUCTURE) for _ in range(rounds)]
    both = [_pytest("-m", "not slow", *_INFRASTRUCTURE, "tests/annotator") for _ in range(rounds)]
    return [
        Figure("inner loop, infrastructure alone", median_and_range(infrastructure, _seconds), "", None, "< 3 s"),
        Figure("inner loop, infrastructure and the function", median_and_range(both, _seconds), "", None, ""),
    ]


def suite() -> list[Figure]:
    """All tests, as `make test` runs them, without linters and types."""
    seconds = _pytest("--numprocesses", "3", "--dist", "loadfile", "--no-loadscope-reorder", validation="true")
    return [Figure("all tests", _seconds(seconds), "", None, "< 180 s")]


def _synth(folder: Path, **variables: str) -> float:
    npx = Path(sys.executable).with_name("npx")
    output = BUILD / "cdk.out"
    return _timed([str(npx), "cdk", "synth", "--quiet", "--output", str(output)], folder, variables)


def _pytest(*arguments: str, validation: str = "false") -> float:
    return _timed([sys.executable, "-m", "pytest", "-q", *arguments], PROJECT, {"CDK_VALIDATION": validation})


def _timed(command: list[str], folder: Path, variables: dict[str, str]) -> float:
    own = Path(sys.executable).parent
    # Without these the CLI would look for an account in this machine's network first.
    quiet = {"AWS_EC2_METADATA_DISABLED": "true", "CDK_DISABLE_VERSION_CHECK": "1"}
    environment = {**os.environ, **quiet, **variables, "PATH": os.pathsep.join([str(own), os.environ["PATH"]])}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def _seconds(amount: float) -> str:
    return f"{amount:.1f} s"
