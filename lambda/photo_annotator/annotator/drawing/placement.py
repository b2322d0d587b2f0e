"""Where labels go: rectangles in, rectangles out; no pixel is touched here.

A label stands beside its face if it can, else on the lower edge of its own face, else at the nearest free place,
tied to its face by a line. It never leaves the picture, never touches another label and never covers another face.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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

# What it costs to depart from the ideal: the fullest form at its largest, centred below the face.
_SMALLER = 1.0
_BRIEFER = 3.0
_BESIDE = (0.0, 1.2, 1.2, 0.8, 1.6, 1.6, 2.0, 2.2, 2.4, 2.0, 2.2, 2.4)
_INSIDE = (2.5, 4.0)
_APART = 3.5


def place(
    canvas: Size, frames: Sequence[Rect], wishes: Sequence[Wishes], taken: Sequence[Rect] = (), gap: int = 2
) -> list[Place | None]:
    """One place for each frame's label; None where there is no room even for the briefest.

    `taken` is where no label may go, `gap` the pixels to keep free between a label and anything else. The same
    input gives the same output. Faces with the least room choose first.
    """
    layout = _Layout(canvas, frames, taken, gap)
    places: list[Place | None] = [None] * len(frames)
    for face in sorted(range(len(frames)), key=lambda face: (layout.freedom(face, wishes[face]), face)):
        places[face] = found = layout.place_for(face, wishes[face])
        if found:
            layout.take(found.rect)
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
            best = int(covered[first]), Rect(*spots[first].tolist()), choice
        if best[0] == 0:
            break
    if best is None:
        raise ValueError("corner() needs at least one size")
    return best[1], best[2]


class _Layout:
    """The picture while it fills with labels."""

    def __init__(self, canvas: Size, frames: Sequence[Rect], taken: Sequence[Rect], gap: int) -> None:
        self.canvas = canvas
        self.frames = frames
        self.gap = gap
        self.obstacles = _rows([*frames, *taken])
        self.cell = max(2, round((canvas.width * canvas.height) ** 0.5 / 200))
        self.occupied = np.zeros((-(-canvas.height // self.cell), -(-canvas.width // self.cell)), np.uint8)
        for rect in (*frames, *taken):
            self._occupy(rect)

    def take(self, rect: Rect) -> None:
        self.obstacles = np.vstack([self.obstacles, _rows([rect])])
        self._occupy(rect)

    def freedom(self, face: int, wishes: Wishes) -> int:
        """How many places beside its face the first form's smallest size has now."""
        spots = _beside(self.frames[face], _rows([wishes[0][-1]], 2), self.canvas, self.gap)
        return int(self._free(spots, face).sum())

    def place_for(self, face: int, wishes: Wishes) -> Place | None:
        """The cheapest place, by the costs below."""
        beside, cost = self._beside_or_inside(face, wishes)
        found: Place | None = beside
        for form, sizes in enumerate(wishes):
            at_least = form * _BRIEFER + _APART
            if found and cost <= at_least:
                break
            apart = self._nearest(face, sizes[-1], 8 * sizes[-1].height)
            if apart and at_least + apart[1] < cost:
                found, cost = Place(apart[0], form, len(sizes) - 1, apart=True), at_least + apart[1]
        return found or self._far_away(face, wishes)

    def _beside_or_inside(self, face: int, wishes: Wishes) -> tuple[Place | None, float]:
        frame = self.frames[face]
        which = [(form, number) for form, sizes in enumerate(wishes) for number in range(len(sizes))]
        sizes = _rows([size for sizes in wishes for size in sizes], 2)
        spots = np.concatenate([_beside(frame, sizes, self.canvas, self.gap), _inside(frame, sizes, self.gap)])
        price = np.array([form * _BRIEFER + number * _SMALLER for form, number in which])
        covers_much = (sizes[:, 0] > frame.width) | (sizes[:, 1] * 3 > frame.height)
        costs = np.concatenate(
            [
                np.add.outer(_BESIDE, price).ravel(),
                np.where(covers_much, np.inf, np.add.outer(_INSIDE, price)).ravel(),
            ]
        )
        costs[~self._free(spots, face)] = np.inf
        best = int(costs.argmin())
        if not np.isfinite(costs[best]):
            return None, math.inf
        form, number = which[best % len(which)]
        return Place(Rect(*spots[best].tolist()), form, number), float(costs[best])

    def _far_away(self, face: int, wishes: Wishes) -> Place | None:
        for form, sizes in enumerate(wishes):
            if found := self._nearest(face, sizes[-1], max(self.canvas) // 4):
                return Place(found[0], form, len(sizes) - 1, apart=True)
        return None

    def _free(self, spots: NDArray[np.int32], face: int) -> NDArray[np.bool_]:
        """Which spots lie in the picture, clear of every label and of every other face."""
        width, height = self.canvas
        shown = (spots[:, 0] >= 0) & (spots[:, 1] >= 0) & (spots[:, 2] <= width) & (spots[:, 3] <= height)
        spots = spots + np.array([-1, -1, 1, 1], np.int32) * self.gap
        around = np.concatenate([spots[:, :2].min(axis=0), spots[:, 2:].max(axis=0)])[None]
        near = _overlap(around, self.obstacles)[0] > 0
        near[face] = False
        clear: NDArray[np.bool_] = ~(_overlap(spots, self.obstacles[near]) > 0).any(axis=1)
        return shown & clear

    def _occupy(self, rect: Rect) -> None:
        left, top, right, bottom = rect.grown(self.gap).within(self.canvas)
        self.occupied[top // self.cell : -(-bottom // self.cell), left // self.cell : -(-right // self.cell)] = 1

    def _nearest(self, face: int, size: Size, reach: int) -> tuple[Rect, float] | None:
        """The free place within `reach` pixels of the frame that costs least to tie to it, and what that costs."""
        frame, cell = self.frames[face], self.cell
        if size.width > self.canvas.width or size.height > self.canvas.height:
            return None
        left, top = max(frame.left - reach - size.width, 0) // cell, max(frame.top - reach - size.height, 0) // cell
        right, bottom = (frame.right + reach + size.width) // cell, (frame.bottom + reach + size.height) // cell
        # A cell more than the label is wide, so that the last one may hang over the picture's edge.
        sums = cv2.integral(self.occupied[top : bottom + 1, left : right + 1])
        wide, high = -(-size.width // cell), -(-size.height // cell)
        if wide >= sums.shape[1] or high >= sums.shape[0]:
            return None
        full = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
        y, x = np.nonzero(full == 0)
        x = np.minimum((x + left) * cell, self.canvas.width - size.width)
        y = np.minimum((y + top) * cell, self.canvas.height - size.height)
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


def _beside(frame: Rect, sizes: NDArray[np.int32], canvas: Size, gap: int) -> NDArray[np.int32]:
    """Places that touch a frame but for the gap, in the order of `_BESIDE`, each for every size."""
    wide, high = sizes.T
    clear = gap + 1
    below, above = np.full_like(high, frame.bottom + clear), frame.top - clear - high
    right, left = np.full_like(wide, frame.right + clear), frame.left - clear - wide
    columns = ((frame.left + frame.right - wide) // 2, np.full_like(wide, frame.left), frame.right - wide)
    rows = ((frame.top + frame.bottom - high) // 2, frame.bottom - high, np.full_like(high, frame.top))
    columns = tuple(np.clip(x, 0, np.maximum(canvas.width - wide, 0)) for x in columns)
    rows = tuple(np.clip(y, 0, np.maximum(canvas.height - high, 0)) for y in rows)
    spots = [(x, y) for y in (below, above) for x in columns] + [(x, y) for x in (right, left) for y in rows]
    return np.concatenate([np.stack([x, y, x + wide, y + high], axis=1) for x, y in spots])


def _inside(frame: Rect, sizes: NDArray[np.int32], gap: int) -> NDArray[np.int32]:
    """Places on a frame's own face, in the order of `_INSIDE`, each for every size."""
    wide, high = sizes.T
    clear = 2 * gap + 1
    x = (frame.left + frame.right - wide) // 2
    spots = [(x, frame.bottom - clear - high), (x, np.full_like(high, frame.top + clear))]
    return np.concatenate([np.stack([x, y, x + wide, y + high], axis=1) for x, y in spots])


def _at(x: int, y: int, size: Size) -> Rect:
    return Rect(x, y, x + size.width, y + size.height)


def _rows(tuples: Sequence[Rect] | Sequence[Size], columns: int = 4) -> NDArray[np.int32]:
    return np.array(tuples, np.int32).reshape(-1, columns)


def _overlap(spots: NDArray[np.int32], obstacles: NDArray[np.int32]) -> NDArray[np.int64]:
    """The pixels that each spot (row) shares with each obstacle (column)."""
    least = np.maximum(spots[:, None, :2], obstacles[None, :, :2])
    most = np.minimum(spots[:, None, 2:], obstacles[None, :, 2:])
    across, down = np.moveaxis(np.clip(most - least, 0, None).astype(np.int64), 2, 0)
    area: NDArray[np.int64] = across * down
    return area
