import json
import logging
import time
from pathlib import Path

from annotator.logs import JsonLine


def line(**more):
    """What is said of a record of 1970's first second."""
    record = logging.makeLogRecord({"created": 0.5, "msecs": 500, "levelname": "INFO", "msg": "photo done"} | more)
    return json.loads(JsonLine().format(record))


def test_times_are_in_utc_wherever_it_runs(monkeypatch):
    monkeypatch.setenv("TZ", "Australia/Melbourne")
    time.tzset()
    try:
        assert line()["time"] == "1970-01-01T00:00:00.500Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_field_that_json_does_not_know_is_spelt_out():
    assert line(fields={"file": Path("a/b")})["file"] == "a/b"
