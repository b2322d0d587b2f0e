"""Rekognition over HTTP for AWS SDKs: AWS JSON 1.1 on loopback."""

import contextlib
import json
import re
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from local_aws.errors import LocalAwsError
from local_aws.rekognition.collection import Place
from local_aws.rekognition.conditions import Conditions
from local_aws.rekognition.eyes import Eyes, Sight
from local_aws.rekognition.operations import Call, Rekognition
from local_aws.rekognition.permissions import Permissions
from local_aws.rekognition.refusal import Refusal
from local_aws.rekognition.s3_objects import Caller, S3Objects
from local_aws.rekognition.service_model import answer_to, request_from

LARGEST_BODY = 32 * 1024 * 1024
"""The most bytes of a request that are read. Far above the 5 MB for an image, so that a larger one gets an answer."""

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/\s]+)/\d{8}/(?P<region>[^/\s]+)/rekognition/aws4_request")


def account_of(access_key: str) -> str:
    """The account of an access key: the key itself if it has 12 digits, as in the emulator, otherwise 000000000000."""
    return access_key if re.fullmatch(r"\d{12}", access_key) else "000000000000"


class RekognitionServer:
    """A Rekognition-compatible server on 127.0.0.1 that really finds faces.

    `s3_endpoint` is where S3Object images are read from, as the caller. `port` 0 takes a free one. `account_of`
    replaces the rule above where keys mean something else. `permissions` holds callers to their policies; without it
    everybody may do everything. `conditions` plays quotas, latency and faults, and counts the calls.

    All state is in memory and ends with `stop`. Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        s3_endpoint: str | None = None,
        port: int = 0,
        *,
        account_of: Callable[[str], str] = account_of,
        conditions: Conditions | None = None,
        sight: Sight | None = None,
        permissions: Permissions | None = None,
    ) -> None:
        self.conditions = conditions or Conditions()
        self.account_of = account_of
        self._permissions = permissions
        self.eyes = Eyes()
        self._opening: threading.Thread | None = None
        self._needs_eyes = sight is None
        self.rekognition = Rekognition(sight or self.eyes, S3Objects(s3_endpoint))
        self._port = port
        self._http: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The value for boto3's `endpoint_url`. Raises RuntimeError before `start`."""
        if self._http is None:
            raise RuntimeError("the Rekognition server is not running; start it first")
        return f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> Self:
        """Start to listen, and start face-api in the background. Returns when requests are accepted.

        Raises OSError if the port is taken.
        """
        if self._http is not None:
            return self
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._http = _Http(("127.0.0.1", self._port), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="rekognition", daemon=True)
        self._thread.start()
        if self._needs_eyes:
            self._opening = threading.Thread(target=_open_quietly, args=(self.eyes,), name="eyes", daemon=True)
            self._opening.start()
        return self

    def stop(self) -> None:
        """Stop listening and end face-api's process. Safe to repeat."""
        http, self._http = self._http, None
        if http is not None:
            http.shutdown()
            http.server_close()
        for thread in filter(None, (self._thread, self._opening)):
            thread.join()
        self._thread = self._opening = None
        self.eyes.close()

    def answer(self, operation: str, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """The service's answer as JSON values. Raises Refusal."""
        known = self._permissions.account_of(caller) if self._permissions else None
        place = Place(known or self.account_of(caller.access_key), caller.region)
        try:
            self.conditions.meet(place, operation)
            request = request_from(operation, body)
            if self._permissions:
                self._permissions.require(caller, place, operation, request)
            return answer_to(operation, self.rekognition.named[operation](Call(caller, place, request)))
        except Refusal as refusal:
            self.conditions.refused(operation, refusal.code)
            raise


def _open_quietly(eyes: Eyes) -> None:
    with contextlib.suppress(LocalAwsError):  # the first photo will say what is wrong
        eyes.open()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore closed connections, for example of a function that timed out."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server_of: RekognitionServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        """One operation."""
        body = self._body()
        if body is not None:
            self._operation(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the signature is the library's)
        """Logs nothing: requests contain faces."""

    def _body(self) -> bytes | None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            self._refuse(Refusal("RequestEntityTooLargeException", "Request size is too large.", 413))
            return None
        return self.rfile.read(length)

    def _operation(self, body: bytes) -> None:
        try:
            answer = self._answer(body)
        except Refusal as refusal:
            self._refuse(refusal)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self._refuse(Refusal("InternalServerError", "Internal server error", 500))
        else:
            self._send(200, answer)

    def _answer(self, body: bytes) -> dict[str, Any]:
        target, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        if target != "RekognitionService" or operation not in self.server_of.rekognition.named:
            raise Refusal("UnknownOperationException", f"Rekognition here has no operation {operation or target!r}")
        credential = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        if credential is None:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        try:
            request = json.loads(body or b"{}")
        except ValueError as error:
            raise Refusal("SerializationException", "The request is not JSON") from error
        caller = Caller(credential["key"], credential["region"], self.headers.get("X-Amz-Security-Token"))
        return self.server_of.answer(operation, request, caller)

    def _refuse(self, refusal: Refusal) -> None:
        modelled = refusal.code != "ValidationException"
        body = {"__type": refusal.code, "Message" if modelled else "message": refusal.message}
        if modelled:
            body |= {"Code": refusal.code, "Logref": str(uuid.uuid4())}
        self._send(refusal.status, body)

    def _send(self, status: int, answer: dict[str, Any], content_type: str = "application/x-amz-json-1.1") -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.end_headers()
        self.wfile.write(body)
