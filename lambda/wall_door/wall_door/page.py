"""The guest's page: one document, and the policy that lets only its own script and style run."""

import base64
import hashlib
import re
from html import escape
from pathlib import Path

from wall_door.door import State

_TEMPLATE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")


def html(state: State, until: str, keep_days: int) -> str:
    """The page for a door in this state.

    `until` is when an open door closes, in ISO 8601, else empty. `keep_days` is the setting of that name: S3 deletes
    pictures and results at the next midnight UTC, and photos up to two days later.
    """
    values = {
        "state": state,
        "until": until,
        "days": str(keep_days),
        "days_more": str(keep_days + 1),
        "photo_days": str(keep_days + 3),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda name: escape(values[name[1]]), _TEMPLATE)


def headers() -> dict[str, str]:
    """The headers of the page: its type and its content security policy."""
    return {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}


def _hash_of(element: str) -> str:
    """The hash source of an inline script or style (W3C, Content Security Policy Level 3)."""
    (inside,) = re.findall(rf"<{element}>(.*?)</{element}>", _TEMPLATE, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"


_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src {_hash_of('script')}",
        f"style-src {_hash_of('style')}",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
