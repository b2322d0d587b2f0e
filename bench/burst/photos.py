"""Different photos of about two megapixels, with painted faces that are found without a neural network."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from local_aws.local import LocalAws
from local_aws.rekognition.operations import Rekognition
from local_aws.rekognition.s3_objects import S3Objects
from tests.local_aws.rekognition.painted import PaintedSight, picture

WIDTH, HEIGHT = 1632, 1224
"""Two megapixels, as a phone sends them through a messenger."""

QUALITY = 88


def photo(number: int, *, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """The JPEG of photo `number`: a blurred background with grain, and one to three painted faces."""
    chance = np.random.default_rng(number)
    side = height // 4
    faces = []
    for place in chance.permutation(3)[: chance.integers(1, 4)]:
        left = width // 3 * int(place) + int(chance.integers(0, width // 3 - side))
        faces.append((left, int(chance.integers(0, height - side)), side, side))
    pixels = picture(*faces, size=(width, height))
    paper = (pixels[:, :, 2] < 100)[:, :, np.newaxis]
    shift = tuple(int(step) for step in chance.integers(0, (height, width)))
    background = np.roll(_background(width, height), shift, axis=(0, 1))
    blended = np.where(paper, background, pixels)
    done, file = cv2.imencode(".jpg", blended[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return bytes(file)


def see_painted_faces(aws: LocalAws) -> None:
    """Make this local AWS's Rekognition find painted faces, quickly and without Node; call this before deploying."""
    aws.rekognition.eyes.close()
    aws.rekognition.rekognition = Rekognition(PaintedSight(), S3Objects(aws.emulator.url))


@cache
def _background(width: int, height: int) -> npt.NDArray[np.uint8]:
    """RGB, dim enough to be no painted face, with as much detail as a photo of a room has."""
    chance = np.random.default_rng(0)
    shapes = cv2.resize(chance.integers(20, 110, (9, 12, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = cv2.GaussianBlur(chance.normal(0, 14, (height, width, 3)).astype(np.float32), (0, 0), 0.8)
    return np.asarray(np.clip(shapes + grain, 0, 115), dtype=np.uint8)
