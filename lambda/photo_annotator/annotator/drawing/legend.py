"""The small panel in a corner: the caption and, if labels had no room, a key to the colours."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.drawing import lettering, palette, strokes
from annotator.drawing.lettering import Block, Line
from annotator.drawing.palette import Colour
from annotator.drawing.rectangles import Rect, Size
from annotator.drawing.words import CAPTION, looks
from annotator.faces import Face

_OPACITY = 0.78
"""At this opacity of the NIGHT colour, white text keeps a contrast above 4.5 even on a white photo."""

_CAPTION_LINES = ((CAPTION,), tuple(CAPTION.replace(", ", ",\n").split("\n")))
_SMALLEST = 7


@dataclass(frozen=True, slots=True)
class Entry:
    """One colour, or the dashed line, and its meaning."""

    text: Line
    colour: Colour
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Legend:
    """The caption under `columns` columns of entries. Often there are no entries."""

    caption: Block
    entries: tuple[Entry, ...] = ()
    columns: int = 1

    @property
    def size(self) -> Size:
        """Pixels."""
        width, height = self.caption.size
        if not self.entries:
            return Size(width, height)
        rows = -(-len(self.entries) // self.columns)
        return Size(max(width, self._column * self.columns + self._unit), height + rows * self._row + self._unit // 2)

    def put(self, pixels: NDArray[np.uint8], rect: Rect) -> None:
        """Draw the panel at `rect`."""
        strokes.shade(pixels, rect, palette.NIGHT, _OPACITY)
        unit = self._unit
        for number, entry in enumerate(self.entries):
            row, column = divmod(number, self.columns)
            x = rect.left + unit + column * self._column
            y = rect.top + unit // 2 + row * self._row
            swatch = Rect(x, y + round(unit * 0.28), x + unit, y + round(unit * 0.28) + unit)
            if entry.dashed:
                strokes.frame(pixels, swatch, max(1, unit // 10), entry.colour, palette.NIGHT, dashed=True)
            else:
                strokes.plate(pixels, swatch, entry.colour, entry.colour, 0)
            lettering.write(pixels, entry.text, x + round(unit * 1.4), y, palette.SNOW)
        self.caption.write(
            pixels, Rect(rect.left, rect.bottom - self.caption.size.height, rect.right, rect.bottom), palette.SNOW
        )

    @property
    def _unit(self) -> int:
        return self.caption.lines[0].size

    @property
    def _row(self) -> int:
        return round(self._unit * 1.5)

    @property
    def _column(self) -> int:
        return max(entry.text.width for entry in self.entries) + round(self._unit * 2.4)


def captions(size: int, width: int) -> list[Legend]:
    """The caption alone, on one or two lines, in text of `size` pixels, or smaller to fit `width`."""
    legends = [Legend(Block(tuple(Line(text, size, 450) for text in lines))) for lines in _CAPTION_LINES]
    fitting = [legend for legend in legends if legend.size.width <= width]
    if fitting or size <= _SMALLEST:
        return fitting or legends[-1:]
    return captions(size - 1, width)


def keys(faces: Sequence[Face], size: int, width: int) -> list[Legend]:
    """The caption with a key to the colours and the number of faces for each, in every number of columns that fits."""
    counts = Counter(face.emotion.type if face.emotion else "UNKNOWN" for face in faces)
    entries = [
        Entry(Line(f"{looks(emotion)} {count}", size, 550), palette.colour_of(emotion))
        for emotion, count in counts.most_common()
    ]
    left_out = sum(not face.indexed for face in faces)
    if left_out:
        entries.append(Entry(Line(f"not indexed {left_out}", size, 550), palette.SNOW, dashed=True))
    legends = [
        Legend(caption.caption, tuple(entries), columns)
        for columns in range(len(entries), 0, -1)
        for caption in captions(size, width)
    ]
    return [legend for legend in legends if legend.size.width <= width]
