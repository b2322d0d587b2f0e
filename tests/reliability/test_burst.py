"""A small burst of uploads: the harness of `python -m bench.burst`, and its parts."""

import threading
import time

import pytest

from bench.burst.__main__ import play, table
from bench.burst.event_queue import EventQueue, FunctionError, Throttled
from bench.burst.measures import Invocation, Played, invocation, percentile, quota_alone
from bench.burst.photos import photo


@pytest.mark.slow
def test_forty_photos_together_are_each_done_once_despite_throttling():
    """40 uploads within a second, 20 IndexFaces calls a second, both stacks deployed by the CDK CLI."""
    photos = {f"photo-{number:02}.jpg": photo(number, width=640, height=480) for number in range(40)}
    burst = play("workshop", photos, quota=20, within=1, patience=60, latency=(0.1, 0.15))
    assert sorted(burst.uploaded) == sorted(photos)
    assert sorted(burst.done) == sorted(photos)
    assert (burst.lost, burst.waiting, burst.dead_letters) == (0, 0, 0)
    assert (burst.faces_unnamed, burst.faces_missing) == (0, 0)
    assert burst.calls - burst.throttled == 40
    assert burst.peak <= 10


def test_every_generated_photo_is_unique_and_reproducible():
    assert len({photo(number, width=320, height=240) for number in range(20)}) == 20
    assert photo(7, width=320, height=240) == photo(7, width=320, height=240)


@pytest.mark.parametrize(
    ("uploads", "rate", "seconds"),
    [
        ([0.0] * 5, 5, 0.0),  # a second's worth at once
        ([0.0] * 10, 5, 1.0),
        ([0.0, 10.0], 5, 10.0),  # the uploads themselves take longest
        ([3.0] * 105 + [103.0], 1, 105.0),
    ],
)
def test_the_quota_alone_allows_a_burst_and_then_its_rate(uploads, rate, seconds):
    assert quota_alone(uploads, rate) == pytest.approx(seconds)


def test_a_photo_without_outcome_or_pending_event_is_lost():
    uploaded = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    run = Played("any", 5, "5", uploaded, done={"a": 2.5, "b": 3.0}, dead_letters=1)
    assert run.lost == 1
    assert run.latencies == [1.0, 1.5]
    assert run.drain == 2.0
    assert "| **lost** | **1** |" in table([run])


def test_a_report_line_gives_times_and_billed_duration():
    line = (
        "REPORT RequestId: 7\tDuration: 1500.00 ms\tBilled Duration: 2000 ms\tMemory Size: 512 MB\tMax Memory Used: "
        "90 MB\tInit Duration: 480.00 ms\tStatus: timeout\t"
    )
    assert invocation(100.0, line) == Invocation(began=98.5, ended=100.0, gb_seconds=1.0, status="timeout")
    assert invocation(100.0, "START RequestId: 7 Version: $LATEST") is None


def test_peak_concurrency_counts_overlapping_invocations():
    runs = [Invocation(began, began + 2, 1, "success") for began in (0, 1, 1.5, 2, 10)]
    assert Played("any", 5, "5", {}, {}, invocations=runs).peak == 3


def test_a_percentile_is_one_of_the_values():
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95
    assert percentile([1.0, 2.0], 1) == 2


class Function:
    """Fails as configured, then succeeds."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.called = []

    def __call__(self, payload):
        self.called.append(time.monotonic())
        if self.failures:
            raise self.failures.pop(0)
        return payload


def outcome_of(function, waits=(0.05, 0.1)):
    """The outcome of one event: "done" or "discarded"."""
    over = threading.Event()
    events = EventQueue(function, lambda *_: over.set(), waits=waits)
    events.put({"Records": []})
    until = time.monotonic() + 5
    while not over.is_set() and not events.discarded and time.monotonic() < until:
        time.sleep(0.01)
    events.close()
    assert events.pending == 0
    return "done" if over.is_set() else "discarded"


def test_an_event_is_tried_three_times_with_growing_waits_then_discarded():
    function = Function(*[FunctionError()] * 3)
    assert outcome_of(function) == "discarded"
    first, second, third = function.called
    assert second - first >= 0.05
    assert third - second >= 0.1


def test_a_throttled_event_keeps_its_tries():
    """AWS counts only errors of the function; a throttled event is retried after a second."""
    function = Function(Throttled(), FunctionError(), FunctionError())
    assert outcome_of(function) == "done"
    assert function.called[1] - function.called[0] >= 1
