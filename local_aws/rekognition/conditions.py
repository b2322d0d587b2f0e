"""The conditions that the server simulates: quotas, latencies and faults. Also counts its calls."""

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
"""Seconds, or a range from which they are chosen at random."""


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
            raise ValueError(f"invalid times={self.times!r}: expected a whole number of at least 1")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"invalid probability={self.probability!r}: expected a number from 0 to 1")


class Bucket:
    """A token bucket: `rate` calls a second, with bursts of the same number (at least one)."""

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._tokens = self._room = max(1.0, rate)
        self._then = now

    def take(self, now: float) -> bool:
        """Whether one more call is allowed now."""
        self._tokens = min(self._room, self._tokens + (now - self._then) * self.rate)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Conditions:
    """Quotas, latencies, faults and counts. Thread-safe.

    `quotas` are calls a second by operation, separately for each account and region, as in AWS; `latencies` are
    seconds by operation ("*" is any). A call above the quota is rejected without a delay. Random numbers are seeded, so
    tests are repeatable.
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
        """Allow `rate` calls a second of an operation; None removes the quota.

        AWS declares two codes for too many calls, ProvisionedThroughputExceededException (the default here) and
        ThrottlingException, but does not document when it uses which (developer guide, "Error handling").
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
        """Delay the answers of an operation by these seconds, or by a random number from a range."""
        with self._lock:
            self._latencies[operation] = seconds

    def add_fault(self, fault: Fault) -> None:
        """Add a fault, after those already added."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all quotas, latencies and faults, and reset the counts."""
        with self._lock:
            for played_now in (self._quotas, self._quota_codes, self._latencies, self._faults, self._buckets):
                played_now.clear()
            self._calls.clear()
            self._refused.clear()

    def meet(self, place: Place, operation: str) -> None:
        """Let one call through, after its latency. Raises Refusal for a fault or an exceeded quota."""
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
        """Count an error answer of any cause."""
        with self._lock:
            self._refused[operation][code] += 1

    def calls(self, account: str | None = None) -> dict[str, int]:
        """The number of calls of each operation, including rejected ones, by all accounts or by one."""
        with self._lock:
            counted: Counter[str] = Counter()
            for (who, operation), count in self._calls.items():
                if account in (None, who):
                    counted[operation] += count
            return dict(counted)

    def refusals(self) -> dict[str, dict[str, int]]:
        """The number of answers with each error code, by operation."""
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
