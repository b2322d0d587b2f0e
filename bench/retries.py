"""`python -m bench.retries`: simulates a burst of photos with different ways to retry.

As many workers as the event source allows take photos from the inbox, ask a token bucket that stands for Rekognition's
quota, and wait as long as botocore would: botocore's own classes for adaptive mode run on a simulated clock.
`python -m bench.burst` plays a burst in real time with the real components. This simulation plays hundreds of bursts a
minute, and shows the effect of a faster or slower IndexFaces.
"""

import heapq
import itertools
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from botocore.retries.adaptive import ClientRateLimiter, RateClocker
from botocore.retries.bucket import Clock, TokenBucket
from botocore.retries.throttling import CubicCalculator

from bench.burst.measures import quota_alone
from infra.photo_store import RETRY_AFTER

WITHIN, QUOTA = 60.0, 5.0
INBOX = (180.0,) * 4
"""Seconds from one delivery of a photo to the next where only the inbox's visibility time-out decides."""

BESIDE = 0.25
"""Seconds of a photo that are not IndexFaces."""

TURNED_AWAY = 0.02
"""Seconds that a throttled answer takes."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How a throttled photo is tried again: `attempts` within an invocation of at most `timeout` seconds, then others.

    `waits` are the seconds between one invocation for a photo and the next; counted from its end and shortened by up
    to half by chance where it is delivered `sooner`. After the last of them the photo is given up.
    """

    name: str
    attempts: int
    adaptive: bool = False
    waits: tuple[float, ...] = INBOX
    sooner: bool = False
    timeout: float = 30.0


POLICIES = (
    Retries("standard, 5 attempts", 5),
    Retries("standard, 8 attempts", 8),
    Retries("adaptive, 6 attempts", 6, adaptive=True),
    Retries("adaptive, 8 attempts", 8, adaptive=True),
    Retries("standard, 5, delivered sooner", 5, waits=RETRY_AFTER, sooner=True),
    Retries("adaptive, 6, delivered sooner (as deployed)", 6, adaptive=True, waits=RETRY_AFTER, sooner=True),
)
ORIGINAL = Retries("original (2019)", 5, waits=(60.0, 120.0), timeout=10.0)
"""S3 calls the function, as many at once as the account has concurrent executions: five attempts by the SDK's default,
ten seconds, and two more tries by Lambda."""

ACCOUNTS = (10, 100, 1000)
"""Concurrent executions: a new account's, in between, and the default."""


@dataclass(slots=True)
class Burst:
    """One simulated burst: seconds to drain over what the quota allows, invocations that failed, photos given up."""

    ratio: float = 0.0
    failed: int = 0
    given_up: int = 0
    calls: int = 0
    throttled: int = 0
    worst: float = 0.0
    busy: float = 0.0


class _Clock(Clock):
    now = 0.0

    def current_time(self) -> float:
        return self.now


class _Limiter:
    """botocore's limiter of a client in adaptive mode, which returns how long to wait instead of sleeping."""

    def __init__(self, clock: _Clock) -> None:
        self._bucket: Any = TokenBucket(1, clock)
        self._limiter: Any = ClientRateLimiter(
            rate_adjustor=CubicCalculator(0, clock.current_time()),
            rate_clocker=RateClocker(clock),
            token_bucket=self._bucket,
            throttling_detector=self,
            clock=clock,
        )

    def is_throttling_error(self, throttled: bool, **_: Any) -> bool:
        return throttled

    def wait(self) -> float:
        if not self._limiter._enabled:
            return 0.0
        self._bucket._refill()
        return max(0.0, float(self._bucket._sleep_amount(1)))

    def sent(self) -> None:
        if self._limiter._enabled:
            self._bucket._refill()
            self._bucket._current_capacity -= 1

    def answered(self, throttled: bool) -> None:
        self._limiter.on_receiving_response(throttled=throttled)


class _Quota:
    def __init__(self, rate: float, clock: _Clock) -> None:
        self._rate, self._clock = rate, clock
        self._tokens, self._then = max(1.0, rate), clock.now

    def take(self) -> bool:
        self._tokens = min(max(1.0, self._rate), self._tokens + (self._clock.now - self._then) * self._rate)
        self._then = self._clock.now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def burst(retries: Retries, workers: int, latency: float, seed: int, photos: int = 500) -> Burst:
    """Simulate this many photos within WITHIN seconds; IndexFaces takes `latency` seconds, plus or minus a fifth."""
    chance = random.Random(seed)
    clock, seen = _Clock(), Burst()
    quota = _Quota(QUOTA, clock)
    uploads = sorted(chance.uniform(0, WITHIN) for _ in range(photos))
    inbox = [(uploaded, number, 0) for number, uploaded in enumerate(uploads)]
    done: dict[int, float] = {}

    def worker() -> Iterator[float]:
        limiter = _Limiter(clock)
        while len(done) + seen.given_up < photos:
            if not inbox or inbox[0][0] > clock.now:
                yield max(0.05, min(1.0, inbox[0][0] - clock.now)) if inbox else 0.5
                continue
            _, number, deliveries = heapq.heappop(inbox)
            began = clock.now
            looked_at = yield from attempts(limiter, began)
            if looked_at and clock.now + BESIDE - began <= retries.timeout:
                yield BESIDE
                done[number] = clock.now
            else:
                seen.failed += 1
                again(number, deliveries + 1, began)
            seen.busy += clock.now - began

    def attempts(limiter: _Limiter, began: float) -> Any:
        for attempt in range(retries.attempts):
            if retries.adaptive:
                yield limiter.wait()
                limiter.sent()
            seen.calls += 1
            if quota.take():
                yield latency * chance.uniform(0.8, 1.2)
                limiter.answered(throttled=False)
                return True
            seen.throttled += 1
            yield TURNED_AWAY
            limiter.answered(throttled=True)
            if attempt + 1 < retries.attempts:
                # botocore.retries.standard.ExponentialBackoff, for standard and adaptive mode alike
                yield min(chance.random() * min(2**attempt, 20), max(0.0, began + retries.timeout - clock.now))
            if clock.now - began >= retries.timeout:
                return False
        return False

    def again(number: int, deliveries: int, began: float) -> None:
        if deliveries > len(retries.waits):
            seen.given_up += 1
        elif retries.sooner and clock.now - began < retries.timeout:
            wait = retries.waits[deliveries - 1] * chance.uniform(0.5, 1)
            heapq.heappush(inbox, (clock.now + wait, number, deliveries))
        else:
            heapq.heappush(
                inbox, (began + (INBOX if retries.sooner else retries.waits)[deliveries - 1], number, deliveries)
            )

    _run([worker() for _ in range(workers)], clock)
    seen.ratio = (max(done.values()) - uploads[0]) / quota_alone(uploads, QUOTA)
    seen.worst = max(at - uploads[number] for number, at in done.items())
    return seen


def _run(processes: list[Iterator[float]], clock: _Clock) -> None:
    """Run the processes until all have ended; each continues after the seconds that it yields."""
    order = itertools.count()
    due = [(0.0, next(order), process) for process in processes]
    while due:
        clock.now, _, process = heapq.heappop(due)
        for wait in itertools.islice(process, 1):
            heapq.heappush(due, (clock.now + wait, next(order), process))


@click.command()
@click.option("--bursts", default=20, show_default=True, help="How many are tried for each line.")
@click.option("--photos", default=500, show_default=True, help="How many are uploaded within a minute.")
@click.option("--workers", default=(5, 6, 8), multiple=True, show_default=True, help="Photos looked at at once.")
@click.option("--latency", "latencies", default=(0.25, 0.5, 1.0), multiple=True, show_default=True, help="Seconds.")
def main(bursts: int, photos: int, workers: tuple[int, ...], latencies: tuple[float, ...]) -> None:
    """Print a Markdown table of what becomes of photos uploaded within a minute at 5 IndexFaces a second."""
    click.echo(f"{photos} photos within {WITHIN:g} s at {QUOTA:g} IndexFaces a second; {bursts} bursts a line.\n")
    click.echo(
        "| IndexFaces takes | workers | retries | time over quota alone, mean (worst) | failed invocations a burst | "
        "given up, all bursts | throttled | worst photo | busy a photo |\n|---:|---:|---|---:|---:|---:|---:|---:|---:|"
    )
    lines = [*itertools.product(latencies, workers, POLICIES), *itertools.product(latencies, ACCOUNTS, [ORIGINAL])]
    for latency, number, retries in lines:
        runs = [burst(retries, number, latency, seed, photos) for seed in range(bursts)]

        def mean(of: Callable[[Burst], float], runs: list[Burst] = runs) -> float:
            return statistics.fmean(of(run) for run in runs)

        click.echo(
            f"| {latency:g} s | {number} | {retries.name} | {mean(lambda run: run.ratio):.2f} "
            f"({max(run.ratio for run in runs):.2f}) | {mean(lambda run: run.failed):.2f} | "
            f"{sum(run.given_up for run in runs)} | {mean(lambda run: run.throttled / run.calls):.0%} | "
            f"{max(run.worst for run in runs):.0f} s | {mean(lambda run: run.busy / photos):.2f} s |"
        )


if __name__ == "__main__":
    main()
