"""The handlers that are compared, each in an execution environment of the local AWS's Lambda host."""

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import botocore
import psutil

from bench.image import without_byte_code
from bench.nearby_aws import PROCESSED, RAW, VERSION, NearbyAws
from bench.photos import PROJECT, Kind
from bench.processors import limited, processors_at
from local_aws.lambda_host.code import Code, CodeStore
from local_aws.lambda_host.environment import ExecutionEnvironment
from local_aws.lambda_host.function import Function

Name = Literal["ours", "zip", "original", "service", "before"]

OURS: tuple[Name, ...] = ("ours", "zip", "before")

_ROOM = 3008
"""Megabytes, where memory is not what is asked about."""

_numbers = itertools.count()


class DidNotFit(Exception):
    """The function needed more memory than it had, and was ended."""


@dataclass(frozen=True, slots=True)
class Running:
    """One function in one process."""

    name: Name
    _environment: ExecutionEnvironment
    _process: psutil.Process
    _aws: NearbyAws

    def photo(self, kind: Kind) -> float:
        """Seconds that the function takes for a photo of this kind that it has not seen. Raises DidNotFit."""
        return self._photo(kind, kind.key(next(_numbers)))

    def until_stored(self, kind: Kind, began: float | None = None) -> float:
        """Seconds from `began`, or from the invocation, until S3 has confirmed the result."""
        began = time.perf_counter() if began is None else began
        key = kind.key(next(_numbers))
        self._photo(kind, key)
        return self._aws.result_confirmed(key) - began

    def _photo(self, kind: Kind, key: str) -> float:
        event, number = _event(self.name, kind, key), next(_numbers)
        began = time.perf_counter()
        outcome = self._environment.invoke(event, f"{number:08}-0000-4000-8000-000000000000")
        seconds = time.perf_counter() - began
        answer = json.loads(outcome.payload or b"null")
        if b"Runtime.ExitError" in outcome.payload:
            raise DidNotFit
        if outcome.is_error or (self.name in OURS and answer != {"batchItemFailures": []}):
            raise RuntimeError(f"{self.name} failed: {outcome.payload!r} {[line.message for line in outcome.log]}")
        return seconds

    def peak_memory(self) -> float:
        """Megabytes of resident memory, the most so far."""
        status = Path(f"/proc/{self._process.pid}/status")
        if status.exists():
            (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            return int(line.split()[1]) / 1024
        return self._process.memory_info().rss / 2**20


class Functions:
    """Starts the functions; `image` is the folder that stands for our image's /var/task.

    `before` is the build context of our function in another checkout, and the folder that stands for its /var/task.
    """

    def __init__(self, aws: NearbyAws, folder: Path, image: Path, before: tuple[Path, Path] | None = None) -> None:
        self._aws = aws
        self._folder = folder
        self._codes: dict[Name, Code] = {
            # The yardsticks have their packages from the virtual environment, as pip installed them.
            "original": self._code(PROJECT / "bench" / "yardsticks" / "original"),
            "service": self._code(PROJECT / "bench" / "yardsticks" / "service"),
            "ours": replace(self._code(PROJECT / "lambda" / "photo_annotator"), task_root=image),
        }
        self._codes["zip"] = replace(self._codes["ours"], task_root=without_byte_code(image))
        if before:
            self._codes["before"] = replace(self._code(before[0]), task_root=before[1])

    def _authorities(self, name: Name) -> Path:
        """The certificate authorities that boto3 trusts there."""
        packages = self._codes[name].task_root if name in OURS else Path(botocore.__file__).parents[1]
        return packages / "botocore" / "cacert.pem"

    @property
    def image_environment(self) -> dict[str, str]:
        """What our image's ENV sets."""
        return self._codes["ours"].environment

    def _code(self, context: Path) -> Code:
        """What the Lambda host makes of an image with that build context."""
        tag = f"{next(_numbers):064x}"
        assembly = self._folder / "assembly"
        assembly.mkdir(exist_ok=True)
        (assembly / f"asset.{tag}").symlink_to(context)
        code_store = CodeStore(self._folder, [assembly])
        return code_store.of(_function("image", _ROOM, image=f"local/images:{tag}"), lambda: b"")

    @contextmanager
    def running(
        self, name: Name, processors: float | None = None, memory: int | None = None, *, free_start: bool = False
    ) -> Iterator[Running]:
        """A process that has just been started, with so many processors, or as many as `memory` (MB) brings.

        With `memory`, the function is ended as soon as it holds more. With `free_start`, its processors are limited
        once its imports are done.
        """
        if processors is None:
            processors = processors_at(memory or _ROOM)
        with ExitStack() as stack:
            environment = ExecutionEnvironment(
                _function(name, memory or _ROOM),
                self._codes[name],
                self._folder / f"environment-{next(_numbers)}",
                self._aws.environment(self._authorities(name)),
            )
            stack.callback(environment.close)
            if free_start:
                environment.initialise()
            process = max(psutil.Process().children(), key=lambda child: (child.create_time(), child.pid))
            stack.enter_context(limited(process.pid, processors))
            yield Running(name, environment, process, self._aws)

    def first_photo(self, name: Name, kind: Kind, processors: float, *, free_start: bool = False) -> float:
        """Seconds from the start of a new process until its first photo is done."""
        began = time.perf_counter()
        with self.running(name, processors, free_start=free_start) as function:
            function.photo(kind)
            return time.perf_counter() - began

    def first_result(self, name: Name, kind: Kind, processors: float) -> float:
        """Seconds from the start of a new process until the result of its first photo is stored."""
        began = time.perf_counter()
        with self.running(name, processors) as function:
            return function.until_stored(kind, began)


def _function(name: str, memory: int, image: str | None = None) -> Function:
    variables = {
        "PROCESSED_BUCKET": PROCESSED,
        "COLLECTION_ID": "bench",
        "INBOX_URL": "https://127.0.0.1/inbox",
        "RETRY_AFTER": "10",
        "LONG_EDGE": "2048",
    }
    configuration = {
        "FunctionName": name,
        "FunctionArn": f"arn:aws:lambda:ap-southeast-2:111122223333:function:{name}",
        "Timeout": 60,
        "MemorySize": memory,
        "ImageUri": image,
        "Environment": {"Variables": variables},
    }
    return Function.from_configuration(configuration, {})


def _event(name: Name, kind: Kind, key: str) -> bytes:
    photo = kind.path.read_bytes()
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": RAW},
            "object": {"key": key, "eTag": hashlib.md5(photo).hexdigest(), "size": len(photo), "versionId": VERSION},
        },
    }
    notification = {"Records": [record]}
    if name not in OURS:  # the 2019 workshop's bucket called its function directly
        return json.dumps(notification).encode()
    return json.dumps({"Records": [{"messageId": "1", "body": json.dumps(notification)}]}).encode()
