"""Where labels go: rectangles in, rectangles out; no pixel is touched here.

A label stands beside its face if it can, else on the lower edge of its own face, else at the nearest free place,
tied to its face by a line. It never leaves the picture, never touches another label and never covers another face.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
        self.cell = max(2, round((canvas.width * canvas.height) ** 0.5 / 160))
        self.occupied = np.zeros((-(-canvas.height // self.cell), -(-canvas.width // self.cell)), np.int32)
        for left, top, right, bottom in self.obstacles.tolist():
            self._occupy(Rect(left, top, right, bottom))

    def take(self, rect: Rect) -> None:
        self.obstacles = np.vstack([self.obstacles, _rows([rect])])
        self._occupy(rect)

    def freedom(self, face: int, wishes: Wishes) -> int:
        """How many places beside its face the first form's smallest size has now."""
        return int(self._free(_beside(self.frames[face], wishes[0][-1], self.canvas, self.gap)).sum())

    def place_for(self, face: int, wishes: Wishes) -> Place | None:
        for form, sizes in enumerate(wishes):
            for found in self._ways(face, form, sizes):
                if found:
                    return found
        return None

    def _ways(self, face: int, form: int, sizes: Sequence[Size]) -> Iterator[Place | None]:
        frame = self.frames[face]
        for number, size in enumerate(sizes):
            rect = self._first_free(_beside(frame, size, self.canvas, self.gap))
            yield Place(rect, form, number) if rect else None
        for number, size in enumerate(sizes):
            if size.height * 3 <= frame.height and size.width <= frame.width:
                rect = self._first_free(_inside(frame, size, self.gap), but=face)
                yield Place(rect, form, number) if rect else None
        rect = self._nearest(frame, sizes[-1])
        yield Place(rect, form, len(sizes) - 1, apart=True) if rect else None

    def _first_free(self, spots: NDArray[np.int32], but: int | None = None) -> Rect | None:
        free = np.flatnonzero(self._free(spots, but))
        return Rect(*spots[free[0]].tolist()) if free.size else None

    def _free(self, spots: NDArray[np.int32], but: int | None = None) -> NDArray[np.bool_]:
        width, height = self.canvas
        shown = (spots[:, 0] >= 0) & (spots[:, 1] >= 0) & (spots[:, 2] <= width) & (spots[:, 3] <= height)
        clash = _overlap(spots + np.array([-1, -1, 1, 1], np.int32) * self.gap, self.obstacles) > 0
        if but is not None:
            clash[:, but] = False
        return shown & ~clash.any(axis=1)

    def _occupy(self, rect: Rect) -> None:
        left, top, right, bottom = rect.grown(self.gap).within(self.canvas)
        self.occupied[top // self.cell : -(-bottom // self.cell), left // self.cell : -(-right // self.cell)] = 1

    def _nearest(self, frame: Rect, size: Size) -> Rect | None:
        """The free place nearest to `frame` whose line to it crosses the fewest faces; None if all are far away."""
        wide, high = -(-size.width // self.cell), -(-size.height // self.cell)
        rows, columns = self.occupied.shape
        if wide > columns or high > rows or size.width > self.canvas.width or size.height > self.canvas.height:
            return None
        sums = np.zeros((rows + 1, columns + 1), np.int32)
        np.cumsum(np.cumsum(self.occupied, axis=0), axis=1, out=sums[1:, 1:])
        full = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
        y, x = np.nonzero(full == 0)
        x = np.minimum(x * self.cell, self.canvas.width - size.width)
        y = np.minimum(y * self.cell, self.canvas.height - size.height)
        across = np.maximum(frame.left - (x + size.width), 0) - np.maximum(x - frame.right, 0)
        down = np.maximum(frame.top - (y + size.height), 0) - np.maximum(y - frame.bottom, 0)
        far = np.hypot(across, down)
        near = np.flatnonzero(far <= max(self.canvas) / 4)
        if not near.size:
            return None
        near = near[np.argsort(far[near], kind="stable")]
        side = np.sign(across[near]) * 3 + np.sign(down[near])
        _, firsts = np.unique(side, return_index=True)
        spots = [_at(int(x[spot]), int(y[spot]), size) for spot in near[np.sort(firsts)]]
        others = self.obstacles[(self.obstacles != np.array(frame, np.int32)).any(axis=1)]
        return min(spots, key=lambda spot: _length(*line(frame, spot)) * (1 + 2 * _crossed(*line(frame, spot), others)))


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


def _length(start: tuple[int, int], end: tuple[int, int]) -> float:
    return float(np.hypot(end[0] - start[0], end[1] - start[1]))


def _crossed(start: tuple[int, int], end: tuple[int, int], rects: NDArray[np.int32]) -> int:
    """How many rectangles the line from `start` to `end` runs through, looked at in 16 points."""
    along = np.linspace(0, 1, 16)[:, None]
    x = start[0] + (end[0] - start[0]) * along
    y = start[1] + (end[1] - start[1]) * along
    inside = (x > rects[:, 0]) & (x < rects[:, 2]) & (y > rects[:, 1]) & (y < rects[:, 3])
    return int(inside.any(axis=0).sum())


def _beside(frame: Rect, size: Size, canvas: Size, gap: int) -> NDArray[np.int32]:
    """Places that touch a frame but for the gap, the best first: below, above, right, left."""
    clear = gap + 1
    below, above = frame.bottom + clear, frame.top - clear - size.height
    right, left = frame.right + clear, frame.left - clear - size.width
    columns = [(frame.left + frame.right - size.width) // 2, frame.left, frame.right - size.width]
    rows = [(frame.top + frame.bottom - size.height) // 2, frame.bottom - size.height, frame.top]
    columns = [min(max(x, 0), max(canvas.width - size.width, 0)) for x in columns]
    rows = [min(max(y, 0), max(canvas.height - size.height, 0)) for y in rows]
    spots = [(x, y) for y in (below, above) for x in columns] + [(x, y) for x in (right, left) for y in rows]
    return _rows([_at(x, y, size) for x, y in spots])


def _inside(frame: Rect, size: Size, gap: int) -> NDArray[np.int32]:
    """Places on a frame's own face: along its lower edge, then along its upper one."""
    clear = gap + 1
    columns = [
        (frame.left + frame.right - size.width) // 2,
        frame.left + clear,
        frame.right - clear - size.width,
    ]
    return _rows([_at(x, y, size) for y in (frame.bottom - clear - size.height, frame.top + clear) for x in columns])


def _at(x: int, y: int, size: Size) -> Rect:
    return Rect(x, y, x + size.width, y + size.height)


def _rows(rects: Sequence[Rect]) -> NDArray[np.int32]:
    return np.array(rects, np.int32).reshape(-1, 4)


def _overlap(spots: NDArray[np.int32], obstacles: NDArray[np.int32]) -> NDArray[np.int32]:
    """The pixels that each spot (row) shares with each obstacle (column)."""
    least = np.maximum(spots[:, None, :2], obstacles[None, :, :2])
    most = np.minimum(spots[:, None, 2:], obstacles[None, :, 2:])
    across, down = np.moveaxis(np.clip(most - least, 0, None), 2, 0)
    area: NDArray[np.int32] = across * down
    return area
