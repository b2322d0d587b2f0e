"""Time and memory per photo, warm and cold, at Lambda's shares of a processor."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.functions import DidNotFit, Functions, Name, Running
from bench.measuring import Figure, compared, interleaved, median_and_range, milliseconds
from bench.nearby_aws import REKOGNITION, UPLOAD, NearbyAws
from bench.photos import Kind
from bench.plots import plot
from bench.processors import limited

SHARES = (0.29, 1.0, 1.7)
"""Processors, as 512, 1769 and 3008 MB give them."""

NAMES: tuple[Name, ...] = ("original", "ours", "service")

PHOTO = Kind(12)


def warm(functions: Functions, rounds: int) -> list[Figure]:
    """A photo of 12 megapixels in a warm process."""
    figures = []
    for share in (1.0, 0.29, 1.7):
        seconds = _warm(functions, PHOTO, share, rounds)
        what = f"warm photo, 12 MP, wall, {share:g} processor{'s' if share > 1 else ''}"
        figures.append(_compared(what, seconds, "original"))
        figures.append(_compared(f"{what}, moving full-size bytes", seconds, "service"))
    return figures


def other_sizes(functions: Functions, rounds: int) -> list[Figure]:
    """The same at 2, 24 and 48 megapixels."""
    return [
        _compared(f"warm photo, {megapixels} MP, wall, {share:g}", seconds, yardstick)
        for megapixels in (2, 24, 48)
        for share in SHARES
        for seconds in (_warm(functions, Kind(megapixels), share, rounds),)
        for yardstick in ("original", "service")
    ]


def _warm(functions: Functions, kind: Kind, processors: float, rounds: int) -> dict[str, list[float]]:
    with ExitStack() as stack:
        runs: dict[str, Callable[[], float]] = {}
        for name in NAMES:
            running = stack.enter_context(functions.running(name, processors))
            runs[name] = partial(running.photo, kind)
        return interleaved(runs, rounds, warm_up=2)


def _compared(what: str, seconds: dict[str, list[float]], yardstick: str) -> Figure:
    """Instead of a target, the row shows the floor: Rekognition and the two writes, without any work."""
    floor = (REKOGNITION + 2 * UPLOAD) / statistics.median(seconds[yardstick])
    return compared(what, seconds["ours"], seconds[yardstick], f"floor {floor:.2f}", of=yardstick, unit=milliseconds)


def cold(functions: Functions, rounds: int) -> list[Figure]:
    """The first photo of a new process, from its start; Lambda's own work before that is not in it.

    Lambda is widely reported not to throttle a function's imports as it throttles its invocations (Zappa #1974, say),
    and documents neither; so both are measured.
    """
    figures = []
    for share, free_start in ((1.0, False), (0.29, False), (0.29, True)):
        runs = {
            name: partial(functions.first_photo, name, PHOTO, share, free_start=free_start)
            for name in ("ours", "original")
        }
        free = ", a whole one for the imports" if free_start else ""
        what = f"first photo on a cold start, {share:g} processor{free}"
        figures.append(_compared(what, interleaved(runs, rounds, warm_up=1), "original"))
    return figures


def packages(functions: Functions, rounds: int) -> list[Figure]:
    """The first photo again, of the zip package beside the image. The zip has no byte code here, the image has.

    A zip that was made with Lambda's own version of Python has byte code, and then the same files as the image.
    """
    figures = []
    for share, free_start in ((1.0, False), (0.29, False), (0.29, True)):
        runs = {
            name: partial(functions.first_photo, name, PHOTO, share, free_start=free_start) for name in ("zip", "ours")
        }
        seconds = interleaved(runs, rounds, warm_up=1)
        free = ", a whole one for the imports" if free_start else ""
        what = f"first photo on a cold start, {share:g} processor{free}, zip without byte code"
        figures.append(compared(what, seconds["zip"], seconds["ours"], "", of="image", unit=milliseconds))
    return figures


def clients(aws: NearbyAws, image: Path, image_environment: dict[str, str], rounds: int) -> list[Figure]:
    """From the start of a process until it could make its first call; 1 processor."""
    environment = aws.environment(image / "botocore" / "cacert.pem")
    environment |= {"AWS_DEFAULT_REGION": "ap-southeast-2", "AWS_EC2_METADATA_DISABLED": "true"}
    make_ours = "import annotator.cloud; annotator.cloud.clients()"
    make_original = "import boto3; boto3.resource('s3'); boto3.client('rekognition')"
    ours = environment | image_environment | {"PYTHONPATH": str(image)}
    # Behind the virtual environment's packages, so that only the function's own code comes from the image.
    whole = f"import sys; sys.path.append({str(image)!r}); "
    runs: dict[str, Callable[[], float]] = {
        "ours": lambda: _until_it_ends(f"import annotator.handler; {make_ours}", ours),
        "original": lambda: _until_it_ends(f"import boto3, cv2; {make_original}", environment),
        "ours alone": lambda: _until_it_ends(make_ours, ours),
        "original alone": lambda: _until_it_ends(make_original, environment),
        "ours, OpenCV too": lambda: _until_it_ends(f"import annotator.handler, annotator.imaging; {make_ours}", ours),
        "ours, whole": lambda: _until_it_ends(whole + make_ours, environment | image_environment),
    }
    seconds = interleaved(runs, rounds, warm_up=1)

    def row(what: str, ours: str, original: str, target: str) -> Figure:
        return compared(what, seconds[ours], seconds[original], target, of="original", unit=milliseconds)

    return [
        row("clients ready from process start, each handler as it is", "ours", "original", "<= 0.55"),
        row("the same, OpenCV imported in both", "ours, OpenCV too", "original", ""),
        row("the same, OpenCV imported in neither", "ours alone", "original alone", ""),
        row("the same, and botocore's models whole", "ours, whole", "original alone", ""),
    ]


def _until_it_ends(statements: str, environment: dict[str, str]) -> float:
    """Seconds; the process leaves without tidying up as soon as the statements have run."""
    began = time.perf_counter()
    command = [sys.executable, "-P", "-c", f"{statements}; import os; os._exit(0)"]
    with (
        subprocess.Popen(command, env={"PATH": os.defpath, "LANG": "C.UTF-8", **environment}) as process,
        limited(process.pid, 1),
    ):
        if process.wait():
            raise RuntimeError(f"{statements} failed")
        return time.perf_counter() - began


def against(functions: Functions, rounds: int) -> list[Figure]:
    """This checkout beside another one: until the result is stored, which an attendee waits for, and as billed."""
    figures = []
    for share in (1.0, 0.29):
        processor = f"{share:g} processor"
        with ExitStack() as stack:
            running = {name: stack.enter_context(functions.running(name, share)) for name in ("ours", "before")}
            stored = {name: partial(function.until_stored, PHOTO) for name, function in running.items()}
            billed = {name: partial(function.photo, PHOTO) for name, function in running.items()}
            target = "<= 0.90" if share == 1 else ""
            rows = (("result stored", stored, target), ("the invocation", billed, "<= 1.00" if share == 1 else ""))
            for what, runs, target in rows:
                figures.append(_before(f"warm photo, 12 MP, {processor}, {what}", runs, target, rounds))
        first = {name: partial(functions.first_result, name, PHOTO, share) for name in ("ours", "before")}
        figures.append(_before(f"first photo, {processor}, result stored", first, "<= 0.90", rounds))
    peaks = {name: statistics.median(_peak(functions, name, PHOTO, 5) for _ in range(3)) for name in ("ours", "before")}
    megabytes = [f"{peaks[name]:.0f} MB" for name in ("ours", "before")]
    figures.append(
        Figure("peak memory, 12 MP", megabytes[0], f"{megabytes[1]}, before", peaks["ours"] / peaks["before"], "")
    )
    return figures


def _before(what: str, runs: Mapping[str, Callable[[], float]], target: str, rounds: int) -> Figure:
    seconds = interleaved(runs, rounds, warm_up=2)
    return compared(what, seconds["ours"], seconds["before"], target, of="before", unit=milliseconds)


def memory(functions: Functions, photos: int) -> list[Figure]:
    """The most resident memory after some photos of one size, the median of three processes."""
    figures = []
    for megapixels, target in ((12, "<= 0.65"), (48, "<= 0.35")):
        most = {
            name: statistics.median(_peak(functions, name, Kind(megapixels), photos) for _ in range(3))
            for name in ("original", "ours")
        }
        figures.append(
            Figure(
                f"peak memory, {megapixels} MP",
                f"{most['ours']:.0f} MB",
                f"{most['original']:.0f} MB, original",
                most["ours"] / most["original"],
                target,
            )
        )
    return figures


def _peak(functions: Functions, name: Name, kind: Kind, photos: int) -> float:
    with functions.running(name, 1) as running:
        for _ in range(photos):
            running.photo(kind)
        return running.peak_memory()


MEMORIES = (256, 320, 384, 448, 512, 640, 768, 1024, 1769, 3008)
"""Megabytes to choose from."""


def gigabyte_seconds(functions: Functions, chosen: int, rounds: int) -> tuple[Figure, str, float]:
    """What a warm photo of 12 megapixels is billed, against the original at 512 MB.

    And the curve that the choice of memory was read from, and our median.
    """
    lines = ["| memory | GB-seconds a photo | wall | 48 MP |", "|---|---|---|---|"]
    billed: dict[int, list[float]] = {}
    for megabytes in MEMORIES:
        fits = "fits" if _fits(functions, megabytes) else "does not fit"
        try:
            with functions.running("ours", memory=megabytes) as running:
                seconds = interleaved({"ours": partial(running.photo, PHOTO)}, rounds, warm_up=2)["ours"]
        except DidNotFit:
            lines.append(f"| {megabytes} MB | does not fit | | {fits} |")
            continue
        billed[megabytes] = [each * megabytes / 1024 for each in seconds]
        mark = " (chosen)" if megabytes == chosen else ""
        lines.append(
            f"| {megabytes} MB{mark} | {median_and_range(billed[megabytes], _gb_seconds)} "
            f"| {median_and_range(seconds, milliseconds)} | {fits} |"
        )
    with ExitStack() as stack:
        runs: dict[str, Callable[[], float]] = {}
        for name, megabytes in (("original", 512), ("ours", chosen)):
            running = stack.enter_context(functions.running(name, memory=megabytes))  # type: ignore[arg-type]
            runs[name] = _billed(running, megabytes)
        seconds_billed = interleaved(runs, rounds, warm_up=2)
    figure = compared(
        f"GB-seconds a photo, 12 MP, warm, at {chosen} MB",
        seconds_billed["ours"],
        seconds_billed["original"],
        "",
        of="original at 512 MB",
        unit=_gb_seconds,
    )
    return figure, "\n".join(lines), statistics.median(seconds_billed["ours"])


def _billed(running: Running, megabytes: int) -> Callable[[], float]:
    return lambda: running.photo(PHOTO) * megabytes / 1024


def _gb_seconds(amount: float) -> str:
    return f"{amount:.3f}"


def _fits(functions: Functions, megabytes: int) -> bool:
    """Whether two photos of 48 megapixels in a row stay within that memory."""
    try:
        with functions.running("ours", processors=2, memory=megabytes) as running:
            for _ in range(2):
                running.photo(Kind(48))
            return running.peak_memory() <= megabytes
    except DidNotFit:
        return False


def growth(functions: Functions, megapixels: tuple[int, ...], faces: tuple[int, ...], rounds: int) -> str:
    """Time and memory of ours against the photo's size and against its faces, one processor."""
    by_size = [_grown(functions, Kind(size), rounds) for size in megapixels]
    by_faces = [_grown(functions, Kind(12, number), rounds) for number in faces]
    parts = []
    for what, sizes, grown in (("megapixels", megapixels, by_size), ("faces", faces, by_faces)):
        parts += [
            plot(f"milliseconds against {what}", sizes, [seconds * 1000 for seconds, _ in grown]),
            plot(f"peak memory, MB, against {what}", sizes, [most for _, most in grown]),
        ]
    return "\n\n".join(parts)


def _grown(functions: Functions, kind: Kind, rounds: int) -> tuple[float, float]:
    with functions.running("ours", 1) as running:
        seconds = [running.photo(kind) for _ in range(rounds + 1)][1:]
        return statistics.median(seconds), running.peak_memory()
