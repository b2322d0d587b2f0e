"""The story of one annotated picture: frame the faces, find places for the labels, write them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.drawing import lettering, palette, strokes
from annotator.drawing.lettering import Line
from annotator.drawing.palette import Colour
from annotator.drawing.placement import Rect, Size, corner, line, place
from annotator.drawing.words import CAPTION, briefly, reason, sure, words
from annotator.faces import BoundingBox, Face


def draw(pixels: NDArray[np.uint8], faces: Sequence[Face]) -> NDArray[np.uint8]:
    """The picture with every face framed and labelled.

    `pixels` is upright, height x width x 3, blue first; it is drawn on in place where that is possible. A face
    whose box the picture does not show is passed over.
    """
    pixels = _drawable(pixels)
    canvas = Size(pixels.shape[1], pixels.shape[0])
    scale = Scale(canvas)
    shown = [(face, box) for face in faces if (box := box_on(canvas, face.box))]
    faces = [face for face, _ in shown]
    frames = [scale.frame(face, box) for face, box in shown]
    labels = [label_forms(face, scale.sizes(box), canvas) for face, box in shown]

    caption, caption_size = _caption(canvas, frames, scale)
    wishes = [[[plate.size for plate in form] for form in forms] for forms in labels]
    places = place(canvas, frames, wishes, taken=[caption], gap=scale.gap)

    for (face, box), frame in sorted(zip(shown, frames, strict=True), key=lambda pair: -pair[1].height):
        colour = _colour(face)
        strokes.frame(pixels, frame, scale.stroke(face, box), colour, palette.ink_on(colour), dashed=not face.indexed)
    for face, frame, spot in zip(faces, frames, places, strict=True):
        if spot and spot.apart:
            colour = _colour(face)
            strokes.leader(pixels, *line(frame, spot.rect), scale.hair, colour, palette.ink_on(colour))
    for face, forms, spot in zip(faces, labels, places, strict=True):
        if spot:
            forms[spot.form][spot.size].put(pixels, spot.rect, face, scale)
    if faces:
        strokes.shade(pixels, caption, palette.NIGHT, 0.75)
        caption_size.write(pixels, caption, palette.SNOW)
    return pixels


def draw_banner(pixels: NDArray[np.uint8], sentence: str) -> NDArray[np.uint8]:
    """The picture with a calm band along its lower edge that says `sentence`."""
    pixels = _drawable(pixels)
    canvas = Size(pixels.shape[1], pixels.shape[0])
    block = _fitted(sentence, canvas)
    band = Rect(0, canvas.height - min(block.size.height, canvas.height), canvas.width, canvas.height)
    strokes.shade(pixels, band, palette.NIGHT, 0.85)
    block.write(pixels, band, palette.SNOW)
    return pixels


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text under each other, centred, with room around them."""

    lines: tuple[Line, ...]

    @property
    def size(self) -> Size:
        """Pixels, the room around the text included."""
        first = self.lines[0].size
        return Size(
            max(line.width for line in self.lines) + round(first * 0.9),
            round(first * 0.24) + sum(round(line.size * lettering.LINE) for line in self.lines),
        )

    def write(self, pixels: NDArray[np.uint8], rect: Rect, ink: Colour) -> None:
        """Set the lines in the middle of `rect`."""
        y = rect.top + round(self.lines[0].size * 0.12) + (rect.height - self.size.height) // 2
        for text in self.lines:
            x = rect.left + (rect.width - text.width) // 2
            lettering.write(pixels, text, x, y + round(text.size * 0.98), ink)
            y += round(text.size * lettering.LINE)

    def put(self, pixels: NDArray[np.uint8], rect: Rect, face: Face, scale: "Scale") -> None:
        """Draw the face's plate at `rect` and set the lines on it: a full plate when sure, a hollow one when not."""
        colour = _colour(face)
        fill = colour if sure(face) and face.indexed else palette.NIGHT
        strokes.plate(pixels, rect, fill, colour, scale.hair)
        self.write(pixels, rect, palette.ink_on(fill))


@dataclass(frozen=True, slots=True)
class Scale:
    """How large things are on a picture of this size, in pixels."""

    canvas: Size

    @property
    def _edge(self) -> int:
        return max(self.canvas)

    @property
    def text(self) -> int:
        """The text size that reads well."""
        return max(11, round(self._edge / 96))

    @property
    def small_text(self) -> int:
        """The text size for a crowd, and for what is said aside."""
        return max(10, round(self._edge / 128))

    @property
    def gap(self) -> int:
        """What stays free between labels."""
        return max(1, round(self._edge / 700))

    @property
    def hair(self) -> int:
        """The thinnest line that shows."""
        return max(1, round(self._edge / 900))

    def sizes(self, box: Rect) -> list[int]:
        """Text sizes for a face's label, the best first."""
        best = min(max(round(box.width / 6.5), self.text), max(self.text, round(self._edge / 32)))
        steps = {best, round((best * self.text) ** 0.5), self.text, self.small_text}
        return sorted(steps, reverse=True)

    def stroke(self, face: Face, box: Rect) -> int:
        """How thick the frame's line is."""
        thin, thick = max(2, round(self._edge / 640)), max(2, round(self._edge / 200))
        full = min(max(round(min(box.width, box.height) * 0.016), thin), thick)
        return full if face.indexed else max(1, round(full * 0.6))

    def frame(self, face: Face, box: Rect) -> Rect:
        """The frame's outer edge: just around the box, so that the face stays as it was."""
        stroke = self.stroke(face, box)
        return box.grown(stroke + 2 * strokes.halo_of(stroke)).within(self.canvas)


def label_forms(face: Face, sizes: Sequence[int], canvas: Size) -> list[list[Block]]:
    """The ways to write a face's label, from the fullest to the briefest, each in falling sizes."""
    why = reason(face)
    spellings = [(words(face), f"not indexed: {why}"), (words(face), why)] if why else [(words(face), "")]
    spellings.append((briefly(face), ""))
    forms = []
    for first, second in spellings:
        blocks = [_block(first, second, size) for size in sizes]
        fitting = [block for block in blocks if block.size.width <= canvas.width]
        forms.append(fitting or blocks[-1:])
    return forms


def _block(first: str, second: str, size: int) -> Block:
    lines = [Line(first, size, 600)]
    if second:
        lines.append(Line(second, max(10, round(size * 0.8)), 450))
    return Block(tuple(lines))


def box_on(canvas: Size, box: BoundingBox) -> Rect | None:
    """The part of a face's box that the picture shows, in whole pixels; None if it shows nothing of it."""
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


def _colour(face: Face) -> Colour:
    return palette.colour_of(face.emotion.type if face.emotion else None)


def _caption(canvas: Size, frames: Sequence[Rect], scale: Scale) -> tuple[Rect, Block]:
    before, after = CAPTION.split(", ")
    size = scale.small_text
    blocks = [
        Block((Line(CAPTION, size, 450),)),
        Block((Line(f"{before},", size, 450), Line(after, size, 450))),
    ]
    rect, choice = corner(canvas, frames, [block.size for block in blocks], margin=2 * scale.gap)
    return rect.within(canvas), blocks[choice]


def _fitted(sentence: str, canvas: Size) -> Block:
    """The sentence as large as is calm, wrapped to the picture's width."""
    largest = max(14, round(max(canvas) / 30))
    block = Block((Line(sentence, 8, 500),))
    for size in range(largest, 7, -1):
        lines = lettering.wrapped(sentence, size, 500, canvas.width - size)
        block = Block(tuple(Line(text, size, 500) for text in lines))
        if block.size.height * 2 <= canvas.height:
            return block
    return block


def _drawable(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same array if OpenCV can draw on it, else a copy."""
    return np.require(pixels, np.uint8, ["C", "W"])
