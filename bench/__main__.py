"""Measures the figures of docs/performance.md, prints them, and with `--write docs/performance.md` inserts them.

python -m bench                       everything, about ten minutes
python -m bench warm cold --quick     two parts, few rounds
python -m bench against --checkout ../before    the function beside that of another checkout, such as a git worktree
"""

import argparse
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from bench import cost, image, photo_figures, pixel_work, synth
from bench.functions import Functions
from bench.measuring import Figure, load, machine, table
from bench.nearby_aws import FIRST_BYTE, REKOGNITION, UPLOAD, NearbyAws, nearby_aws
from bench.photos import BUILD, PROJECT
from bench.processors import how
from infra.settings import WorkshopSettings

PICTURE_BYTES = 1_000_000
"""A picture of 2048 pixels and its result."""

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


class Bench:
    """One method per part. What several parts need is created once."""

    def __init__(self, stack: ExitStack, *, quick: bool, checkout: Path | None = None) -> None:
        self._stack = stack
        self._quick = quick
        self._checkout = checkout
        self.figures: list[Figure] = []
        self.notes: list[tuple[str, str]] = []

    @cached_property
    def _folder(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="show-your-emotions-bench-")))

    @cached_property
    def _aws(self) -> NearbyAws:
        return self._stack.enter_context(nearby_aws(self._folder))

    @cached_property
    def _image(self) -> Path:
        return image.task_root()

    @cached_property
    def _functions(self) -> Functions:
        if self._checkout is None:
            return Functions(self._aws, self._folder, self._image)
        context = self._checkout.resolve() / "lambda" / "photo_annotator"
        return Functions(self._aws, self._folder, self._image, (context, image.task_root(context, "image-before")))

    def _rounds(self, usual: int) -> int:
        return 3 if self._quick else usual

    def warm(self) -> None:
        """one photo in a warm process, three shares of a processor"""
        self.figures += photo_figures.warm(self._functions, self._rounds(11))

    def against(self) -> None:
        """one photo, warm and cold, beside another checkout; needs --checkout"""
        if self._checkout is None:
            raise SystemExit("against needs the other checkout: python -m bench against --checkout FOLDER")
        self.figures += photo_figures.against(self._functions, self._rounds(15))

    def pixels(self) -> None:
        """decode + draw + encode, processor time"""
        self.figures += pixel_work.figures(self._image, self._functions.image_environment, self._rounds(25))

    def memory(self) -> None:
        """peak memory at 12 and 48 megapixels"""
        self.figures += photo_figures.memory(self._functions, self._rounds(5))

    def clients(self) -> None:
        """a process's start until its AWS clients are ready"""
        self.figures += photo_figures.clients(
            self._aws, self._image, self._functions.image_environment, self._rounds(11)
        )

    def cold(self) -> None:
        """the first photo of a new process"""
        self.figures += photo_figures.cold(self._functions, self._rounds(7))

    def packages(self) -> None:
        """the zip package beside the image: the first photo, and its size"""
        self.figures += photo_figures.packages(self._functions, self._rounds(7))
        self.figures += image.zip_package()

    def money(self) -> None:
        """GB-seconds a photo, and the curve over the memory"""
        chosen = WorkshopSettings().memory
        figure, curve, gb_seconds = photo_figures.gigabyte_seconds(self._functions, chosen, self._rounds(7))
        self.figures.append(figure)
        self.notes.append(("GB-seconds against memory", curve))
        stored = photo_figures.PHOTO.path.stat().st_size + PICTURE_BYTES
        self.notes.append(("Cost", cost.evening(gb_seconds, stored, image.size(self._image))))

    def image(self) -> None:
        """what we add to the base image"""
        self.figures += image.figures(self._image)

    def synth(self) -> None:
        """npx cdk synth against an empty app"""
        self.figures += synth.figures(self._rounds(5))

    def loop(self) -> None:
        """the inner loop of tests"""
        self.figures += synth.inner_loop(self._rounds(3))

    def suite(self) -> None:
        """all tests; takes minutes"""
        self.figures += synth.suite()

    def sizes(self) -> None:
        """warm photos of 2, 24 and 48 megapixels"""
        self.notes.append(("Other sizes, warm", table(photo_figures.other_sizes(self._functions, self._rounds(4)))))

    def growth(self) -> None:
        """time and memory against megapixels and faces"""
        megapixels = (2, 12, 24, 48) if self._quick else (2, 6, 12, 24, 48, 100, 200)
        plots = photo_figures.growth(self._functions, megapixels, (1, 10, 25, 50, 100), self._rounds(3))
        self.notes.append(("Growth, 1 processor", f"```text\n{plots}\n```"))

    def likeness(self) -> None:
        """reduced and full decode, side by side and as structural similarity"""
        similarity = pixel_work.likeness()
        self.notes.append(("Reduced against full decode", similarity))
        print(f"Side by side, full left and reduced right: {BUILD.relative_to(PROJECT)}/full-and-reduced-*.png")


PARTS = (
    "warm",
    "pixels",
    "memory",
    "clients",
    "cold",
    "packages",
    "money",
    "image",
    "synth",
    "loop",
    "sizes",
    "growth",
    "likeness",
)
ON_REQUEST = ("against", "suite")


def main() -> None:
    """Run the parts that the command line names, or all but those on request."""
    asked = _arguments()
    # Tidy up, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, load_before = time.monotonic(), load()
    with ExitStack() as stack:
        bench = Bench(stack, quick=asked.quick, checkout=asked.checkout)
        for name in asked.parts or PARTS:
            part: Callable[[], None] = getattr(bench, name)
            before, started = len(bench.figures), time.monotonic()
            part()
            print(f"{name}: {part.__doc__} ({time.monotonic() - started:.0f} s)", file=sys.stderr)
            for figure in bench.figures[before:]:
                print(figure.row(), file=sys.stderr)
    report = _report(bench, asked.quick, load_before, time.monotonic() - began)
    print(report)
    if asked.write:
        _write(asked.write, report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = "; ".join(f"{name}: {getattr(Bench, name).__doc__}" for name in (*PARTS, *ON_REQUEST))
    parser.add_argument("parts", nargs="*", choices=(*PARTS, *ON_REQUEST, []), metavar="PART", help=parts)
    parser.add_argument("--quick", action="store_true", help="three rounds of each: to see that all of it works")
    parser.add_argument("--checkout", type=Path, metavar="FOLDER", help="the other checkout, for `against`")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into FILE, between its markers")
    return parser.parse_args()


def _report(bench: Bench, quick: bool, load_before: str, seconds: float) -> str:
    on = f"{datetime.now(UTC):%Y-%m-%d} in {seconds / 60:.0f} minutes{', few rounds' if quick else ''}"
    waits = f"{FIRST_BYTE * 1000:.0f} ms, confirms a write after {UPLOAD * 1000:.0f} ms"
    sections = [
        f"Measured on {on}, on {machine()}; {load_before} before.",
        f"S3 answers after {waits}, Rekognition after {REKOGNITION * 1000:.0f} ms. Processors are limited by {how()}.",
    ]
    if bench.figures:
        sections.append(table(bench.figures))
    sections += [f"### {title}\n\n{text}" for title, text in bench.notes]
    return "\n\n".join(sections)


def _write(document: Path, report: str) -> None:
    text = document.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{document} has no lines {BEGIN} and {END} to write between; add them.")
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    document.write_text(between.sub(lambda _: f"{BEGIN}\n{report}\n{END}", text))


if __name__ == "__main__":
    main()
