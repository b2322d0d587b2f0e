"""The gallery's file, with an AWS of a few words."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from wall_door.guests import photo_key

from tests.workshop.answering import Answering, stacks_with
from tests.workshop.show.test_gallery import face, result
from workshop.show import gallery_file


def test_pictures_of_the_walls_guests_stay_out_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A caption or an address would hold the ticket, with which anybody could remove the photo."""
    tickets = [f"{kind}-{'0' * 32}" for kind in ("show", "keep")]
    results = [result(face("HAPPY", 98), key=key) for key in ("me.jpg", *map(photo_key, tickets))]
    stacks = stacks_with(s3=Answering({"Body": BytesIO(b"jpeg")}))
    for each in results:
        object.__setattr__(each.raw, "bucket", stacks.raw_bucket)
        object.__setattr__(each.picture, "bucket", stacks.processed_bucket)
    page = tmp_path / "gallery.html"
    gallery_file.write(
        [(stacks, results)], page, expires=timedelta(hours=1), embed=True, open_it=False, attendees_names=False
    )
    assert page.read_text(encoding="utf-8").count("<img") == 1
    assert not any(ticket in page.read_text(encoding="utf-8") for ticket in tickets)
    assert "Without 2 photos of the wall's guests" in " ".join(capsys.readouterr().err.split())
