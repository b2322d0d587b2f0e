"""The function's log: one JSON object per line on standard output, never face data.

Each line names its subject (such as request, bucket and key, set with `about`) and the duration of each step so far
(`timed`). The function does not use Lambda's own JSON log format, so that the lines are the same in every host; Lambda
passes JSON lines through unchanged. Uses only the standard library, because each import slows down the cold start.
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
    """Send the function's lines to standard output. Safe to repeat."""
    if not any(isinstance(handler.formatter, JsonLine) for handler in log.handlers):
        lines = logging.StreamHandler(sys.stdout)
        lines.setFormatter(JsonLine())
        log.addHandler(lines)
        log.setLevel(logging.INFO)
        # Lambda's runtime has its own handler on the root logger, which would log every line twice.
        log.propagate = False


@contextmanager
def about(**subject: str) -> Iterator[None]:
    """Add `subject` and the durations of its steps to every line logged in this block by this thread."""
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

    All non-ASCII and control characters are escaped, so that no file name or error text can start a new line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: time, level, message, subject, and the fields passed as `extra={"fields": …}`."""
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
