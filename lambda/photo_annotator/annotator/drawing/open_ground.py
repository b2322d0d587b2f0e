"""Finds the free space on a picture that is nearest to a face."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.drawing.rectangles import Rect, Size, crossed, line


class OpenGround:
    """A picture divided into coarse cells. Each cell is free until it is taken.

    An integral image (for each cell, the sum of the cells above and to the left) shows for all positions together
    whether a label would cover only free cells.
    """

    def __init__(self, canvas: Size) -> None:
        self._canvas = canvas
        self._cell = max(2, round((canvas.width * canvas.height) ** 0.5 / 200))
        self._taken = np.zeros((-(-canvas.height // self._cell), -(-canvas.width // self._cell)), np.uint8)
        self._sums: NDArray[Any] | None = None

    def take(self, rect: Rect) -> None:
        """Mark the cells of `rect` as taken."""
        cell = self._cell
        left, top, right, bottom = rect.within(self._canvas)
        self._taken[top // cell : -(-bottom // cell), left // cell : -(-right // cell)] = 1
        self._sums = None

    def nearest(self, frame: Rect, size: Size, reach: int, others: NDArray[np.int32]) -> tuple[Rect, float] | None:
        """The free place within `reach` pixels of `frame` that has the cheapest line to it, and the line's cost.

        A line costs 0.6 for each label height of its length, and 3 for each of the `others` that it crosses. Only the
        nearest place on each side of the frame is considered. None if no place is free.
        """
        x, y = self._open(frame, size, reach)
        across = np.maximum(frame.left - (x + size.width), 0) - np.maximum(x - frame.right, 0)
        down = np.maximum(frame.top - (y + size.height), 0) - np.maximum(y - frame.bottom, 0)
        far = np.hypot(across, down)
        order = np.argsort(far, kind="stable")
        order = order[far[order] <= reach]
        _, nearest_on_each_side = np.unique(np.sign(across[order]) * 3 + np.sign(down[order]), return_index=True)
        spots = [Rect.at(int(x[spot]), int(y[spot]), size) for spot in order[np.sort(nearest_on_each_side)]]
        costs = [self._cost(frame, spot, others) for spot in spots]
        return min(zip(spots, costs, strict=True), key=lambda found: found[1], default=None)

    def _open(self, frame: Rect, size: Size, reach: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The left and upper edges of all free places of this size around `frame`."""
        if self._sums is None:
            self._sums = cv2.integral(self._taken)
        cell = self._cell
        left, top = max(frame.left - reach - size.width, 0) // cell, max(frame.top - reach - size.height, 0) // cell
        right, bottom = (frame.right + reach + size.width) // cell, (frame.bottom + reach + size.height) // cell
        sums = self._sums[top : bottom + 2, left : right + 2]
        wide, high = -(-size.width // cell), -(-size.height // cell)
        full = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
        y, x = np.nonzero(full == 0)
        x, y = (x + left) * cell, (y + top) * cell
        # The last row and column of cells may extend beyond the picture.
        shown = (x + size.width <= self._canvas.width) & (y + size.height <= self._canvas.height)
        return x[shown], y[shown]

    @staticmethod
    def _cost(frame: Rect, spot: Rect, others: NDArray[np.int32]) -> float:
        start, end = line(frame, spot)
        return 0.6 * math.dist(start, end) / spot.height + 3 * crossed(start, end, others)
