"""Other messages on standard error are not lost."""

import os
import threading

import pytest
from annotator.quiet import without_messages


def test_only_libjpegs_lines_are_left_out(capfd):
    with without_messages("JPEG"):
        os.write(
            2, b"before\nCorrupt JPEG data: 2 extraneous bytes before marker 0xd9\nPremature end of JPEG file\nafter\n"
        )
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "before\nafter\nlater\n"


def test_other_formats_keep_their_lines(capfd):
    with without_messages("TIFF"):
        os.write(2, b"LZWDecode: Not enough data.\nCorrupt JPEG data\n")
    assert capfd.readouterr().err == "Corrupt JPEG data\n"


def test_an_error_passes_through_and_standard_error_is_its_own_again(capfd):
    with pytest.raises(ValueError, match="damaged"), without_messages("JPEG"):
        raise ValueError("damaged")
    os.write(2, b"Corrupt JPEG data, outside the block\n")
    assert capfd.readouterr().err == "Corrupt JPEG data, outside the block\n"


def test_two_at_a_time_end_with_the_same_standard_error(capfd):
    inside, over = threading.Event(), threading.Event()

    def other():
        with without_messages("JPEG"):
            inside.set()
            over.wait(5)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(5)
    with without_messages("JPEG"):
        over.set()
        thread.join()
    os.write(2, b"here\n")
    assert capfd.readouterr().err == "here\n"
