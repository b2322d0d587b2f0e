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
    """A picture, faces anywhere in it, and what each face's label would like to be."""
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
def test_a_label_never_leaves_the_picture_nor_touches_another_nor_covers_another_face(crowd):
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
def test_open_ground_is_in_the_picture_and_nothing_lies_there(crowd):
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
def test_open_ground_reaches_to_the_edge_of_the_picture(taken, frame, edge):
    """There is room between what is taken and the edge, and not a pixel more."""
    ground = OpenGround(HD)
    ground.take(taken)
    rect, _ = ground.nearest(frame, Size(100, 30), 400, rows([]))
    assert getattr(rect, edge) == getattr(Rect(0, 0, *HD), edge)


def test_the_best_way_to_open_ground_is_short_and_runs_through_nobody():
    """There is room 50 pixels to the left and, in two cases, nearer or less near to the right."""
    frame, size = Rect(700, 400, 740, 440), Size(100, 30)
    for between, right, goes in (([], 840, "left"), ([IN_THE_WAY], 840, "right"), ([IN_THE_WAY], 1040, "left")):
        ground = OpenGround(HD)
        ground.take(Rect(650, 0, right, 900))
        rect, _ = ground.nearest(frame, size, 400, rows(between))
        assert (rect.right <= 650, rect.left >= right) == (goes == "left", goes == "right")


@settings(max_examples=60, deadline=None)
@given(crowds())
def test_a_label_has_a_size_that_was_wished_for(crowd):
    canvas, frames, wishes, taken = crowd
    for spot, wish in zip(place(canvas, frames, wishes, taken=[taken]), wishes, strict=True):
        assert spot is None or (spot.rect.width, spot.rect.height) == wish[spot.form][spot.size]


@settings(max_examples=30, deadline=None)
@given(crowds())
def test_the_same_photo_is_always_labelled_alike(crowd):
    canvas, frames, wishes, taken = crowd
    assert place(canvas, frames, wishes, [taken]) == place(canvas, frames, wishes, [taken])


def test_a_lone_face_has_its_label_in_the_middle_below():
    (spot,) = place(HD, [Rect(700, 300, 900, 500)], [[[Size(100, 30), Size(50, 15)]]])
    assert (spot.form, spot.size, spot.apart) == (0, 0, False)
    assert spot.rect.left + spot.rect.right == 1600
    assert 500 < spot.rect.top < 510


def test_a_face_at_the_lower_edge_has_its_label_above():
    (spot,) = place(HD, [Rect(700, 700, 900, 900)], [ONE_SIZE])
    assert spot.rect.bottom < 700


def test_a_label_slides_along_its_face_rather_than_leave_the_picture():
    left, right = place(HD, [Rect(10, 300, 50, 340), Rect(1550, 300, 1590, 340)], [ONE_SIZE] * 2)
    assert (left.rect.left, right.rect.right) == (0, 1600)
    assert min(left.rect.top, right.rect.top) > 340


@pytest.mark.parametrize(("below", "left"), [(Rect(830, 500, 1600, 900), 700), (Rect(0, 500, 770, 900), 780)])
def test_a_label_that_cannot_stand_in_the_middle_begins_or_ends_with_its_face(below, left):
    above = Rect(0, 0, 1600, 290)
    (spot,) = place(HD, [Rect(700, 300, 900, 490)], [ONE_SIZE], taken=[above, below])
    assert (spot.rect.left, spot.rect.top) == (left, 493)


def test_a_face_that_fills_the_picture_has_its_label_on_its_lower_edge():
    frame = Rect(0, 0, 1600, 900)
    (spot,) = place(HD, [frame], [ONE_SIZE])
    assert spot.rect.bottom > 850
    assert not spot.apart


def test_and_on_its_upper_edge_where_the_lower_one_is_taken():
    (spot,) = place(HD, [Rect(0, 0, 1600, 900)], [ONE_SIZE], taken=[Rect(0, 800, 1600, 900)])
    assert spot.rect.top < 50
    assert not spot.apart


def test_a_label_is_rather_smaller_than_on_the_other_side():
    """Between two neighbours there is room for the small one only, and above there is none."""
    frames = [Rect(700, 0, 800, 100), Rect(560, 60, 690, 400), Rect(810, 60, 940, 400)]
    spot, *_ = place(HD, frames, [[[Size(140, 30), Size(90, 24)]], ONE_SIZE, ONE_SIZE])
    assert spot.size == 1
    assert not spot.apart


def test_a_label_without_room_beside_its_face_is_tied_to_it_by_a_line():
    """A small face in the middle of eight others that leave no gap for its label."""
    frames = [Rect(x, y, x + 40, y + 40) for y in (400, 444, 488) for x in (700, 744, 788)]
    places = place(HD, frames, [ONE_SIZE] * 9)
    assert all(places)
    assert places[4].apart
    assert not any(places[4].rect.shares(frame) for frame in frames)


def test_a_free_place_is_found_even_if_there_is_only_one():
    """Everything is taken but a slot of 130 x 40 near the face."""
    slot = Rect(500, 300, 630, 340)
    taken = [Rect(0, 0, 1600, 300), Rect(0, 340, 1600, 900), Rect(0, 300, 500, 340), Rect(630, 300, 1600, 340)]
    (spot,) = place(HD, [Rect(540, 380, 560, 400)], [ONE_SIZE], taken=taken)
    assert spot.apart
    assert spot.rect.within(HD) == spot.rect
    assert slot.left <= spot.rect.left
    assert spot.rect.right <= slot.right
    assert not any(spot.rect.shares(rect) for rect in taken)


@pytest.mark.parametrize("larger", [[], [Size(160, 40)], [Size(200, 50), Size(160, 40)]])
def test_a_label_may_go_far_before_it_is_left_out(larger):
    """The only room is 300 pixels above the face, further than a line should be if there is a choice."""
    taken = [Rect(0, 140, 1600, 900)]
    (spot,) = place(HD, [Rect(700, 440, 740, 480)], [[[*larger, Size(120, 30)]]], taken=taken)
    assert spot.apart
    assert spot.rect.bottom < 140
    assert (spot.size, spot.rect.height) == (len(larger), 30)


def test_a_label_is_left_out_rather_than_tied_to_its_face_across_the_picture():
    assert place(HD, [Rect(700, 700, 740, 740)], [ONE_SIZE], taken=[Rect(0, 140, 1600, 900)]) == [None]


def test_a_wide_label_makes_way_for_its_neighbours():
    """Below the middle face it would push both neighbours' labels away from where they belong."""
    frames = [Rect(x, 400, x + 100, 500) for x in (600, 720, 840)]
    left, middle, right = place(HD, frames, [[[Size(100, 30)]], [[Size(200, 30)]], [[Size(100, 30)]]])
    assert left.rect.top > 500
    assert right.rect.top > 500
    assert middle.rect.bottom < 400


def test_where_there_is_no_room_the_label_grows_brief_and_then_silent():
    frame, canvas = Rect(0, 0, 100, 60), Size(100, 100)
    (brief,) = place(canvas, [frame], [[[Size(120, 30)], [Size(60, 30)]]])
    assert brief.form == 1
    assert place(canvas, [frame], [[[Size(120, 30)], [Size(60, 60)]]]) == [None]


def test_a_hundred_faces_in_a_grid_each_have_a_label_beside_them():
    frames = [Rect(x, y, x + 70, y + 90) for y in range(20, 1520, 150) for x in range(60, 2060, 200)]
    places = place(Size(2048, 1536), frames, [ONE_SIZE] * 100)
    assert len(frames) == 100
    assert not any(spot is None or spot.apart for spot in places)


def test_the_caption_takes_the_lower_right_corner_unless_a_face_is_there():
    size = Size(200, 30)
    rect, _ = corner(HD, [], [size], margin=4)
    assert rect == Rect(1396, 866, 1596, 896)
    face = Rect(1300, 600, 1600, 900)
    elsewhere, _ = corner(HD, [face], [size], margin=4)
    assert elsewhere == Rect(4, 866, 204, 896)


def test_the_caption_stays_in_a_picture_that_has_no_room_for_its_margin():
    rect, _ = corner(Size(100, 40), [], [Size(98, 38)], margin=4)
    assert rect == Rect(0, 0, 98, 38)


def test_of_two_captions_that_cover_as_much_the_first_is_better():
    assert corner(HD, [Rect(0, 0, 1600, 900)], [Size(200, 30), Size(100, 60)], margin=4)[1] == 0


def test_the_caption_goes_up_when_faces_line_the_lower_edge():
    faces = [Rect(x, 800, x + 150, 900) for x in range(0, 1600, 160)]
    rect, _ = corner(HD, faces, [Size(200, 30)], margin=4)
    assert rect.bottom < 800


def test_the_caption_takes_two_lines_where_one_would_cover_a_face():
    faces = [Rect(0, 0, 1480, 900)]
    rect, choice = corner(HD, faces, [Size(200, 30), Size(110, 50)], margin=4)
    assert choice == 1
    assert not rect.shares(faces[0])


def test_a_line_takes_the_shortest_way():
    assert line(Rect(0, 0, 10, 10), Rect(20, 2, 30, 8)) == ((9, 4), (20, 4))
    assert line(Rect(0, 0, 10, 10), Rect(20, 30, 30, 40)) == ((9, 9), (20, 30))
    assert line(Rect(20, 30, 30, 40), Rect(0, 36, 10, 50)) == ((20, 37), (9, 37))


def test_rectangles_that_touch_share_nothing():
    assert not Rect(0, 0, 10, 10).shares(Rect(10, 0, 20, 10))
    assert not Rect(0, 0, 10, 10).shares(Rect(0, 10, 10, 20))
