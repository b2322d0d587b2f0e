"""CI runs this with the image's own Python, in the image: every decoder, the drawing and the encoder."""

import io

import numpy as np
import pi_heif
from annotator import handler, imaging  # noqa: F401 - the entry point imports too
from annotator.faces import BoundingBox, Emotion, Face
from PIL import Image

pixels = np.full((480, 640, 3), (40, 120, 200), np.uint8)
face = Face(BoundingBox(0.2, 0.2, 0.3, 0.4), 99.0, (Emotion("HAPPY", 95.0),), face_id="1")
for format_ in ("JPEG", "PNG", "WebP", "AVIF", "GIF", "TIFF", "BMP"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_)
    decoded = imaging.decode(file.getvalue(), format_, 320)
    assert decoded.shape == (240, 320, 3), format_
    assert imaging.encode_jpeg(imaging.draw(decoded, [face])).startswith(b"\xff\xd8"), format_
imaging.draw_banner(pixels, "No face found")
print("decodes, draws and encodes; libheif", pi_heif.libheif_version())
