"""An AWS that refuses everything; the emulator accepts whatever credentials it is given."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Refusing(BaseHTTPRequestHandler):
    """An AWS that refuses everything with one code; the emulator accepts whatever it is given."""

    def do_POST(self) -> None:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{self.server.code}</Code>"  # type: ignore[attr-defined]
            "<Message>no, never</Message></Error></ErrorResponse>"
        ).encode()
        self.send_response(403)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class RefusingServer(ThreadingHTTPServer):
    code = "AccessDenied"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
