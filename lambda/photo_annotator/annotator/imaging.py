"""Everything that works on pixels, in one module.

Importing it imports OpenCV, which takes longer than all other imports. `workflow.py` imports it while Rekognition
works.
"""

from annotator.decoding import decode, encode_jpeg, encode_jpeg_within
from annotator.drawing import draw, draw_banner, prepare

__all__ = ["decode", "draw", "draw_banner", "encode_jpeg", "encode_jpeg_within", "prepare"]
