"""A guest's ticket, the names of all that belongs to it, and who may appear on the wall.

A ticket is the name of one photo, and the only way to it: 128 random bits that the guest's phone chooses. It begins
with `show` if the guest agreed to the wall, and with `keep` if not, so a photo without that consent is not even among
the names that the wall lists.
"""

import hashlib
import re
from typing import Final

from annotator.photo import PICTURES, pictures_folder
from annotator.result import Result

PREFIX: Final = "wall/"
"""The prefix of guests' photos in the raw bucket, and of what belongs to the door in the processed bucket."""

SETTINGS_KEY: Final = f"{PREFIX}door.json"
"""The key of the door's settings in the processed bucket."""

SHOWN: Final = f"{PICTURES}{PREFIX}show-"
"""The prefix of the pictures, in the processed bucket, whose guests agreed to the wall."""

APPROVED, HIDDEN = "approved", "hidden"
"""The organiser's decisions: empty objects beside the picture, so that removing a photo removes them as well."""

ADULT: Final = 18
"""Years. A photo in which a face may be younger never goes on the wall."""


def is_ticket(text: str) -> bool:
    """Whether this can be a ticket: `show-` or `keep-` and 32 hexadecimal digits."""
    return re.fullmatch(r"(show|keep)-[0-9a-f]{32}", text) is not None


def photo_key(ticket: str) -> str:
    """The photo's key in the raw bucket. It ends in .jpg whatever the file is; the annotator looks at the bytes."""
    return f"{PREFIX}{ticket}.jpg"


def ticket_of(key: str) -> str | None:
    """The ticket in a photo's key, or None for a photo that no guest sent."""
    ticket = key.removeprefix(PREFIX).removesuffix(".jpg")
    return ticket if is_ticket(ticket) and key == photo_key(ticket) else None


def decision_key(ticket: str, decision: str) -> str:
    """The key of the organiser's decision about a photo, in the processed bucket."""
    return f"{pictures_folder(photo_key(ticket))}{decision}"


def taken_folder(door_key: str) -> str:
    """The prefix of one evening's counted photos, in the processed bucket."""
    return f"{PREFIX}taken/{_digest(door_key)}/"


def taken_key(door_key: str, ticket: str) -> str:
    """The key that counts a photo. It does not reveal the ticket, and stays when the photo is removed."""
    return f"{taken_folder(door_key)}{_digest(ticket)}"


def may_be_a_minor(result: Result) -> bool:
    """Whether a face may belong to somebody under 18: Rekognition's lower estimate, or no estimate at all."""
    return any(face.age_range is None or face.age_range.low < ADULT for face in result.faces)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
