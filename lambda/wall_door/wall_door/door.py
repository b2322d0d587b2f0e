"""Whether the door is open: decided from its settings alone, without calling AWS."""

import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

State = Literal["open", "closed", "full", "unknown"]
"""`unknown` is what a stranger gets, whatever the door's state: no settings, or not this evening's key."""

MOST_PHOTOS = 1000
"""The most photos of one evening: S3 lists so many names in one answer."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One evening. `key` is in the address that guests scan; `until` has a time zone; `photos` is how many at most."""

    key: str
    until: datetime
    photos: int

    def to_json(self) -> str:
        """The document in the processed bucket."""
        return json.dumps(asdict(self) | {"until": self.until.isoformat()})

    @staticmethod
    def from_json(text: str | bytes) -> "Settings":
        """The settings that `to_json` wrote; raises ValueError for anything else."""
        try:
            document = json.loads(text)
            settings = Settings(
                str(document["key"]), datetime.fromisoformat(document["until"]), int(document["photos"])
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are not the door's settings: {error!r}") from error
        if not settings.key or settings.until.tzinfo is None:
            raise ValueError("the door's settings lack a key or a time zone")
        return settings

    def state(self, now: datetime, taken: int) -> State:
        """The door's state for somebody who has the key, when `taken` photos were sent so far."""
        if now >= self.until:
            return "closed"
        return "open" if taken < self.photos else "full"


def has_key(settings: Settings | None, key: str) -> bool:
    """Whether this is the evening's key; compared in constant time."""
    return settings is not None and hmac.compare_digest(settings.key.encode(), key.encode())
