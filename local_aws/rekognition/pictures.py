"""Decodes an uploaded file into the pixels that Rekognition would analyse."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from local_aws.rekognition.eyes import Pixels
from local_aws.rekognition.refusal import image_too_large, invalid_image_format, invalid_parameter

LARGEST_IN_S3 = 15 * 1024 * 1024
"""Bytes: "Maximum image size stored as an Amazon S3 object is limited to 15 MB" (Rekognition quotas)."""
SMALLEST_SIDE = 80
"""Pixels: "The minimum image dimensions is 80 pixels for both height and width" (same page)."""

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"


def pixels_of(file: bytes) -> Pixels:
    """RGB pixels of a JPEG, upright by its EXIF orientation, or of a PNG, as stored.

    Rekognition corrects the orientation of a JPEG but not of a PNG. So boxes are relative to the upright JPEG, or to
    the PNG as stored (API reference, DetectFaces, OrientationCorrection).

    Raises Refusal: ImageTooLargeException, InvalidImageFormatException, or InvalidParameterException for a side
    under 80 pixels.
    """
    if len(file) > LARGEST_IN_S3:
        raise image_too_large()
    if file.startswith(_JPEG):
        decoded = _decoded(file, cv2.IMREAD_COLOR)
    elif file.startswith(_PNG):
        # Only IMREAD_UNCHANGED ignores a PNG's eXIf orientation; IMREAD_IGNORE_ORIENTATION does not.
        decoded = _three_channels(_decoded(file, cv2.IMREAD_UNCHANGED))
    else:
        raise invalid_image_format()
    if min(decoded.shape[:2]) < SMALLEST_SIDE:
        raise invalid_parameter()
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _decoded(file: bytes, how: int) -> npt.NDArray[Any]:
    try:
        decoded: npt.NDArray[Any] | None = cv2.imdecode(np.frombuffer(file, dtype=np.uint8), how)
    except cv2.error as error:  # more pixels than OpenCV decodes
        raise invalid_image_format() from error
    if decoded is None:
        raise invalid_image_format()
    return decoded


def _three_channels(decoded: npt.NDArray[Any]) -> Pixels:
    """8 bits of blue, green and red; "Rekognition only uses RGB channels to perform inference"."""
    if decoded.dtype == np.uint16:
        decoded = decoded >> 8
    shallow = decoded.astype(np.uint8)
    if shallow.ndim == 2:
        return np.asarray(cv2.cvtColor(shallow, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    return shallow[:, :, :3]
