"""An Amazon S3 with injected faults: a proxy on loopback.

It is a proxy between functions and the emulator: set `AWS_ENDPOINT_URL_S3` for a function to use it. For every
request, `decide` returns a Fault, or None to let it pass. Because a function calls S3 in a known order, the proxy can
also kill the function at a chosen step, or change objects meanwhile.
"""

import contextlib
import http.client
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

import psutil

Kind = Literal[
    "500", "503", "reset", "lost answer", "truncated", "slow", "killed before", "killed during", "killed after"
]
"""The faults.

"500", "503" (SlowDown), "reset" (of the connection) and "killed before" happen before S3 receives the request. "lost
answer" and "killed after" happen after S3 has carried it out. A "truncated" body ends in the middle, a "slow" one is
delayed. "killed during" kills the caller after half of the body.
"""

_CODES = {"500": (500, "InternalError"), "503": (503, "SlowDown")}
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "host"}
_PIECES = 20


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `key` is decoded, and empty for a request on a bucket."""

    method: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for one request. `seconds` is the duration of a "slow" body."""

    kind: Kind
    seconds: float = 0.0


Decide = Callable[[Request], Fault | None]


class FaultyS3:
    """A proxy on 127.0.0.1 in front of the S3 at `upstream`; a context manager.

    Calls `decide` once for each request, in that request's thread. A kill is a SIGKILL for the process at the other
    end of the connection, and only if it is a descendant of this process.
    """

    def __init__(self, upstream: str, decide: Decide = lambda _request: None) -> None:
        self.upstream = urlsplit(upstream)
        self.decide = decide

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"faulty": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="faulty-s3", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address for AWS_ENDPOINT_URL_S3."""
        return f"http://127.0.0.1:{self._http.server_port}"


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignored: closed connections and killed callers are expected."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    faulty: FaultyS3

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        bucket, _, key = path.removeprefix("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.faulty.decide(Request(self.command, bucket, unquote(key))) or Fault("slow")
        if fault.kind in _CODES:
            self._refuse(*_CODES[fault.kind])
        elif fault.kind == "reset":
            self._reset()
        elif fault.kind == "killed before":
            self._kill()
        else:
            self._forward(body, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer

    def _forward(self, body: bytes, fault: Fault) -> None:
        upstream = http.client.HTTPConnection(self.faulty.upstream.netloc, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        upstream.request(self.command, self.path, body or None, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if fault.kind == "killed after":
            self._kill()
        elif fault.kind == "lost answer":
            self._reset()
        else:
            self._send(answer, content, fault)

    def _send(self, answer: http.client.HTTPResponse, content: bytes, fault: Fault) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(content)))
        self.end_headers()
        half = len(content) // 2
        if fault.kind == "killed during":
            self.wfile.write(content[:half])
            self._kill()
        elif fault.kind == "truncated":
            self.wfile.write(content[:half])
            self.close_connection = True
        elif fault.seconds:
            step = len(content) // _PIECES + 1
            for start in range(0, len(content), step):
                self.wfile.write(content[start : start + step])
                time.sleep(fault.seconds / _PIECES)
        else:
            self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>played</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        """Close the connection; with a linger time of zero, the kernel sends a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _kill(self) -> None:
        self.close_connection = True
        port = self.client_address[1]
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if any(connection.laddr.port == port for connection in process.net_connections("tcp4")):
                    os.kill(process.pid, signal.SIGKILL)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing."""
