import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from annotator.drawing import draw, draw_banner
from annotator.drawing.lettering import Block, Line
from annotator.drawing.palette import EMOTIONS, NIGHT, contrast
from annotator.drawing.picture import _fitted, arranged, box_on, marks_on
from annotator.drawing.rectangles import Rect, Size
from annotator.faces import BoundingBox, Emotion, Face
from hypothesis import given, settings
from hypothesis import strategies as st

GOLDEN = Path(__file__).with_name("pictures")
KINDS = list(EMOTIONS)


def photo(width, height, grey=128):
    return np.full((height, width, 3), grey, np.uint8)


def noise(width, height):
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def face(left, top, width, height, emotion="HAPPY", confidence=98.0, reasons=()):
    box = BoundingBox(left, top, width, height)
    return Face(box, 99.0, (Emotion(emotion, confidence),), None if reasons else "a-face", tuple(reasons))


def grid(across, down, fill=0.5):
    """Faces in rows and columns, of every emotion, every seventh of them left out."""
    wide, high = 1 / across, 1 / down
    return [
        face(
            (number % across + 0.5 - fill / 2) * wide,
            (number // across + 0.5 - fill / 2) * high,
            wide * fill,
            high * fill,
            KINDS[number % 9],
            35 + number * 37 % 65,
            ("LOW_SHARPNESS",) if number % 7 == 6 else (),
        )
        for number in range(across * down)
    ]


def labelled(pixels, faces):
    """The marks and the labels' places on a picture."""
    canvas = Size(pixels.shape[1], pixels.shape[0])
    marks = marks_on(canvas, faces)
    places, legend, panel = arranged(canvas, marks)
    return marks, places, legend, panel


def alike(pixels, colour, within=40):
    return np.abs(pixels.astype(int) - colour).max(axis=-1) <= within


def part(pixels, rect):
    return pixels[rect.top : rect.bottom, rect.left : rect.right]


def test_the_frame_has_the_emotions_colour_and_lies_around_the_face():
    picture = draw(photo(1000, 800), [face(0.4, 0.4, 0.2, 0.25, "SAD")])
    for side in (picture[420, 390:400], picture[420, 600:610], picture[310:320, 500]):
        assert alike(side, EMOTIONS["SAD"], within=4).any()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_face_itself_stays_as_it_was(emotion):
    before = noise(1000, 800)
    after = draw(before.copy(), [face(0.4, 0.4, 0.2, 0.25, emotion)])
    assert np.array_equal(before[325:515, 405:595], after[325:515, 405:595])
    assert not np.array_equal(before, after)


def test_what_is_far_from_a_face_stays_as_it_was():
    before = noise(1000, 800)
    after = draw(before.copy(), [face(0.4, 0.4, 0.2, 0.25)])
    assert np.array_equal(before[:300], after[:300])
    assert np.array_equal(before[600:750], after[600:750])


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_frame_shows_on_any_background(grey, emotion):
    """Somewhere across the line there is a contrast of 3 with the photograph: its colour, or its dark edges."""
    picture = draw(photo(1000, 800, grey), [face(0.4, 0.4, 0.2, 0.25, emotion)])
    across = [tuple(int(channel) for channel in pixel) for pixel in picture[420, 385:401]]
    assert max(contrast(pixel, (grey,) * 3) for pixel in across) >= 3


def test_a_face_left_out_is_framed_with_a_thinner_dashed_line():
    inside, left_out = face(0.1, 0.3, 0.2, 0.3), face(0.6, 0.3, 0.2, 0.3, reasons=["LOW_SHARPNESS"])
    picture = draw(photo(1000, 800), [inside, left_out])
    solid = alike(picture[230:240, 150:250], EMOTIONS["HAPPY"])
    dashed = alike(picture[230:240, 650:750], EMOTIONS["HAPPY"])
    assert solid.any(axis=0).mean() == 1
    assert 0.3 < dashed.any(axis=0).mean() < 0.85
    assert dashed.sum(axis=0).max() < solid.sum(axis=0).max()


@pytest.mark.parametrize("background", [photo(900, 700, 0), photo(900, 700, 255), noise(900, 700)])
@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("confidence", [95.0, 40.0])
def test_a_label_is_readable_on_any_background(background, emotion, confidence):
    """Measured on the picture: plate and ink are each a good part of the label, with a contrast of 4.5."""
    one = face(0.4, 0.4, 0.2, 0.25, emotion, confidence)
    _, (spot,), _, _ = labelled(background, [one])
    picture = draw(background.copy(), [one])
    middle = part(picture, spot.rect.grown(-5)).reshape(-1, 3)
    colours, counts = np.unique(middle, axis=0, return_counts=True)
    plate = tuple(int(channel) for channel in colours[counts.argmax()])
    against = [contrast(plate, tuple(int(channel) for channel in pixel)) for pixel in colours[counts > 5]]
    assert counts.max() > 0.4 * len(middle)
    assert max(against) >= 4.5


@pytest.mark.parametrize("size", [10, 11, 16, 27, 73])
def test_text_stays_on_its_plate(size):
    block = Block((Line("perhaps disgusted 41 %", size, 600), Line("not indexed: (gjpqy)", round(size * 0.8), 450)))
    rect = Rect(20, 20, 20 + block.size.width, 20 + block.size.height)
    paper = photo(rect.right + 20, rect.bottom + 20, 0)
    block.write(paper, rect, (255, 255, 255))
    rows, columns = np.nonzero(paper.max(axis=2))
    assert rect.left < columns.min()
    assert columns.max() < rect.right - 1
    assert rect.top < rows.min()
    assert rows.max() < rect.bottom - 1


def test_a_larger_face_has_a_larger_label_up_to_a_limit():
    heights = []
    for width in (0.02, 0.1, 0.2, 0.35, 0.6):
        _, (spot,), _, _ = labelled(photo(2048, 1536), [face(0.2, 0.1, width, width)])
        heights.append(spot.rect.height)
    assert heights == sorted(heights)
    assert 1536 / 50 < heights[0] < heights[-1] < 1536 / 12


def test_faces_of_about_the_same_size_are_labelled_alike():
    marks = marks_on(Size(2048, 1536), [face(0.1, 0.1, 0.100, 0.13), face(0.5, 0.1, 0.104, 0.14)])
    assert marks[0].labels[0][0].size == marks[1].labels[0][0].size


@pytest.mark.parametrize("size", [(640, 480), (2048, 1536), (480, 640), (4032, 3024)])
@pytest.mark.parametrize("faces", [grid(1, 1), grid(5, 1, 0.6), grid(4, 3)], ids=["1 face", "5 faces", "12 faces"])
def test_every_face_of_an_ordinary_photo_has_a_label_beside_it(size, faces):
    _, places, legend, panel = labelled(photo(*size), faces)
    assert all(places)
    assert not any(spot.apart for spot in places)
    assert not legend.entries
    assert not any(spot.rect.shares(panel) for spot in places)


def test_a_hundred_faces_have_a_hundred_labels():
    _, places, legend, _ = labelled(photo(2048, 1536), grid(10, 10))
    assert all(places)
    assert not legend.entries


def test_a_hundred_faces_without_room_for_labels_have_a_key_that_counts_them():
    faces = grid(10, 10, 0.6)
    marks, places, legend, _ = labelled(photo(640, 480), faces)
    assert places == [None] * 100
    said = {entry.text.text for entry in legend.entries}
    assert "happy 12" in said
    assert "sad 11" in said
    assert "not indexed 14" in said
    assert sum(int(text.split()[-1]) for text in said if not text.startswith("not")) == len(marks)


def test_a_key_has_the_colours_of_the_frames():
    picture = draw(photo(640, 480), grid(10, 10, 0.6))
    _, _, legend, panel = labelled(photo(640, 480), grid(10, 10, 0.6))
    for entry in legend.entries:
        assert entry.dashed or alike(part(picture, panel), entry.colour, within=3).sum() > 40


def test_the_caption_is_in_the_corner_and_not_over_a_face():
    one = face(0.7, 0.6, 0.3, 0.4)
    marks, _, legend, panel = labelled(photo(1000, 800), [one])
    assert [text.text for text in legend.caption.lines] == ["how it looks, not how you feel"]
    assert not panel.shares(marks[0].frame)
    assert panel.top > 700
    assert (part(draw(photo(1000, 800, 255), [one]), panel).min(axis=2) > 200).mean() > 0.05


def test_a_thumbnail_gives_its_room_to_the_label():
    _, (spot,), legend, _ = labelled(photo(80, 80), [face(0.2, 0.1, 0.6, 0.6)])
    assert spot
    assert legend is None


ANY = st.floats(-3, 3) | st.floats()


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(ANY, ANY, ANY, ANY), max_size=6), st.sampled_from([(80, 80), (97, 211), (300, 120)]))
def test_no_box_is_too_odd_to_be_drawn_or_passed_over(boxes, size):
    pixels = photo(*size)
    picture = draw(pixels, [Face(BoundingBox(*box), 50.0, (Emotion("CALM", 60),), "a-face") for box in boxes])
    assert picture.shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    "box", [(0.5, 0.5, 0, 0.2), (0.5, 0.5, 0.2, -0.1), (1.2, 0.1, 0.3, 0.3), (-0.5, 0, 0.4, 1), (0, 3, 1, 1)]
)
def test_a_face_that_the_picture_does_not_show_leaves_it_as_it_was(box):
    before = noise(300, 200)
    assert np.array_equal(draw(before.copy(), [face(*box)]), before)


def test_a_box_that_hangs_over_the_edge_is_framed_along_the_edge():
    picture = draw(photo(1000, 800), [face(-0.1, -0.1, 0.3, 0.4, "ANGRY")])
    assert alike(picture[100, :8], EMOTIONS["ANGRY"], within=4).any()
    assert alike(picture[:8, 100], EMOTIONS["ANGRY"], within=4).any()


def test_boxes_are_whole_pixels_within_the_picture():
    assert box_on(Size(100, 50), BoundingBox(-0.2, 0.5, 0.5, 0.7)) == Rect(0, 25, 30, 50)
    assert box_on(Size(100, 50), BoundingBox(0.5, 0.5, 1e-9, 1e-9)) == Rect(50, 25, 51, 26)


def test_a_face_without_emotions_is_drawn_in_grey():
    picture = draw(photo(1000, 800, 30), [Face(BoundingBox(0.4, 0.4, 0.2, 0.25), 99.0, face_id="a-face")])
    assert alike(picture[420, 390:400], EMOTIONS["UNKNOWN"], within=4).any()


def test_no_faces_leave_the_picture_as_it_was():
    before = noise(200, 100)
    assert np.array_equal(draw(before.copy(), []), before)


def test_the_array_itself_is_drawn_on():
    pixels = photo(400, 300)
    assert draw(pixels, [face(0.4, 0.4, 0.2, 0.2)]) is pixels
    assert draw_banner(pixels, "No face found in this photo") is pixels


@pytest.mark.parametrize("how", ["read-only", "mirrored"])
def test_an_array_that_cannot_be_drawn_on_is_copied(how):
    pixels = noise(400, 300)
    if how == "mirrored":
        pixels = pixels[:, ::-1]
    else:
        pixels.flags.writeable = False
    before = pixels.copy()
    after = draw(pixels, [face(0.4, 0.4, 0.2, 0.2)])
    assert np.array_equal(pixels, before)
    assert not np.array_equal(after, before)


@pytest.mark.parametrize("size", [(80, 80), (80, 400), (400, 80), (1600, 900), (4000, 3000)])
def test_a_banner_is_readable_and_leaves_the_photo_alone(size):
    before = noise(*size)
    after = draw_banner(before.copy(), "No face found in this photo")
    changed = np.flatnonzero((before != after).any(axis=(1, 2)))
    assert changed.max() == size[1] - 1
    assert changed.min() >= size[1] * 0.45
    band = after[changed.min() :]
    assert alike(band, (255, 255, 255), within=40).mean() > 0.02
    assert contrast(tuple(int(channel) for channel in np.percentile(band, 60, axis=(0, 1))), (255, 255, 255)) >= 4.5


def test_a_banner_breaks_no_word_that_fits():
    lines = [text.text for text in _fitted("No face found in this photo", Size(120, 900)).lines]
    assert " ".join(lines) == "No face found in this photo"


def test_a_banner_for_a_long_sentence_stays_in_the_picture():
    long = "a word " * 60 + "Donaudampfschifffahrtsgesellschaftskapitän"
    assert draw_banner(photo(80, 80), long).shape == (80, 80, 3)
    after = draw_banner(noise(1000, 800), long)
    assert np.array_equal(after[:300], noise(1000, 800)[:300])


SCENES = {
    "five-faces": (photo(960, 640, 96), grid(5, 1, 0.6)),
    "left-out-and-unsure": (photo(960, 640, 235), grid(4, 3, 0.45)),
    "crowd": (photo(960, 720, 40), grid(10, 10, 0.7)),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_picture_looks_as_it_did(scene):
    """Compared at a third of the size. Meant to change? Run with NEW_PICTURES=1, look at them, commit them."""
    pixels, faces = SCENES[scene]
    picture = cv2.resize(draw(pixels.copy(), faces), None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
    golden = GOLDEN / f"{scene}.png"
    if os.environ.get("NEW_PICTURES"):
        cv2.imwrite(str(golden), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    expected = cv2.imread(str(golden))
    assert picture.shape == expected.shape
    difference = cv2.absdiff(picture, expected).max(axis=2)
    assert difference.mean() < 1
    assert (difference > 60).mean() < 0.003


def test_dark_edges_keep_neighbouring_colours_apart():
    picture = draw(photo(1000, 800), [face(0.4, 0.4, 0.2, 0.25, "CALM")])
    assert alike(picture[420, 385:401], NIGHT, within=30).any()
