"""Runs face-api's networks in a Node process, one request at a time.

It receives pixels and returns faces. looking.py decides which parts of a picture to analyse, and at which scale.
"""

import contextlib
import json
import struct
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from local_aws.errors import LocalAwsError
from workshop.aws.cdk import node

Pixels = npt.NDArray[np.uint8]
"""Height x width x 3, RGB."""

Box = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""

WORKER = Path(__file__).with_name("eyes.cjs")
PATIENCE = 60.0
"""Seconds after which a process without an answer counts as stuck."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detected face: its box, and the detector's score (0 to 1)."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The networks' results for one face.

    `landmarks` are the usual 68 points (jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67) as a 68 x 2
    array in pixels of the picture asked about. `expressions` are probabilities that sum to 1: neutral, happy, sad,
    angry, fearful, disgusted, surprised.
    """

    landmarks: npt.NDArray[np.float64]
    expressions: dict[str, float]
    age: float
    gender: str
    gender_probability: float


class Sight(Protocol):
    """An object that can find and analyse faces."""

    def find(self, pixels: Pixels, *, confidence: float) -> list[Sighting]:
        """The faces in the picture."""
        ...

    def read(self, pixels: Pixels, box: Box) -> Reading | None:
        """The results for the face at `box`, or None if it cannot be analysed."""
        ...


class EyesClosed(LocalAwsError):
    """The Node process cannot be started, or crashed twice with the same request."""


class Eyes:
    """A long-lived Node process, started at the first request (or by `open`) and replaced if it crashes.

    Safe to use from several threads; they take turns. Raises EyesClosed when face-api is not
    installed, LocalAwsError when Node is not.
    """

    def __init__(self, executable: str | None = None) -> None:
        self._executable = executable
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The Node process's id, if it is running."""
        return self._process.pid if self._process else None

    def open(self) -> None:
        """Start now instead of at the first request. Takes about a second."""
        with self._turn:
            self._running()

    def close(self) -> None:
        """End the process and wait until it has ended. The next request starts another."""
        with self._turn:
            self._end()

    def find(self, pixels: Pixels, *, confidence: float) -> list[Sighting]:
        """The faces in the picture. The detector uses 512 x 512 pixels, so pass a picture of about that size."""
        answer = self._ask({"ask": "find", "confidence": confidence}, pixels)
        return [Sighting(tuple(face["box"]), face["score"]) for face in answer["faces"]]

    def read(self, pixels: Pixels, box: Box) -> Reading | None:
        """The results for the face at `box`, or None if it cannot be analysed."""
        answer = self._ask({"ask": "read", "box": box}, pixels)
        if "unreadable" in answer:
            return None
        return Reading(
            landmarks=np.array(answer["landmarks"], dtype=np.float64),
            expressions=answer["expressions"],
            age=answer["age"],
            gender=answer["gender"],
            gender_probability=answer["genderProbability"],
        )

    def _ask(self, question: dict[str, Any], pixels: Pixels) -> dict[str, Any]:
        height, width, _ = pixels.shape
        text = json.dumps(question | {"width": width, "height": height}).encode()
        request = struct.pack(">I", len(text)) + text + np.ascontiguousarray(pixels).tobytes()
        with self._turn:
            try:
                answer = self._exchange(request)
            except (OSError, EOFError):
                self._end()
                try:
                    answer = self._exchange(request)
                except (OSError, EOFError) as error:
                    self._end()
                    raise EyesClosed("The face analysis crashed twice with the same picture.") from error
        if "error" in answer:
            raise EyesClosed(f"The face analysis failed: {answer['error']}")
        return answer

    def _exchange(self, request: bytes) -> dict[str, Any]:
        process = self._running()
        stuck = threading.Timer(PATIENCE, process.kill)
        stuck.start()
        try:
            _pipe(process.stdin).write(request)
            _pipe(process.stdin).flush()
            return _message(_pipe(process.stdout))
        finally:
            stuck.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process and self._process.poll() is None:
            return self._process
        self._end()
        self._process = subprocess.Popen(
            [self._executable or node(), "--no-warnings", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Only the owner of this process handles Ctrl-C, and then closes the process.
            start_new_session=True,
        )
        try:
            _message(_pipe(self._process.stdout))
        except EOFError as error:
            self._end()
            raise EyesClosed(
                "The face analysis ended at start-up (the reason is above); `make local` installs its packages into "
                "node_modules."
            ) from error
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # it has no state to save, and may be busy with a picture
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise EOFError
    return pipe


def _message(pipe: IO[bytes]) -> dict[str, Any]:
    (length,) = struct.unpack(">I", _exactly(pipe, 4))
    message: dict[str, Any] = json.loads(_exactly(pipe, length))
    return message


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data
