"""What the server plays on request: a quota, slowness, faults; and how often it was called."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local_aws.rekognition.collection import Place
from local_aws.rekognition.refusal import Refusal, played, too_fast

ANY = "*"
Latency = float | tuple[float, float]
"""Seconds, or from how many to how many by chance."""


@dataclass(slots=True)
class Fault:
    """Answer `code` instead of doing the work.

    For the next `times` calls of `operation` ("*" is any), or, with `probability` (0 to 1), for that share of them;
    with both, for at most `times` of the share. Without either, for every call until cleared. `message` and `status`
    default to AWS's.
    """

    operation: str
    code: str
    times: int | None = None
    probability: float | None = None
    message: str | None = None
    status: int | None = None

    def __post_init__(self) -> None:
        if self.times is not None and (type(self.times) is not int or self.times < 1):
            raise ValueError(f"a fault is played a whole number of times, at least once, not {self.times!r}")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"a probability lies between 0 and 1, unlike {self.probability!r}")


class Bucket:
    """A token bucket: `rate` calls a second, and at most that many at once (at least one)."""

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._tokens = self._room = max(1.0, rate)
        self._then = now

    def take(self, now: float) -> bool:
        """Whether one more call fits now."""
        self._tokens = min(self._room, self._tokens + (now - self._then) * self.rate)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Conditions:
    """Quotas, latencies, faults and counts. Safe to use from several threads.

    `quotas` are calls a second by operation, for each account and region on its own, as in AWS; `latencies` are
    seconds by operation ("*" is any). A call above the quota is turned away at the door, so it takes no time. Chance
    is seeded, so a test that plays it repeats.
    """

    def __init__(
        self,
        *,
        quotas: Mapping[str, float] | None = None,
        latencies: Mapping[str, Latency] | None = None,
        faults: list[Fault] | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._quotas = dict(quotas or {})
        self._quota_codes: dict[str, str] = {}
        self._latencies = dict(latencies or {})
        self._faults = list(faults or [])
        self._chance = random.Random(seed)  # noqa: S311 (chance for tests, not for secrets)
        self._clock = clock
        self._sleep = sleep
        self._buckets: dict[tuple[Place, str], Bucket] = {}
        self._calls: Counter[tuple[str, str]] = Counter()
        self._refused: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._lock = threading.Lock()

    def set_quota(self, operation: str, rate: float | None, code: str | None = None) -> None:
        """Allow `rate` calls a second of an operation; None lifts the quota.

        AWS declares two codes for too many calls, ProvisionedThroughputExceededException (the default here) and
        ThrottlingException, and does not say which is answered when (developer guide, "Error handling").
        """
        with self._lock:
            self._quotas.pop(operation, None)
            self._quota_codes.pop(operation, None)
            if code:
                self._quota_codes[operation] = code
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if key[1] != operation}
            if rate is not None:
                self._quotas[operation] = rate

    def set_latency(self, operation: str, seconds: Latency) -> None:
        """Answer an operation that much later, or by chance between two numbers of seconds; 0 is at once."""
        with self._lock:
            self._latencies[operation] = seconds

    def add_fault(self, fault: Fault) -> None:
        """Play a fault, after those already added."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """No quota, no latency, no faults, and counting starts anew."""
        with self._lock:
            for played_now in (self._quotas, self._quota_codes, self._latencies, self._faults, self._buckets):
                played_now.clear()
            self._calls.clear()
            self._refused.clear()

    def meet(self, place: Place, operation: str) -> None:
        """Let one call through, late if so wished; raises Refusal when a fault or the quota stands in its way."""
        with self._lock:
            self._calls[place.account, operation] += 1
            refusal = self._fault(operation)
            if not refusal and (too_many := self._over_quota(place, operation)):
                raise too_many
            delay = self._delay(operation)
        if delay:
            self._sleep(delay)
        if refusal:
            raise refusal

    def refused(self, operation: str, code: str) -> None:
        """Count an error answer, whoever is to blame."""
        with self._lock:
            self._refused[operation][code] += 1

    def calls(self, account: str | None = None) -> dict[str, int]:
        """How often each operation was called, refused calls included, by everyone or by one account."""
        with self._lock:
            counted: Counter[str] = Counter()
            for (who, operation), count in self._calls.items():
                if account in (None, who):
                    counted[operation] += count
            return dict(counted)

    def refusals(self) -> dict[str, dict[str, int]]:
        """How often each operation answered which error code."""
        with self._lock:
            return {operation: dict(codes) for operation, codes in self._refused.items()}

    def _fault(self, operation: str) -> Refusal | None:
        for fault in self._faults:
            if fault.operation not in (operation, ANY):
                continue
            if fault.probability is not None and self._chance.random() >= fault.probability:
                continue
            if fault.times is not None:
                fault.times -= 1
            self._faults = [other for other in self._faults if other.times is None or other.times > 0]
            return played(fault.code, fault.message, fault.status)
        return None

    def _over_quota(self, place: Place, operation: str) -> Refusal | None:
        if operation not in self._quotas:
            return None
        now = self._clock()
        bucket = self._buckets.setdefault((place, operation), Bucket(self._quotas[operation], now))
        if bucket.take(now):
            return None
        code = self._quota_codes.get(operation)
        return played(code) if code else too_fast()

    def _delay(self, operation: str) -> float:
        latency = self._latencies.get(operation, self._latencies.get(ANY, 0.0))
        return self._chance.uniform(*latency) if isinstance(latency, tuple) else latency
