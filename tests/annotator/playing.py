"""The function, handler and all, on hostile files, in a process of its own, which may crash and can be measured."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

from annotator import handler

from tests.annotator.aws_in_memory import AwsInMemory
from tests.annotator.hostile import Hostile
from tests.annotator.photos import announcement, message

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Played:
    """What became of a file: what the function answered, the photo's status and reason, and what it took.

    `seconds` are of processor and `waited` on the clock; `megabytes` is the most that the process held, S3's copies of
    the photo included, and `grown` by how much that is more than before.
    """

    name: str
    failed: bool
    status: str | None
    reason: str | None
    seconds: float
    waited: float
    megabytes: float
    grown: float


FUNCTION_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_ARENA_MAX": "1",
}
"""The image's own (lambda/photo_annotator/Dockerfile)."""


def play(
    folder: Path,
    named: list[Hostile],
    timeout: float,
    held: Callable[[int], AbstractContextManager[None]] = lambda _pid: nullcontext(),
    packages: Path | None = None,
) -> tuple[list[Played], str]:
    """The function on these files, one after another; what became of each, and the process's last words.

    A process that dies leaves the list short. `timeout` is in seconds, for all of them; `held` may hold the process,
    given its id, to less than it would like to have. `packages` come before all others.
    """
    listed = []
    for number, each in enumerate(named):
        path = folder / str(number)
        path.write_bytes(each.make())
        listed.append({"name": each.name, "key": each.key, "path": str(path)})
    (folder / "list.json").write_text(json.dumps(listed))
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder / "list.json")],
        env={
            **os.environ,
            **FUNCTION_ENVIRONMENT,
            "PYTHONPATH": os.pathsep.join(
                map(str, filter(None, (packages, PROJECT, PROJECT / "lambda" / "photo_annotator")))
            ),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, held(process.pid):
        try:
            said, complained = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            said, complained = process.communicate()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"name"')]
    return [Played(**line) for line in lines], f"exit {process.returncode}: {complained[-2000:]}"


def _play_here(listed: list[dict[str, str]]) -> None:
    aws = AwsInMemory()
    in_memory = aws.function()
    handler._in_this_process = lambda: in_memory
    context = SimpleNamespace(aws_request_id="8f5ad8a1-0d7a-4a3c-9b8e-2f4f5b1c9d11")
    for each in listed:
        data = Path(each["path"]).read_bytes()
        Path(each["path"]).unlink()
        photo = aws.upload(each["key"], data)
        before = _reset_peak()
        began, clock = time.process_time(), time.monotonic()
        answer = handler.handle({"Records": [message(announcement(photo))]}, context)
        seconds, waited = time.process_time() - began, time.monotonic() - clock
        peak = _status("VmHWM")
        document = aws.result(each["key"]) or {}
        aws.erase(each["key"])
        del data
        aws.collection.clear()  # or looking through it would take longer with every photo
        aws.images.clear()
        aws.calls.clear()
        failed = bool(answer["batchItemFailures"])
        status, reason = document.get("status"), document.get("reason")
        played = Played(each["name"], failed, status, reason, seconds, waited, peak, peak - before)
        print(json.dumps(asdict(played)), flush=True)


def _reset_peak() -> float:
    """Forget the most memory that was held so far; what is held now, in megabytes (Linux: proc(5), clear_refs)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0.0
    return _status("VmRSS")


def _status(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    _play_here(json.loads(Path(sys.argv[1]).read_text()))
