"""Measures, wraps and draws text.

OpenCV 5 includes Rubik, a variable TrueType font, as "sans". No font file is read from disk.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.drawing.palette import Colour
from annotator.drawing.rectangles import Rect, Size

LINE = 1.32
"""Baseline to baseline, as a multiple of the text size."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; `size` in pixels, `weight` from 100 (thin) to 900 (black)."""

    text: str
    size: int
    weight: int = 500

    @property
    def width(self) -> int:
        """Pixels."""
        return width_of(self.text, self.size, self.weight)


def width_of(text: str, size: int, weight: int) -> int:
    """The width of `text` in pixels."""
    if not text:
        return 0
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, weight)
    return int(width)


def wrapped(text: str, size: int, weight: int, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels, broken between words, or inside a word that is wider than a line."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size, weight) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and width_of(lines[-1] + letter, size, weight) > width:
                lines.append("")
            lines[-1] += letter
    return lines


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text below each other, centred, with padding."""

    lines: tuple[Line, ...]

    @property
    def size(self) -> Size:
        """Pixels, including the padding."""
        first = self.lines[0].size
        return Size(
            max(line.width for line in self.lines) + round(first * 0.9),
            round(first * 0.24) + sum(round(line.size * LINE) for line in self.lines),
        )

    def write(self, pixels: NDArray[np.uint8], rect: Rect, ink: Colour) -> None:
        """Draw the lines in the middle of `rect`."""
        y = rect.top + round(self.lines[0].size * 0.12) + (rect.height - self.size.height) // 2
        for line in self.lines:
            write(pixels, line, rect.left + (rect.width - line.width) // 2, y, ink)
            y += round(line.size * LINE)


def write(pixels: NDArray[np.uint8], line: Line, x: int, y: int, ink: Colour) -> None:
    """Draw `line` starting at `x`, in the row of height `line.size * LINE` that starts at `y`."""
    cv2.putText(pixels, line.text, (x, y + round(line.size * 0.98)), ink, _font(), line.size, line.weight)


@cache
def _font() -> Any:
    return cv2.FontFace("sans")
