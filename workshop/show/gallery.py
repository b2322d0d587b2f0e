"""One HTML page with all results: large pictures, expressions as words, and a tally, for the projector.

The page is complete in itself: its style and script are inside, and a content security policy allows nothing else
to run. Everything that came from outside (keys, reasons, addresses) is escaped. Without script it works just as
well; the script only adds the arrow keys.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from annotator.drawing.palette import EMOTIONS, Colour, ink_on
from annotator.drawing.words import looks, words
from annotator.faces import Face
from annotator.result import Picture, Result

from workshop.aws.results import from_left
from workshop.terminal.counting import counted

NOTICE = "An expression is not a feeling. This is what the faces look like to a machine, not what the people feel."

ONE_BY_ONE = 6
"""Up to this many faces are named one by one under a picture; more are counted by expression."""

_NO_PICTURES = '<p class="empty">No pictures yet. Send a photo, then make this page again.</p>'


def _hex(colour: Colour) -> str:
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


_STYLE = Path(__file__).with_name("gallery.css").read_text(encoding="utf-8") + "".join(
    # The labels on the page have the colours of the labels in the pictures.
    f".is-{emotion} {{ --plate: {_hex(plate)}; --on-plate: {_hex(ink_on(plate))}; }}\n"
    for emotion, plate in EMOTIONS.items()
)
_SCRIPT = Path(__file__).with_name("gallery.js").read_text(encoding="utf-8")


def tally(results: Iterable[Result]) -> list[tuple[str, int]]:
    """How many faces look happy, calm and so on: the most frequent first, each face counted by its strongest."""
    return [(looks(emotion), count) for emotion, count in _tally(face for result in results for face in result.faces)]


def page(
    results: Sequence[Result],
    address: Callable[[Picture], str],
    *,
    made: datetime,
    links_end: datetime | None = None,
    title: str = "Show your emotions",
) -> str:
    """The page, as text to be stored as UTF-8.

    `address` gives the address of a picture: a presigned link, a path relative to the page, or a data URI.
    `made` is when the results were read and `links_end` when the addresses stop working, if they do; both with a
    time zone. The pictures are shown in the order of `results`.

    Raises ValueError for an address that is not a picture's, such as `javascript:`.
    """
    shown = [(result, result.picture) for result in results if result.picture]
    refused = [result for result in results if not result.picture]
    cards = "\n".join(
        _card(number, len(shown), result, picture, _picture_address(address(picture)))
        for number, (result, picture) in enumerate(shown, start=1)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{_text(title)}: {_summary(results)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<div>
<h1>{_text(title)}</h1>
<p class="summary">{_summary(results)}</p>
<p class="notice">{NOTICE}</p>
</div>
{_tally_table(_tally(face for result in results for face in result.faces))}
</header>
<main>
<h2 id="photos">The photos</h2>
{f'<ol class="wall">{cards}</ol>' if shown else _NO_PICTURES}
{_refused(refused)}
</main>
<footer>
<p>{_expiry(made, links_end)}</p>
<p class="keys">Choose a picture to fill the screen; the arrow keys go on, Escape goes back.</p>
</footer>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def description(result: Result) -> str:
    """The picture in words, for those who do not see it: which photo, how many faces, how they look, left to right."""
    if not result.faces:
        return f"{result.raw.key}: no face was found."
    across = from_left(result.faces)
    if len(across) == 1:
        return f"{result.raw.key}: one face, which looks {words(across[0])}."
    if len(across) <= ONE_BY_ONE:
        return f"{result.raw.key}: {len(across)} faces, from left to right: {', '.join(map(words, across))}."
    tally = ", ".join(f"{count} {looks(emotion)}" for emotion, count in _tally(across))
    return f"{result.raw.key}: {len(across)} faces: {tally}."


def _card(number: int, last: int, result: Result, picture: Picture, address: str) -> str:
    before = number - 1 or last
    after = number % last + 1
    return f"""
<li id="photo-{number}">
<figure id="show-{number}" aria-labelledby="name-{number}">
<a class="picture" href="#show-{number}"><img src="{escape(address)}" alt="{_text(description(result))}" \
width="{int(picture.width)}" height="{int(picture.height)}"></a>
<figcaption>
<h3 id="name-{number}"><bdi>{_text(result.raw.key)}</bdi></h3>
{_looks(result)}
<nav aria-label="Photo {number} of {last}">
<a rel="prev" href="#show-{before}">Previous</a>
<a class="close" href="#photo-{number}">Back to all</a>
<a rel="next" href="#show-{after}">Next</a>
</nav>
</figcaption>
</figure>
</li>"""


def _looks(result: Result) -> str:
    faces = from_left(result.faces)
    if not faces:
        return '<p class="looks">No face found</p>'
    if len(faces) <= ONE_BY_ONE:
        labels = [(_strongest(face), words(face)) for face in faces]
    else:
        labels = [(emotion, f"{count} {looks(emotion)}") for emotion, count in _tally(faces)]
    items = "".join(f'<li class="{_colour_class(emotion)}">{_text(text)}</li>' for emotion, text in labels)
    return f'<ul class="looks">{items}</ul>'


def _tally_table(rows: list[tuple[str, int]]) -> str:
    """A table that looks like a bar chart, so that it is a chart to the eye and a table to a screen reader."""
    if not rows:
        return ""
    most = rows[0][1]
    body = "\n".join(
        f'<tr class="{_colour_class(emotion)}">'
        f'<th scope="row">{_text(looks(emotion))}</th><td class="count">{count}</td>'
        '<td class="bar" aria-hidden="true"><svg width="100%" height="100%" focusable="false">'
        f'<rect x="1" y="1" width="{98.5 * count / most:.1f}%" height="90%" rx="5"/></svg></td></tr>'
        for emotion, count in rows
    )
    return f"""<table>
<caption>How the faces look</caption>
<thead><tr><th scope="col">Expression</th><th scope="col">Faces</th></tr></thead>
<tbody>
{body}
</tbody>
</table>"""


def _refused(results: Sequence[Result]) -> str:
    if not results:
        return ""
    rows = "".join(
        f"<li><bdi>{_text(result.raw.key)}</bdi>: {_text(result.reason or 'no reason given')}</li>"
        for result in results
    )
    return f'<section aria-labelledby="refused"><h2 id="refused">Photos without a picture</h2><ul>{rows}</ul></section>'


def _summary(results: Sequence[Result]) -> str:
    photos, faces = len(results), sum(len(result.faces) for result in results)
    return f"{counted(photos, 'photo')}, {counted(faces, 'face')}"


def _expiry(made: datetime, links_end: datetime | None) -> str:
    when = f"Made on {_time(made)}."
    if links_end is None:
        return f"{when} The pictures do not expire with this page."
    return f"{when} The links to the pictures end on {_time(links_end)}; make the page again for new ones."


def _time(moment: datetime) -> str:
    written = f"{moment.day} {moment:%B %Y, %H:%M %Z}".strip()
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{_text(written)}</time>'


def _tally(faces: Iterable[Face]) -> list[tuple[str, int]]:
    """Rekognition's words with how many faces look so, the most frequent first."""
    return sorted(Counter(map(_strongest, faces)).items(), key=lambda row: (-row[1], looks(row[0])))


def _strongest(face: Face) -> str:
    return face.emotion.type if face.emotion else "UNKNOWN"


def _colour_class(emotion: str) -> str:
    """The style's class for Rekognition's word; one that is new to us gets the neutral colour."""
    return f"is-{emotion if emotion in EMOTIONS else 'UNKNOWN'}"


def _picture_address(address: str) -> str:
    """The address, if a browser can only take it for a picture's."""
    scheme = urlsplit(address.strip()).scheme.lower()
    if scheme in ("", "http", "https") or address.startswith("data:image/"):
        return address
    raise ValueError(
        f"{address[:80]} is not the address of a picture; the gallery shows http, https and local pictures"
    )


def _text(text: str) -> str:
    """Text for HTML, in an element or an attribute; control characters, which HTML forbids, become U+FFFD."""
    return escape("".join(character if character.isprintable() else "\ufffd" for character in text))


def _policy() -> str:
    """The content security policy: our own style and script by their digests, pictures, and nothing else."""
    return (
        "default-src 'none'; img-src * data: file:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(_STYLE)}'; script-src '{_digest(_SCRIPT)}'"
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
