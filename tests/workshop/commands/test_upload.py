"""Step 2 through its entry point: from any file to an object in the raw bucket."""

import hashlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.workshop.attendee import FOUNDATION, Attendee, picture
from workshop.photos import preparing

pytestmark = pytest.mark.slow


def phone_photo(path: Path, *, orientation: int = 1, width: int = 320, height: int = 240) -> Path:
    """A JPEG as phones write it: orientation, camera, place and date in EXIF, and a video after its end."""
    image = Image.open(io.BytesIO(picture(".png", width=width, height=height)))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "ACME phones"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "S"
    image.save(path, "JPEG", quality=95, exif=exif, comment=b"at the beach")
    path.write_bytes(path.read_bytes() + b"\x00\x00\x00\x18ftypmp42 GPS 37.8S")
    return path


def test_a_plain_jpeg_arrives_unchanged_under_a_readable_key(deployed: Attendee):
    photo = deployed.photo_file("selfie.jpg")
    ran = deployed.run("upload", str(photo))
    assert ran.exit_code == 0, ran.output
    key = f"selfie-{hashlib.sha256(photo.read_bytes()).hexdigest()[:8]}.jpg"
    assert deployed.keys() == [key]
    assert deployed.raw(key) == photo.read_bytes()
    assert key in ran.stdout


def test_image_and_bucket_work_as_in_the_original(attendee: Attendee):
    """`upload_to_s3.py -i raw_image.jpg -b my-bucket`, with a bucket made by hand and no stack at all."""
    attendee.client("s3").create_bucket(
        Bucket="my-bucket", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"}
    )
    ran = attendee.run("upload", "-i", str(attendee.photo_file()), "-b", "my-bucket")
    assert ran.exit_code == 0, ran.output
    assert attendee.client("s3").list_objects_v2(Bucket="my-bucket")["KeyCount"] == 1


def test_where_when_and_with_what_a_photo_was_taken_stays_here(deployed: Attendee):
    photo = phone_photo(deployed.folder / "beach.jpg")
    ran = deployed.run("upload", str(photo))
    assert ran.exit_code == 0, ran.output
    (key,) = deployed.keys()
    sent = deployed.raw(key)
    assert not any(secret in sent for secret in (b"Exif", b"ACME", b"beach", b"GPS"))
    before, after = (cv2.imdecode(np.frombuffer(body, np.uint8), 1) for body in (photo.read_bytes(), sent))
    assert np.array_equal(before, after), "the picture itself is not re-encoded"
    assert "removed" in ran.stdout


def test_a_photo_taken_sideways_is_sent_upright(deployed: Attendee):
    deployed.run("upload", str(phone_photo(deployed.folder / "sideways.jpg", orientation=6)))
    (key,) = deployed.keys()
    upright = Image.open(io.BytesIO(deployed.raw(key)))
    assert upright.size == (240, 320)
    assert not upright.getexif()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".avif", ".bmp", ".tiff"])
def test_other_formats_become_jpegs(deployed: Attendee, suffix: str):
    ran = deployed.run("upload", str(deployed.photo_file(f"picture{suffix}")))
    assert ran.exit_code == 0, ran.output
    (key,) = deployed.keys()
    assert key.endswith(".jpg")
    assert deployed.raw(key)[:3] == b"\xff\xd8\xff"


def test_a_file_is_judged_by_its_content_not_by_its_name(deployed: Attendee):
    mislabelled = deployed.folder / "photo.jpg"
    mislabelled.write_bytes(picture(".png"))
    ran = deployed.run("upload", str(mislabelled))
    assert "its name is wrong: it is PNG" in ran.stdout


def test_a_photo_above_fifteen_megabytes_is_made_to_fit(deployed: Attendee):
    noise = np.random.default_rng(1).integers(0, 255, (3000, 3800, 3), dtype=np.uint8)
    _, jpeg = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 97])
    assert len(jpeg) > 15_000_000
    (deployed.folder / "huge.jpg").write_bytes(jpeg.tobytes())
    ran = deployed.run("upload", str(deployed.folder / "huge.jpg"))
    assert ran.exit_code == 0, ran.output
    (key,) = deployed.keys()
    assert len(deployed.raw(key)) <= 15_000_000


def test_two_photos_of_one_name_do_not_overwrite_each_other(deployed: Attendee):
    deployed.run("upload", str(deployed.photo_file("image.jpg", seed=1)))
    deployed.run("upload", str(deployed.photo_file("image.jpg", seed=2)))
    assert len(deployed.keys()) == 2


def test_uploading_a_photo_again_is_fine_and_reported(deployed: Attendee):
    photo = str(deployed.photo_file())
    deployed.run("upload", photo)
    again = deployed.run("upload", photo)
    assert again.exit_code == 0
    assert "already there" in again.stdout
    assert len(deployed.keys()) == 1


@pytest.mark.parametrize("chosen", [(), ("--key", "me.jpg")], ids=["own key", "chosen key"])
def test_a_file_is_known_again_though_it_is_prepared_otherwise(
    chosen: tuple[str, ...], deployed: Attendee, monkeypatch: pytest.MonkeyPatch
):
    """After an upgrade OpenCV may encode the same picture in other bytes."""
    photo = str(deployed.photo_file("selfie.png"))
    deployed.run("upload", photo, *chosen)
    monkeypatch.setattr(preparing, "encode_jpeg_within", lambda *_: picture(seed=1))
    assert "already there" in deployed.run("upload", photo, *chosen).stdout
    assert len(deployed.keys()) == 1


def test_a_photo_is_found_by_its_file_without_decoding_it(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    """Not by its name, which a newer photo has as well."""
    older = str(deployed.photo_file("selfie.png"))
    deployed.run("upload", older)
    (key,) = deployed.keys()
    (deployed.folder / "newer").mkdir()
    deployed.run("upload", str(deployed.photo_file("newer/selfie.png", seed=1)))
    monkeypatch.delattr(preparing, "decode")
    assert deployed.run("why", older).stdout.startswith(key)


def test_a_chosen_key_never_overwrites_another_photo(deployed: Attendee):
    """Not even one that has as many bytes: fill bytes before its end are part of no picture."""
    first, second = deployed.photo_file("a.jpg", seed=1), deployed.photo_file("b.jpg", seed=2)
    longer = max(first.stat().st_size, second.stat().st_size)
    for photo in (first, second):
        jpeg = photo.read_bytes()
        photo.write_bytes(jpeg[:-2] + b"\xff" * (longer - len(jpeg)) + jpeg[-2:])
    assert deployed.run("upload", str(first), "--key", "me and you.jpg").exit_code == 0
    refused = deployed.run("upload", str(second), "--key", "me and you.jpg")
    assert refused.exit_code == 1
    assert "another photo called me and you.jpg" in refused.stderr
    assert deployed.raw("me and you.jpg") == first.read_bytes()


def test_a_folder_is_sent_photo_by_photo_and_the_rest_left_alone(deployed: Attendee):
    (deployed.folder / "party").mkdir()
    for number in range(3):
        deployed.photo_file(f"party/{number}.jpg", seed=number)
    (deployed.folder / "party" / "notes.txt").write_text("buy milk")
    ran = deployed.run("upload", str(deployed.folder / "party"))
    assert ran.exit_code == 0, ran.output
    assert len(deployed.keys()) == 3


def test_one_bad_photo_does_not_keep_the_others_here(deployed: Attendee):
    good, bad = deployed.photo_file(), deployed.folder / "bad.jpg"
    bad.write_bytes(good.read_bytes()[:2000])
    ran = deployed.run("upload", str(bad), str(good))
    assert ran.exit_code == 1
    assert len(deployed.keys()) == 1
    assert "bad.jpg cannot be sent: this file ends before the picture does" in ran.stderr
    assert "1 of 2 photos was not sent" in ran.stderr


def test_standard_input_is_a_source(deployed: Attendee):
    ran = deployed.run("upload", "-", pasted=picture())
    assert ran.exit_code == 0, ran.output
    assert deployed.keys()[0].startswith("photo-")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Zoë's selfie (1).jpg", "Zoë-s-selfie-1-"),
        ("自拍.jpg", "自拍-"),
        ("..jpg.jpg", "jpg-"),
        ("[red]bold[red].jpg", "red-bold-red-"),
        ("$(rm -rf ~).jpg", "rm-rf-"),
        ("\x1b[31mred.jpg", "31mred-"),
    ],
)
def test_a_key_is_readable_and_harmless(deployed: Attendee, name: str, key: str):
    ran = deployed.run("upload", str(deployed.photo_file(name)))
    assert ran.exit_code == 0, ran.output
    assert deployed.keys()[0].startswith(key)
    assert "\x1b" not in ran.output


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "strange.jpg is empty"),
        (b"%PDF-1.7", "strange.jpg cannot be sent: this is a PDF"),
        (b"not a picture at all", "strange.jpg cannot be sent: this is not a photo in a format we know"),
        (picture(width=60, height=40), "strange.jpg cannot be sent: this photo is 60 x 40 pixels"),
        (picture(".png")[:900], "strange.jpg cannot be sent: this PNG file is damaged"),
    ],
)
def test_what_is_no_photo_is_refused_with_one_sentence(deployed: Attendee, body: bytes, sentence: str):
    strange = deployed.folder / "strange.jpg"
    strange.write_bytes(body)
    ran = deployed.run("upload", str(strange))
    assert ran.exit_code == 1
    assert ran.stderr.count("Error:") == 1
    assert sentence in ran.stderr
    assert deployed.keys() == []


def test_a_file_that_is_not_there_is_named(deployed: Attendee):
    ran = deployed.run("upload", "slefie.jpg")
    assert ran.exit_code == 1
    assert "There is no file slefie.jpg" in ran.stderr


def test_a_bucket_of_another_account_is_refused_by_name(deployed: Attendee, attendee: Attendee):
    stranger = Attendee(deployed.local_aws, deployed.folder, "999999999999")
    ran = stranger.run("upload", str(stranger.photo_file()), "-b", deployed.outputs["RawBucket"])
    assert ran.exit_code == 1
    assert f"You may not write to {deployed.outputs['RawBucket']}" in ran.stderr


def test_a_bucket_that_is_not_there_is_named(attendee: Attendee):
    ran = attendee.run("upload", str(attendee.photo_file()), "-b", "no-such-bucket-here")
    assert ran.exit_code == 1
    assert "There is no bucket no-such-bucket-here" in ran.stderr


@pytest.mark.parametrize("command", [("upload",), ("index",), ("send", "--wait", "1")], ids=lambda command: command[0])
def test_the_notice_about_what_is_stored_is_printed_once(serverless: Attendee, command: tuple[str, ...]):
    first = serverless.run(*command, str(serverless.photo_file(seed=1)))
    second = serverless.run("upload", str(serverless.photo_file(seed=2)))
    told = first.stderr.splitlines()[:3]
    assert all(len(line) <= 80 for line in told)
    assert told[:2] == [
        "Stored in this account: photo (up to 4 days), picture and result (1 to 2 days),",
        "face vectors (until teardown). Only send photos of people who have agreed.",
    ]
    assert "forget" in told[2]
    assert "Stored" not in second.stderr


def test_the_command_that_undoes_an_upload_names_the_attendee(attendee: Attendee):
    attendee.deploy("Foundation", FOUNDATION, name="simon")
    ran = attendee.run("--attendee", "simon", "upload", str(attendee.photo_file()))
    assert "To undo: emotions --attendee simon forget PHOTO" in ran.stderr


def test_what_comes_next_is_to_index_it_unless_that_is_done(deployed: Attendee):
    photo = str(deployed.photo_file())
    (key,) = (deployed.run("upload", photo), deployed.keys())[1]
    assert f"Next: emotions index {key}" in deployed.run("upload", photo).stderr
    assert deployed.run("index", key).exit_code == 0
    assert f"Next: emotions why {key}" in deployed.run("upload", photo).stderr


class Web(BaseHTTPRequestHandler):
    """Somebody's web site."""

    pages: ClassVar[dict[str, tuple[int, str, bytes]]] = {
        "/team%20photo.jpg": (200, "image/jpeg", picture()),
        "/gallery": (200, "text/html", b"<!doctype html><title>Holiday</title>"),
        "/empty.jpg": (200, "image/jpeg", b""),
    }

    def do_GET(self) -> None:
        if self.path == "/endless.jpg":
            self.send_response(200)
            self.send_header("Content-Length", str(10**12))
            self.end_headers()
            return
        if self.path == "/elsewhere.jpg":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
            return
        status, kind, body = self.pages.get(self.path, (404, "text/plain", b"no"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_is_fetched_and_sent(deployed: Attendee, web: str):
    ran = deployed.run("upload", f"{web}/team photo.jpg")
    assert ran.exit_code == 0, ran.output
    assert deployed.keys()[0].startswith("team-photo-")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/gallery", "this is a web page, not a photo"),
        ("/missing.jpg", "answers 404"),
        ("/endless.jpg", "endless.jpg is larger than 100 MB"),
        ("/empty.jpg", "empty"),
        ("/elsewhere.jpg", "302"),
    ],
)
def test_an_address_without_a_photo_is_one_sentence(deployed: Attendee, web: str, path: str, sentence: str):
    ran = deployed.run("upload", web + path)
    assert ran.exit_code == 1
    assert ran.stderr.count("Error:") == 1
    assert sentence in ran.stderr
    assert deployed.keys() == []


def test_the_error_for_a_web_page_says_how_to_copy_the_photos_address(deployed: Attendee, web: str):
    assert "Copy image address" in deployed.run("upload", f"{web}/gallery").stderr


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/a.jpg", "http://"])
def test_only_the_web_is_fetched(deployed: Attendee, address: str):
    ran = deployed.run("upload", address)
    assert ran.exit_code == 1
    assert "is not a web address" in ran.stderr


@pytest.mark.parametrize("gone", ["RawBucket", "ProcessedBucket"])
def test_a_bucket_that_was_deleted_is_said_to_be(deployed: Attendee, gone: str):
    deployed.client("s3").delete_bucket(Bucket=deployed.outputs[gone])
    ran = deployed.run("upload", str(deployed.photo_file()))
    assert ran.exit_code == 1
    assert "was deleted." in ran.stderr
    assert "emotions check" in ran.stderr
    assert "--bucket" not in ran.stderr
    assert ("The photo arrived" in ran.stderr) == (gone == "ProcessedBucket")
