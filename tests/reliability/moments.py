"""Processes one photo with an incident at a chosen moment, then makes all remaining deliveries.

A moment is one of the function's calls, before or after it took effect. An incident ends the function (like a
SIGKILL), breaks the connection, or changes the world: a new upload with the same key, another delivery, a deletion.
"""

import hashlib
import re
from collections import Counter
from functools import cache

from annotator.cloud import Cloud
from annotator.decoding import decode
from annotator.workflow import annotate
from botocore.exceptions import ConnectionClosedError

from tests.annotator.aws_in_memory import COLLECTION, PROCESSED, RAW, AwsInMemory, client, face_detail, s3_call
from tests.annotator.photos import encoded, quarters

KEY = "me.jpg"
TRIES = 5
"""Deliveries before a message moves to the dead-letter queue, as in infra/photo_store.py."""

A = encoded(quarters(160, 100), "JPEG")
B = encoded(255 - quarters(160, 100), "JPEG")
PNG = encoded(quarters(160, 100), "PNG")
NO_PHOTO = b"%PDF-1.7 and so on"
DAMAGED = A[: len(A) // 2]
"""Rekognition may find faces in a file that we cannot decode."""

MOMENTS = (
    ("ListObjectsV2 results", "after"),
    ("GetObject photo", "after"),
    ("GetObject results", "after"),
    ("IndexFaces", "before"),
    ("IndexFaces", "after"),
    ("PutObject pictures", "before"),
    ("PutObject pictures", "after"),
    ("PutObject results", "before"),
    ("PutObject results", "after"),
    ("HeadObject photo", "before"),
    ("HeadObject photo", "after"),
    ("ListFaces", "before"),
    ("ListFaces", "after"),
    ("DeleteFaces", "before"),
    ("DeleteFaces", "after"),
    ("DeleteObject pictures", "before"),
    ("DeleteObject pictures", "after"),
    ("DeleteObject results", "before"),
    ("DeleteObject results", "after"),
)
"""Every call of the function. ListObjectsV2, GetObject and IndexFaces run in parallel."""

NEW = tuple(each for each in MOMENTS if not re.match("GetObject results|ListFaces|Delete", each[0]))
"""The moments of a photo that has no earlier result."""

OVER_ANOTHER = tuple(each for each in MOMENTS if each[0] != "GetObject results")
"""The moments of a version after one that was done."""

AFTER_THE_LOOK = MOMENTS[MOMENTS.index(("HeadObject photo", "after")) :]
"""From here on, the function knows the current version, so a photo deleted now counts as finished."""


class Killed(BaseException):
    """The process was killed."""


class World(AwsInMemory):
    """S3, Rekognition and an inbox in memory, and deliveries of its messages to the function.

    A face lies elsewhere in each picture, so that it shows which bytes Rekognition saw. `tries` is how
    often a client calls before it gives up.
    """

    def __init__(self, tries=1):
        super().__init__()
        self.inbox = []
        self.dead_letters = []
        self.received = Counter()
        self.outcomes = []
        self._messages = 0
        self._plans = {}
        self._cloud = _cloud_of(self, tries)

    def put(self, body=A):
        """Upload `body`, and return the message with its event."""
        self._messages += 1
        message = (self._messages, self.upload(KEY, body))
        self.inbox.append(message)
        return message

    def announce_again(self, message):
        """Send the event of an upload a second time, and return the message."""
        self._messages += 1
        again = (self._messages, message[1])
        self.inbox.append(again)
        return again

    def deliver(self, message):
        """One delivery of a message; the outcome, None after a failure."""
        self.received[message] += 1
        try:
            outcome = annotate(message[1], self._cloud, 0, late=self.received[message] > 1)
        except (Killed, Exception):
            outcome = None
        self.outcomes.append(outcome)
        if message in self.inbox and (outcome or self.received[message] >= TRIES):
            self.inbox.remove(message)
            if not outcome:
                self.dead_letters.append(message)
        return outcome

    def settle(self, order=0):
        """Deliver until the inbox is empty, oldest first, or with -1 newest first."""
        while self.inbox:
            self.deliver(self.inbox[order])

    def plan(self, moment, happening):
        """Call `happening` at the next `moment`."""
        self._plans[moment] = happening

    @property
    def happened(self):
        """Whether everything planned has happened."""
        return not self._plans

    def answer_s3(self, request):
        operation, bucket, key, query = s3_call(request)
        what = "photo" if bucket == RAW else (key or query["prefix"][0]).partition("/")[0]
        return self._around(f"{operation} {what}", lambda: self._answer_s3(request))

    def answer_rekognition(self, request):
        operation = request.headers["X-Amz-Target"].decode().split(".")[1]
        return self._around(operation, lambda: self._answer_rekognition(request))

    def _around(self, operation, answer):
        for when in ("before", "after"):
            if when == "after":
                answered = answer()
            if happening := self._plans.pop((operation, when), None):
                happening()
        return answered

    def faces_of(self, image):
        return [face_detail(_left(image))]


def _cloud_of(world, tries):
    """The function's cloud, with clients that are created once and now call `world`."""
    s3, rekognition = _clients(tries)
    _asked["world"] = world
    return Cloud(s3, rekognition, processed_bucket=PROCESSED, collection_id=COLLECTION)


_asked = {}


@cache
def _clients(tries):
    return (
        client("s3", lambda request, **_: _asked["world"].answer_s3(request), tries),
        client("rekognition", lambda request, **_: _asked["world"].answer_rekognition(request), tries),
    )


def killed():
    raise Killed


def disconnected():
    raise ConnectionClosedError(endpoint_url="https://nowhere.example")


def assert_settled(world, body):
    """Check that everything stored belongs to `body`, the current bytes, or to nothing if it is None."""
    result, picture = world.result(), world.picture()
    assert not world.dead_letters
    assert world.current() == body
    if body is None:
        assert (result, picture, world.collection) == (None, None, {}), "something of a deleted photo"
        return
    assert result, "no outcome"
    assert result["raw"]["version_id"] == world.versions[KEY][-1][0], "an older version's result"
    status, left, expected = undisturbed(body)
    assert result["status"] == status
    assert set(world.collection) == {face["face_id"] for face in result["faces"]}, "faces and result do not agree"
    assert [face["box"]["left"] for face in result["faces"]] == left, "another photo's faces"
    assert _pixels(picture) == _pixels(expected), "another photo's picture"


@cache
def undisturbed(body):
    """Status, faces and picture of a photo without incidents. Afterwards, the clients call its world."""
    world = World()
    world.put(body)
    world.settle()
    result = world.result()
    return result["status"], [face["box"]["left"] for face in result["faces"]], world.picture()


def _pixels(picture):
    return picture and decode(picture, "JPEG", 0).tobytes()


def _left(seen):
    return round(int(hashlib.md5(seen).hexdigest()[:4], 16) / 0x1FFFF, 4)
