"""Interleaved runs, their medians, and tables of both."""

import gc
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table: ours against the yardstick. `noise` is the ratio's middle half over the rounds."""

    what: str
    ours: str
    yardstick: str
    ratio: float | None
    target: str
    noise: tuple[float, float] | None = None

    def row(self) -> str:
        """The row in Markdown."""
        ratio = "" if self.ratio is None else f"**{self.ratio:.2f}**"
        noise = f" ({self.noise[0]:.2f} to {self.noise[1]:.2f})" if self.noise else ""
        return f"| {self.what} | {self.ours} | {self.yardstick} | {ratio}{noise} | {self.target} |"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    head = "| figure | ours | yardstick | ratio (middle half of the rounds) | target |\n|---|---|---|---|---|"
    return "\n".join([head, *(figure.row() for figure in figures)])


def interleaved(runs: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 0) -> dict[str, list[float]]:
    """Call each function once per round, in turn, so that other load on the machine affects all of them equally."""
    results: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(-warm_up, rounds):
        gc.collect()
        for name, run in runs.items():
            result = run()
            if number >= 0:
                results[name].append(result)
    return results


def compared(
    what: str,
    ours: Sequence[float],
    yardstick: Sequence[float],
    target: str,
    *,
    of: str,
    unit: Callable[[float], str],
) -> Figure:
    """The ratio of the medians; `of` names the yardstick."""
    pairs = sorted(a / b for a, b in zip(ours, yardstick, strict=True))
    quartiles = statistics.quantiles(pairs, n=4) if len(pairs) > 3 else [pairs[0], 0, pairs[-1]]
    return Figure(
        what,
        median_and_range(ours, unit),
        f"{median_and_range(yardstick, unit)}, {of}",
        statistics.median(ours) / statistics.median(yardstick),
        target,
        (quartiles[0], quartiles[2]),
    )


def median_and_range(values: Sequence[float], unit: Callable[[float], str]) -> str:
    """Such as 431 ms [420 ms to 450 ms]."""
    return f"{unit(statistics.median(values))} [{unit(min(values))} to {unit(max(values))}]"


def milliseconds(seconds: float) -> str:
    """Such as 431 ms."""
    return f"{seconds * 1000:.0f} ms"


def machine() -> str:
    """The machine and the versions of the main packages."""
    import boto3
    import cv2
    import numpy
    import psutil

    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line.partition(": ")[2] for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        cpu = named[0] if named else cpu
    kernel = ".".join(platform.release().split(".")[:2])
    return (
        f"{psutil.cpu_count()} x {cpu}, {psutil.virtual_memory().total / 2**30:.0f} GB, {platform.system()} "
        f"{kernel}; Python {platform.python_version()}, OpenCV {cv2.__version__}, numpy "
        f"{numpy.__version__}, boto3 {boto3.__version__}"
    )


def load() -> str:
    """The machine's load averages."""
    import psutil

    one, five, _ = psutil.getloadavg()
    return f"load {one:.1f} (1 minute), {five:.1f} (5 minutes)"
