"""Everything that works on pixels, under one name.

Importing it imports OpenCV, which takes longer than all the rest of the function: `workflow.py` does so once it has
something better to do than to wait.
"""

from annotator.decoding import decode, encode_jpeg, encode_jpeg_within
from annotator.drawing import draw, draw_banner, prepare

__all__ = ["decode", "draw", "draw_banner", "encode_jpeg", "encode_jpeg_within", "prepare"]
