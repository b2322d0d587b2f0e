"""Keeps the messages of libjpeg and libtiff off standard error: they would appear between our own lines."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from annotator.formats import Format

_STDERR = 2

_MESSAGES: dict[Format, re.Pattern[bytes]] = {
    # All warnings in libjpeg's jerror.h.
    "JPEG": re.compile(
        rb"(Corrupt JPEG data|Premature end of JPEG file|Invalid SOS parameters|Inconsistent progression sequence"
        rb"|Unknown Adobe color transform code|Warning: unknown JFIF revision number|Application transferred too many)"
        rb"[^\n]*\n"
    ),
    # The file's or a function's name, and a sentence (libtiff, tif_unix.c, unixErrorHandler).
    "TIFF": re.compile(rb"^[\w.]+: [^\n]*\.\n", re.MULTILINE),
}

_one_at_a_time = threading.Lock()


@contextmanager
def without_messages(format_: Format) -> Iterator[None]:
    """Remove the messages of this format's codec from what the process writes to standard error in this block.

    Everything else is written when the block ends. The codecs write past Python, so the file descriptor is exchanged.
    While one thread is in such a block, the blocks of other threads do nothing.
    """
    if format_ not in _MESSAGES or not _one_at_a_time.acquire(blocking=False):
        yield
        return
    try:
        with ExitStack() as stack:
            try:
                own = os.dup(_STDERR)
                stack.callback(os.close, own)
                written = stack.enter_context(_file())
            except OSError:  # there is no standard error, or no place for a temporary file
                yield
                return
            os.dup2(written.fileno(), _STDERR)
            try:
                yield
            finally:
                os.dup2(own, _STDERR)
                written.seek(0)
                if others := _MESSAGES[format_].sub(b"", written.read()):
                    os.write(_STDERR, others)
    finally:
        _one_at_a_time.release()


def _file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    import tempfile  # not at the top: it would slow down each cold start by milliseconds

    return tempfile.TemporaryFile()
