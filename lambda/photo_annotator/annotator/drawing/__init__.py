"""A photo and its faces become one annotated picture.

Read `picture.py` first: it tells the story. `words.py` decides what a label says, `palette.py` which colour it has,
`placement.py` where it goes; `lettering.py`, `strokes.py` and `legend.py` put it all on the picture.
"""

from annotator.drawing.picture import draw, draw_banner, prepare

__all__ = ["draw", "draw_banner", "prepare"]
