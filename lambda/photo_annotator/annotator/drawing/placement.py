"""Places labels. Works only with rectangles, not with pixels.

A label is placed next to its face if possible, else inside the lower or upper edge of its face, else at the nearest
free place, with a line to its face. It never leaves the picture, touches another label or covers another face.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotator.drawing.open_ground import OpenGround
from annotator.drawing.rectangles import Rect, Size, overlap, rows


@dataclass(frozen=True, slots=True)
class Place:
    """The rectangle of a label, and the form and size chosen for it: `wishes[face][form][size]`."""

    rect: Rect
    form: int
    size: int
    apart: bool = False
    """Whether the label is away from its face and needs a line to it."""


Wishes = Sequence[Sequence[Size]]
"""The possible sizes of a label: forms from the longest to the shortest, each from the largest to the smallest."""


class _Spot(NamedTuple):
    """A place next to or on a face; `x` and `y` define its position in each direction.

    The first number is a point of the frame, the second a point of the label, both from 0 (left or top) to 1. The two
    points are aligned. Then the label is moved by the third number times the gap.
    """

    cost: float
    x: tuple[float, float, int]
    y: tuple[float, float, int]


_LEFT, _MIDDLE, _RIGHT = (0, 0, 0), (0.5, 0.5, 0), (1, 1, 0)
_TOP, _BOTTOM = _LEFT, _RIGHT
_AFTER, _BEFORE = (1, 0, 1), (0, 1, -1)

# The cost of each deviation from the ideal: the longest form in its largest size, centred below the face.
_BESIDE = (
    _Spot(0.0, _MIDDLE, _AFTER),
    _Spot(0.8, _MIDDLE, _BEFORE),
    _Spot(1.2, _LEFT, _AFTER),
    _Spot(1.2, _RIGHT, _AFTER),
    _Spot(1.6, _LEFT, _BEFORE),
    _Spot(1.6, _RIGHT, _BEFORE),
    _Spot(2.0, _AFTER, _MIDDLE),
    _Spot(2.0, _BEFORE, _MIDDLE),
    _Spot(2.2, _AFTER, _BOTTOM),
    _Spot(2.2, _BEFORE, _BOTTOM),
    _Spot(2.4, _AFTER, _TOP),
    _Spot(2.4, _BEFORE, _TOP),
)
_INSIDE = (_Spot(2.5, _MIDDLE, (1, 1, -2)), _Spot(4.0, _MIDDLE, (0, 0, 2)))
_SPOTS = (*_BESIDE, *_INSIDE)
_SMALLER, _SHORTER, _APART = 1.0, 3.0, 3.5
_IN_THE_WAY = 1.5
"""The cost for every other face whose own best place is taken."""

_TRIES = 3
"""The most tries. Each starts with the labels that had no place near their face. If too many had none, it is the last.
"""


def place(
    canvas: Size, frames: Sequence[Rect], wishes: Sequence[Wishes], taken: Sequence[Rect] = (), gap: int = 2
) -> list[Place | None]:
    """One place for each frame's label; None if even the shortest form has no room.

    `taken` are areas without labels, `gap` is the number of pixels between a label and anything else. The same input
    gives the same output. Faces with the least room come first.
    """
    options = [_Options(frame, wish, canvas, gap) for frame, wish in zip(frames, wishes, strict=True)]
    layout = _Layout(canvas, frames, options, taken, gap)
    order = sorted(range(len(frames)), key=lambda face: (layout.freedom(face), face))
    tries = []
    for _ in range(_TRIES):
        layout = _Layout(canvas, frames, options, taken, gap)
        places = layout.filled(order)
        lost = [face for face in order if places[face] is None]
        tries.append((len(lost), layout, places, lost))
        if not lost or len(lost) * 4 > len(frames):
            break
        order = lost + [face for face in order if places[face]]
    _, layout, places, lost = min(tries, key=lambda attempt: attempt[0])
    for face in lost:
        places[face] = layout.settle(face, layout.far_away(face))
    return places


def corner(canvas: Size, frames: Sequence[Rect], sizes: Sequence[Size], margin: int) -> tuple[Rect, int]:
    """The place at the picture's lower or upper edge that covers the least of any face, and the index of its size.

    The lower right corner is best; earlier sizes are better than later ones.
    """
    obstacles = rows(frames)
    tried: list[tuple[int, Rect, int]] = []
    for choice, size in enumerate(sizes):
        across = max(canvas.width - size.width - margin, 0)
        down = max(canvas.height - size.height - margin, 0)
        columns = sorted({int(x) for x in np.linspace(across, min(margin, across), 17)}, reverse=True)
        ends = [columns[0], columns[-1], *columns[1:-1]]
        spots = rows([Rect.at(x, y, size) for y in (down, min(margin, down)) for x in ends])
        covered = overlap(spots, obstacles).sum(axis=1)
        first = int(np.argmin(covered))
        tried.append((int(covered[first]), _rect(spots[first]), choice))
        if covered[first] == 0:
            break
    _, rect, choice = min(tried, key=lambda attempt: attempt[0])
    return rect, choice


class _Options:
    """Every place next to or on one face, for every form and size of its label, with its cost."""

    def __init__(self, frame: Rect, wishes: Wishes, canvas: Size, gap: int) -> None:
        self.frame, self.wishes = frame, wishes
        self.which = [(form, number) for form, sizes in enumerate(wishes) for number in range(len(sizes))]
        wide, high = np.array([size for sizes in wishes for size in sizes], np.int32).T
        x = _along(frame.left, frame.right, wide, canvas.width, gap, [spot.x for spot in _SPOTS])
        y = _along(frame.top, frame.bottom, high, canvas.height, gap, [spot.y for spot in _SPOTS])
        price = [form * _SHORTER + number * _SMALLER for form, number in self.which]
        costs = np.add.outer([spot.cost for spot in _SPOTS], price)
        costs[len(_BESIDE) :, (wide > frame.width) | (high * 3 > frame.height)] = np.inf
        costs[(x < 0) | (y < 0) | (x + wide > canvas.width) | (y + high > canvas.height)] = np.inf
        self.costs = costs.ravel()
        self.rects = np.stack([x, y, x + wide, y + high], axis=2).reshape(-1, 4)
        modest = max(len(wishes) - 3, 0)
        self.modest = self.rects[self.which.index((modest, len(wishes[modest]) - 1))]
        """A place to keep free for this label if possible: small, rather short, centred below the face."""

    def place(self, number: int) -> Place:
        """The option with this number."""
        form, size = self.which[number % len(self.which)]
        return Place(_rect(self.rects[number]), form, size)


def _along(
    start: int, end: int, lengths: NDArray[np.int32], most: int, gap: int, spots: Sequence[tuple[float, float, int]]
) -> NDArray[np.int32]:
    """Where labels of these lengths begin in one direction, spots x lengths; `most` is the length of the picture."""
    on_frame, on_label, push = np.array(spots).T[..., None]
    first = np.floor(start + on_frame * (end - start) - on_label * lengths + push * (gap + 1))
    # A label that is not moved away from the frame can slide along it to stay inside the picture.
    slid = np.maximum(np.minimum(first, most - lengths), 0)
    begin: NDArray[np.int32] = np.where(push == 0, slid, first).astype(np.int32)
    return begin


class _Layout:
    """The labels placed so far."""

    def __init__(
        self, canvas: Size, frames: Sequence[Rect], options: Sequence[_Options], taken: Sequence[Rect], gap: int
    ) -> None:
        self.canvas = canvas
        self.options = options
        self.gap = gap
        self.obstacles = rows([*frames, *taken])
        self.modest = np.array([option.modest for option in options], np.int32).reshape(-1, 4)
        self.ground = OpenGround(canvas)
        for rect in (*frames, *taken):
            self.ground.take(rect.grown(gap))

    def filled(self, order: Sequence[int]) -> list[Place | None]:
        """The place near its face for each label. Labels are placed in this order."""
        places: list[Place | None] = [None] * len(order)
        for face in order:
            places[face] = self.settle(face, self.place_for(face))
        return places

    def settle(self, face: int, found: Place | None) -> Place | None:
        """Take the place that was found. In any case, stop keeping a place free for this label."""
        self.modest[face] = 0
        if found:
            self.obstacles = np.vstack([self.obstacles, rows([found.rect])])
            self.ground.take(found.rect.grown(self.gap))
        return found

    def freedom(self, face: int) -> int:
        """The number of places next to or on this face. Call it before any label is placed."""
        return int(np.isfinite(self._costs(face)).sum())

    def place_for(self, face: int) -> Place | None:
        """The cheapest free place near the face."""
        options, costs = self.options[face], self._costs(face)
        best = int(np.argmin(costs))
        cost = float(costs[best])
        found = options.place(best) if math.isfinite(cost) else None
        for form, sizes in enumerate(options.wishes):
            at_least = form * _SHORTER + _APART
            if cost <= at_least:
                break
            apart = self._nearest(face, sizes[-1], 8 * sizes[-1].height)
            if apart and at_least + apart[1] < cost:
                found, cost = Place(apart[0], form, len(sizes) - 1, apart=True), at_least + apart[1]
        return found

    def _costs(self, face: int) -> NDArray[np.float64]:
        """The current cost of every option; infinite if a label or another face is in the way."""
        options = self.options[face]
        rects = options.rects + np.array([-1, -1, 1, 1], np.int32) * self.gap
        around = np.concatenate([rects[:, :2].min(axis=0), rects[:, 2:].max(axis=0)])[None]
        near = overlap(around, self.obstacles)[0] > 0
        near[face] = False
        wanted = overlap(around, self.modest)[0] > 0
        wanted[face] = False
        in_the_way = (overlap(rects, self.modest[wanted]) > 0).sum(axis=1)
        clash = (overlap(rects, self.obstacles[near]) > 0).any(axis=1)
        costs: NDArray[np.float64] = np.where(clash, np.inf, options.costs + in_the_way * _IN_THE_WAY)
        return costs

    def far_away(self, face: int) -> Place | None:
        """A free place up to a quarter of the picture away."""
        reach = max(self.canvas) // 4
        wishes = self.options[face].wishes
        if self._nearest(face, wishes[-1][-1], reach) is None:
            return None
        for form, sizes in enumerate(wishes):
            if found := self._nearest(face, sizes[-1], reach):
                return Place(found[0], form, len(sizes) - 1, apart=True)
        return None

    def _nearest(self, face: int, size: Size, reach: int) -> tuple[Rect, float] | None:
        return self.ground.nearest(self.options[face].frame, size, reach, np.delete(self.obstacles, face, axis=0))


def _rect(row: NDArray[np.int32]) -> Rect:
    return Rect(*row.tolist())
