import pytest
from annotator.formats import UnreadablePhoto, sniff


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04rest", "ZIP"),
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


def test_the_name_of_a_heic_with_another_major_brand_is_in_its_list():
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf") == "HEIC"
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "AVIF"
