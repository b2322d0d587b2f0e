"""Photos of four plain quarters, which show a wrong rotation, and S3 events for them."""

import io
import json
from urllib.parse import quote_plus

import cv2
import numpy as np
from annotator.photo import Photo
from PIL import Image

RED, LIME, BLUE, WHITE = (0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255)

# How a camera that was held the other way stores the picture: EXIF's eight values for the tag Orientation.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


def quarters(width=320, height=200):
    """Red and lime above, blue and white below, as BGR pixels."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = LIME
    pixels[height // 2 :, : width // 2] = BLUE
    pixels[height // 2 :, width // 2 :] = WHITE
    return pixels


def looks_like(pixels, expected):
    """Whether two pictures are equal except for their size and lossy compression."""
    expected = cv2.resize(expected, pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.abs(pixels.astype(int) - expected).mean() < 6


def encoded(pixels, format_, *, mode="RGB", orientation=None, **options):
    """A file of `pixels`, written by Pillow in `format_`, rotated or mirrored for the EXIF `orientation`."""
    if orientation:
        pixels = STORED[orientation](pixels)
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).convert(mode).save(file, format_, **options)
    return file.getvalue()


VERSION, ETAG = "3HL4kqtJvjVBH40Nrjfkd.R2pQ9s_z1x", "9b2cf535f27731c974343645a3985328"


def photo(key="me.jpg", version_id=VERSION, size=1000):
    return Photo("raw-photos", key, version_id, ETAG, size)


def record(key="me.jpg", *, size=1000, event="ObjectCreated:Put", **entry):
    """One record of S3's notification; `key` is encoded, as in S3's events."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "ap-southeast-2",
        "eventTime": "2026-11-22T10:00:00.000Z",
        "eventName": event,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": "raw-photos", "arn": "arn:aws:s3:::raw-photos"},
            "object": {
                "key": key,
                "size": size,
                "eTag": ETAG,
                "versionId": VERSION,
                "sequencer": "0055AED6DCD90281E5",
                **entry,
            },
        },
    }


def announcement(photo):
    """The record in S3's event for this photo."""
    announced = record(quote_plus(photo.key), size=photo.size, eTag=photo.etag, versionId=photo.version_id)
    announced["s3"]["bucket"] = {"name": photo.bucket, "arn": f"arn:aws:s3:::{photo.bucket}"}
    return announced


def message(*records, id_="059f36b4-87a3-44ab-83d2-661975830a7d", body=None, times=1):
    """One SQS message with `records`, delivered for the `times`th time."""
    body = json.dumps({"Records": list(records)}) if body is None else body
    attributes = {"ApproximateReceiveCount": str(times)}
    return {
        "messageId": id_,
        "receiptHandle": f"handle of {id_}",
        "body": body,
        "attributes": attributes,
        "eventSource": "aws:sqs",
    }
