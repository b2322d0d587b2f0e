"""What a burst came to, in numbers; no AWS here."""

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_REPORT = re.compile(
    r"^REPORT .*?\tDuration: (?P<ms>[\d.]+) ms\tBilled Duration: (?P<billed>\d+) ms\tMemory Size: (?P<mb>\d+) MB"
    r"(?:.*\tStatus: (?P<status>\w+))?"
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One REPORT line: from when to when it ran (seconds since 1970), what it is billed, and how it ended."""

    began: float
    ended: float
    gb_seconds: float
    status: str


@dataclass(slots=True)
class Played:
    """One design under one burst. Times are seconds since 1970; photos are known by their keys.

    `faces_unnamed` are in the collection though no result names them, such as those of a photo indexed twice;
    `faces_missing` are named by a result and not in the collection. `throttled` are the IndexFaces calls that the quota
    turned away, `begun_again` the deliveries of a photo beyond its first.
    """

    design: str
    quota: float
    workers: str
    uploaded: dict[str, float]
    done: dict[str, float]
    dead_letters: int = 0
    waiting: int = 0
    faces_unnamed: int = 0
    faces_missing: int = 0
    calls: int = 0
    throttled: int = 0
    begun_again: int = 0
    refused_for_concurrency: int = 0
    invocations: Sequence[Invocation] = ()

    @property
    def lost(self) -> int:
        """Photos that have no result, are in no dead-letter queue and wait for nothing any more."""
        return len(self.uploaded) - len(self.done) - self.dead_letters - self.waiting

    @property
    def latencies(self) -> list[float]:
        """Seconds from a photo's upload to its result, in order."""
        return sorted(self.done[key] - self.uploaded[key] for key in self.done)

    @property
    def drain(self) -> float:
        """Seconds from the first upload to the last result."""
        return max(self.done.values()) - min(self.uploaded.values()) if self.done else float("nan")

    @property
    def quota_alone(self) -> float:
        """Seconds from the first upload until the quota would let the last photo be looked at, were all else free."""
        return quota_alone(self.uploaded.values(), self.quota)

    @property
    def peak(self) -> int:
        """The most invocations that ran at once."""
        changes = sorted([(one.began, 1) for one in self.invocations] + [(one.ended, -1) for one in self.invocations])
        running = most = 0
        for _, change in changes:
            running += change
            most = max(most, running)
        return most

    @property
    def gb_seconds(self) -> float:
        """Billed, over all invocations."""
        return sum(one.gb_seconds for one in self.invocations)

    @property
    def timed_out(self) -> int:
        """Invocations that the function's time-out ended."""
        return sum(one.status == "timeout" for one in self.invocations)


def invocation(written: float, message: str) -> Invocation | None:
    """The invocation that a REPORT line, written at `written`, tells of; None for any other line."""
    if not (match := _REPORT.match(message)):
        return None
    return Invocation(
        began=written - float(match["ms"]) / 1000,
        ended=written,
        gb_seconds=int(match["billed"]) / 1000 * int(match["mb"]) / 1024,
        status=match["status"] or "success",
    )


def quota_alone(uploads: Iterable[float], rate: float) -> float:
    """Seconds from the first upload until a token bucket of `rate` a second has had a token for each photo."""
    times = sorted(uploads)
    room = max(1.0, rate)
    tokens, then, now = room, times[0], times[0]
    for uploaded in times:
        now = max(now, uploaded)
        tokens = min(room, tokens + (now - then) * rate)
        then = now
        if tokens < 1:
            now += (1 - tokens) / rate
            tokens, then = 1.0, now
        tokens -= 1
    return now - times[0]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the sorted `values` do not exceed; nan for none."""
    if not values:
        return float("nan")
    return values[min(len(values) - 1, max(0, round(share * len(values)) - 1))]


def median(values: Sequence[float]) -> float:
    """The median; nan for none."""
    return statistics.median(values) if values else float("nan")
