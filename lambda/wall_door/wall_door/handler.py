"""Receives the HTTP API's requests (payload format 2.0) and answers each one.

    GET /                     the page; the address's query string is the evening's key
    POST /photos              stores the photo in the body under the ticket in the header X-Ticket
    GET /photos/ID            what became of a photo, as JSON
    GET /photos/ID/picture    the annotated picture
    DELETE /photos/ID         removes everything about a photo

Whoever has a ticket may see and remove its photo, also when the door is closed. "Not there" and "not yours" are the
same answer. The log never holds a ticket, a key or an address.
"""

import base64
import binascii
import json
import logging
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from annotator.drawing.words import words
from annotator.faces import from_left
from annotator.formats import BEGINNING, UnreadablePhoto, sniff
from annotator.result import Result
from botocore.exceptions import BotoCoreError, ClientError

from wall_door import page
from wall_door.cloud import Cloud, clients
from wall_door.door import Settings, State, has_key
from wall_door.guests import is_ticket, may_be_a_minor

LARGEST_PHOTO: Final = 4 * 1024**2
"""Bytes. Lambda takes 6 MB of an event (Lambda quotas), in which the photo is written as base64, a third larger."""

LARGEST_ANSWER: Final = 4_400_000
"""Bytes of a picture: as base64 within the 6 MB that a function may answer."""

Answer = dict[str, Any]

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


def handle(event: dict[str, Any], _context: object) -> Answer:
    """Answer one request. If AWS fails, the answer is 503, which asks the guest's page to try again."""
    route: str = event["routeKey"]
    try:
        answer = _ROUTES[route](event, _cloud())
    except (ClientError, BotoCoreError) as error:
        # The error's own text names the object, and with it the ticket.
        log.warning("%s failed: %s", route, getattr(error, "operation_name", type(error).__name__))
        return _json(503, {"error": "busy"})
    log.info("%s %s", route, answer["statusCode"])
    return answer


def _page(event: dict[str, Any], cloud: Cloud) -> Answer:
    settings = cloud.settings()
    state = _state(settings, _key(event), cloud)
    until = settings.until.isoformat() if settings and state == "open" else ""
    body = page.html(state, until, int(os.environ["KEEP_DAYS"]))
    return {"statusCode": 200, "headers": {**_HEADERS, **page.headers()}, "body": body}


def _receive(event: dict[str, Any], cloud: Cloud) -> Answer:
    settings, key, ticket = cloud.settings(), _key(event), event["headers"].get("x-ticket", "")
    state = _state(settings, key, cloud)
    if state == "unknown":
        return _json(404, {"error": "unknown"})
    if not is_ticket(ticket):
        return _json(400, {"error": "ticket"})
    if state != "open":
        # The answer to an earlier try may have been lost.
        return _json(200, {"ticket": ticket}) if cloud.has_photo(ticket) else _json(403, {"error": state})
    if event["headers"].get("x-consent") != "analyse":
        return _json(400, {"error": "consent"})
    try:
        photo = _body(event)
        sniff(photo[:BEGINNING])
    except UnreadablePhoto as refusal:
        return _json(415, {"error": "photo", "reason": str(refusal)})
    if len(photo) > LARGEST_PHOTO:
        return _json(413, {"error": "size"})
    cloud.store(key, ticket, photo)
    return _json(201, {"ticket": ticket})


def _show(event: dict[str, Any], cloud: Cloud) -> Answer:
    ticket = _ticket(event)
    result = cloud.result(ticket) if ticket else None
    if result is None:
        return _json(200, {"state": "waiting"}) if ticket and cloud.has_photo(ticket) else _NOT_FOUND
    return _json(200, {"state": result.status, **_described(result)})


def _picture(event: dict[str, Any], cloud: Cloud) -> Answer:
    ticket = _ticket(event)
    result = cloud.result(ticket) if ticket else None
    picture = cloud.picture(result) if result else None
    if picture is None or len(picture) > LARGEST_ANSWER:
        return _NOT_FOUND
    return {
        "statusCode": 200,
        "headers": {**_HEADERS, "Content-Type": "image/jpeg"},
        "body": base64.b64encode(picture).decode(),
        "isBase64Encoded": True,
    }


def _remove(event: dict[str, Any], cloud: Cloud) -> Answer:
    """`again` says that the annotator may still be working on the photo, so the page asks a second time."""
    ticket = _ticket(event)
    removed = cloud.remove(ticket) if ticket else {}
    if not any(removed.values()):
        return _NOT_FOUND
    return _json(200, {"removed": removed, "again": not removed["result"]})


def _described(result: Result) -> dict[str, Any]:
    return {
        "reason": result.reason,
        "picture": {"width": result.picture.width, "height": result.picture.height} if result.picture else None,
        "faces": [words(face) for face in from_left(result.faces)],
        "minor": may_be_a_minor(result),
    }


def _state(settings: Settings | None, key: str, cloud: Cloud) -> State:
    if settings is None or not has_key(settings, key):
        return "unknown"
    now = datetime.now(UTC)
    return settings.state(now, cloud.taken(key) if now < settings.until else 0)


def _key(event: dict[str, Any]) -> str:
    """The evening's key: the whole query string."""
    return str(event.get("rawQueryString", ""))


def _ticket(event: dict[str, Any]) -> str | None:
    ticket = str(event["pathParameters"]["id"])
    return ticket if is_ticket(ticket) else None


def _body(event: dict[str, Any]) -> bytes:
    """The request's body. The HTTP API passes on text as it is, and everything else as base64."""
    body: str = event.get("body") or ""
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeError):
        return b""


def _json(status: int, document: dict[str, Any]) -> Answer:
    return {
        "statusCode": status,
        "headers": {**_HEADERS, "Content-Type": "application/json"},
        "body": json.dumps(document),
    }


@cache
def _cloud() -> Cloud:
    s3, rekognition = clients()
    names = ("RAW_BUCKET", "PROCESSED_BUCKET", "COLLECTION_ID")
    return Cloud(s3, rekognition, *(os.environ[name] for name in names))


_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

_NOT_FOUND = _json(404, {"error": "not found"})

_ROUTES = {
    "GET /": _page,
    "POST /photos": _receive,
    "GET /photos/{id}": _show,
    "GET /photos/{id}/picture": _picture,
    "DELETE /photos/{id}": _remove,
}
