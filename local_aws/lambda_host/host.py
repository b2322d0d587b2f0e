"""The Lambda service of the local AWS: takes invocations over HTTP and runs each in an execution environment."""

import base64
import contextlib
import importlib.util
import json
import logging
import shutil
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local_aws.clients import client
from local_aws.errors import LocalAwsError
from local_aws.lambda_host.code import CodeStore, downloaded
from local_aws.lambda_host.environment import ExecutionEnvironment, Outcome
from local_aws.lambda_host.function import Function
from local_aws.lambda_host.logs import CloudWatchLogs

_log = logging.getLogger(__name__)

MOST_IDLE = 8
"""The most idle environments that are kept warm, for all functions together; more could fill the memory."""

_LOG_TAIL = 4096
"""Bytes of log that Invoke returns on request (API reference, LogResult)."""


class LambdaHost:
    """Runs each invocation in a separate process, which is kept warm for the next one.

    `emulator` is the URL of the emulator with the functions and their log groups, and `rekognition` that of the
    Rekognition-compatible server, if any. `assemblies` are the `cdk.out` folders of image functions. `folder` is
    created for the functions' code and temporary files, and removed at the end. Of the processes that have not
    answered yet, which are the slow ones, only `starting_at_once` run at the same time, first come, first served.

    The emulator POSTs `{"configuration": GetFunctionConfiguration's answer, "credentials": environment variables,
    "request_id": …, "event": …}` to `url`. The answer is `{"payload": …, "is_error": …, "log": the last 4 KB}`.
    """

    def __init__(
        self,
        emulator: str,
        rekognition: str | None = None,
        *,
        folder: Path,
        assemblies: Iterable[Path] = (),
        port: int = 0,
        starting_at_once: int | None = None,
    ) -> None:
        self._emulator = emulator
        self._endpoints = {"AWS_ENDPOINT_URL": emulator}
        if rekognition:
            self._endpoints["AWS_ENDPOINT_URL_REKOGNITION"] = rekognition
        self._folder = folder
        self._assemblies = list(assemblies)
        self._port = port
        self._idle: list[ExecutionEnvironment] = []
        self._busy: set[ExecutionEnvironment] = set()
        self._starting: AbstractContextManager[object] = (
            threading.Semaphore(starting_at_once) if starting_at_once else contextlib.nullcontext()
        )
        self._lock = threading.RLock()
        self._nobody_is_busy = threading.Condition(self._lock)
        self._started = 0
        self._open = False

    def __enter__(self) -> Self:
        if importlib.util.find_spec("awslambdaric") is None:
            raise LocalAwsError("awslambdaric is not installed, so no function can run; `make demo` installs it.")
        self._folder.mkdir()
        self.code = CodeStore(self._folder, self._assemblies)
        self.logs = CloudWatchLogs(self._emulator)
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.host = self
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="lambda-host").start()
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._open = False
            idle, self._idle = self._idle, []
            for environment in self._busy:
                environment.interrupt()
        self._server.shutdown()
        self._server.server_close()
        for environment in idle:
            environment.close()
        with self._lock:
            self._nobody_is_busy.wait_for(lambda: not self._busy, timeout=5)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """The URL for invocations."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def invoke(self, function: Function, event: bytes, request_id: str) -> Outcome:
        """Run `function` on `event` (JSON) in a warm environment, or in a new one."""
        if environment := self._warm(function):
            return self._run(environment, event, request_id)
        with self._starting:
            return self._run(self._warm(function) or self._new(function), event, request_id)

    def _run(self, environment: ExecutionEnvironment, event: bytes, request_id: str) -> Outcome:
        try:
            outcome = environment.invoke(event, request_id)
        finally:
            self._give_back(environment)
        self.logs.write(environment.function, environment.log_stream, outcome.log)
        return outcome

    def _warm(self, function: Function) -> ExecutionEnvironment | None:
        with self._lock:
            if not self._open:
                raise LocalAwsError("The local AWS is stopping.")
            warm = next((idle for idle in reversed(self._idle) if idle.function == function), None)
            if warm:
                self._idle.remove(warm)
                self._busy.add(warm)
            return warm

    def _new(self, function: Function) -> ExecutionEnvironment:
        with self._lock:
            self._started += 1
            number = self._started
            # Environments of earlier versions of the function remain.
            outdated = [idle for idle in self._idle if idle.function.arn == function.arn]
            self._idle = [idle for idle in self._idle if idle not in outdated]
        for environment in outdated:
            environment.close()
        code = self.code.of(function, lambda: self._zip_of(function))
        environment = ExecutionEnvironment(function, code, self._folder / f"environment-{number}", self._endpoints)
        with self._lock:
            self._busy.add(environment)
            if not self._open:
                environment.interrupt()
        return environment

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        surplus = [environment]
        with self._lock:
            if environment.healthy and self._open:
                self._idle.append(environment)
                surplus, self._idle = self._idle[:-MOST_IDLE], self._idle[-MOST_IDLE:]
        for each in surplus:
            each.close()
        with self._lock:
            self._busy.discard(environment)
            self._nobody_is_busy.notify_all()

    def _zip_of(self, function: Function) -> bytes:
        functions = client("lambda", self._emulator, function.region, function.account)
        return downloaded(functions.get_function(FunctionName=function.arn)["Code"]["Location"])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    host: LambdaHost


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        function = Function.from_configuration(asked["configuration"], asked["credentials"])
        event = json.dumps(asked["event"], ensure_ascii=False).encode()
        try:
            outcome = self.server.host.invoke(function, event, asked["request_id"])
            log = "\n".join(line.message for line in outcome.log).encode()[-_LOG_TAIL:]
            answer = {"payload": _json(outcome.payload), "is_error": outcome.is_error}
        except Exception as error:
            if not isinstance(error, LocalAwsError):
                _log.exception("%s could not be run", function.name)
            log = str(error).encode()
            answer = {
                "payload": {"errorType": "Runtime.Unknown", "errorMessage": f"local AWS: {error}"},
                "is_error": True,
            }
        body = json.dumps(answer | {"log": base64.b64encode(log).decode()}).encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing: only the functions' own logs matter."""


def _json(payload: bytes) -> Any:
    """The value of a payload. A handler's answer can also be bytes that are not JSON."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
