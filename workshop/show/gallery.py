"""One HTML page with all results: large pictures, expressions as words, and a tally, for the projector.

The markup is in `gallery.html.jinja`, the style in `gallery.css`. The page works without its script, `gallery.js`,
which adds the arrow keys and says why a picture is missing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from annotator.drawing.words import looks, numbered, words
from annotator.faces import Face
from annotator.result import Picture, Result

from workshop.photos.keys import name_in
from workshop.show.pages import emotion_class, emotion_colours, render
from workshop.terminal.counting import counted

ONE_BY_ONE = 6
"""Up to this many faces are named one by one under a picture; more are counted by expression."""

_TEMPLATE = Path(__file__).with_name("gallery.html.jinja")


def name_of(result: Result) -> str:
    """What a photo is called on the page: the name of its file, without the digest that its key ends with."""
    return name_in(result.raw.key)


def page(
    results: Sequence[Result],
    address: Callable[[Picture], str],
    *,
    made: datetime,
    links_end: datetime | None = None,
    title: str = "Show your emotions",
    name: Callable[[Result], str] = name_of,
) -> str:
    """The page, as text to be stored as UTF-8. The pictures are shown in the order of `results`.

    `address` gives the address of a picture: a presigned link, a path relative to the page, or a data URI; `name` what
    is written under it. `made` is when the results were read and `links_end` when the addresses stop working, if they
    do; both with a time zone.

    Raises ValueError for an address that is not a picture's, such as `javascript:`.
    """
    return render(
        _TEMPLATE,
        style=_TEMPLATE.with_name("gallery.css").read_text(encoding="utf-8") + emotion_colours(),
        script=_TEMPLATE.with_name("gallery.js").read_text(encoding="utf-8"),
        title=title,
        summary=f"{counted(len(results), 'photo')}, {counted(sum(len(result.faces) for result in results), 'face')}",
        tally=tally(face for result in results for face in result.faces),
        shown=[result for result in results if result.picture],
        refused=[result for result in results if not result.picture],
        address=lambda picture: _of_a_picture(address(picture)),
        name=name,
        description=description,
        labels=labels,
        looks=looks,
        emotion_class=emotion_class,
        made=made,
        links_end=links_end,
    )


def tally(faces: Iterable[Face]) -> list[tuple[str, int]]:
    """Rekognition's terms with how many faces look so by their strongest emotion, the most frequent first."""
    return sorted(Counter(map(_strongest, faces)).items(), key=lambda row: (-row[1], looks(row[0])))


def labels(result: Result) -> list[tuple[str, str]]:
    """Rekognition's term and the label of each face, as in the picture; in a crowd, of each expression."""
    if len(result.faces) == 1:
        return [(_strongest(face), words(face)) for face in result.faces]
    if len(result.faces) <= ONE_BY_ONE:
        return [(_strongest(face), numbered(number, words(face))) for number, face in enumerate(result.faces, 1)]
    return [(emotion, f"{count} {looks(emotion)}") for emotion, count in tally(result.faces)]


def description(result: Result) -> str:
    """The picture in words, for those who do not see it: which photo, how many faces, how they look."""
    shown = ", ".join(text for _, text in labels(result))
    match len(result.faces):
        case 0:
            faces = "no face was found"
        case 1:
            faces = f"one face, which looks {shown}"
        case few if few <= ONE_BY_ONE:
            faces = f"{few} faces, from left to right: {shown}"
        case many:
            faces = f"{many} faces: {shown}"
    return f"{name_of(result)}: {faces}."


def _strongest(face: Face) -> str:
    return face.emotion.type if face.emotion else "UNKNOWN"


def _of_a_picture(address: str) -> str:
    """The address, if a browser can only take it for a picture's."""
    scheme = urlsplit(address[:200].strip()).scheme.lower()
    if scheme in ("", "http", "https") or address.startswith("data:image/"):
        return address
    raise ValueError(
        f"{address[:80]} is not the address of a picture; the gallery shows http, https and local pictures"
    )
