"""The Lambda Runtime API of one execution environment, on loopback.

The paths and headers are those of https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. A runtime asks for
the next invocation, and posts a response or an error; each of these becomes a message for the host.
"""

import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_RUNTIME = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for the function; `deadline` in seconds since 1970."""

    request_id: str
    arn: str
    deadline: float
    event: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """The runtime asked for its next invocation: it has started, or finished the last one."""


@dataclass(frozen=True, slots=True)
class Response:
    """The handler's return value."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """The handler's exception, or the reason why the runtime could not start; the payload is AWS's error shape."""

    payload: bytes
    during_init: bool = False

    @property
    def error_type(self) -> str:
        """The error's type, such as Runtime.ImportModuleError, or the exception's class."""
        error = json.loads(self.payload or b"{}")
        return str(error.get("errorType") or "Unhandled") if isinstance(error, dict) else "Unhandled"


Message = Ready | Response | Failure


class RuntimeApi:
    """One environment's server; closed with `close`."""

    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="runtime-api").start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API: host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def deliver(self, invocation: Invocation) -> None:
        """Pass `invocation` to the runtime, as soon as it asks."""
        self._invocations.put(invocation)

    def next(self) -> Invocation | None:
        """Wait for the next invocation and return it; None if the environment is closing."""
        self.messages.put(Ready())
        return self._invocations.get()

    def close(self) -> None:
        """Stop serving and release a waiting runtime."""
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: RuntimeApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignored: a killed runtime leaves its connection open."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise an event's header and body are two packets, and the second waits until the first is acknowledged. This
    # would add 40 ms to every invocation.
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if self.path != f"{_RUNTIME}/invocation/next":
            return self._answer(404)
        invocation = self.server.api.next()
        if invocation is None:
            self.close_connection = True
            return None
        return self._answer(
            200,
            invocation.event,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            },
        )

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == f"{_RUNTIME}/init/error":
            self.server.api.messages.put(Failure(payload, during_init=True))
        elif self.path.startswith(f"{_RUNTIME}/invocation/") and self.path.endswith("/response"):
            self.server.api.messages.put(Response(payload))
        elif self.path.startswith(f"{_RUNTIME}/invocation/") and self.path.endswith("/error"):
            self.server.api.messages.put(Failure(payload))
        else:
            return self._answer(404)
        return self._answer(202, b'{"status":"OK"}')

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing: only the function's own log matters."""
