"""Finds all faces in a picture, at several scales and orientations.

The detector uses 512 x 512 pixels and finds faces of about 20 to 400 of them. So a picture is searched:

- as a whole, scaled to fit;
- smaller, with a margin, if no face was found: for a face that fills the frame;
- larger, in overlapping quarters, if no face or only small ones were found: for the back row of a group;
- turned by 90, 180 and 270 degrees, if no face is certain: for a PNG whose orientation tag Rekognition ignores.

A search takes a quarter of a second and analysing a face less than a tenth, so an ordinary photo takes about half a
second.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from local_aws.rekognition.eyes import Box, Pixels, Reading, Sight, Sighting

Region = tuple[int, int, int, int]
"""Left, top, right and bottom, in whole pixels."""
Points = npt.NDArray[np.float64]
"""N x 2: x and y, in pixels."""

DETECTOR_SIDE = 512
SMALL = 48.0
"""If a face's side (the root of its area) in a 512-pixel search is shorter than this, search at a larger scale."""
SMALLEST = 10
"""Pixels. A face with a shorter side cannot be analysed."""
CONFIDENCE = 0.45
"""The detector's minimum score of a face. It selects exactly the 22 faces in face-api's six sample photos."""
SURE = 0.94
"""If a face has this score, the picture is upright."""
MOST_FACES = 100
"""The same number as in Rekognition: "The 100 largest faces in the image" (API reference, DetectFaces)."""
TILE = 0.6
"""A quarter's share of the width and the height, so that neighbours overlap by a third of their size."""
MARGIN = 0.5
"""The margin around a picture that is searched smaller, and around a face that is analysed, in shares of the side."""
READING_SIDE = 400
"""The longer side of a face that is sent for analysis; the networks use 112 to 150 pixels."""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One face: its box and landmarks in pixels of the picture.

    `upright` is the face alone, turned upright, at the picture's own resolution. `turned` is the face's clockwise
    rotation in the picture in degrees: 0, 90, 180 or 270.
    """

    box: Box
    score: float
    reading: Reading
    upright: Pixels
    turned: int = 0

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.box[2] * self.box[3]


def look(pixels: Pixels, sight: Sight) -> list[SeenFace]:
    """The faces in the picture, largest first; at most MOST_FACES."""
    turns, sightings = _sightings(pixels, sight)
    largest = sorted(sightings, key=lambda sighting: -sighting.box[2] * sighting.box[3])[:MOST_FACES]
    upright = _turned(pixels, turns)
    faces = [face for sighting in largest if (face := _read(upright, sighting, sight))]
    return [_turned_back(face, turns, pixels) for face in faces]


def _sightings(pixels: Pixels, sight: Sight) -> tuple[int, list[Sighting]]:
    """The faces' positions, and the number of anticlockwise quarter turns that make them upright."""
    found = _look_at(pixels, _all_of(pixels), sight)
    if not found:
        found = _look_from_further_away(pixels, sight)
    if not found or _any_small(found, _all_of(pixels)):
        for tile in quarters(_all_of(pixels)):
            found += _look_closer(pixels, tile, sight, times=2)
    looks = {0: merged(found)}
    if _surest(found) < SURE:
        # A face on its side is often found, too, but with a lower score than upright.
        for turns in (1, 2, 3):
            turned = _turned(pixels, turns)
            looks[turns] = merged(_look_at(turned, _all_of(turned), sight))
    return max(looks.items(), key=lambda look: _surest(look[1]))


def _surest(sightings: list[Sighting]) -> float:
    return max((sighting.score for sighting in sightings), default=0.0)


def _turned(pixels: Pixels, turns: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _all_of(pixels: Pixels) -> Region:
    height, width, _ = pixels.shape
    return (0, 0, width, height)


def _look_closer(pixels: Pixels, region: Region, sight: Sight, times: int) -> list[Sighting]:
    if times == 0 or max(region[2] - region[0], region[3] - region[1]) < DETECTOR_SIDE * TILE:
        return []  # a larger scale would show no more detail
    found = _look_at(pixels, region, sight)
    if _any_small(found, region):
        for tile in quarters(region):
            found += _look_closer(pixels, tile, sight, times - 1)
    return [sighting for sighting in found if not cut_off(sighting.box, region, _all_of(pixels))]


def _look_at(pixels: Pixels, region: Region, sight: Sight) -> list[Sighting]:
    left, top, right, bottom = region
    view, scale = scaled(pixels[top:bottom, left:right], DETECTOR_SIDE)
    found = sight.find(view, confidence=CONFIDENCE)
    return _inside([_moved(sighting, scale, left, top) for sighting in found], pixels)


def _look_from_further_away(pixels: Pixels, sight: Sight) -> list[Sighting]:
    view, scale = scaled(pixels, int(DETECTOR_SIDE / (1 + 2 * MARGIN)))
    across, down = int(view.shape[1] * MARGIN), int(view.shape[0] * MARGIN)
    padded = cv2.copyMakeBorder(view, down, down, across, across, cv2.BORDER_REPLICATE)
    found = sight.find(np.asarray(padded, dtype=np.uint8), confidence=CONFIDENCE)
    return _inside([_moved(sighting, scale, -across / scale, -down / scale) for sighting in found], pixels)


def _read(pixels: Pixels, sighting: Sighting, sight: Sight) -> SeenFace | None:
    height, width, _ = pixels.shape
    left, top, across, down = sighting.box
    x0, y0 = max(0, int(left - across * MARGIN)), max(0, int(top - down * MARGIN))
    x1, y1 = min(width, int(left + across * (1 + MARGIN))), min(height, int(top + down * (1 + MARGIN)))
    view, scale = scaled(pixels[y0:y1, x0:x1], READING_SIDE)
    where = ((left - x0) * scale, (top - y0) * scale, across * scale, down * scale)
    reading = sight.read(view, where)
    if reading is None:
        return None
    return SeenFace(
        box=sighting.box,
        score=sighting.score,
        reading=replace(reading, landmarks=reading.landmarks / scale + (x0, y0)),
        upright=pixels[max(0, int(top)) : int(top + down) + 1, max(0, int(left)) : int(left + across) + 1],
    )


def scaled(pixels: Pixels, side: int) -> tuple[Pixels, float]:
    """The picture with its longer side at most `side` pixels, and the scale factor."""
    height, width, _ = pixels.shape
    scale = min(1.0, side / max(height, width))
    if scale == 1.0:
        return np.ascontiguousarray(pixels), scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), scale


def quarters(region: Region) -> list[Region]:
    """The four overlapping quarters of a region."""
    left, top, right, bottom = region
    across, down = round((right - left) * TILE), round((bottom - top) * TILE)
    return [(x, y, x + across, y + down) for y in (top, bottom - down) for x in (left, right - across)]


def cut_off(box: Box, region: Region, picture: Region) -> bool:
    """Whether the face touches an edge of the region inside the picture. The neighbouring region has all of it."""
    left, top, width, height = box
    near = 0.02 * max(region[2] - region[0], region[3] - region[1])
    return (
        (region[0] > picture[0] and left - region[0] < near)
        or (region[1] > picture[1] and top - region[1] < near)
        or (region[2] < picture[2] and region[2] - left - width < near)
        or (region[3] < picture[3] and region[3] - top - height < near)
    )


def merged(sightings: list[Sighting]) -> list[Sighting]:
    """Each face once: if two sightings share more than half of the smaller one, the one with the higher score."""
    kept: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda sighting: -sighting.score):
        if all(_covered(sighting.box, other.box) < 0.5 for other in kept):
            kept.append(sighting)
    return kept


def _covered(one: Box, other: Box) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, across) * max(0.0, down) / max(1e-9, min(one[2] * one[3], other[2] * other[3]))


def _any_small(found: list[Sighting], region: Region) -> bool:
    scale = min(1.0, DETECTOR_SIDE / max(region[2] - region[0], region[3] - region[1]))
    return any((sighting.box[2] * sighting.box[3]) ** 0.5 * scale < SMALL for sighting in found)


def _moved(sighting: Sighting, scale: float, left: float, top: float) -> Sighting:
    x, y, width, height = sighting.box
    return replace(sighting, box=(x / scale + left, y / scale + top, width / scale, height / scale))


def _inside(sightings: list[Sighting], pixels: Pixels) -> list[Sighting]:
    """The sightings, cut at the picture's edges, without those that are then too small."""
    height, width, _ = pixels.shape
    cut = []
    for sighting in sightings:
        left, top, across, down = sighting.box
        x0, y0, x1, y1 = max(0.0, left), max(0.0, top), min(float(width), left + across), min(float(height), top + down)
        if x1 - x0 >= SMALLEST and y1 - y0 >= SMALLEST:
            cut.append(replace(sighting, box=(x0, y0, x1 - x0, y1 - y0)))
    return cut


def _turned_back(face: SeenFace, turns: int, pixels: Pixels) -> SeenFace:
    """The face in the picture's own pixels, after the picture was turned anticlockwise `turns` times to find it."""
    if turns == 0:
        return face
    height, width, _ = pixels.shape
    left, top, across, down = face.box
    corners = _points_back(np.array([[left, top], [left + across, top + down]]), turns, width, height)
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    landmarks = _points_back(face.reading.landmarks, turns, width, height)
    return replace(
        face,
        box=(float(x0), float(y0), float(x1 - x0), float(y1 - y0)),
        reading=replace(face.reading, landmarks=landmarks),
        turned=turns * 90,
    )


def _points_back(points: Points, turns: int, width: int, height: int) -> Points:
    x, y = points[:, 0], points[:, 1]
    if turns == 1:
        return np.stack([width - y, x], axis=1)
    if turns == 2:
        return np.stack([width - x, height - y], axis=1)
    return np.stack([y, height - x], axis=1)
