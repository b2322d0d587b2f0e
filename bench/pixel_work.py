"""Processor time of decoding, drawing and encoding, and whether reduced decoding is visible.

`python -m bench.pixel_work ours|original PHOTO` is one worker: for each line on standard input, it does the work once
and prints the seconds of processor time of all its threads.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from annotator.decoding import decode, encode_jpeg
from annotator.drawing import draw
from annotator.faces import BoundingBox, Emotion, Face

from bench.measuring import Figure, compared, interleaved, milliseconds
from bench.photos import BUILD, PROJECT, Kind

LONG_EDGE = 2048


def figures(image: Path, image_environment: dict[str, str], rounds: int) -> list[Figure]:
    """Processor time at 12 megapixels; ours with the image's packages and environment variables."""
    with ExitStack() as stack:
        ours = stack.enter_context(_worker("ours", {"PYTHONPATH": str(image), **image_environment}))
        original = stack.enter_context(_worker("original", {}))
        seconds = interleaved({"ours": ours, "original": original}, rounds, warm_up=2)
    return [
        compared(
            "decode + draw + encode, 12 MP, processor time",
            seconds["ours"],
            seconds["original"],
            "<= 0.38",
            of="original",
            unit=milliseconds,
        )
    ]


def likeness() -> str:
    """The similarity of our decoded photo and a fully decoded one of the same size; writes both into one file."""
    lines = ["| photo | picture | structural similarity, mean | of the worst 64 x 64 pixels |", "|---|---|---|---|"]
    for megapixels in (12, 24, 48):
        data = Kind(megapixels).path.read_bytes()
        reduced = decode(data, "JPEG", LONG_EDGE)
        height, width = reduced.shape[:2]
        full = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert full is not None
        full = cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA)
        similar = structural_similarity(full, reduced)
        worst = cv2.blur(similar, (64, 64)).min()
        lines.append(f"| {megapixels} MP | {width} x {height} | {similar.mean():.4f} | {worst:.4f} |")
        middle = np.s_[height // 2 - 300 : height // 2 + 300, width // 2 - 400 : width // 2 + 400]
        cv2.imwrite(str(BUILD / f"full-and-reduced-{megapixels}.png"), np.hstack([full[middle], reduced[middle]]))
    return "\n".join(lines)


def structural_similarity(one: Any, other: Any) -> Any:
    """The map of structural similarity of two pictures' luminance (Wang, Bovik, Sheikh and Simoncelli, 2004)."""
    x, y = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float64) for picture in (one, other))

    def mean(values: Any) -> Any:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )


@contextmanager
def _worker(name: str, environment: dict[str, str]) -> Iterator[Callable[[], float]]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "OPENBLAS_", "PYTHONPATH"))}
    command = [sys.executable, "-m", "bench.pixel_work", name, str(Kind(12).path)]
    with subprocess.Popen(
        command, cwd=PROJECT, env=inherited | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:

        def once() -> float:
            assert worker.stdin
            assert worker.stdout
            print(file=worker.stdin, flush=True)
            return float(worker.stdout.readline())

        yield once


def main() -> None:
    """Work, once for each line of standard input."""
    name, photo = sys.argv[1], Path(sys.argv[2])
    data = photo.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / photo.name
        work = _ours(data) if name == "ours" else _original(picture)
        for _ in sys.stdin:
            picture.write_bytes(data)
            began = time.process_time()
            work()
            print(time.process_time() - began, flush=True)


def _ours(data: bytes) -> Callable[[], object]:
    emotions = (Emotion("HAPPY", 93.0), Emotion("CALM", 5.0))
    faces = tuple(
        Face(BoundingBox(0.1 + 0.3 * (n % 3), 0.1 + 0.45 * (n // 3), 0.1, 0.2), 99.9, emotions, face_id=str(n))
        for n in range(6)
    )
    return lambda: encode_jpeg(draw(decode(data, "JPEG", LONG_EDGE), faces))


def _original(path: Path) -> Callable[[], object]:
    def work() -> None:
        picture = cv2.imread(str(path))
        assert picture is not None
        height, width = picture.shape[:2]
        for n in range(6):
            left, top = int((0.1 + 0.3 * (n % 3)) * width), int((0.1 + 0.45 * (n // 3)) * height)
            corner = (left + width // 10, top + height // 5)
            cv2.rectangle(picture, (left, top), corner, (0, 255, 0), 2)
        cv2.imwrite(str(path), picture)

    return work


if __name__ == "__main__":
    main()
