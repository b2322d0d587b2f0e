"""The steps of annotating a picture: frame the faces, find places for the labels, draw them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from annotator.drawing import palette, strokes
from annotator.drawing.legend import Legend, captions, keys
from annotator.drawing.lettering import Block, Line, wrapped
from annotator.drawing.palette import Colour
from annotator.drawing.placement import Place, corner, place
from annotator.drawing.rectangles import Rect, Size, line
from annotator.drawing.words import spellings, sure
from annotator.faces import BoundingBox, Emotion, Face

_THUMBNAIL = 160
"""Pixels. If the shorter edge has fewer, the picture may have no room for both a label and the caption."""


@cache
def prepare() -> None:
    """Draw once in advance: the first drawing of a process loads OpenCV's font, 30 ms of processor time."""
    draw(np.zeros((240, 240, 3), np.uint8), [Face(BoundingBox(0.3, 0.3, 0.3, 0.3), 99.0, (Emotion("CALM", 99.0),))])


def draw(pixels: NDArray[np.uint8], faces: Sequence[Face]) -> NDArray[np.uint8]:
    """The picture with every face framed and labelled. Several faces are numbered in their order, from 1.

    `pixels` is upright, height x width x 3, blue first; it is modified in place if possible. A face whose box is
    outside the picture is ignored.
    """
    pixels = _drawable(pixels)
    canvas = Size(pixels.shape[1], pixels.shape[0])
    marks = marks_on(canvas, faces)
    if marks:
        places, legend, panel = arranged(canvas, marks)
        for mark in sorted(marks, key=lambda mark: -mark.frame.height):
            mark.put_frame(pixels)
        for mark, spot in zip(marks, places, strict=True):
            if spot and spot.apart:
                mark.put_leader(pixels, spot)
        for mark, spot in zip(marks, places, strict=True):
            if spot:
                mark.put_label(pixels, spot)
        if legend:
            legend.put(pixels, panel)
    return pixels


def draw_banner(pixels: NDArray[np.uint8], sentence: str) -> NDArray[np.uint8]:
    """The picture with `sentence` in a band along its lower edge; modified in place if possible."""
    pixels = _drawable(pixels)
    canvas = Size(pixels.shape[1], pixels.shape[0])
    text = _fitted(sentence, canvas)
    band = Rect(0, canvas.height - min(text.size.height, canvas.height), canvas.width, canvas.height)
    strokes.shade(pixels, band, palette.NIGHT, 0.85)
    text.write(pixels, band, palette.SNOW)
    return pixels


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes on a picture whose longer edge has `edge` pixels; all in pixels."""

    edge: int

    @property
    def text(self) -> int:
        """The text size that is readable from the last row of the room."""
        return max(11, round(self.edge / 76))

    @property
    def small_text(self) -> int:
        """The text size for a crowd, and for the caption."""
        return max(10, round(self.edge / 104))

    @property
    def gap(self) -> int:
        """The space between labels."""
        return max(1, round(self.edge / 700))

    @property
    def hair(self) -> int:
        """The thinnest visible line."""
        return max(1, round(self.edge / 800))

    def text_sizes(self, box: Rect) -> list[int]:
        """Text sizes for a face's label, the best first.

        All come from one scale in steps of a quarter, so that faces of about the same size get the same text size.
        """
        best = min(max(box.width / 5.4, self.text), max(self.text, self.edge / 28))
        steps = math.floor(math.log(best / self.text, 1.25) + 1e-9)
        return [*(round(self.text * 1.25**step) for step in range(steps, -1, -1)), self.small_text]

    def stroke(self, box: Rect, *, indexed: bool) -> int:
        """The thickness of the line around a face."""
        thin, thick = max(2, round(self.edge / 400)), max(2, round(self.edge / 150))
        side = min(box.width, box.height)
        full = min(max(round(side * 0.028), thin), thick, max(1, side // 16))
        return full if indexed else max(1, round(full * 0.6))


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything to draw for one face, except the place of its label."""

    face: Face
    colour: Colour
    frame: Rect
    stroke: int
    hair: int
    labels: tuple[tuple[Block, ...], ...]
    """Forms from the longest to the shortest, each in sizes from the largest to the smallest."""

    def put_frame(self, pixels: NDArray[np.uint8]) -> None:
        """Draw the frame: solid for an indexed face, otherwise thin and dashed."""
        strokes.frame(pixels, self.frame, self.stroke, self.colour, palette.NIGHT, dashed=not self.face.indexed)

    def put_leader(self, pixels: NDArray[np.uint8], spot: Place) -> None:
        """Draw the line between the label and its face."""
        strokes.leader(pixels, *line(self.frame, spot.rect), self.hair, self.colour, palette.NIGHT)

    def put_label(self, pixels: NDArray[np.uint8], spot: Place) -> None:
        """Draw the label: on a filled plate if the face is indexed and its emotion is sure, else on a hollow one."""
        fill = self.colour if self.face.indexed and sure(self.face) else palette.NIGHT
        strokes.plate(pixels, spot.rect, fill, self.colour, self.hair)
        self.labels[spot.form][spot.size].write(pixels, spot.rect, palette.ink_on(fill))


def marks_on(canvas: Size, faces: Sequence[Face]) -> list[Mark]:
    """The mark of each face that is inside the picture."""
    scale = Scale(max(canvas))
    marks = []
    for number, face in enumerate(faces, 1):
        box = box_on(canvas, face.box)
        if box is None:
            continue
        stroke = scale.stroke(box, indexed=face.indexed)
        # The frame is outside the box, so that it does not cover the face.
        frame = box.grown(stroke + 2 * strokes.halo_of(stroke)).within(canvas)
        colour = palette.colour_of(face.emotion.type if face.emotion else None)
        forms = label_forms(face, number if len(faces) > 1 else None, scale.text_sizes(box))
        marks.append(Mark(face, colour, frame, stroke, scale.hair, forms))
    return marks


def arranged(canvas: Size, marks: Sequence[Mark]) -> tuple[list[Place | None], Legend | None, Rect]:
    """A place for each label, the legend, and the place of the legend.

    If more than a tenth of the labels have no place, the legend includes a key to the colours. If more than half have
    none, the key replaces all labels. A thumbnail has no legend if it would displace a label or cover a face.
    """
    scale = Scale(max(canvas))
    frames = [mark.frame for mark in marks]
    wishes = [[[block.size for block in form] for form in mark.labels] for mark in marks]

    def best_corner(legends: Sequence[Legend]) -> tuple[Rect, int]:
        return corner(canvas, frames, [legend.size for legend in legends], margin=2 * scale.gap)

    def with_one_of(legends: Sequence[Legend]) -> tuple[list[Place | None], Legend, Rect]:
        panel, choice = best_corner(legends)
        return place(canvas, frames, wishes, taken=[panel], gap=scale.gap), legends[choice], panel

    only_caption = captions(scale.small_text, canvas.width)
    places, legend, panel = with_one_of(only_caption)
    missing = places.count(None)
    if min(canvas) < _THUMBNAIL:
        alone = place(canvas, frames, wishes, gap=scale.gap)
        if alone.count(None) < missing or any(panel.shares(frame) for frame in frames):
            return alone, None, panel
    if missing * 10 <= len(marks):
        return places, legend, panel
    room = math.prod(canvas) // 6
    with_key = keys([mark.face for mark in marks], scale.small_text, canvas.width)
    with_key = [legend for legend in with_key if math.prod(legend.size) <= room]
    if with_key and missing * 2 <= len(marks):
        return with_one_of(with_key)
    if with_key:
        panel, choice = best_corner(with_key)
        return [None] * len(marks), with_key[choice], panel
    return places, legend, panel


def label_forms(face: Face, number: int | None, sizes: Sequence[int]) -> tuple[tuple[Block, ...], ...]:
    """The forms of a face's label: the longest in all sizes, the shorter ones in the smallest size."""
    longest, *shorter = spellings(face, number)
    return (
        tuple(_label(*longest, size) for size in sizes),
        *((_label(*lines, sizes[-1]),) for lines in shorter),
    )


def _label(first: str, second: str, size: int) -> Block:
    lines = [Line(first, size, 600)]
    if second:
        lines.append(Line(second, max(10, round(size * 0.8)), 450))
    return Block(tuple(lines))


def box_on(canvas: Size, box: BoundingBox) -> Rect | None:
    """The part of a face's box that is inside the picture, in whole pixels; None if it is outside."""
    edges = (box.left, box.top, box.left + box.width, box.top + box.height)
    if not all(map(math.isfinite, edges)):
        return None
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in edges)
    if right <= left or bottom <= top:
        return None
    return Rect(
        math.floor(left * canvas.width),
        math.floor(top * canvas.height),
        math.ceil(right * canvas.width),
        math.ceil(bottom * canvas.height),
    )


def _fitted(sentence: str, canvas: Size) -> Block:
    """The sentence in the largest suitable text size, wrapped to the picture's width."""
    size = max(14, round(max(canvas) / 30))
    while True:
        room = canvas.width - size
        lines = wrapped(sentence, size, 500, room)
        block = Block(tuple(Line(text, size, 500) for text in lines))
        whole = " ".join(lines) == " ".join(sentence.split())
        if size <= 8 or (whole and block.size.height * 2 <= canvas.height):
            return block
        size -= 1


def _drawable(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same array if OpenCV can draw on it, else a copy."""
    return np.require(pixels, np.uint8, ["C", "W"])
