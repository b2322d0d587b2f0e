from itertools import combinations

import pytest
from annotator.drawing.open_ground import OpenGround
from annotator.drawing.placement import corner, place
from annotator.drawing.rectangles import Rect, Size, line, rows
from hypothesis import given, settings
from hypothesis import strategies as st

HD = Size(1600, 900)
ONE_SIZE = [[Size(120, 30)]]
GAP = 3
IN_THE_WAY = Rect(655, 380, 690, 460)


@st.composite
def crowds(draw):
    """A picture, faces anywhere in it, and the possible sizes of each face's label."""
    canvas = Size(draw(st.integers(80, 900)), draw(st.integers(80, 900)))
    frames, wishes = [], []
    for _ in range(draw(st.integers(0, 14))):
        left = draw(st.integers(0, canvas.width - 2))
        top = draw(st.integers(0, canvas.height - 2))
        right = draw(st.integers(left + 1, canvas.width))
        bottom = draw(st.integers(top + 1, min(canvas.height, top + 2 * (right - left))))
        frames.append(Rect(left, top, right, bottom))
        high = draw(st.integers(12, 40))
        forms = draw(st.integers(1, 3))
        wishes.append(
            [[Size(high * (9 - 2 * form), high), Size(high * (7 - 2 * form), high - 2)] for form in range(forms)]
        )
    taken = Rect(canvas.width - 60, canvas.height - 14, canvas.width, canvas.height)
    return canvas, frames, wishes, taken


@settings(max_examples=150, deadline=None)
@given(crowds())
def test_labels_stay_inside_and_cover_no_label_or_face(crowd):
    canvas, frames, wishes, taken = crowd
    places = place(canvas, frames, wishes, taken=[taken], gap=GAP)
    labels = [(face, spot.rect) for face, spot in enumerate(places) if spot]
    for face, rect in labels:
        assert rect.within(canvas) == rect
        assert not rect.grown(GAP).shares(taken)
        assert not any(rect.grown(GAP).shares(frame) for other, frame in enumerate(frames) if other != face)
    for (_, one), (_, other) in combinations(labels, 2):
        assert not one.grown(GAP).shares(other)


@settings(max_examples=100, deadline=None)
@given(crowds())
def test_a_free_place_is_inside_the_picture_and_not_taken(crowd):
    canvas, frames, wishes, taken = crowd
    ground = OpenGround(canvas)
    for rect in (*frames, taken):
        ground.take(rect)
    for frame, wish in zip(frames, wishes, strict=True):
        if found := ground.nearest(frame, wish[0][0], 200, rows([taken])):
            assert found[0].within(canvas) == found[0]
            assert not any(found[0].shares(rect) for rect in (*frames, taken))


@pytest.mark.parametrize(
    ("taken", "frame", "edge"),
    [
        (Rect(0, 0, 1500, 900), Rect(1400, 400, 1440, 440), "right"),
        (Rect(0, 0, 1600, 870), Rect(700, 700, 740, 740), "bottom"),
    ],
)
def test_free_space_reaches_the_edge_of_the_picture(taken, frame, edge):
    """The space between the taken area and the edge is exactly large enough."""
    ground = OpenGround(HD)
    ground.take(taken)
    rect, _ = ground.nearest(frame, Size(100, 30), 400, rows([]))
    assert getattr(rect, edge) == getattr(Rect(0, 0, *HD), edge)


def test_the_best_line_is_short_and_crosses_no_face():
    """Free space is 50 pixels to the left and, in two cases, nearer or farther to the right."""
    frame, size = Rect(700, 400, 740, 440), Size(100, 30)
    for between, right, goes in (([], 840, "left"), ([IN_THE_WAY], 840, "right"), ([IN_THE_WAY], 1040, "left")):
        ground = OpenGround(HD)
        ground.take(Rect(650, 0, right, 900))
        rect, _ = ground.nearest(frame, size, 400, rows(between))
        assert (rect.right <= 650, rect.left >= right) == (goes == "left", goes == "right")


@settings(max_examples=60, deadline=None)
@given(crowds())
def test_a_label_has_one_of_the_sizes_offered(crowd):
    canvas, frames, wishes, taken = crowd
    for spot, wish in zip(place(canvas, frames, wishes, taken=[taken]), wishes, strict=True):
        assert spot is None or (spot.rect.width, spot.rect.height) == wish[spot.form][spot.size]


@settings(max_examples=30, deadline=None)
@given(crowds())
def test_placement_is_deterministic(crowd):
    canvas, frames, wishes, taken = crowd
    assert place(canvas, frames, wishes, [taken]) == place(canvas, frames, wishes, [taken])


def test_a_single_face_has_its_label_centred_below():
    (spot,) = place(HD, [Rect(700, 300, 900, 500)], [[[Size(100, 30), Size(50, 15)]]])
    assert (spot.form, spot.size, spot.apart) == (0, 0, False)
    assert spot.rect.left + spot.rect.right == 1600
    assert 500 < spot.rect.top < 510


def test_a_face_at_the_lower_edge_has_its_label_above():
    (spot,) = place(HD, [Rect(700, 700, 900, 900)], [ONE_SIZE])
    assert spot.rect.bottom < 700


def test_a_label_slides_along_its_face_to_stay_inside():
    left, right = place(HD, [Rect(10, 300, 50, 340), Rect(1550, 300, 1590, 340)], [ONE_SIZE] * 2)
    assert (left.rect.left, right.rect.right) == (0, 1600)
    assert min(left.rect.top, right.rect.top) > 340


@pytest.mark.parametrize(("below", "left"), [(Rect(830, 500, 1600, 900), 700), (Rect(0, 500, 770, 900), 780)])
def test_a_label_that_cannot_be_centred_aligns_with_the_face(below, left):
    above = Rect(0, 0, 1600, 290)
    (spot,) = place(HD, [Rect(700, 300, 900, 490)], [ONE_SIZE], taken=[above, below])
    assert (spot.rect.left, spot.rect.top) == (left, 493)


def test_a_face_that_fills_the_picture_has_its_label_inside_below():
    frame = Rect(0, 0, 1600, 900)
    (spot,) = place(HD, [frame], [ONE_SIZE])
    assert spot.rect.bottom > 850
    assert not spot.apart


def test_a_label_moves_inside_above_if_below_is_taken():
    (spot,) = place(HD, [Rect(0, 0, 1600, 900)], [ONE_SIZE], taken=[Rect(0, 800, 1600, 900)])
    assert spot.rect.top < 50
    assert not spot.apart


def test_a_smaller_label_is_better_than_the_other_side():
    """Only the small size fits between two neighbours, and there is no room above."""
    frames = [Rect(700, 0, 800, 100), Rect(560, 60, 690, 400), Rect(810, 60, 940, 400)]
    spot, *_ = place(HD, frames, [[[Size(140, 30), Size(90, 24)]], ONE_SIZE, ONE_SIZE])
    assert spot.size == 1
    assert not spot.apart


def test_a_label_without_room_next_to_its_face_has_a_line():
    """A small face in the middle of eight others that leave no gap for its label."""
    frames = [Rect(x, y, x + 40, y + 40) for y in (400, 444, 488) for x in (700, 744, 788)]
    places = place(HD, frames, [ONE_SIZE] * 9)
    assert all(places)
    assert places[4].apart
    assert not any(places[4].rect.shares(frame) for frame in frames)


def test_the_only_free_place_is_found():
    """Everything is taken except 130 x 40 pixels near the face."""
    slot = Rect(500, 300, 630, 340)
    taken = [Rect(0, 0, 1600, 300), Rect(0, 340, 1600, 900), Rect(0, 300, 500, 340), Rect(630, 300, 1600, 340)]
    (spot,) = place(HD, [Rect(540, 380, 560, 400)], [ONE_SIZE], taken=taken)
    assert spot.apart
    assert spot.rect.within(HD) == spot.rect
    assert slot.left <= spot.rect.left
    assert spot.rect.right <= slot.right
    assert not any(spot.rect.shares(rect) for rect in taken)


@pytest.mark.parametrize("larger", [[], [Size(160, 40)], [Size(200, 50), Size(160, 40)]])
def test_a_label_can_be_far_away_rather_than_omitted(larger):
    """The only free place is 300 pixels above the face, farther than a line should be otherwise."""
    taken = [Rect(0, 140, 1600, 900)]
    (spot,) = place(HD, [Rect(700, 440, 740, 480)], [[[*larger, Size(120, 30)]]], taken=taken)
    assert spot.apart
    assert spot.rect.bottom < 140
    assert (spot.size, spot.rect.height) == (len(larger), 30)


def test_a_label_is_omitted_rather_than_too_far_away():
    assert place(HD, [Rect(700, 700, 740, 740)], [ONE_SIZE], taken=[Rect(0, 140, 1600, 900)]) == [None]


def test_a_wide_label_leaves_room_for_its_neighbours():
    """Below the middle face, it would displace the labels of both neighbours."""
    frames = [Rect(x, 400, x + 100, 500) for x in (600, 720, 840)]
    left, middle, right = place(HD, frames, [[[Size(100, 30)]], [[Size(200, 30)]], [[Size(100, 30)]]])
    assert left.rect.top > 500
    assert right.rect.top > 500
    assert middle.rect.bottom < 400


def test_a_label_gets_shorter_and_is_then_omitted():
    frame, canvas = Rect(0, 0, 100, 60), Size(100, 100)
    (brief,) = place(canvas, [frame], [[[Size(120, 30)], [Size(60, 30)]]])
    assert brief.form == 1
    assert place(canvas, [frame], [[[Size(120, 30)], [Size(60, 60)]]]) == [None]


def test_a_hundred_faces_in_a_grid_all_have_a_label_next_to_them():
    frames = [Rect(x, y, x + 70, y + 90) for y in range(20, 1520, 150) for x in range(60, 2060, 200)]
    places = place(Size(2048, 1536), frames, [ONE_SIZE] * 100)
    assert len(frames) == 100
    assert not any(spot is None or spot.apart for spot in places)


def test_the_caption_is_at_the_lower_right_unless_a_face_is_there():
    size = Size(200, 30)
    rect, _ = corner(HD, [], [size], margin=4)
    assert rect == Rect(1396, 866, 1596, 896)
    face = Rect(1300, 600, 1600, 900)
    elsewhere, _ = corner(HD, [face], [size], margin=4)
    assert elsewhere == Rect(4, 866, 204, 896)


def test_the_caption_stays_inside_without_room_for_its_margin():
    rect, _ = corner(Size(100, 40), [], [Size(98, 38)], margin=4)
    assert rect == Rect(0, 0, 98, 38)


def test_the_first_of_two_equal_captions_is_chosen():
    assert corner(HD, [Rect(0, 0, 1600, 900)], [Size(200, 30), Size(100, 60)], margin=4)[1] == 0


def test_the_caption_moves_up_if_faces_fill_the_lower_edge():
    faces = [Rect(x, 800, x + 150, 900) for x in range(0, 1600, 160)]
    rect, _ = corner(HD, faces, [Size(200, 30)], margin=4)
    assert rect.bottom < 800


def test_the_caption_has_two_lines_if_one_would_cover_a_face():
    faces = [Rect(0, 0, 1480, 900)]
    rect, choice = corner(HD, faces, [Size(200, 30), Size(110, 50)], margin=4)
    assert choice == 1
    assert not rect.shares(faces[0])


def test_a_line_is_as_short_as_possible():
    assert line(Rect(0, 0, 10, 10), Rect(20, 2, 30, 8)) == ((9, 4), (20, 4))
    assert line(Rect(0, 0, 10, 10), Rect(20, 30, 30, 40)) == ((9, 9), (20, 30))
    assert line(Rect(20, 30, 30, 40), Rect(0, 36, 10, 50)) == ((20, 37), (9, 37))


def test_adjacent_rectangles_do_not_overlap():
    assert not Rect(0, 0, 10, 10).shares(Rect(10, 0, 20, 10))
    assert not Rect(0, 0, 10, 10).shares(Rect(0, 10, 10, 20))
