"""The gallery as a browser sees it: headless Chromium, driven over plain WebDriver (w3.org/TR/webdriver2)."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from annotator.drawing.palette import EMOTIONS
from annotator.result import Result

from tests.browser import Browser, needs_chromium, opened
from tests.workshop.show.test_gallery import face, result
from workshop.show.gallery import page

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


RESULTS = [
    result(face("CALM", 40), face("HAPPY", 98), key="meetup/grün & blau+1.jpg"),
    result(face("HAPPY", 77), key='"><script>alert(1)</script>.jpg'),
    result(status="no_face", key="empty chair.jpg"),
    result(*[face(emotion) for emotion in EMOTIONS], key="everything #1 100%.jpg"),
    result(status="rejected", key="notes.txt", reason="notes.txt is a text; send a JPEG or PNG"),
]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, with its pictures beside it."""
    folder = tmp_path_factory.mktemp("gallery")
    names: dict[str, str] = {}
    for number, each in enumerate(picture for r in RESULTS if (picture := r.picture)):
        names[each.key] = f"{number} {Path(each.key).name}"
        cv2.imwrite(str(folder / names[each.key]), np.full((each.height, each.width, 3), 40 * number, np.uint8))
    file = folder / "index.html"
    file.write_text(page(RESULTS, lambda picture: quote(names[picture.key]), made=datetime.now(UTC)), encoding="utf-8")
    return file


@pytest.fixture
def shown(browser: Browser, gallery: Path) -> Browser:
    browser.size(1920, 1080)
    browser.prefer("light")
    browser.open(gallery.as_uri())
    return browser


def loaded_pictures(browser: Browser) -> list[int]:
    return list(browser.run("return [...document.images].map(image => image.naturalWidth)"))


def test_all_pictures_load_from_the_folder_of_the_page(shown: Browser):
    assert loaded_pictures(shown) == [640] * 4


def test_all_pictures_load_through_links(browser: Browser, gallery: Path):
    handler = partial(SimpleHTTPRequestHandler, directory=str(gallery.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        linked = gallery.with_name("linked.html")
        address = f"http://127.0.0.1:{server.server_port}/"
        file_of = {name[2:]: name for name in (path.name for path in gallery.parent.glob("* *"))}
        linked.write_text(
            page(RESULTS, lambda each: address + quote(file_of[Path(each.key).name]), made=datetime.now(UTC)),
            encoding="utf-8",
        )
        browser.open(linked.as_uri())
        assert loaded_pictures(browser) == [640] * 4
        server.shutdown()


def test_on_paper_photos_stand_side_by_side_and_labels_are_dark_on_white(shown: Browser):
    """A browser prints no background, so pale labels on dark plates would be lost."""
    shown.devtools("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        tops = shown.run("return [...document.querySelectorAll('.wall > li')].slice(0, 3).map(li => li.offsetTop)")
        colours = shown.run("return [...document.querySelectorAll('.looks li')].map(li => getComputedStyle(li).color)")
    finally:
        shown.devtools("Emulation.setEmulatedMedia", {"media": ""})
    assert len(set(tops)) == 1
    assert set(colours[:3]) == {"rgb(0, 0, 0)"}


def test_the_console_stays_silent(shown: Browser):
    shown.press("tab", "enter", "right", "escape")
    assert shown.complaints() == []


def test_the_tally_is_right_and_the_bars_are_as_long_as_the_numbers(shown: Browser):
    rows = shown.run(
        "return [...document.querySelectorAll('tbody tr')].map(row => ["
        "row.querySelector('th').innerText, Number(row.querySelector('.count').innerText),"
        "row.querySelector('rect').getBoundingClientRect().width])"
    )
    assert [(look, count) for look, count, _ in rows][:2] == [("happy", 3), ("calm", 2)]
    assert sum(count for _, count, _ in rows) == sum(len(each.faces) for each in RESULTS)
    longest = rows[0][2]
    assert all(width == pytest.approx(longest * count / 3, rel=0.02) for _, count, width in rows)


def test_the_words_can_be_read_from_the_last_row(shown: Browser):
    """On a projector of 1080 lines: the tally at 3 % of the height or more, what the faces look like at 2 %.

    The heading leaves more than half of the screen to the pictures.
    """
    sizes = shown.run(
        "const size = what => parseFloat(getComputedStyle(document.querySelector(what)).fontSize);"
        "return [size('tbody th'), size('.looks li')]"
    )
    assert sizes[0] >= 0.03 * 1080
    assert sizes[1] >= 0.02 * 1080
    assert shown.run("return document.querySelector('.picture img').getBoundingClientRect().top") < 1080 / 2


def test_every_picture_can_be_reached_and_enlarged_with_the_keyboard_alone(shown: Browser):
    def focused() -> str:
        return str(shown.run("return document.activeElement.getAttribute('href')"))

    for number in (1, 2, 3, 4):
        shown.press("tab")
        assert focused() == f"#show-{number}"
    shown.press("enter")
    assert shown.run("return document.querySelector('figure:target').id") == "show-4"
    shown.press("right")
    assert shown.run("return document.querySelector('figure:target').id") == "show-1"
    shown.press("left", "left")
    assert shown.run("return document.querySelector('figure:target').id") == "show-3"
    shown.press("escape")
    assert shown.run("return document.querySelector('figure:target')") is None
    assert focused() == "#show-3"


def test_the_focus_can_be_seen(shown: Browser):
    shown.press("tab")
    outline = shown.run("return getComputedStyle(document.activeElement.closest('figure')).outlineStyle")
    assert outline == "solid"


def test_an_enlarged_picture_fills_the_screen_and_hides_the_rest_from_tab(shown: Browser):
    shown.run("location.hash = '#show-2'")
    box = shown.run(
        "const b = document.querySelector('figure:target').getBoundingClientRect(); return [b.width, b.height]"
    )
    assert box == shown.run("return [innerWidth, innerHeight]")
    reached = set()
    for _ in range(6):
        shown.press("tab")
        reached.add(shown.run("return document.activeElement.innerText"))
    assert {"Previous", "Back to all", "Next"} <= reached
    assert shown.run("return document.activeElement.closest('figure')?.id ?? 'show-2'") == "show-2"


def test_it_works_without_script(shown: Browser, gallery: Path):
    shown.devtools("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        shown.open(gallery.as_uri())
        shown.press("tab", "tab", "enter")
        shown.devtools("Emulation.setScriptExecutionDisabled", {"value": False})
        assert shown.run("return document.querySelector('figure:target').id") == "show-2"
    finally:
        shown.devtools("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_screen_reader_gets_a_description_of_each_picture(shown: Browser):
    tree = shown.devtools("Accessibility.getFullAXTree", {})["nodes"]

    def names(role: str) -> list[str]:
        return [
            node["name"]["value"] for node in tree if node.get("role", {}).get("value") == role and not node["ignored"]
        ]

    assert (
        names("image")[0]
        == "meetup/grün & blau+1.jpg: 2 faces, from left to right: 1. perhaps calm 40 %, 2. happy 98 %."
    )
    assert names("heading")[:2] == ["Show your emotions", "The photos"]
    assert len(names("link")) == 4
    assert {"banner", "main", "contentinfo"} <= {node.get("role", {}).get("value") for node in tree}
    assert "How the faces look" in names("table")


CONTRASTS = """
const rgb = text => { const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  context.fillStyle = text; context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; };
const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = element => { for (let at = element; at; at = at.parentElement) {
  const colour = rgb(getComputedStyle(at).backgroundColor); if (colour[3] === 255) return colour; } };
return [...document.querySelectorAll('body *')].filter(element => !element.closest('script, svg') &&
  [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())).map(element => {
    const [one, other] = [rgb(getComputedStyle(element).color), ground(element)].map(luminance).sort((a, b) => b - a);
    return [element.innerText.slice(0, 40), (one + 0.05) / (other + 0.05)]; });
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", ["", "#show-4"])
def test_all_text_has_the_contrast_that_wcag_asks_for(shown: Browser, gallery: Path, scheme: str, fragment: str):
    """4.5 to 1 (WCAG 2.2, 1.4.3), whatever the size."""
    shown.prefer(scheme)
    shown.open(gallery.as_uri() + fragment)
    measured = shown.run(CONTRASTS)
    assert len(measured) > 20
    assert [pair for pair in measured if pair[1] < 4.5] == []


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_nothing_is_wider_than_the_window(shown: Browser, width: int):
    shown.devtools(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert shown.run("return document.documentElement.scrollWidth") <= width
    finally:
        shown.devtools("Emulation.clearDeviceMetricsOverride", {})


def test_hundreds_of_photos_are_laid_out(shown: Browser, tmp_path: Path):
    crowd: list[Result] = [result(*[face("CALM")] * 100, key=f"{n}.jpg") for n in range(300)]
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    file = tmp_path / "crowd.html"
    file.write_text(page(crowd, lambda _picture: pixel, made=datetime.now(UTC)), encoding="utf-8")
    shown.open(file.as_uri())
    assert loaded_pictures(shown) == [1] * 300


@pytest.mark.parametrize(
    ("hours", "sentence"), [(-1, "The link to this picture has ended."), (1, "This picture could not be loaded.")]
)
def test_a_missing_picture_is_explained_in_its_place(browser: Browser, tmp_path: Path, hours: int, sentence: str):
    now = datetime.now(UTC)
    file = tmp_path / "index.html"
    markup = page(RESULTS[:1], lambda _picture: "gone.jpg", made=now, links_end=now + timedelta(hours=hours))
    file.write_text(markup, encoding="utf-8")
    browser.open(file.as_uri())
    assert browser.run("return document.querySelector('.picture').innerText").startswith(sentence)
