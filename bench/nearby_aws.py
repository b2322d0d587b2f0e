"""Amazon S3 and Rekognition as a stopwatch needs them: over TLS on loopback, every answer after a fixed wait.

Not an emulator: ministack takes milliseconds that vary, speaks no TLS and has no wait to set. This one knows only what
the timed functions ask. A raw photo's key says what lies under it, `12-megapixels-6-faces/anything.jpg`, so that each
run has a photo of its own; what is uploaded is kept until 16 newer objects have come, and when each result was
confirmed is kept too.
"""

import hashlib
import io
import json
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from bench.photos import Kind

FIRST_BYTE = 0.025
"""Seconds until S3 answers a read."""

UPLOAD = 0.030
"""Seconds that S3 takes to confirm a write, once it is all there."""

REKOGNITION = 0.400
"""Seconds that IndexFaces takes."""

RAW, PROCESSED = "raw-photos", "processed-photos"

VERSION = "v1"
"""The version ID of every raw photo."""

_KEPT = 16
_ASK_WHEN = "/result-confirmed/"


@dataclass(frozen=True, slots=True)
class NearbyAws:
    """A running server: its address, and the certificate that a client must trust."""

    url: str
    certificate: Path

    def environment(self, authorities: Path) -> dict[str, str]:
        """Environment variables that make boto3 use this server and no other.

        `authorities` is the bundle that it would trust in AWS: reading it is part of each new connection.
        """
        trusted = authorities.read_text() + self.certificate.read_text()
        ca_bundle = self.certificate.with_name(f"{hashlib.sha256(trusted.encode()).hexdigest()[:16]}.pem")
        ca_bundle.write_text(trusted)
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(ca_bundle),
            "AWS_ACCESS_KEY_ID": "111122223333",
            "AWS_SECRET_ACCESS_KEY": "local",
            "NO_PROXY": "127.0.0.1",
            "BOTO_DISABLE_CRT": "true",  # the image has no awscrt
        }

    def result_confirmed(self, key: str) -> float:
        """When the write of this raw photo's result was confirmed, on the clock of `time.perf_counter`."""
        trusting = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(f"{self.url}{_ASK_WHEN}{quote(key)}", context=trusting) as answer:
            return float(answer.read())


@contextmanager
def nearby_aws(folder: Path) -> Iterator[NearbyAws]:
    """A server in a process of its own, for as long as the context lasts; its certificate is made in `folder`."""
    certificate, key = _certificate(folder)
    command = [sys.executable, "-m", "bench.nearby_aws", str(certificate), str(key)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            port = int(server.stdout.readline())
            yield NearbyAws(f"https://127.0.0.1:{port}", certificate)
        finally:
            server.terminate()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    if not shutil.which("openssl"):
        raise SystemExit("The benchmarks speak TLS and need the command openssl for a certificate; install it.")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    asked = "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(["openssl", *asked.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate: str, key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, key)
        self.stored: OrderedDict[str, bytes] = OrderedDict()
        self.confirmed: dict[str, float] = {}
        self.parts: dict[str, dict[int, bytes]] = {}

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake belongs into the connection's own thread.
        with self._tls.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections: a function that is killed leaves them open."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_HEAD(self) -> None:
        self._read()

    def do_GET(self) -> None:
        self._read()

    def do_DELETE(self) -> None:
        time.sleep(UPLOAD)
        self.server.stored.pop(self._key(), None)
        self._answer(204)

    def do_PUT(self) -> None:
        body, query = self._body(), parse_qs(urlsplit(self.path).query)
        time.sleep(UPLOAD)
        if "partNumber" in query:
            self.server.parts[query["uploadId"][0]][int(query["partNumber"][0])] = body
        else:
            self._store(body)
        if self._key().startswith(_RESULTS):
            # perf_counter is the system's own monotonic clock on Linux and macOS: the same in every process.
            self.server.confirmed[self._key().removeprefix(_RESULTS)] = time.perf_counter()
        self._answer(200, headers={"ETag": _etag(body)})

    def do_POST(self) -> None:
        body, query = self._body(), parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "X-Amz-Target" in self.headers:
            time.sleep(REKOGNITION)
            self._answer(200, _index_faces(json.loads(body)), {"Content-Type": "application/x-amz-json-1.1"})
        elif "uploads" in query:
            time.sleep(FIRST_BYTE)
            upload = f"upload-{time.monotonic_ns()}"
            self.server.parts[upload] = {}
            answer = f"<Bucket>b</Bucket><Key>k</Key><UploadId>{upload}</UploadId>"
            self._answer(200, f"<InitiateMultipartUploadResult>{answer}</InitiateMultipartUploadResult>".encode(), _XML)
        else:
            time.sleep(UPLOAD)
            parts = self.server.parts.pop(query["uploadId"][0])
            self._store(b"".join(parts[number] for number in sorted(parts)))
            self._answer(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>", _XML)

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _read(self) -> None:
        key = self._key()
        if key.startswith(_ASK_WHEN):
            photo = key.removeprefix(_ASK_WHEN)
            return self._answer(
                200, str(max(t for k, t in self.server.confirmed.items() if k.startswith(photo))).encode()
            )
        time.sleep(FIRST_BYTE)
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            beginning = f"/{PROCESSED}/{query['prefix'][0]}"
            keys = [name.removeprefix(f"/{PROCESSED}/") for name in self.server.stored if name.startswith(beginning)]
            items = "".join(f"<Contents><Key>{name}</Key></Contents>" for name in keys)
            listed = f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
            return self._answer(200, listed.encode(), _XML)
        content = photo_under(key) if key.startswith(f"/{RAW}/") else self.server.stored.get(key)
        if content is None:
            missing = b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>"
            return self._answer(404, missing if self.command == "GET" else b"", _XML)
        headers = {"ETag": _etag(content), "Last-Modified": "Sun, 22 Nov 2026 00:00:00 GMT", "Accept-Ranges": "bytes"}
        if key.startswith(f"/{RAW}/"):
            headers["x-amz-version-id"] = VERSION
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return self._answer(206, content[first : last + 1], headers)
        if self.headers.get("x-amz-checksum-mode"):
            headers["x-amz-checksum-crc32"] = _crc32(content)
        return self._answer(200, content, headers)

    def _store(self, body: bytes) -> None:
        self.server.stored[self._key()] = body
        while len(self.server.stored) > _KEPT:
            self.server.stored.popitem(last=False)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = _unchunked(self.rfile)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            # Chunks of S3's own, and the checksum after them.
            body = _unchunked(io.BytesIO(body))
        return body

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


_XML = {"Content-Type": "application/xml"}
_RESULTS = f"/{PROCESSED}/results/"


def _unchunked(stream: Any) -> bytes:
    chunks = []
    while size := int(stream.readline().split(b";")[0], 16):
        chunks.append(stream.read(size))
        stream.readline()
    while stream.readline().strip():
        pass
    return b"".join(chunks)


def photo_under(key: str) -> bytes:
    """The photo under this raw key."""
    return _photo(Kind.of(key).path)


@cache
def _photo(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


@cache
def _crc32(content: bytes) -> str:
    return b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def _index_faces(asked: dict[str, Any]) -> bytes:
    """As many faces as the key says; an image that comes as bytes is taken for a photo of six."""
    faces = Kind.of(asked["Image"]["S3Object"]["Name"]).faces if "S3Object" in asked["Image"] else 6
    return _records(faces)


@cache
def _records(faces: int) -> bytes:
    columns = max(1, round((faces * 4 / 3) ** 0.5))
    rows = -(-faces // columns)
    records = []
    for number in range(faces):
        left, top = (number % columns + 0.3) / columns, (number // columns + 0.25) / rows
        detail = _DETAIL | {"BoundingBox": {"Left": left, "Top": top, "Width": 0.3 / columns, "Height": 0.4 / rows}}
        face = {"FaceId": f"{number:08}-1111-4222-8333-444455556666", "Confidence": 99.9}
        records.append({"Face": face | {"BoundingBox": detail["BoundingBox"]}, "FaceDetail": detail})
    return json.dumps({"FaceRecords": records, "UnindexedFaces": [], "FaceModelVersion": "7.0"}).encode()


def _yes(confidence: float) -> dict[str, Any]:
    return {"Value": True, "Confidence": confidence}


_EMOTIONS = ("HAPPY", "CALM", "SURPRISED", "FEAR", "SAD", "CONFUSED", "ANGRY", "DISGUSTED")
# As long as a real answer about one face: 30 landmarks, 8 emotions.
_DETAIL = {
    "AgeRange": {"Low": 24, "High": 32},
    **dict.fromkeys(("Smile", "Eyeglasses", "Sunglasses", "Beard", "Mustache", "EyesOpen", "MouthOpen"), _yes(97.25)),
    "FaceOccluded": _yes(96.5),
    "Gender": {"Value": "Female", "Confidence": 99.1},
    "Emotions": [{"Type": emotion, "Confidence": 90.5 / 3**n} for n, emotion in enumerate(_EMOTIONS)],
    "Landmarks": [{"Type": f"point{n}", "X": 0.3123456789 + n / 100, "Y": 0.4123456789} for n in range(30)],
    "Pose": {"Roll": 1.2345678, "Yaw": -3.4567, "Pitch": 5.6789},
    "Quality": {"Brightness": 83.4567, "Sharpness": 92.2276},
    "EyeDirection": {"Yaw": 1.25, "Pitch": -2.5, "Confidence": 99.5},
    "Confidence": 99.99,
}


def main() -> None:
    """Serve until standard input ends: `python -m bench.nearby_aws CERTIFICATE KEY`; the port is the only output."""
    server = _Server(*sys.argv[1:])
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
