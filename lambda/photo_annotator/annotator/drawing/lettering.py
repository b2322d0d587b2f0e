"""Text: how wide it is, how it wraps, and setting it.

OpenCV 5 carries Rubik, a variable TrueType font, as "sans"; nothing is read from disk.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.drawing.palette import Colour

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
    """Pixels that `text` takes on a line."""
    if not text:
        return 0
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, weight)
    return int(width)


def wrapped(text: str, size: int, weight: int, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels, broken between words, and inside a word only if it must be."""
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


def write(pixels: NDArray[np.uint8], line: Line, x: int, baseline: int, ink: Colour) -> None:
    """Set `line` with its first letter at `x` on `baseline`."""
    cv2.putText(pixels, line.text, (x, baseline), ink, _font(), line.size, line.weight)


@cache
def _font() -> Any:
    return cv2.FontFace("sans")
