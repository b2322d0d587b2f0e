"""Bytes that chance wrote: opened or refused with a sentence, by a process that lives on.

FUZZ_EXAMPLES says how many each test tries; `python -m bench.hostile` tries many.
"""

import multiprocessing
import os
import re
from concurrent.futures import ProcessPoolExecutor

import pytest
from annotator.formats import UnreadablePhoto, sniff
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.annotator.hostile import ordinary
from tests.annotator.opening import opened

ADVICE = re.compile(r"This [^\n:]+: send [^\n:]+\.")
MAGICS = [
    b"\xff\xd8\xff",
    b"\xff\xd8\xff\xc0\0\x11\x08",
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"GIF87a",
    b"GIF89a",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"BM",
    b"RIFF\xff\0\0\0WEBPVP8 ",
    b"RIFF\xff\0\0\0WEBPVP8L",
    b"RIFF\xff\0\0\0WEBPVP8X",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    b"\0\0\0\x18ftypavis\0\0\0\0msf1avis",
]
fuzzed = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def elsewhere():
    """Another process opens the files: one that crashes is a BrokenProcessPool here, and not the end of the tests."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield lambda data: pool.submit(opened, data).result(timeout=60)


def check(outcome):
    if isinstance(outcome, str):
        assert ADVICE.fullmatch(outcome)
    else:
        height, width, colours = outcome
        assert min(height, width) >= 80
        assert max(height, width) <= 50 * 80
        assert colours == 3


@st.composite
def damaged(draw):
    """An ordinary file with bytes replaced, put in, taken out, and cut."""
    data = bytearray(ordinary()[draw(st.sampled_from(sorted(ordinary())))])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, min(len(data), draw(st.sampled_from([64, 700, len(data)])))))
        gone = draw(st.integers(0, 8))
        data[at : at + gone] = draw(
            st.binary(max_size=8) | st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
        )
    return bytes(data[: draw(st.sampled_from([len(data), len(data), len(data) * 3 // 4]))])


@pytest.mark.slow
@fuzzed
@given(data=damaged())
def test_a_damaged_file_is_opened_or_refused(elsewhere, data):
    check(elsewhere(data))


@pytest.mark.slow
@fuzzed
@given(magic=st.sampled_from(MAGICS), rest=st.binary(max_size=600))
def test_anything_after_the_right_beginning_is_opened_or_refused(elsewhere, magic, rest):
    check(elsewhere(magic + rest))


@given(st.binary(max_size=64) | st.tuples(st.sampled_from(MAGICS), st.binary(max_size=40)).map(b"".join))
def test_the_first_bytes_say_a_format_or_what_to_send(beginning):
    try:
        said = sniff(beginning)
    except UnreadablePhoto as refusal:
        said = str(refusal)
    assert said in {"JPEG", "PNG", "WebP", "HEIC", "AVIF", "GIF", "TIFF", "BMP"} or ADVICE.fullmatch(said)
