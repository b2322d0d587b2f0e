"""Played guests of the wall: they send a photo through the door as the phone's page does, and wait for the result."""

import http.client
import itertools
import json
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np

from local_aws.demo import SAMPLES

PATIENCE = 120
"""Seconds for which the page tries to send."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door answered; `body` is JSON, except for the page and a picture."""

    status: int
    body: bytes
    headers: dict[str, str]

    def document(self) -> dict[str, Any]:
        """The JSON of the answer; empty if it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True)
class Entrance:
    """The way to the door on the local AWS: the emulator's port, and the host name that `address` tells it."""

    address: str

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request; raises OSError or HTTPException if there is no answer."""
        # Not every system resolves names below localhost, so the name goes into the header only.
        url = urlsplit(self.address)
        connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body or None, {"Host": url.netloc} | given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()})
        finally:
            connection.close()

    @property
    def key(self) -> str:
        """The evening's key in the address."""
        return urlsplit(self.address).query


@dataclass
class Guest:
    """One guest with one photo, who tries again as the page does after 429, 5xx and a lost connection."""

    entrance: Entrance
    photo: bytes
    show: bool = True
    ticket: str = ""
    tries: int = 0

    def __post_init__(self) -> None:
        self.ticket = self.ticket or f"{'show' if self.show else 'keep'}-{secrets.token_hex(16)}"

    def send(self) -> Answer:
        """Send the photo; the last answer if all tries failed."""
        headers = {"Content_Type": "application/octet-stream", "X_Ticket": self.ticket, "X_Consent": "analyse"}
        until = time.monotonic() + PATIENCE
        for attempt in itertools.count():
            self.tries += 1
            try:
                answer = self.entrance.ask("POST", f"/photos?{self.entrance.key}", self.photo, **headers)
            except (OSError, http.client.HTTPException):
                answer = Answer(0, b"", {})
            if 0 < answer.status < 500 and answer.status not in (408, 429):
                break
            if time.monotonic() > until:
                break
            time.sleep(0.3 + random.random() * min(5, 0.5 * 2**attempt))  # noqa: S311 - jitter
        return answer

    def result(self, patience: float = 120, every: float = 0.85) -> dict[str, Any]:
        """What the page shows in the end; empty if the photo is not there, or has no result after so many seconds."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            try:
                answer = self.entrance.ask("GET", f"/photos/{self.ticket}")
            except (OSError, http.client.HTTPException):
                answer = Answer(0, b"", {})
            if answer.status == 200 and answer.document().get("state") != "waiting":
                return answer.document()
            if answer.status == 404:
                break
            time.sleep(every)
        return {}

    def picture(self) -> Answer:
        """The annotated picture; tries again after 429 and 503, as the page does."""
        for attempt in range(8):
            answer = self.entrance.ask("GET", f"/photos/{self.ticket}/picture")
            if answer.status not in (429, 503):
                break
            time.sleep(0.3 + random.random() * min(5, 0.5 * 2**attempt))  # noqa: S311 - jitter
        return answer

    def remove(self) -> Answer:
        """Remove everything."""
        return self.entrance.ask("DELETE", f"/photos/{self.ticket}")


def selfies(seed: int = 1) -> Iterator[bytes]:
    """JPEGs without end, no two alike: the two photos in the public domain, mirrored and tinted."""
    rng = np.random.default_rng(seed)
    photos = [cv2.imread(sample) for sample in SAMPLES]
    while True:
        for photo in photos:
            assert photo is not None  # noqa: S101 - the samples are part of the project
            tinted = photo * rng.uniform(0.95, 1.05, 3)
            if rng.random() < 0.5:
                tinted = tinted[:, ::-1]
            yield cv2.imencode(".jpg", np.clip(tinted, 0, 255).astype(np.uint8))[1].tobytes()
