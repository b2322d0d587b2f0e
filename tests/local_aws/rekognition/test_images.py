"""Which images are taken, how they are turned, and how S3 is asked for them."""

import contextlib
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
import numpy as np
import pytest

from local_aws.rekognition import RekognitionServer
from local_aws.rekognition.pictures import LARGEST_IN_S3, pixels_of
from local_aws.rekognition.refusal import Refusal
from tests.local_aws.rekognition.conftest import ACCOUNT, connect_to
from tests.local_aws.rekognition.painted import jpeg, orientation, picture, png, tiff

FACE = (100, 60, 120, 140)


def box(client, file):
    (face,) = client.detect_faces(Image={"Bytes": file})["FaceDetails"]
    box = face["BoundingBox"]
    return [box[side] for side in ("Left", "Top", "Width", "Height")]


def in_a_chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


UPRIGHT = [100 / 640, 60 / 480, 120 / 640, 140 / 480]


@pytest.mark.parametrize("number", range(1, 9))
def test_boxes_in_a_jpeg_are_relative_to_the_upright_picture(client, number):
    turned_back = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: p.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda p: np.rot90(p, 3),
    }[number]
    stored = np.ascontiguousarray(turned_back(picture(FACE)))
    assert box(client, jpeg(stored, exif=orientation(number))) == pytest.approx(UPRIGHT, abs=0.01)


def test_boxes_in_a_png_are_relative_to_the_picture_as_stored(client):
    """A PNG's eXIf chunk is not looked at: the box stays where the face lies in the file."""
    file = png(picture(FACE))
    header = 8 + 25
    with_orientation = file[:header] + in_a_chunk(b"eXIf", tiff(6)) + file[header:]
    assert cv2.imdecode(np.frombuffer(with_orientation, np.uint8), cv2.IMREAD_COLOR).shape[:2] == (640, 480)
    assert box(client, with_orientation) == pytest.approx(UPRIGHT, abs=0.01)


@pytest.mark.parametrize(
    "encoded",
    [
        png,
        lambda p: bytes(cv2.imencode(".png", np.dstack([p[:, :, ::-1], p[:, :, :1]]))[1]),
        lambda p: bytes(cv2.imencode(".png", p[:, :, ::-1].astype(np.uint16) << 8)[1]),
    ],
    ids=["plain", "transparent", "16 bits"],
)
def test_every_depth_of_png_shows_the_same_colours(encoded):
    np.testing.assert_allclose(pixels_of(encoded(picture(FACE))), picture(FACE), atol=1)


def test_a_grey_png_becomes_three_channels():
    grey = bytes(cv2.imencode(".png", np.full((100, 120), 77, np.uint8))[1])
    assert (pixels_of(grey) == 77).all()
    assert pixels_of(grey).shape == (100, 120, 3)


@pytest.mark.parametrize(
    "file",
    [
        b"not an image",
        bytes(cv2.imencode(".webp", picture(FACE))[1]),
        bytes(cv2.imencode(".bmp", picture(FACE))[1]),
        jpeg(picture(FACE))[:100],
        png(picture(FACE))[:60],
        b"\xff\xd8\xff",
    ],
    ids=["text", "webp", "bmp", "broken jpeg", "broken png", "only the magic"],
)
def test_anything_but_a_whole_jpeg_or_png_is_an_invalid_format(client, refused, file):
    assert refused(client.detect_faces, Image={"Bytes": file}) == (
        "InvalidImageFormatException",
        "Request has invalid image format",
    )


@pytest.mark.parametrize("size", [(79, 300), (300, 79)])
def test_a_side_under_80_pixels_is_an_invalid_parameter(client, refused, size):
    assert refused(client.detect_faces, Image={"Bytes": png(picture(size=size))}) == (
        "InvalidParameterException",
        "Request has invalid parameters",
    )


def test_a_side_of_80_pixels_is_enough(client):
    assert client.detect_faces(Image={"Bytes": png(picture(size=(80, 80)))})["FaceDetails"] == []


def test_images_of_up_to_five_megabytes_are_accepted(client, refused):
    """Over the limit AWS does not say ImageTooLarge: the request fails its model first."""
    file = jpeg(picture(FACE))
    assert client.detect_faces(Image={"Bytes": file + bytes(5_242_880 - len(file))})["FaceDetails"]
    code, message = refused(client.detect_faces, Image={"Bytes": file + bytes(5_242_881 - len(file))})
    assert code == "ValidationException"
    assert message.endswith(
        "'image.bytes' failed to satisfy constraint: Member must have length less than or equal to 5242880"
    )


def test_over_15_megabytes_a_file_is_too_large_before_it_is_decoded():
    with pytest.raises(Refusal) as caught:
        pixels_of(jpeg(picture(FACE)) + bytes(LARGEST_IN_S3))
    assert caught.value.code == "ImageTooLargeException"


def test_an_image_is_either_bytes_or_an_object(client, refused):
    both = {"Bytes": jpeg(picture()), "S3Object": {"Bucket": "raw", "Name": "me.jpg"}}
    for image in (both, {}, {"S3Object": {"Bucket": "raw"}}):
        assert refused(client.detect_faces, Image=image)[0] == "InvalidParameterException"


class Shelf(BaseHTTPRequestHandler):
    """As much of S3 as answers GetObject: objects by path and version, and who asked for them."""

    url: str
    objects: dict[tuple[str, str | None], bytes]
    asked: list[str]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        version = parse_qs(url.query).get("versionId", [None])[0]
        self.asked.append(self.headers["Authorization"])
        file = self.objects.get((unquote(url.path), version))
        answer = b"<Error><Code>NoSuchKey</Code></Error>" if file is None else file
        self.send_response(404 if file is None else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # hung up on, as too large an object is
            self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def shelf() -> Iterator[type[Shelf]]:
    own = type("OwnShelf", (Shelf,), {"objects": {}, "asked": []})
    http = ThreadingHTTPServer(("127.0.0.1", 0), own)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    own.url = f"http://127.0.0.1:{http.server_port}"
    yield own
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def reader(shelf, sight):
    """A client of a server that reads from the shelf."""
    with RekognitionServer(shelf.url, sight=sight) as server:
        yield connect_to(server.url)


def test_an_object_is_read_by_name_as_the_caller(shelf, reader):
    key = "a folder/my selfie+ü ~(1)'!*&=?%41.jpg"
    shelf.objects[f"/raw/{key}", None] = jpeg(picture(FACE))
    answer = reader.detect_faces(Image={"S3Object": {"Bucket": "raw", "Name": key}})
    assert len(answer["FaceDetails"]) == 1
    assert f"Credential={ACCOUNT}/" in shelf.asked[0]
    assert "/ap-southeast-2/s3/" in shelf.asked[0]


def test_the_developers_proxy_and_profile_are_ignored(shelf, sight, monkeypatch):
    with RekognitionServer(shelf.url, sight=sight) as server:
        client = connect_to(server.url)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_PROFILE", "gone")
        shelf.objects["/raw/me.jpg", None] = jpeg(picture(FACE))
        assert client.detect_faces(Image={"S3Object": {"Bucket": "raw", "Name": "me.jpg"}})["FaceDetails"]


def test_the_version_that_was_asked_for_is_read(shelf, reader):
    shelf.objects["/raw/me.jpg", None] = jpeg(picture())
    shelf.objects["/raw/me.jpg", "v1"] = jpeg(picture(FACE))
    answer = reader.detect_faces(Image={"S3Object": {"Bucket": "raw", "Name": "me.jpg", "Version": "v1"}})
    assert len(answer["FaceDetails"]) == 1


def test_whatever_s3_refuses_is_an_invalid_object(shelf, reader, refused):
    assert refused(reader.detect_faces, Image={"S3Object": {"Bucket": "raw", "Name": "gone.jpg"}}) == (
        "InvalidS3ObjectException",
        "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    )


def test_an_object_over_15_megabytes_is_too_large(shelf, reader, refused):
    shelf.objects["/raw/huge.jpg", None] = jpeg(picture(FACE)) + bytes(LARGEST_IN_S3)
    assert refused(reader.detect_faces, Image={"S3Object": {"Bucket": "raw", "Name": "huge.jpg"}}) == (
        "ImageTooLargeException",
        "Image size is too large.",
    )


def test_without_an_s3_every_object_is_invalid(client, refused):
    code, _ = refused(client.detect_faces, Image={"S3Object": {"Bucket": "raw", "Name": "me.jpg"}})
    assert code == "InvalidS3ObjectException"
