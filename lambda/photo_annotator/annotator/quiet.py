"""Keeps libjpeg's remarks off standard error: it prints them between our own lines."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

_STDERR = 2

# All of its warnings (jerror.h).
_REMARK = re.compile(
    rb"(Corrupt JPEG data|Premature end of JPEG file|Invalid SOS parameters|Inconsistent progression sequence|Unknown"
    rb" Adobe color transform code|Warning: unknown JFIF revision number|Application transferred too many)[^\n]*\n"
)

_one_at_a_time = threading.Lock()


@contextmanager
def without_libjpegs_remarks() -> Iterator[None]:
    """What the process writes to standard error in this block comes after it, without libjpeg's lines.

    libjpeg writes past Python, so the file itself is exchanged; for one block at a time, a second one does nothing.
    """
    if not _one_at_a_time.acquire(blocking=False):
        yield
        return
    try:
        with ExitStack() as stack:
            try:
                own = os.dup(_STDERR)
                stack.callback(os.close, own)
                written = stack.enter_context(_file())
            except OSError:  # there is no standard error, or nowhere to write
                yield
                return
            os.dup2(written.fileno(), _STDERR)
            try:
                yield
            finally:
                os.dup2(own, _STDERR)
                written.seek(0)
                if others := _REMARK.sub(b"", written.read()):
                    os.write(_STDERR, others)
    finally:
        _one_at_a_time.release()


def _file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    import tempfile  # takes milliseconds, which a cold start of the function does without

    return tempfile.TemporaryFile()
