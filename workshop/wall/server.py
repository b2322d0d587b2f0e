"""The wall's pages on 127.0.0.1: files, pictures, the desk's actions, and server-sent events for what changes.

Nothing here can be reached from another machine. A page of another origin in the same browser cannot act either: every
action needs a header that such a page may not send (Fetch Standard, "CORS-safelisted request-header"), another page's
`Origin` is refused, and so is a host name that somebody else points to 127.0.0.1. Each connection ends after one
request, so nothing that such a page hides in a body is taken for the next request.
"""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import segno

from workshop.terminal.errors import WorkshopError, aws_errors_as_sentences
from workshop.wall.evening import Evening

PAGES: Final = Path(__file__).with_name("pages")

TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

LARGEST_BODY: Final = 10_000
"""Bytes of an action."""

HEARTBEAT: Final = 5.0
"""Seconds after which a page that has nothing new hears that the server is alive."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class WallServer(ThreadingHTTPServer):
    """Serves one evening's pages; `port` 0 takes a free one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, evening: Evening, port: int) -> None:
        self.evening = evening
        super().__init__(("127.0.0.1", port), _Handler)

    def page(self, name: str) -> str:
        """The address of `desk` or `projector`."""
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignored: a closed page leaves its connection."""


@contextmanager
def running(evening: Evening, port: int) -> Iterator[WallServer]:
    """Serves the pages, and looks into S3 for them, until the block ends. Raises WorkshopError for a port in use."""
    try:
        server = WallServer(evening, port)
    except OSError as error:
        raise WorkshopError(
            f"Port {port} cannot be used: {error.strerror or error}.", "Choose another: emotions wall show --port 0"
        ) from None
    stop = threading.Event()
    with server:
        for work in (server.serve_forever, lambda: evening.run(stop)):
            threading.Thread(target=work, daemon=True).start()
        try:
            yield server
        finally:
            stop.set()
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: WallServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not self._is_for_us():
            self._answer(HTTPStatus.FORBIDDEN)
        elif path in ("/events/projector", "/events/desk"):
            self._stream(path.rpartition("/")[2])
        elif path.startswith("/pictures/"):
            self._picture(path.removeprefix("/pictures/"))
        elif path == "/qr.svg":
            self._qr_code()
        else:
            self._file({"/": "desk.html", "/desk": "desk.html", "/projector": "projector.html"}.get(path, path[1:]))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self._is_for_us() or self.headers.get("X-Wall") != "desk" or self.path != "/do":
            self._answer(HTTPStatus.FORBIDDEN)
            return
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            asked = json.loads(self.rfile.read(int(length)))
            with aws_errors_as_sentences():
                said = self.server.evening.do(str(asked["action"]), str(asked.get("id", "")))
        except WorkshopError as error:
            said = error.message
        except (ValueError, KeyError, TypeError):
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        self._answer(HTTPStatus.OK, json.dumps({"said": said}).encode(), "application/json")

    def _is_for_us(self) -> bool:
        host = self.headers.get("Host")
        ours = [f"{name}:{self.server.server_port}" for name in ("127.0.0.1", "localhost")]
        return host in ours and self.headers.get("Origin", f"http://{host}") == f"http://{host}"

    def _stream(self, page: str) -> None:
        evening = self.server.evening
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        version = -1
        while True:
            current = evening.wait(version, HEARTBEAT)
            if current == version:
                self.wfile.write(b": alive\n\n")
            else:
                version = current
                state = evening.desk() if page == "desk" else evening.projector()
                self.wfile.write(f"data: {json.dumps(state)}\n\n".encode())
            self.wfile.flush()

    def _picture(self, id_: str) -> None:
        try:
            with aws_errors_as_sentences():
                picture = self.server.evening.picture(id_)
        except WorkshopError:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        if picture is None:
            self._answer(HTTPStatus.NOT_FOUND)
        else:
            self._answer(HTTPStatus.OK, picture, "image/jpeg")

    def _qr_code(self) -> None:
        address = self.server.evening.address
        if address is None:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        svg = io.BytesIO()
        segno.make_qr(address, error="m").save(svg, kind="svg", border=4, light="white", xmldecl=False, omitsize=True)
        self._answer(HTTPStatus.OK, svg.getvalue(), "image/svg+xml")

    def _file(self, name: str) -> None:
        file = PAGES / name
        if name not in {each.name for each in PAGES.iterdir()}:
            self._answer(HTTPStatus.NOT_FOUND)
        else:
            self._answer(HTTPStatus.OK, file.read_bytes(), f"{TYPES[file.suffix]}; charset=utf-8")

    def _answer(self, status: HTTPStatus, body: bytes = b"", type_: str = "text/plain") -> None:
        self.send_response(status)
        headers = {
            "Content-Type": type_,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": _POLICY,
            "Cache-Control": "no-store",  # a forgotten picture must not stay in the browser's cache
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing: the terminal shows the addresses only."""
