"""What the function says about itself: one JSON object a line on standard output, never face data.

Each line carries what it is about (request, bucket, key, etag, set with `about`) and, once a photo is done, how long
each step took (`timed`). Written here rather than left to Lambda's own JSON log format, so that the lines are the
same in every host of this function; Lambda passes lines that are JSON already through unchanged. Standard library
only, since the function's cold start pays for each import.
"""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_subject: ContextVar[dict[str, Any]] = ContextVar("subject")

log = logging.getLogger("annotator")


def configure() -> None:
    """Send the function's lines to standard output; harmless when done already."""
    if not any(isinstance(handler.formatter, JsonLine) for handler in log.handlers):
        lines = logging.StreamHandler(sys.stdout)
        lines.setFormatter(JsonLine())
        log.addHandler(lines)
        log.setLevel(logging.INFO)
        # Lambda's runtime has a handler of its own on the root logger, which would say everything twice.
        log.propagate = False


@contextmanager
def about(**subject: str) -> Iterator[None]:
    """Every line written in this block (by this thread) carries `subject` and the durations of its steps."""
    token = _subject.set({**_subject.get({}), **subject, "durations_ms": {}})
    try:
        yield
    finally:
        _subject.reset(token)


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Add the milliseconds spent in this block to the subject's durations, under `step`."""
    began = time.perf_counter()
    try:
        yield
    finally:
        durations = _subject.get({}).get("durations_ms", {})
        durations[step] = round(durations.get(step, 0.0) + (time.perf_counter() - began) * 1000, 1)


class JsonLine(logging.Formatter):
    """One JSON object on one line.

    ASCII with everything else escaped, so that no file name or error text can begin a line of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: when, how grave, what, what about, and the fields given as `extra={"fields": …}`."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **_subject.get({}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)
