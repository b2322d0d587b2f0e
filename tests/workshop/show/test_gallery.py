"""The gallery page as text: what it says, and that nothing from outside gets into its markup."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from annotator.faces import BoundingBox, Emotion, Face
from annotator.result import Picture, RawObject, Result

from workshop.show.gallery import description, page, tally

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


def face(emotion: str | None = "HAPPY", confidence: float = 98.6) -> Face:
    emotions = (Emotion(emotion, confidence),) if emotion else ()
    return Face(BoundingBox(0.1, 0.2, 0.1, 0.1), 99.9, emotions, face_id="1")


def result(*faces: Face, key: str = "selfie.jpg", status: str = "annotated", reason: str | None = None) -> Result:
    picture = None if status == "rejected" else Picture("processed", f"pictures/{key}/v1.jpg", 640, 480)
    raw = RawObject("raw", key, "v1", "etag", 1)
    return Result(status, raw, "faces", "id", picture, reason, faces)  # type: ignore[arg-type]


def made(*results: Result, address: str = "picture.jpg", **how: datetime) -> str:
    return page(results, lambda _picture: address, made=NOW, **how)


class Elements(HTMLParser):
    """All start tags with their attributes, and the text between them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.all if name == tag)


def test_the_tally_counts_strongest_expressions_most_frequent_first():
    faces = [face("CALM"), face("HAPPY"), face("HAPPY"), face("FEAR"), face(None)]
    assert tally(faces) == [("HAPPY", 2), ("FEAR", 1), ("CALM", 1), ("UNKNOWN", 1)]


def test_equally_frequent_expressions_have_a_fixed_order():
    assert tally([face("SAD"), face("CALM")]) == tally([face("CALM"), face("SAD")])


def test_an_unknown_expression_is_shown_with_its_own_word():
    markup = made(result(face("VERY_PLEASED", 80)))
    assert "very pleased 80 %" in markup
    assert 'class="is-UNKNOWN"' in markup


def test_a_description_lists_the_faces_with_their_numbers():
    described = description(result(face("SAD", 70), face("HAPPY", 98)))
    assert described == "selfie.jpg: 2 faces, from left to right: 1. sad 70 %, 2. happy 98 %."


def test_a_crowd_is_described_by_numbers():
    described = description(result(*[face("CALM")] * 40, face("HAPPY")))
    assert described == "selfie.jpg: 41 faces: 40 calm, 1 happy."


def test_a_picture_without_a_face_says_so():
    assert description(result(status="no_face")) == "selfie.jpg: no face was found."


NASTY = (
    '"><script>alert(1)</script>.jpg',
    "' onerror='alert(1)",
    "</title><img src=x onerror=alert(1)>",
    "a\x00b\x1b[31mc.jpg",
    "&lt;b&gt;",
    "{made}{0}%s",
    "\u202egpj.eifles",
)


@pytest.mark.parametrize("text", NASTY)
def test_a_key_is_text_and_never_markup(text: str):
    harmless, nasty = Elements(made(result(face()))), Elements(made(result(face(), key=text)))
    assert [tag for tag, _ in nasty.all] == [tag for tag, _ in harmless.all]
    assert not any(name.startswith("on") for _, attributes in nasty.all for name in attributes)


@pytest.mark.parametrize("text", NASTY)
def test_a_reason_and_an_unknown_expression_are_text_and_never_markup(text: str):
    def page_with(words: str) -> Elements:
        return Elements(made(result(face(words)), result(status="rejected", reason=words)))

    assert [tag for tag, _ in page_with(text).all] == [tag for tag, _ in page_with("CALM").all]


def test_an_address_stays_inside_its_attribute():
    (image,) = Elements(made(result(face()), address='a.jpg?x="><script>')).named("img")
    assert image["src"] == 'a.jpg?x="><script>'


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd"]
)
def test_an_address_that_is_not_a_pictures_is_refused(address: str):
    with pytest.raises(ValueError, match="is not the address of a picture"):
        made(result(face()), address=address)


def test_only_the_pages_own_style_and_script_may_run():
    policy = next(
        str(meta["content"])
        for meta in Elements(made()).named("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = re.sub("'sha256-[^']+'", "ours", policy).split("; ")
    assert allowed == [
        "default-src 'none'", "img-src * data: file:", "base-uri 'none'", "form-action 'none'",
        "style-src ours", "script-src ours",
    ]  # fmt: skip


def test_the_page_loads_nothing_but_the_pictures():
    elements = Elements(made(result(face())))
    asked = [
        str(value)
        for _, attributes in elements.all
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action")
    ]
    assert [address for address in asked if not address.startswith("#")] == ["data:,", "picture.jpg"]


def test_the_page_says_that_an_expression_is_not_a_feeling():
    assert "An expression is not a feeling" in made(result(face()))


def test_the_page_says_when_the_links_end():
    markup = made(result(face()), links_end=datetime(2026, 11, 23, 1, 30, tzinfo=UTC))
    assert 'end on <time datetime="2026-11-23T01:30:00+00:00">23 November 2026, 01:30 UTC</time>' in markup


def test_a_page_that_cannot_expire_does_not_speak_of_links():
    assert "The pictures do not expire with this page." in made(result(face()))


def test_a_refused_photo_is_listed_with_its_reason_and_without_a_picture():
    elements = Elements(made(result(status="rejected", key="notes.txt", reason="it is a text; send a JPEG")))
    assert not list(elements.named("img"))
    assert "notes.txt: it is a text; send a JPEG" in elements.text


def test_an_empty_page_says_what_to_do():
    assert "No pictures yet. Send a photo" in made()


def test_the_last_picture_leads_to_the_first_and_back():
    links = [
        str(a["href"])
        for a in Elements(made(result(face()), result(face()), result(face()))).named("a")
        if a.get("rel")
    ]
    assert links == ["#show-3", "#show-2", "#show-1", "#show-3", "#show-2", "#show-1"]


def test_no_id_is_used_twice():
    ids = [
        a["id"] for _, a in Elements(made(result(face()), result(status="rejected"), result(face()))).all if "id" in a
    ]
    assert len(ids) == len(set(ids))
