import json
import logging
import time
from pathlib import Path

from annotator.logs import JsonLine


def line(**more):
    """The log line for a record from the first second of 1970."""
    record = logging.makeLogRecord({"created": 0.5, "msecs": 500, "levelname": "INFO", "msg": "photo done"} | more)
    return json.loads(JsonLine().format(record))


def test_log_times_are_in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Australia/Melbourne")
    time.tzset()
    try:
        assert line()["time"] == "1970-01-01T00:00:00.500Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_field_without_a_json_type_is_logged_as_text():
    assert line(fields={"file": Path("a/b")})["file"] == "a/b"
