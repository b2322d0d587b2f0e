"""Several people who upload at random times within a given period."""

import random
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PEOPLE = 12
"""Uploads that may be under way at once."""


def upload(
    s3: "S3Client", bucket: str, photos: Mapping[str, bytes], *, within: float, seed: int = 1
) -> dict[str, float]:
    """Upload each photo under its key, at random times within `within` seconds.

    Returns the time of each completed upload, in seconds since 1970.
    """
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, within) for _ in photos)
    arrived: dict[str, float] = {}
    lock = threading.Lock()
    began = time.monotonic()

    def send(key: str, photo: bytes, moment: float) -> None:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        s3.put_object(Bucket=bucket, Key=key, Body=photo, ContentType="image/jpeg")
        with lock:
            arrived[key] = time.time()

    with ThreadPoolExecutor(PEOPLE) as people:
        for sending in [
            people.submit(send, key, photos[key], moment) for key, moment in zip(photos, moments, strict=True)
        ]:
            sending.result()
    return arrived
