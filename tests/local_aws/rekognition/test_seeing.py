"""The pure parts of the face analysis: where it searches, what it measures, what it reports."""

import cv2
import numpy as np
import pytest

from local_aws.rekognition.collection import page
from local_aws.rekognition.eyes import Reading, Sighting
from local_aws.rekognition.face_detail import age_range, emotions, eye_openness, mouth_openness
from local_aws.rekognition.looking import cut_off, look, merged, quarters
from local_aws.rekognition.quality import BARS, Measures, Pose, brightness, pose, reasons_against, sharpness
from tests.local_aws.rekognition.painted import FRONTAL, PaintedSight, picture

FINE = Measures(sharpness=60, brightness=50, pose=Pose(0, 0, 0), size=200, smallest=40, confidence=99)
SEVEN = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")


def test_one_look_is_enough_for_faces_of_ordinary_size():
    sight = PaintedSight()
    assert len(look(picture((100, 100, 120, 140)), sight)) == 1
    assert len(sight.looks) == 1


def test_small_faces_are_worth_a_closer_look():
    """The back row of a large picture: 40 pixels of 4000 are 5 of the 512 that the detector sees at once."""
    back_row = [(200 + 370 * number, 300, 40, 48) for number in range(10)]
    sight = PaintedSight()
    faces = look(picture(*back_row, (1500, 1200, 250, 300), size=(4000, 2000)), sight)
    assert len(faces) == 11
    assert faces[0].box == pytest.approx((1500, 1200, 250, 300), abs=9)


def test_a_face_between_two_tiles_is_seen_once_and_whole():
    faces = look(picture((970, 470, 60, 72), size=(2000, 1000)), PaintedSight())
    assert [face.box for face in faces] == [pytest.approx((970, 470, 60, 72), abs=5)]


def test_a_picture_that_is_all_face_is_seen_from_further_away():
    class NearSighted(PaintedSight):
        """Like the detector, blind to a face that reaches the edge of what it sees."""

        def find(self, pixels, *, confidence):
            height, width, _ = pixels.shape
            found = super().find(pixels, confidence=confidence)
            return [s for s in found if s.box[2] < 0.9 * width and s.box[3] < 0.9 * height]

    pixels = picture((3, 3, 106, 106), size=(112, 112))
    (face,) = look(pixels, NearSighted())
    assert face.box == pytest.approx((3, 3, 106, 106), abs=4)


def test_faces_on_their_side_are_found_where_they_lie():
    class Upright(PaintedSight):
        """Blind to faces that do not have their white hair on top."""

        def find(self, pixels, *, confidence):
            found = super().find(pixels, confidence=confidence)
            return [s for s in found if pixels[int(s.box[1]) + 4, int(s.box[0] + s.box[2] / 2), 1] > 200]

    upright = picture((100, 60, 120, 180))
    upright[60:90, 100:220] = 255
    for turns in (1, 2, 3):
        (face,) = look(np.ascontiguousarray(np.rot90(upright, -turns)), Upright())
        assert face.turned == turns * 90
        box = {1: (240, 100, 180, 120), 2: (420, 240, 120, 180), 3: (60, 420, 180, 120)}[turns]
        assert face.box == pytest.approx(box, abs=4)
        nose = (face.reading.landmarks[30] - face.box[:2]) / face.box[2:]
        assert nose == pytest.approx({1: (0.42, 0.5), 2: (0.5, 0.42), 3: (0.58, 0.5)}[turns], abs=0.03)


def test_at_most_a_hundred_faces_are_read():
    faces = [(10 + 60 * column, 10 + 60 * row, 50, 50) for row in range(12) for column in range(12)]
    assert len(look(picture(*faces, size=(740, 740)), PaintedSight())) == 100


def test_a_face_that_cannot_be_read_is_no_face():
    class Unreadable(PaintedSight):
        def read(self, pixels, box) -> Reading | None:
            return None

    assert look(picture((100, 100, 120, 140)), Unreadable()) == []


def test_quarters_cover_the_region_and_overlap():
    assert quarters((0, 0, 100, 50)) == [(0, 0, 60, 30), (40, 0, 100, 30), (0, 20, 60, 50), (40, 20, 100, 50)]


def test_a_face_at_a_tiles_inner_edge_is_left_to_the_neighbour():
    whole, tile = (0, 0, 100, 100), (0, 0, 60, 60)
    assert cut_off((40, 10, 20, 20), tile, whole)
    assert not cut_off((0, 0, 20, 20), tile, whole), "the picture's own edge cuts nobody's face off"


def test_of_two_sightings_of_one_face_the_surer_stays():
    low, high, other = Sighting((0, 0, 10, 10), 0.5), Sighting((1, 1, 10, 10), 0.9), Sighting((30, 0, 9, 9), 0.6)
    assert merged([low, high, other]) == [high, other]


def test_blur_lowers_sharpness_and_enlarging_does_not_raise_it():
    rng = np.random.default_rng(0)
    face = rng.integers(0, 255, (160, 140, 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(face, (0, 0), 4)
    assert sharpness(face) > 90
    assert sharpness(soft) < sharpness(face) / 2
    small = cv2.resize(face, (24, 28), interpolation=cv2.INTER_AREA)
    assert sharpness(small) < sharpness(face)
    assert 0 <= sharpness(np.zeros((9, 9, 3), np.uint8)) < 1


def test_brightness_runs_from_black_to_white():
    values = [brightness(np.full((20, 20, 3), level, np.uint8)) for level in (0, 51, 255)]
    assert values == pytest.approx([0, 20, 100], abs=0.1)


def test_a_face_that_looks_straight_ahead_has_no_yaw_and_no_roll():
    straight = pose(FRONTAL * (100, 130))
    assert abs(straight.yaw) < 3
    assert abs(straight.roll) < 3
    assert abs(straight.pitch) < 25


@pytest.mark.parametrize("degrees", [-30, 20, 45])
def test_roll_follows_a_tilted_head_clockwise(degrees):
    turn = np.radians(degrees)
    turned = (FRONTAL * (100, 130)) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    assert pose(turned).roll == pytest.approx(degrees, abs=3)


def test_yaw_is_positive_when_the_nose_points_to_the_pictures_right():
    right = FRONTAL * (100, 130)
    right[30] += (12, 0)
    left = FRONTAL * (100, 130)
    left[30] -= (12, 0)
    assert pose(right).yaw > 10
    assert pose(left).yaw < -10


def test_a_face_on_its_side_has_the_pose_of_the_upright_one_rolled():
    points = FRONTAL * (100, 130)
    clockwise = np.stack([130 - points[:, 1], points[:, 0]], axis=1)
    upright, turned = pose(points), pose(clockwise, turned=90)
    assert (turned.yaw, turned.pitch) == pytest.approx((upright.yaw, upright.pitch), abs=0.5)
    assert turned.roll == pytest.approx(upright.roll + 90, abs=0.5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sharpness": 1}, "LOW_SHARPNESS"),
        ({"brightness": 3}, "LOW_BRIGHTNESS"),
        ({"pose": Pose(80, 0, 0)}, "EXTREME_POSE"),
        ({"pose": Pose(0, -80, 0)}, "EXTREME_POSE"),
        ({"size": 39}, "SMALL_BOUNDING_BOX"),
        ({"confidence": 46}, "LOW_CONFIDENCE"),
    ],
)
def test_each_shortfall_has_its_reason(change, reason):
    values = {name: getattr(FINE, name) for name in Measures.__slots__} | change
    assert reasons_against(Measures(**values), "AUTO") == [reason]
    assert reasons_against(Measures(**values), "NONE") == []


def test_a_face_that_falls_short_twice_is_of_low_quality_as_well():
    poor = Measures(sharpness=1, brightness=3, pose=Pose(0, 0, 0), size=200, smallest=40, confidence=99)
    assert reasons_against(poor, "AUTO") == ["LOW_BRIGHTNESS", "LOW_SHARPNESS", "LOW_FACE_QUALITY"]


def test_a_rolled_head_is_no_extreme_pose():
    rolled = Measures(sharpness=60, brightness=50, pose=Pose(0, 0, 90), size=200, smallest=40, confidence=99)
    assert reasons_against(rolled, "HIGH") == []


def test_the_bars_rise_with_the_level():
    low, auto, medium, high = (BARS[level] for level in ("LOW", "AUTO", "MEDIUM", "HIGH"))
    for lower, higher in ((low, auto), (auto, medium), (medium, high)):
        assert lower.sharpness < higher.sharpness
        assert lower.brightness < higher.brightness
        assert lower.turn > higher.turn


@pytest.mark.parametrize("strongest", SEVEN)
def test_emotions_add_up_to_a_hundred_and_fall(strongest):
    expressions = dict.fromkeys(SEVEN, 0.02) | {strongest: 0.88}
    named = emotions(expressions)
    confidences = [emotion["Confidence"] for emotion in named]
    assert sum(confidences) == pytest.approx(100)
    assert confidences == sorted(confidences, reverse=True)
    assert len({emotion["Type"] for emotion in named}) == 8
    assert named[0]["Type"] == {"neutral": "CALM", "fearful": "FEAR"}.get(strongest, strongest.upper())


def test_only_an_undecided_face_looks_confused():
    def confused(expressions):
        return next(e["Confidence"] for e in emotions(expressions) if e["Type"] == "CONFUSED")

    assert confused(dict.fromkeys(SEVEN, 0.0) | {"happy": 1.0}) == 0
    assert confused(dict.fromkeys(SEVEN, 1 / 7)) == pytest.approx(5)


def test_an_age_range_holds_the_age_and_never_falls_under_zero():
    for age in (0.4, 7, 31, 80):
        low, high = age_range(age)["Low"], age_range(age)["High"]
        assert 0 <= low <= age <= high


def test_open_eyes_and_a_closed_mouth_measure_as_such():
    assert eye_openness(FRONTAL) > 0.3
    assert mouth_openness(FRONTAL) < 0.05
    screaming = FRONTAL.copy()
    screaming[66] += (0, 0.2)
    assert mouth_openness(screaming) > 0.5


def test_a_page_ends_without_a_token():
    assert page([1, 2, 3], None, 2) == ([1, 2], "2")
    assert page([1, 2, 3], "2", 2) == ([3], None)
    assert page([], None, None) == ([], None)
