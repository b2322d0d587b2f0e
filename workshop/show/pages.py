"""A page that is one file: a Jinja template with its style and script inside, and a policy that allows nothing else.

Values are escaped (`autoescape`), and a name that the template misspells is an error. Pass text from outside through
the filter `plain`, which replaces the control characters that HTML forbids.
"""

import base64
import hashlib
from pathlib import Path

from annotator.drawing.palette import EMOTIONS, Colour, ink_on
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from workshop.terminal.console import plain


def render(template: Path, *, style: str, script: str, **values: object) -> str:
    """The page as text, to be stored as UTF-8.

    The template puts `style` and `script` into elements of these names, and `policy` into a `meta` element. The policy
    names the two by their digests, so they may not change afterwards.
    """
    pages = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters["plain"] = plain
    ours = {"style": Markup(style), "script": Markup(script), "policy": _policy(style, script)}  # noqa: S704  (our own)
    return pages.get_template(template.name).render(**ours, **values)


def emotion_class(emotion: str) -> str:
    """The CSS class for Rekognition's term; a term that we do not know gets the neutral colour."""
    return f"is-{emotion if emotion in EMOTIONS else 'UNKNOWN'}"


def emotion_colours() -> str:
    """A CSS rule for each `emotion_class`: `--plate` and `--on-plate`, the colours of the labels in the pictures."""
    return "".join(
        f".is-{emotion} {{ --plate: {_hex(plate)}; --on-plate: {_hex(ink_on(plate))}; }}\n"
        for emotion, plate in EMOTIONS.items()
    )


def _hex(colour: Colour) -> str:
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


def _policy(style: str, script: str) -> str:
    """The content security policy: this style, this script, and pictures from anywhere."""
    return (
        "default-src 'none'; img-src * data: file:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
