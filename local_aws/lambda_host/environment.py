"""One execution environment: a process that serves one invocation after another, as long as it stays healthy."""

import contextlib
import json
import math
import os
import queue
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from local_aws import processes
from local_aws.errors import LocalAwsError
from local_aws.lambda_host.code import Code
from local_aws.lambda_host.function import Function
from local_aws.lambda_host.logs import LogEvent, Report, report_lines, start_lines
from local_aws.lambda_host.runtime_api import Failure, Invocation, Message, Ready, Response, RuntimeApi
from workshop.aws.cdk import node

INIT_TIMEOUT = 10.0
"""Seconds that Lambda gives a runtime to start before the function's own time-out begins (Lambda developer guide,
"Lambda execution environment lifecycle")."""

_LOOK_EVERY = 0.05
_ERROR_OF_SIGNAL = {
    signal.SIGKILL: "signal: killed",
    signal.SIGSEGV: "signal: segmentation fault",
    signal.SIGABRT: "signal: aborted",
    signal.SIGTERM: "signal: terminated",
}
_RUNTIMES = Path(__file__).parent
_NODE_MODULES = Path(__file__).parents[2] / "node_modules"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an invocation: the handler's answer as JSON, or AWS's error shape, and its log."""

    payload: bytes
    is_error: bool
    log: tuple[LogEvent, ...]


class ExecutionEnvironment:
    """A function's process and its Runtime API.

    `endpoints` are the variables that direct the function's AWS clients to the local AWS. The process has no other
    variables from this one, only those that Lambda sets and the function's own.
    """

    def __init__(self, function: Function, code: Code, folder: Path, endpoints: Mapping[str, str]) -> None:
        self.function = function
        self.log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        self.healthy = True
        self._folder = folder
        self._folder.mkdir()
        (self._folder / "tmp").mkdir()
        self._api = RuntimeApi()
        self._started = time.monotonic()
        self._init_seconds = 0.0
        self._initialised: Message | _TimedOut | _Died | None = None
        self._invoked = False
        self._most_memory = 0
        with (self._folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                _command(code),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=code.task_root,
                env=self._variables(code) | dict(endpoints),
                start_new_session=True,
            )
        self._output = (self._folder / "output").open("rb")
        self._watched = psutil.Process(self._process.pid)

    def _variables(self, code: Code) -> dict[str, str]:
        """Lambda's variables (developer guide, "Defined runtime environment variables") and the function's own."""
        function = self.function
        return {
            **code.environment,
            **dict(function.environment),
            **dict(function.credentials),
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_LAMBDA_LOG_FORMAT": function.log_format,
            **({"AWS_LAMBDA_LOG_LEVEL": function.log_level} if function.log_level else {}),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{code.runtime}",
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "_HANDLER": code.handler,
            "LAMBDA_TASK_ROOT": str(code.task_root),
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "PATH": os.defpath,
            "BOTO_DISABLE_CRT": "true",  # the commands install it; Lambda's runtimes and our image have none
            "HOME": str(self._folder / "tmp"),
            "TMPDIR": str(self._folder / "tmp"),
            "NODE_PATH": str(_NODE_MODULES),  # Lambda's Node.js runtime includes the AWS SDK
        }

    def initialise(self) -> "Message | _TimedOut | _Died":
        """Wait until the runtime asks for its first invocation or fails: Lambda's Init phase."""
        if self._initialised is None:
            self._initialised = self._await(Ready, until=self._started + INIT_TIMEOUT + self.function.timeout)
            self._init_seconds = time.monotonic() - self._started
        return self._initialised

    def invoke(self, event: bytes, request_id: str) -> Outcome:
        """Run the handler on `event` (JSON), within the function's time-out and memory."""
        first, self._invoked = not self._invoked, True
        lines = start_lines(self.function, request_id)
        if first:
            starting = self.initialise()
        else:
            starting = self._await(Ready, until=time.monotonic() + INIT_TIMEOUT + self.function.timeout)
        began = time.monotonic()
        if isinstance(starting, Ready):
            deadline = time.time() + self.function.timeout
            self._api.deliver(Invocation(request_id, self.function.arn, deadline, event))
            ending = self._await(Response, until=began + self.function.timeout)
        else:
            ending = starting
        seconds = time.monotonic() - began

        outcome = self._judge(ending, request_id)
        self._look_at_memory()
        lines += self._written(request_id, outcome)
        init_seconds = self._init_seconds if first else None
        lines += report_lines(self.function, self._report(request_id, seconds, init_seconds, outcome))
        return Outcome(outcome.payload, outcome.status != "success", tuple(lines))

    def interrupt(self) -> None:
        """Kill the process. A running invocation is answered as a crash."""
        processes.kill(self._process)

    def close(self) -> None:
        """End the process and remove its files."""
        self.healthy = False
        processes.kill(self._process)
        self._api.close()
        self._output.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _await(self, wanted: type[Message], until: float) -> "Message | _TimedOut | _Died":
        """The next message that is `wanted` or a failure, or the reason why there is none."""
        while True:
            try:
                message = self._api.messages.get(timeout=_LOOK_EVERY)
            except queue.Empty:
                pass
            else:
                if isinstance(message, wanted | Failure):
                    return message
                continue
            if self._process.poll() is not None and self._api.messages.empty():
                return _Died(self._process.returncode)
            self._look_at_memory()
            if self._most_memory > self.function.memory:
                processes.kill(self._process)
                return _Died(-signal.SIGKILL)
            if time.monotonic() >= until:
                processes.kill(self._process)
                return _TimedOut()

    def _look_at_memory(self) -> None:
        """Record the maximum of the process's resident memory, in MB."""
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            resident = self._watched.memory_info().rss
            self._most_memory = max(self._most_memory, math.ceil(resident / 2**20))

    def _judge(self, ending: "Message | _TimedOut | _Died", request_id: str) -> "_Outcome":
        """The invocation's answer as Lambda words it. A failed environment is not used again."""
        match ending:
            case Response(payload):
                return _Outcome(payload, "success")
            case Failure():
                self.healthy = not ending.during_init
                return _Outcome(ending.payload, "error", ending.error_type)
            case _TimedOut():
                self.healthy = False
                sentence = f"Task timed out after {self.function.timeout}.00 seconds"
                return _Outcome(_error("Sandbox.Timedout", request_id, sentence), "timeout", log_text=sentence)
            case _Died(code):
                self.healthy = False
                sentence = _why_it_died(code)
                log_text = f"Error: {sentence}\nRuntime.ExitError"
                return _Outcome(
                    _error("Runtime.ExitError", request_id, sentence), "error", "Runtime.ExitError", log_text=log_text
                )
            case _:
                raise AssertionError(ending)

    def _written(self, request_id: str, outcome: "_Outcome") -> list[LogEvent]:
        """The process's new output, and the lines that Lambda adds if it had to end the process."""
        # awslambdaric ends the lines of a stack trace with carriage returns, so that the trace stays one log event.
        text = self._output.read().decode(errors="replace")
        lines = [LogEvent.now(line.replace("\r", "\n")) for line in text.split("\n") if line.strip()]
        if outcome.log_text:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            prefix = f"{now} {request_id} " if outcome.status == "timeout" else f"RequestId: {request_id} "
            lines.append(LogEvent.now(prefix + outcome.log_text))
        return lines

    def _report(self, request_id: str, seconds: float, init_seconds: float | None, outcome: "_Outcome") -> Report:
        return Report(
            request_id=request_id,
            milliseconds=seconds * 1000,
            init_milliseconds=None if init_seconds is None else init_seconds * 1000,
            most_memory=min(self._most_memory, self.function.memory),
            status=outcome.status,
            error_type=outcome.error_type,
        )


@dataclass(frozen=True, slots=True)
class _TimedOut:
    """The function timed out and its process was killed."""


@dataclass(frozen=True, slots=True)
class _Died:
    """The process ended without an answer; `code` as in Popen.returncode."""

    code: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    payload: bytes
    status: str
    error_type: str | None = None
    log_text: str | None = None


def _why_it_died(code: int) -> str:
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    return f"Runtime exited with error: {_ERROR_OF_SIGNAL.get(signal.Signals(-code), f'signal: {-code}')}"


def _error(error_type: str, request_id: str, sentence: str) -> bytes:
    shape = {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {sentence}"}
    return json.dumps(shape).encode()


def _command(code: Code) -> list[str]:
    if code.runtime.startswith("python"):
        return [sys.executable, "-P", str(_RUNTIMES / "python_runtime.py"), code.handler]
    if code.runtime.startswith("nodejs"):
        return [node(), str(_RUNTIMES / "node_runtime.cjs"), code.handler]
    raise LocalAwsError(f"The local AWS runs Python and Node.js functions only, not {code.runtime!r}.")
