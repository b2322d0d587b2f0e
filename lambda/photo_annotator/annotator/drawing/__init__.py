"""Draws faces on a photo.

Read `picture.py` first: it has the main steps. `words.py` decides what a label says, `palette.py` its colour, and
`placement.py` its position. `lettering.py`, `strokes.py` and `legend.py` draw on the picture.
"""

from annotator.drawing.picture import draw, draw_banner, prepare

__all__ = ["draw", "draw_banner", "prepare"]
