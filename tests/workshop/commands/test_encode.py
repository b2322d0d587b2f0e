"""`emotions encode` and `decode`: a photo as text, and back."""

import base64
from pathlib import Path

import pytest

from tests.workshop.attendee import Attendee, picture

pytestmark = pytest.mark.slow


def test_text_and_back_is_the_same_photo(attendee: Attendee):
    photo = attendee.photo_file()
    text = attendee.run("encode", str(photo)).stdout
    assert all(len(line) <= 80 for line in text.splitlines())
    back = attendee.folder / "back.jpg"
    ran = attendee.run("decode", "-o", str(back), pasted=text)
    assert ran.exit_code == 0, ran.output
    assert back.read_bytes() == photo.read_bytes()


def test_pasted_text_becomes_a_file_of_the_name_it_had(
    attendee: Attendee, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
):
    text = attendee.run("encode", str(attendee.photo_file("my selfie.png"))).stdout
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    ran = attendee.run("decode", pasted=text)
    assert (ran.exit_code, ran.stdout) == (0, "my-selfie.jpg\n")
    assert Path("my-selfie.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_what_a_terminal_adds_to_a_paste_does_not_matter(attendee: Attendee):
    text = attendee.run("encode", str(attendee.photo_file())).stdout
    pasted = "$ emotions encode\r\n" + text.replace("\n", "  \r\n\r\n") + "$ \r\n"
    assert attendee.run("decode", "-o", str(attendee.folder / "back.jpg"), pasted=pasted).exit_code == 0


def test_a_damaged_paste_is_named_by_its_line(attendee: Attendee):
    lines = attendee.run("encode", str(attendee.photo_file())).stdout.splitlines()
    wrong = lines[4].replace(lines[4][20], "A" if lines[4][20] != "A" else "B")
    back = attendee.folder / "back.jpg"
    for damaged, sentence in (
        ([*lines[:4], wrong, *lines[5:]], "damaged at line 4"),
        ([*lines[:4], *lines[5:]], "damaged at line 4"),
        (lines[:-1], "its END line is missing"),
        ([lines[0], lines[-1]], "The paste has 0 of"),
        (["what is this"], "is not a photo as text"),
        ([], "Nothing was pasted"),
    ):
        ran = attendee.run("decode", "-o", str(back), pasted="\n".join(damaged))
        assert ran.exit_code == 1
        assert sentence in ran.stderr
        assert not back.exists()


def test_bare_base64_as_in_the_original_is_understood(attendee: Attendee):
    back = attendee.folder / "back.jpg"
    ran = attendee.run("decode", "-o", str(back), pasted=base64.encodebytes(picture()))
    assert ran.exit_code == 0, ran.output
    assert back.read_bytes() == picture()


def test_decode_overwrites_nothing_unasked(attendee: Attendee):
    text = attendee.run("encode", str(attendee.photo_file())).stdout
    ran = attendee.run("decode", "-o", str(attendee.folder / "selfie.jpg"), pasted=text)
    assert ran.exit_code == 1
    assert "already exists" in ran.stderr
