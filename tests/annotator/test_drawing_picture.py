import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from annotator.drawing import draw, draw_banner, strokes
from annotator.drawing.legend import captions, keys
from annotator.drawing.lettering import Block, Line, width_of, wrapped
from annotator.drawing.palette import EMOTIONS, NIGHT, SNOW, colour_of, contrast
from annotator.drawing.picture import Scale, _fitted, arranged, box_on, marks_on
from annotator.drawing.rectangles import Rect, Size, line
from annotator.drawing.words import looks
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
    """Faces in rows and columns, with every emotion; every seventh face is not indexed."""
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
    assert legend is None or legend.size == (panel.width, panel.height)
    return marks, places, legend, panel


def alike(pixels, colour, within=40):
    return np.abs(pixels.astype(int) - colour).max(axis=-1) <= within


def part(pixels, rect):
    return pixels[rect.top : rect.bottom, rect.left : rect.right]


def test_the_frame_has_the_emotions_colour_and_surrounds_the_face():
    picture = draw(photo(1000, 800), [face(0.4, 0.4, 0.2, 0.25, "SAD")])
    for side in (picture[420, 390:400], picture[420, 600:610], picture[310:320, 500]):
        assert alike(side, EMOTIONS["SAD"], within=4).any()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_face_itself_is_unchanged(emotion):
    before = noise(1000, 800)
    after = draw(before.copy(), [face(0.4, 0.4, 0.2, 0.25, emotion)])
    assert np.array_equal(before[325:515, 405:595], after[325:515, 405:595])
    assert not np.array_equal(before, after)


def test_pixels_far_from_a_face_are_unchanged():
    before = noise(1000, 800)
    after = draw(before.copy(), [face(0.4, 0.4, 0.2, 0.25)])
    assert np.array_equal(before[:300], after[:300])
    assert np.array_equal(before[600:750], after[600:750])


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_frame_is_visible_on_any_background(grey, emotion):
    """Either the line's colour or its dark edges have a contrast of 3 with the photo."""
    picture = draw(photo(1000, 800, grey), [face(0.4, 0.4, 0.2, 0.25, emotion)])
    across = [tuple(int(channel) for channel in pixel) for pixel in picture[420, 385:401]]
    assert max(contrast(pixel, (grey,) * 3) for pixel in across) >= 3


def test_an_unindexed_face_has_a_thinner_dashed_frame():
    inside, left_out = face(0.1, 0.3, 0.2, 0.3), face(0.6, 0.3, 0.2, 0.3, reasons=["LOW_SHARPNESS"])
    picture = draw(photo(1000, 800), [inside, left_out])
    solid = alike(picture[230:240, 150:250], EMOTIONS["HAPPY"])
    dashed = alike(picture[230:240, 650:750], EMOTIONS["HAPPY"])
    assert solid.any(axis=0).mean() == 1
    assert 0.3 < dashed.any(axis=0).mean() < 0.85
    assert dashed.sum(axis=0).max() < solid.sum(axis=0).max()
    assert alike(picture[230:240, 650:750], 128, within=0).all(axis=0).any()


@pytest.mark.parametrize(("side", "thickness"), [(24, 2), (600, 8)])
def test_a_dash_has_dark_edges_around_it(side, thickness):
    paper = photo(side, side, 255)
    strokes.frame(paper, Rect(0, 0, side, side), thickness, EMOTIONS["SAD"], NIGHT, dashed=True)
    edge, between_the_corners = strokes.halo_of(thickness), paper[:, side // 4 : -side // 4]
    dark = alike(between_the_corners[0], NIGHT, within=4)
    dashes = alike(between_the_corners[edge], EMOTIONS["SAD"], within=4)
    assert dashes.any()
    assert np.array_equal(dark, np.convolve(dashes, np.ones(2 * edge + 1), "same") > 0)


def test_a_small_unindexed_face_has_only_corners():
    paper = photo(16, 16, 0)
    strokes.frame(paper, Rect(0, 0, 16, 16), 2, SNOW, NIGHT, dashed=True)
    drawn = paper.any(axis=2)
    assert drawn[:5, :5].any()
    assert not drawn[:, 6:10].any()


def test_the_frame_of_the_smaller_face_is_on_top():
    large, small = marks_on(Size(1000, 800), [face(0.3, 0.2, 0.4, 0.6, "HAPPY"), face(0.25, 0.4, 0.1, 0.1, "SAD")])
    picture = draw(photo(1000, 800), [small.face, large.face])
    crossing = part(picture, Rect(large.frame.left, small.frame.top, large.frame.left + 8, small.frame.top + 8))
    assert alike(crossing, EMOTIONS["SAD"], within=4).any(axis=0).all()


def test_only_a_label_away_from_its_face_has_a_line():
    around = [(x, y) for y in (0.4, 0.45, 0.5) for x in (0.4, 0.44, 0.48)]
    faces = [face(x, y, 0.02, 0.025, "SAD" if (x, y) == (0.44, 0.45) else "HAPPY") for x, y in around]
    marks, places, _, _ = labelled(photo(1000, 800), faces)
    picture = draw(photo(1000, 800), faces)
    assert places[4].apart
    (start_x, start_y), (end_x, end_y) = line(marks[4].frame, places[4].rect)
    assert alike(picture[(start_y + end_y) // 2, (start_x + end_x) // 2], EMOTIONS["SAD"], within=20)
    assert alike(part(picture, places[4].rect), EMOTIONS["SAD"], within=4).mean() > 0.4

    (mark,), (spot,), _, _ = labelled(photo(1000, 800), [face(0.4, 0.4, 0.2, 0.25)])
    between = Rect(mark.frame.left, mark.frame.bottom, mark.frame.right, spot.rect.top)
    assert not spot.apart
    assert (part(draw(photo(1000, 800), [mark.face]), between) == 128).all()


@pytest.mark.parametrize("background", [photo(900, 700, 0), photo(900, 700, 255), noise(900, 700)])
@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("confidence", [95.0, 40.0])
def test_a_label_is_readable_on_any_background(background, emotion, confidence):
    """Measured on the picture: plate and text each cover a good part of the label, with a contrast of 4.5."""
    one = face(0.4, 0.4, 0.2, 0.25, emotion, confidence)
    _, (spot,), _, _ = labelled(background, [one])
    picture = draw(background.copy(), [one])
    middle = part(picture, spot.rect.grown(-5)).reshape(-1, 3)
    colours, counts = np.unique(middle, axis=0, return_counts=True)
    plate = tuple(int(channel) for channel in colours[counts.argmax()])
    against = [contrast(plate, tuple(int(channel) for channel in pixel)) for pixel in colours[counts > 5]]
    assert counts.max() > 0.4 * len(middle)
    assert max(against) >= 4.5


@pytest.mark.parametrize(("width", "height"), [(100, 20), (20, 100)])
def test_a_plate_has_rounded_corners(width, height):
    paper = photo(width, height, 0)
    strokes.plate(paper, Rect(0, 0, width, height), SNOW, SNOW, 0)
    for plate in (paper, paper[:, ::-1], paper[::-1], paper[::-1, ::-1]):
        assert not plate[0, 0].any()
        assert (plate[0, 6:-6] == 255).all()
        assert (plate[6:-6, 0] == 255).all()


@pytest.mark.parametrize("edge", [80, 640, 2048, 8000])
def test_no_text_is_too_small_to_read(edge):
    marks = marks_on(Size(edge, edge * 3 // 4), grid(4, 3))
    sizes = {text.size for mark in marks for form in mark.labels for block in form for text in block.lines}
    assert min(sizes) >= max(10, edge / 131)


def test_a_line_is_visible_on_a_thumbnail_but_thin_on_a_tiny_face():
    assert (Scale(80).hair, Scale(80).stroke(Rect(0, 0, 32, 32), indexed=True)) == (1, 2)
    assert Scale(2048).stroke(Rect(0, 0, 16, 16), indexed=True) == 1


def test_the_gap_between_labels_grows_with_the_picture():
    assert (Scale(80).gap, Scale(2048).gap) == (1, 3)


def test_the_lines_of_a_label_do_not_overlap():
    block = Block((Line("happy 98 %", 20), Line("happy 98 %", 20)))
    paper = photo(block.size.width, block.size.height, 0)
    block.write(paper, Rect(0, 0, *block.size), (255, 255, 255))
    rows = np.flatnonzero(paper.any(axis=(1, 2)))
    assert (np.diff(rows) > 3).sum() == 1


def test_no_line_is_wider_than_requested():
    for text in ("No face found in this photo", "Donaudampfschifffahrtsgesellschaftskapitän at sea"):
        for width in range(60, 400, 20):
            assert max(width_of(row, 20, 500) for row in wrapped(text, 20, 500, width)) <= width


def test_text_of_exactly_the_width_is_not_broken():
    assert wrapped("happy 98 %", 20, 500, width_of("happy 98 %", 20, 500)) == ["happy 98 %"]


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


def test_several_faces_are_numbered_in_their_order_and_a_single_one_is_not():
    def first_lines(faces):
        marks = marks_on(Size(1000, 800), faces)
        return [form[0].lines[0].text for mark in marks for form in mark.labels]

    assert first_lines([face(0.1, 0.1, 0.2, 0.2)]) == ["happy 98 %", "happy"]
    outside = face(1.2, 0.1, 0.2, 0.2)
    faces = [face(0.6, 0.1, 0.2, 0.2, "SAD"), outside, face(0.1, 0.1, 0.2, 0.2)]
    assert first_lines(faces) == ["1. sad 98 %", "1. sad", "sad", "3. happy 98 %", "3. happy", "happy"]


def test_a_larger_face_has_a_larger_label_up_to_a_limit():
    heights = []
    for width in (0.02, 0.1, 0.2, 0.35, 0.6):
        _, (spot,), _, _ = labelled(photo(2048, 1536), [face(0.2, 0.1, width, width)])
        heights.append(spot.rect.height)
    assert heights == sorted(heights)
    assert 1536 / 50 < heights[0] < heights[-1] < 1536 / 12


def test_faces_of_similar_size_have_the_same_text_size():
    marks = marks_on(Size(2048, 1536), [face(0.1, 0.1, 0.100, 0.13), face(0.5, 0.1, 0.104, 0.14)])
    assert marks[0].labels[0][0].size == marks[1].labels[0][0].size


@pytest.mark.parametrize("size", [(640, 480), (2048, 1536), (480, 640), (4032, 3024)])
@pytest.mark.parametrize("faces", [grid(1, 1), grid(5, 1, 0.6), grid(4, 3)], ids=["1 face", "5 faces", "12 faces"])
def test_every_face_of_an_ordinary_photo_has_a_label_next_to_it(size, faces):
    _, places, legend, panel = labelled(photo(*size), faces)
    assert all(places)
    assert not any(spot.apart for spot in places)
    assert not legend.entries
    assert not any(spot.rect.shares(panel) for spot in places)


def test_a_hundred_faces_have_a_hundred_labels():
    _, places, legend, _ = labelled(photo(2048, 1536), grid(10, 10))
    assert all(places)
    assert not legend.entries


def test_a_hundred_faces_without_room_for_labels_have_a_key():
    faces = grid(10, 10, 0.6)
    marks, places, legend, _ = labelled(photo(640, 480), faces)
    assert places == [None] * 100
    entries = {entry.text.text for entry in legend.entries}
    assert "happy 12" in entries
    assert "sad 11" in entries
    assert "not indexed 14" in entries
    assert sum(int(text.split()[-1]) for text in entries if not text.startswith("not")) == len(marks)


@pytest.mark.parametrize(
    ("size", "faces", "has_key", "has_labels"),
    [
        ((480, 360), grid(6, 5, 0.5), False, True),
        ((480, 360), grid(6, 6, 0.45), False, True),
        ((480, 360), grid(6, 6, 0.48), True, True),
        ((640, 480), grid(10, 10, 0.5), True, False),
        ((240, 180), grid(6, 6, 0.6), False, False),
    ],
    ids=[
        "3 of 30 labels missing",
        "3 of 36 missing",
        "9 of 36 missing",
        "62 of 100 missing",
        "a key of a third of the picture",
    ],
)
def test_a_key_adds_to_or_replaces_labels_that_have_no_room(size, faces, has_key, has_labels):
    _, places, legend, _ = labelled(photo(*size), faces)
    assert None in places
    assert (bool(legend.entries), any(places)) == (has_key, has_labels)


def test_a_key_lists_the_most_frequent_emotion_first():
    faces = [face(0, 0, 0.1, 0.1, emotion) for emotion in ("SAD", "FEAR", "HAPPY", "FEAR", "FEAR", "SAD")]
    legend, *_ = keys([*faces, Face(BoundingBox(0, 0, 0.1, 0.1), 99.0, face_id="a-face")], 12, 2000)
    entries = [(entry.text.text, entry.colour) for entry in legend.entries]
    counts = [("FEAR", 3), ("SAD", 2), ("HAPPY", 1), ("UNKNOWN", 1)]
    assert entries == [(f"{looks(emotion)} {count}", colour_of(emotion)) for emotion, count in counts]


def test_a_key_shows_every_colour_in_any_number_of_columns():
    legends = keys([face(0, 0, 0.1, 0.1, kind) for kind in ("HAPPY", "SAD", "ANGRY", "FEAR", "CALM")], 12, 300)
    assert {legend.columns for legend in legends} >= {1, 2, 3}
    for legend in legends:
        assert legend.size.width <= 300
        paper = photo(legend.size.width, legend.size.height, 0)
        legend.put(paper, Rect(0, 0, *legend.size))
        above, caption = np.split(paper, [legend.size.height - legend.caption.size.height])
        for entry in legend.entries:
            assert alike(above, entry.colour, within=4).sum() > 12 * 12 * 0.7
            assert not alike(caption, entry.colour, within=4).any()
        assert (caption.min(axis=2) > 200).any()


def test_a_key_of_exactly_the_width_fits():
    faces = [face(0, 0, 0.1, 0.1), face(0, 0, 0.1, 0.1, "SAD")]
    (widest, *_) = keys(faces, 12, 2000)
    assert keys(faces, 12, widest.size.width)[0] == widest


def test_a_key_shows_unindexed_faces_as_a_dashed_frame():
    (legend, *_) = keys([face(0, 0, 0.1, 0.1, reasons=["LOW_SHARPNESS"])], 24, 2000)
    paper = photo(*legend.size, 0)
    legend.put(paper, Rect(0, 0, *legend.size))
    plate, frame = (
        paper[: legend.size.height - legend.caption.size.height, x : x + 24] for x in (24, 24 + legend._column)
    )
    dashes = alike(frame, SNOW, within=4)
    highest_row = dashes[dashes.any(axis=1)][0]
    assert highest_row.sum() < 24 / 2
    assert dashes.sum() < alike(plate, EMOTIONS["HAPPY"], within=4).sum() / 2


def test_a_caption_is_as_large_as_fits_and_always_readable():
    for width in range(60, 300, 10):
        (caption, *_) = captions(12, width)
        assert caption.size.width <= width
    assert {text.size for text in captions(12, 20)[0].caption.lines} == {7}


def test_a_key_has_the_colours_of_the_frames():
    picture = draw(photo(640, 480), grid(10, 10, 0.6))
    _, _, legend, panel = labelled(photo(640, 480), grid(10, 10, 0.6))
    for entry in legend.entries:
        assert entry.dashed or alike(part(picture, panel), entry.colour, within=3).sum() > 40


def test_the_caption_is_in_a_corner_and_covers_no_face():
    one = face(0.7, 0.6, 0.3, 0.4)
    marks, _, legend, panel = labelled(photo(1000, 800), [one])
    assert [text.text for text in legend.caption.lines] == ["how it looks, not how you feel"]
    assert not panel.shares(marks[0].frame)
    assert panel.top > 700
    assert (part(draw(photo(1000, 800, 255), [one]), panel).min(axis=2) > 200).mean() > 0.05
    marks, _, legend, panel = labelled(photo(1000, 800), [face(0, 0, 0.88, 1)])
    assert len(legend.caption.lines) == 2
    assert not panel.shares(marks[0].frame)


def test_a_thumbnail_has_a_label_rather_than_a_caption():
    _, (spot,), legend, _ = labelled(photo(80, 80), [face(0.2, 0.1, 0.6, 0.6)])
    assert spot
    assert legend is None


def test_a_thumbnail_has_no_caption_that_covers_one_face_of_two():
    _, places, legend, _ = labelled(photo(120, 120), [face(0.05, 0.02, 0.2, 0.2), face(0, 0.6, 1, 0.4)])
    assert all(places)
    assert legend is None


ANY = st.floats(-3, 3) | st.floats()


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(ANY, ANY, ANY, ANY), max_size=6), st.sampled_from([(80, 80), (97, 211), (300, 120)]))
def test_any_box_is_drawn_or_ignored(boxes, size):
    pixels = photo(*size)
    picture = draw(pixels, [Face(BoundingBox(*box), 50.0, (Emotion("CALM", 60),), "a-face") for box in boxes])
    assert picture.shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    "box",
    [
        (0.5, 0.5, 0, 0.2),
        (0.5, 0.5, 0.2, -0.1),
        (1.2, 0.1, 0.3, 0.3),
        (-0.5, 0, 0.4, 1),
        (0, 3, 1, 1),
        (0, 0, 1, float("inf")),
    ],
)
def test_a_face_outside_the_picture_is_ignored(box):
    before = noise(300, 200)
    assert np.array_equal(draw(before.copy(), [face(*box)]), before)


def test_a_box_beyond_the_edge_is_framed_along_the_edge():
    picture = draw(photo(1000, 800), [face(-0.1, -0.1, 0.3, 0.4, "ANGRY")])
    assert alike(picture[100, :8], EMOTIONS["ANGRY"], within=4).any()
    assert alike(picture[:8, 100], EMOTIONS["ANGRY"], within=4).any()


def test_boxes_are_whole_pixels_within_the_picture():
    assert box_on(Size(100, 50), BoundingBox(-0.2, 0.5, 0.5, 0.7)) == Rect(0, 25, 30, 50)
    assert box_on(Size(100, 50), BoundingBox(0.5, 0.5, 1e-9, 1e-9)) == Rect(50, 25, 51, 26)


def test_a_face_without_emotions_is_drawn_in_grey():
    picture = draw(photo(1000, 800, 30), [Face(BoundingBox(0.4, 0.4, 0.2, 0.25), 99.0, face_id="a-face")])
    assert alike(picture[420, 390:400], EMOTIONS["UNKNOWN"], within=4).any()


def test_a_picture_without_faces_is_unchanged():
    before = noise(200, 100)
    assert np.array_equal(draw(before.copy(), []), before)


def test_the_array_is_modified_in_place():
    pixels = photo(400, 300)
    assert draw(pixels, [face(0.4, 0.4, 0.2, 0.2)]) is pixels
    assert draw_banner(pixels, "No face found in this photo") is pixels


@pytest.mark.parametrize("how", ["read-only", "mirrored"])
@pytest.mark.parametrize(
    "drawn",
    [
        lambda pixels: draw(pixels, [face(0.4, 0.4, 0.2, 0.2)]),
        lambda pixels: draw_banner(pixels, "No face found in this photo"),
    ],
    ids=["frame", "banner"],
)
def test_an_array_that_opencv_cannot_draw_on_is_copied(how, drawn):
    pixels = noise(400, 300)
    if how == "mirrored":
        pixels = pixels[:, ::-1]
    else:
        pixels.flags.writeable = False
    before = pixels.copy()
    after = drawn(pixels)
    assert np.array_equal(pixels, before)
    assert not np.array_equal(after, before)


@pytest.mark.parametrize("size", [(80, 80), (80, 400), (400, 80), (1600, 900), (4000, 3000)])
def test_a_banner_is_readable_and_covers_only_the_lower_edge(size):
    before = noise(*size)
    after = draw_banner(before.copy(), "No face found in this photo")
    changed = np.flatnonzero((before != after).any(axis=(1, 2)))
    assert changed.max() == size[1] - 1
    assert changed.min() >= size[1] * 0.45
    band = after[changed.min() :]
    assert alike(band, (255, 255, 255), within=40).mean() > 0.02
    assert contrast(tuple(int(channel) for channel in np.percentile(band, 60, axis=(0, 1))), (255, 255, 255)) >= 4.5


def test_banners_and_panels_are_translucent():
    (caption, *_) = captions(12, 400)
    black, white = photo(400, 300, 0), photo(400, 300, 255)
    for paper in (black, white):
        draw_banner(paper, "No face found in this photo")
        caption.put(paper, Rect(0, 0, *caption.size))
    for corner in ((-1, 0), (0, 0)):
        through = white[corner].astype(int) - black[corner]
        assert ((through > 30) & (through < 70)).all()


def test_a_banner_breaks_no_word_that_fits():
    lines = [text.text for text in _fitted("No face found in this photo", Size(120, 900)).lines]
    assert " ".join(lines) == "No face found in this photo"


@pytest.mark.parametrize("size", [(80, 80), (400, 300), (2048, 1536)])
def test_a_banner_fits_into_the_picture(size):
    text = _fitted("No face found in this photo", Size(*size))
    assert text.size.width <= size[0]
    assert text.lines[0].size >= size[0] // 32


def test_a_banner_with_a_long_sentence_fits_into_the_picture():
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
def test_the_picture_matches_the_stored_one(scene):
    """Compared at a third of the size. After an intended change, run with NEW_PICTURES=1, review and commit."""
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
