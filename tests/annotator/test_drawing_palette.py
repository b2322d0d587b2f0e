from itertools import combinations

import numpy as np
import pytest
from annotator.drawing.palette import EMOTIONS, NIGHT, SNOW, colour_of, contrast, ink_on

# Linear RGB as a dichromat sees it: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation
# of Color Vision Deficiency", 2009, severity 1.0.
SIGHT = {
    "trichromacy": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def lab(colour, sight):
    """CIE L*a*b* (D65) of a BGR colour as a person with this `sight` sees it."""
    rgb = np.array(colour[::-1]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(SIGHT[sight]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    x, y, z = np.cbrt(np.maximum(xyz / (0.9505, 1, 1.089), 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_a_colour_blind_person_can_tell_the_emotions_apart(sight):
    """A difference of 2.3 is just noticeable between two patches side by side; thin frames far apart need more."""
    for (one, colour), (other, different) in combinations(EMOTIONS.items(), 2):
        assert np.linalg.norm(lab(colour, sight) - lab(different, sight)) > 15, (one, other)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_text_on_every_plate_has_enough_contrast(emotion):
    assert contrast(EMOTIONS[emotion], ink_on(EMOTIONS[emotion])) >= 4.5


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_frame_contrasts_with_its_dark_edges(emotion):
    """WCAG 2.2, 1.4.11: graphics need a contrast of 3 with what is next to them."""
    assert contrast(EMOTIONS[emotion], NIGHT) >= 3


def test_every_emotion_rekognition_knows_has_a_colour():
    assert set(EMOTIONS) == {"HAPPY", "SAD", "ANGRY", "CONFUSED", "DISGUSTED", "SURPRISED", "CALM", "UNKNOWN", "FEAR"}


def test_no_emotion_and_unknown_ones_are_pale_grey():
    assert colour_of(None) == colour_of("MILDLY_AMUSED") == EMOTIONS["UNKNOWN"]


def test_contrast_matches_wcag():
    """Black on white is 21; #767676 on white is the well-known 4.54."""
    assert contrast((0, 0, 0), SNOW) == pytest.approx(21)
    assert contrast((0x76, 0x76, 0x76), SNOW) == pytest.approx(4.54, abs=0.01)
    assert contrast(SNOW, (0x76, 0x76, 0x76)) == contrast((0x76, 0x76, 0x76), SNOW)
