"""Limits a process's share of a processor as Lambda does, by the function's memory.

Lambda uses the kernel's quota: a number of milliseconds of processor time per period. As root on Linux, this module
sets the same quota (control groups, version 2 or 1). Elsewhere it stops the process for the rest of each period in
which it has used its share.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

PERIOD = 0.020
"""Seconds; short, as Lambda's own, so that a short burst cannot hide in a period that it does not fill."""

MEGABYTES_PER_PROCESSOR = 1769
"""Lambda developer guide: "At 1,769 MB, a function has the equivalent of one vCPU"."""

_GROUPS = Path("/sys/fs/cgroup")


def processors_at(megabytes: int) -> float:
    """The number of processors that Lambda gives a function with this memory."""
    return megabytes / MEGABYTES_PER_PROCESSOR


@contextmanager
def limited(pid: int, processors: float) -> Iterator[None]:
    """Limit the process `pid`, including its threads, to `processors` in this context."""
    group = _control_group(processors)
    if group is None:
        with _stopped_in_between(pid, processors):
            yield
        return
    try:
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        with contextlib.suppress(OSError):
            for each in (group / "cgroup.procs").read_text().split():
                (group.parent / "cgroup.procs").write_text(each)
        for _ in range(100):  # a process that has just ended holds its group for a moment
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.02)


def how() -> str:
    """What `limited` does on this machine."""
    group = _control_group(1)
    if group is None:
        return f"stopping the process for the rest of each {PERIOD * 1000:.0f} ms"
    group.rmdir()
    return f"the kernel's quota (control groups), periods of {PERIOD * 1000:.0f} ms"


def _control_group(processors: float) -> Path | None:
    """A new control group with this quota; None without the permission to create one."""
    period = round(PERIOD * 1e6)
    quota = round(period * processors)
    name = f"show-your-emotions-{os.getpid()}-{time.monotonic_ns()}"
    for parent, settings in (
        (_GROUPS, {"cpu.max": f"{quota} {period}"}),
        (_GROUPS / "cpu", {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota)}),
    ):
        group = parent / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for setting, value in settings.items():
                if not (group / setting).exists():
                    raise FileNotFoundError(setting)
                (group / setting).write_text(value)
        except OSError:
            group.rmdir()
            continue
        return group
    return None


@contextmanager
def _stopped_in_between(pid: int, processors: float) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        process = psutil.Process(pid)
        used = sum(process.cpu_times()[:2])
        allowance, look = 0.0, time.monotonic()
        with contextlib.suppress(psutil.NoSuchProcess):
            while not over.wait(PERIOD / 10):
                now, now_used = time.monotonic(), sum(process.cpu_times()[:2])
                # What was overdrawn is paid back, what was left over is lost at the end of a period.
                allowance = min(allowance + (now - look) * processors, PERIOD * processors) - (now_used - used)
                look, used = now, now_used
                process.send_signal(signal.SIGSTOP if allowance < 0 else signal.SIGCONT)
            process.send_signal(signal.SIGCONT)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
