"""A photo as text: what the check on each line cannot see, the digest at the end does."""

import pytest

from workshop.photos.pasting import as_text, from_text
from workshop.terminal.errors import WorkshopError


def test_a_changed_photo_with_valid_line_checks_is_refused():
    body = bytes(range(200))
    changed = body[:80] + body[80:82][::-1] + body[82:]
    *lines, _ = as_text("me.jpg", changed)
    *_, end = as_text("me.jpg", body)
    with pytest.raises(WorkshopError, match="The paste has 4 of 4 lines, or some were changed"):
        from_text([*lines, end])
