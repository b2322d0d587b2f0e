"""Rectangles of pixels, one at a time and many at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Size(NamedTuple):
    """Pixels."""

    width: int
    height: int


class Rect(NamedTuple):
    """Pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def at(cls, x: int, y: int, size: Size) -> "Rect":
        """The rectangle of this size whose upper left corner is at `x`, `y`."""
        return cls(x, y, x + size.width, y + size.height)

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
        """The part of the rectangle that is inside the picture."""
        return Rect(
            min(max(self.left, 0), canvas.width),
            min(max(self.top, 0), canvas.height),
            max(min(self.right, canvas.width), 0),
            max(min(self.bottom, canvas.height), 0),
        )


def rows(rects: Sequence[Rect]) -> NDArray[np.int32]:
    """Rectangles as the rows of an array: left, top, right, bottom."""
    return np.array(rects, np.int32).reshape(-1, 4)


def overlap(some: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.int64]:
    """The number of pixels that each of `some` (row) shares with each of `others` (column)."""
    across = np.minimum(some[:, 2, None], others[:, 2]) - np.maximum(some[:, 0, None], others[:, 0])
    down = np.minimum(some[:, 3, None], others[:, 3]) - np.maximum(some[:, 1, None], others[:, 1])
    area: NDArray[np.int64] = np.maximum(across, 0).astype(np.int64) * np.maximum(down, 0)
    return area


def line(frame: Rect, label: Rect) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two ends of the shortest line from a frame to its label."""
    x = _between(frame.left, frame.right - 1, label.left, label.right - 1)
    y = _between(frame.top, frame.bottom - 1, label.top, label.bottom - 1)
    return (x[0], y[0]), (x[1], y[1])


def _between(start: int, end: int, other_start: int, other_end: int) -> tuple[int, int]:
    """The nearest points of two spans; the middle of their overlap if they overlap."""
    if end < other_start:
        return end, other_start
    if other_end < start:
        return start, other_end
    middle = (max(start, other_start) + min(end, other_end)) // 2
    return middle, middle


def crossed(start: tuple[int, int], end: tuple[int, int], others: NDArray[np.int32]) -> int:
    """The number of rectangles that the line from `start` to `end` crosses, checked at 16 points."""
    along = np.linspace(0, 1, 16)[:, None]
    x = start[0] + (end[0] - start[0]) * along
    y = start[1] + (end[1] - start[1]) * along
    inside = (x > others[:, 0]) & (x < others[:, 2]) & (y > others[:, 1]) & (y < others[:, 3])
    return int(inside.any(axis=0).sum())
