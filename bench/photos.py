"""Photos to time with: the group photos that come with the face finder, enlarged to a camera's size.

Enlarging alone would leave nothing to encode, so noise fills in what a sensor adds, as much as gives the file the size
that such photos have: 4 MB at 12 megapixels, quality 90, 4:2:0. Made once, under build/.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

PROJECT = Path(__file__).parents[1]
BUILD = PROJECT / "build" / "bench"
_SAMPLE = PROJECT / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample4.jpg"

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]


@dataclass(frozen=True, slots=True)
class Kind:
    """A photo of so many megapixels in which Rekognition finds so many faces."""

    megapixels: int
    faces: int = 6

    @classmethod
    def of(cls, key: str) -> Self:
        """The kind that a key made by `key` speaks of."""
        named = re.search(r"(\d+)-megapixels-(\d+)-faces", key)
        assert named, key
        return cls(int(named[1]), int(named[2]))

    def key(self, number: int) -> str:
        """A key for one photo of this kind."""
        return f"{self.megapixels}-megapixels-{self.faces}-faces/{number}.jpg"

    @property
    def path(self) -> Path:
        """The photo's file, made if it is not there yet."""
        path = BUILD / "photos" / f"{self.megapixels}-megapixels.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_bytes(_photo(self.megapixels))
            partial.rename(path)
        return path


def _photo(megapixels: int) -> bytes:
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    # More pixels of the same scene hold less each: 1 MB at 2 megapixels, 12 at 48.
    bytes_wanted = megapixels * 1e6 / 3 * (12 / megapixels) ** 0.2
    small = cv2.imread(str(_SAMPLE))
    assert small is not None, f"{_SAMPLE} is missing: run `make demo` once"
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    middle = np.s_[height // 2 - 500 : height // 2 + 500, width // 2 - 600 : width // 2 + 600]
    part, low, high = picture[middle], 0.0, 40.0
    for _ in range(8):
        strength = (low + high) / 2
        size = len(_encoded(_noisy(part, strength))) / (part.shape[0] * part.shape[1])
        low, high = (low, strength) if size > bytes_wanted / (width * height) else (strength, high)
    return _encoded(_noisy(picture, low))


def _noisy(picture: Any, strength: float) -> Any:
    """Noise of the same kind in all channels, finest grain softened as a camera's own processing does."""
    white = np.random.default_rng(1).normal(0, 1, (1024, 1024))
    soft = cv2.GaussianBlur(white, (0, 0), 0.6)
    noise = np.round(soft / soft.std() * strength).astype(np.int16)
    noisy = np.empty_like(picture)
    for top in range(0, picture.shape[0], 1024):
        for left in range(0, picture.shape[1], 1024):
            tile = picture[top : top + 1024, left : left + 1024]
            grain = noise[: tile.shape[0], : tile.shape[1], None]
            noisy[top : top + 1024, left : left + 1024] = np.clip(tile.astype(np.int16) + grain, 0, 255)
    return noisy


def _encoded(picture: Any) -> bytes:
    _, jpeg = cv2.imencode(".jpg", picture, _JPEG)
    return jpeg.tobytes()
