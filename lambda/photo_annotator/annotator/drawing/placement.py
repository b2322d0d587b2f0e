"""Where labels go: rectangles in, rectangles out; no pixel is touched here.

A label stands beside its face if it can, else on the lower edge of its own face, else at the nearest free place,
tied to its face by a line. It never leaves the picture, never touches another label and never covers another face.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray


class Size(NamedTuple):
    """Pixels."""

    width: int
    height: int


class Rect(NamedTuple):
    """Pixels; `right` and `bottom` are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    def shares(self, other: "Rect") -> bool:
        """Whether the two have a pixel in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def grown(self, by: int) -> "Rect":
        """The same rectangle with every edge `by` pixels further out."""
        return Rect(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def within(self, canvas: Size) -> "Rect":
        """The part of the rectangle that the picture shows."""
        return Rect(
            min(max(self.left, 0), canvas.width),
            min(max(self.top, 0), canvas.height),
            max(min(self.right, canvas.width), 0),
            max(min(self.bottom, canvas.height), 0),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a label goes, and which of the sizes it was offered in: `wishes[face][form][size]`."""

    rect: Rect
    form: int
    size: int
    apart: bool = False
    """Whether it stands away from its face, so that a line must tie them together."""


Wishes = Sequence[Sequence[Size]]
"""The sizes one label may have: forms from the fullest to the briefest, in each from the largest to the smallest."""


class _Spot(NamedTuple):
    """A place beside or on a face; `x` and `y` say for each direction how it is found.

    The first number is a point of the frame, the second one of the label, both from 0 (left or top) to 1: the label
    is laid with its point on the frame's, then pushed by the third number times the gap.
    """

    cost: float
    x: tuple[float, float, int]
    y: tuple[float, float, int]


_LEFT, _MIDDLE, _RIGHT = (0, 0, 0), (0.5, 0.5, 0), (1, 1, 0)
_TOP, _BOTTOM = _LEFT, _RIGHT
_AFTER, _BEFORE = (1, 0, 1), (0, 1, -1)

# What it costs to depart from the ideal: the fullest form at its largest, in the middle below the face.
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
_SMALLER = 1.0
_BRIEFER = 3.0
_APART = 3.5
_IN_THE_WAY = 1.5
"""For every other face whose own best place is taken."""

_TRIES = 3
"""How often to try, each time first with those who found no place near their face; a hopeless crowd is tried once."""


def place(
    canvas: Size, frames: Sequence[Rect], wishes: Sequence[Wishes], taken: Sequence[Rect] = (), gap: int = 2
) -> list[Place | None]:
    """One place for each frame's label; None where there is no room even for the briefest.

    `taken` is where no label may go, `gap` the pixels to keep free between a label and anything else. The same
    input gives the same output. Faces with the least room choose first.
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
    """A place at the picture's lower or upper edge that covers as little of any face as can be, and which size.

    The lower right corner is best; earlier sizes are better than later ones.
    """
    obstacles = _rows(frames)
    best: tuple[int, Rect, int] | None = None
    for choice, size in enumerate(sizes):
        across = max(canvas.width - size.width - margin, 0)
        down = max(canvas.height - size.height - margin, 0)
        columns = sorted({int(x) for x in np.linspace(across, min(margin, across), 17)}, reverse=True)
        ends = [columns[0], columns[-1], *columns[1:-1]]
        spots = _rows([_at(x, y, size) for y in (down, min(margin, down)) for x in ends])
        covered = _overlap(spots, obstacles).sum(axis=1)
        first = int(covered.argmin())
        if best is None or covered[first] < best[0]:
            best = int(covered[first]), _rect(spots[first]), choice
        if best[0] == 0:
            break
    if best is None:
        raise ValueError("corner() needs at least one size")
    return best[1], best[2]


class _Options:
    """Every place beside or on one face, for every form and size of its label."""

    def __init__(self, frame: Rect, wishes: Wishes, canvas: Size, gap: int) -> None:
        self.frame, self.wishes = frame, wishes
        self.which = [(form, number) for form, sizes in enumerate(wishes) for number in range(len(sizes))]
        sizes = np.array([size for sizes in wishes for size in sizes], np.int32).T
        shape = np.array([(spot.x, spot.y) for spot in _SPOTS])[..., None]
        edges = []
        for axis, (start, end, most) in enumerate(
            ((frame.left, frame.right, canvas.width), (frame.top, frame.bottom, canvas.height))
        ):
            on_frame, on_label, push = shape[:, axis].swapaxes(0, 1)
            first = np.floor(start + on_frame * (end - start) - on_label * sizes[axis] + push * (gap + 1))
            # Along the frame's edge a label may slide to stay in the picture.
            edges.append(np.where(push == 0, np.maximum(np.minimum(first, most - sizes[axis]), 0), first))
        x, y = edges
        self.rects = np.stack([x, y, x + sizes[0], y + sizes[1]], axis=2).reshape(-1, 4).astype(np.int32)
        price = np.array([form * _BRIEFER + number * _SMALLER for form, number in self.which])
        self.costs = np.add.outer([spot.cost for spot in _SPOTS], price)
        self.costs[len(_BESIDE) :, (sizes[0] > frame.width) | (sizes[1] * 3 > frame.height)] = np.inf
        self.costs = self.costs.ravel()
        left, top = self.rects[:, :2].T
        right, bottom = self.rects[:, 2:].T
        self.costs[(left < 0) | (top < 0) | (right > canvas.width) | (bottom > canvas.height)] = np.inf
        best = self.which.index((max(len(wishes) - 2, 0), len(wishes[max(len(wishes) - 2, 0)]) - 1))
        self.best = self.rects[best]
        """Where the label would go in a crowd: small, nearly brief, below the face."""


class _Layout:
    """The picture while it fills with labels."""

    def __init__(
        self, canvas: Size, frames: Sequence[Rect], options: Sequence[_Options], taken: Sequence[Rect], gap: int
    ) -> None:
        self.canvas = canvas
        self.options = options
        self.gap = gap
        self.obstacles = _rows([*frames, *taken])
        self.still_wanted = np.array([options.best for options in self.options], np.int32).reshape(-1, 4)
        self.cell = max(2, round((canvas.width * canvas.height) ** 0.5 / 200))
        self.counts: NDArray[Any] | None = None
        self.occupied = np.zeros((-(-canvas.height // self.cell), -(-canvas.width // self.cell)), np.uint8)
        for rect in (*frames, *taken):
            self._occupy(rect)

    def filled(self, order: Sequence[int]) -> list[Place | None]:
        """The place near its face for each label, found in this order."""
        places: list[Place | None] = [None] * len(order)
        for face in order:
            places[face] = self.settle(face, self.place_for(face))
        return places

    def settle(self, face: int, found: Place | None) -> Place | None:
        """Take the place that was found; without one, stop keeping a place free."""
        self.still_wanted[face] = 0
        if found:
            self.obstacles = np.vstack([self.obstacles, _rows([found.rect])])
            self._occupy(found.rect)
        return found

    def freedom(self, face: int) -> int:
        """How many places there are beside this face or on it, as long as there are no labels yet."""
        return int(np.isfinite(self._costs(face)).sum())

    def place_for(self, face: int) -> Place | None:
        """The cheapest place near the face that is free."""
        options, costs = self.options[face], self._costs(face)
        best = int(costs.argmin())
        cost = float(costs[best])
        found = None
        if math.isfinite(cost):
            form, number = options.which[best % len(options.which)]
            found = Place(_rect(options.rects[best]), form, number)
        for form, sizes in enumerate(options.wishes):
            at_least = form * _BRIEFER + _APART
            if cost <= at_least:
                break
            apart = self._nearest(face, sizes[-1], 8 * sizes[-1].height)
            if apart and at_least + apart[1] < cost:
                found, cost = Place(apart[0], form, len(sizes) - 1, apart=True), at_least + apart[1]
        return found

    def _costs(self, face: int) -> NDArray[np.float64]:
        """What every option costs now: infinitely much where a label or another face is in the way."""
        options = self.options[face]
        rects = options.rects + np.array([-1, -1, 1, 1], np.int32) * self.gap
        around = np.concatenate([rects[:, :2].min(axis=0), rects[:, 2:].max(axis=0)])[None]
        near = _overlap(around, self.obstacles)[0] > 0
        near[face] = False
        wanted = _overlap(around, self.still_wanted)[0] > 0
        wanted[face] = False
        in_the_way = (_overlap(rects, self.still_wanted[wanted]) > 0).sum(axis=1)
        clash = (_overlap(rects, self.obstacles[near]) > 0).any(axis=1)
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

    def _occupy(self, rect: Rect) -> None:
        left, top, right, bottom = rect.grown(self.gap).within(self.canvas)
        self.occupied[top // self.cell : -(-bottom // self.cell), left // self.cell : -(-right // self.cell)] = 1
        self.counts = None

    def _counted(self) -> NDArray[Any]:
        """How many cells above and to the left of each are occupied."""
        if self.counts is None:
            self.counts = cv2.integral(self.occupied)
        return self.counts

    def _nearest(self, face: int, size: Size, reach: int) -> tuple[Rect, float] | None:
        """The free place within `reach` pixels of the frame that costs least to tie to it, and what that costs."""
        frame, cell = self.options[face].frame, self.cell
        left, top = max(frame.left - reach - size.width, 0) // cell, max(frame.top - reach - size.height, 0) // cell
        right, bottom = (frame.right + reach + size.width) // cell, (frame.bottom + reach + size.height) // cell
        sums = self._counted()[top : bottom + 2, left : right + 2]
        wide, high = -(-size.width // cell), -(-size.height // cell)
        if wide >= sums.shape[1] or high >= sums.shape[0]:
            return None
        full = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
        y, x = np.nonzero(full == 0)
        x, y = (x + left) * cell, (y + top) * cell
        # The last row and column of cells may hang over the picture's edge.
        shown = (x + size.width <= self.canvas.width) & (y + size.height <= self.canvas.height)
        x, y = x[shown], y[shown]
        across = np.maximum(frame.left - (x + size.width), 0) - np.maximum(x - frame.right, 0)
        down = np.maximum(frame.top - (y + size.height), 0) - np.maximum(y - frame.bottom, 0)
        far = np.hypot(across, down)
        order = np.argsort(far, kind="stable")
        order = order[far[order] <= reach]
        _, nearest_on_each_side = np.unique(np.sign(across[order]) * 3 + np.sign(down[order]), return_index=True)
        spots = [_at(int(x[spot]), int(y[spot]), size) for spot in order[np.sort(nearest_on_each_side)]]
        others = np.delete(self.obstacles, face, axis=0)
        costs = [_tie(frame, spot, others) / size.height for spot in spots]
        return min(zip(spots, costs, strict=True), key=lambda spot: spot[1], default=None)


def line(frame: Rect, label: Rect) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two ends of the shortest line from a frame to its label."""
    x = _between(frame.left, frame.right - 1, label.left, label.right - 1)
    y = _between(frame.top, frame.bottom - 1, label.top, label.bottom - 1)
    return (x[0], y[0]), (x[1], y[1])


def _between(start: int, end: int, other_start: int, other_end: int) -> tuple[int, int]:
    """The points of two spans that are nearest to each other; the middle of what they share, if they overlap."""
    if end < other_start:
        return end, other_start
    if other_end < start:
        return start, other_end
    middle = (max(start, other_start) + min(end, other_end)) // 2
    return middle, middle


def _tie(frame: Rect, label: Rect, others: NDArray[np.int32]) -> float:
    """What a line costs: its length in pixels, and three labels' heights for everything it runs through."""
    start, end = line(frame, label)
    along = np.linspace(0, 1, 16)[:, None]
    x = start[0] + (end[0] - start[0]) * along
    y = start[1] + (end[1] - start[1]) * along
    inside = (x > others[:, 0]) & (x < others[:, 2]) & (y > others[:, 1]) & (y < others[:, 3])
    return math.dist(start, end) * 0.6 + int(inside.any(axis=0).sum()) * 3 * label.height


def _at(x: int, y: int, size: Size) -> Rect:
    return Rect(x, y, x + size.width, y + size.height)


def _rect(row: NDArray[np.int32]) -> Rect:
    return Rect(*row.tolist())


def _rows(rects: Sequence[Rect]) -> NDArray[np.int32]:
    return np.array(rects, np.int32).reshape(-1, 4)


def _overlap(spots: NDArray[np.int32], obstacles: NDArray[np.int32]) -> NDArray[np.int64]:
    """The pixels that each spot (row) shares with each obstacle (column)."""
    across = np.minimum(spots[:, 2, None], obstacles[:, 2]) - np.maximum(spots[:, 0, None], obstacles[:, 0])
    down = np.minimum(spots[:, 3, None], obstacles[:, 3]) - np.maximum(spots[:, 1, None], obstacles[:, 1])
    area: NDArray[np.int64] = np.maximum(across, 0).astype(np.int64) * np.maximum(down, 0)
    return area
