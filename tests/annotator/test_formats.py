import pytest
from annotator.formats import BEGINNING, UnreadablePhoto, sniff


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04rest", "ZIP archive or an office document"),
        (b"<svg xmlns=", "drawing"),
        (b'{"Records": []}', "JSON text"),
        (b"\x1aE\xdf\xa3\x01\0\0\0", "video"),
        (b"8BPS\0\x01", "Photoshop file"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"RIFF\x24\x08\0\0WAVEfmt ", "not a photo in a format we know"),
        (b"/9j/4AAQSkZJRgABAQ", "base64"),
        (b"iVBORw0KGgoAAAANSUhEUg", "base64"),
        (b"data:image/jpeg;base64,/9j/", "base64"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (b"hello world, this is text", "not a photo in a format we know"),
        (b"\xff", "not a photo in a format we know"),
    ],
)
def test_what_is_not_a_photo_is_named_and_told_what_to_send(data, says):
    with pytest.raises(UnreadablePhoto, match=f"{says}.*send a JPEG"):
        sniff(data)


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"GIF87a", "GIF"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x24\x08\0\0WEBPVP8 ", "WebP"),
    ],
)
def test_a_photo_is_known_by_its_first_bytes(data, format_):
    assert sniff(data) == format_


HEIF = [*((f"he{kind}".encode(), "HEIC") for kind in ("ic", "ix", "im", "is", "vc", "vx")), (b"avif", "AVIF")]


@pytest.mark.parametrize(("brand", "format_"), [*HEIF, (b"avis", "AVIF")])
@pytest.mark.parametrize("compatible", range(12))
def test_a_heic_or_avif_is_known_by_any_of_its_brands(brand, format_, compatible):
    """The major one, or one of the compatible ones, of which the first bytes hold as many as anybody writes."""
    brands = [b"mif1", *[b"miaf"] * 11]
    brands[compatible] = brand
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    file = (len(box) + 4).to_bytes(4, "big") + box + b"\0\0\1\0meta"
    assert sniff(file[:BEGINNING]) == format_


def test_what_follows_the_list_of_brands_is_no_brand():
    with pytest.raises(UnreadablePhoto, match="video"):
        sniff(b"\0\0\0\x14ftypisom\0\0\0\0isomheic")


def test_the_version_of_a_brand_is_no_brand():
    with pytest.raises(UnreadablePhoto, match="video"):
        sniff(b"\0\0\0\x14ftypisomheicisom")
