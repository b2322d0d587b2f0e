"""Lambda's queue of asynchronous events, as AWS documents it; the emulator's own drops what AWS would keep.

ministack counts an invocation that was refused for want of concurrency as one of the three tries, and waits one and
two seconds between them. AWS ("How Lambda handles errors and retries with asynchronous invocation", developer guide):
a function's error, time-outs included, is tried twice more, after one minute and after two; a throttled event goes
back to the queue for up to six hours, after a second at first, twice as long each time, five minutes at most. Then,
and after the third error, an event without a destination is discarded. Not played: AWS also reads a long queue more
slowly and may deliver an event twice.
"""

import heapq
import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

WAITS_AFTER_ERROR = (60.0, 120.0)
LONGEST_WAIT_AFTER_THROTTLE = 300.0
OLDEST = 6 * 3600.0


@dataclass(slots=True)
class Event:
    """One event; `arrived` in seconds of the monotonic clock."""

    payload: dict[str, Any]
    arrived: float = field(default_factory=time.monotonic)
    errors: int = 0
    throttles: int = 0


class EventQueue:
    """Invokes `function` for every event that is `put`, until it succeeds or is discarded.

    `invoke` answers with what the function returned, raises Throttled for want of concurrency and FunctionError when
    the function failed. `done` is called with the event and that answer, one
    at a time. At most `at_once` invocations are under way.
    """

    def __init__(
        self,
        invoke: Callable[[dict[str, Any]], Any],
        done: Callable[[Event, Any], None],
        *,
        waits: tuple[float, ...] = WAITS_AFTER_ERROR,
        at_once: int = 64,
    ) -> None:
        self._invoke, self._done, self._waits = invoke, done, waits
        self._due: list[tuple[float, int, Event]] = []
        self._order = itertools.count()
        self._lock = threading.Condition()
        self._open = True
        self.pending = 0
        self.errors = 0
        self.throttles = 0
        self.discarded: list[Event] = []
        self._invokers = ThreadPoolExecutor(at_once, thread_name_prefix="event-queue")
        self._reader = threading.Thread(target=self._read, daemon=True, name="event-queue")
        self._reader.start()

    def put(self, payload: dict[str, Any]) -> None:
        """Take an event; it is invoked as soon as possible."""
        with self._lock:
            self.pending += 1
            self._schedule(Event(payload), 0.0)

    def close(self) -> None:
        """Invoke nothing more; what is running ends first."""
        with self._lock:
            self._open = False
            self._lock.notify_all()
        self._reader.join()
        self._invokers.shutdown()

    def _schedule(self, event: Event, wait: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + wait, next(self._order), event))
        self._lock.notify_all()

    def _read(self) -> None:
        while True:
            with self._lock:
                while self._open and (not self._due or self._due[0][0] > time.monotonic()):
                    self._lock.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if not self._open:
                    return
                _, _, event = heapq.heappop(self._due)
            self._invokers.submit(self._run, event)

    def _run(self, event: Event) -> None:
        try:
            answer = self._invoke(event.payload)
        except Throttled:
            with self._lock:
                self.throttles += 1
                event.throttles += 1
                wait = min(2.0 ** (event.throttles - 1), LONGEST_WAIT_AFTER_THROTTLE)
                self._again(event, wait if time.monotonic() + wait - event.arrived < OLDEST else None)
        except FunctionError:
            with self._lock:
                self.errors += 1
                event.errors += 1
                self._again(event, self._waits[event.errors - 1] if event.errors <= len(self._waits) else None)
        else:
            with self._lock:
                self._done(event, answer)
                self.pending -= 1

    def _again(self, event: Event, wait: float | None) -> None:
        if wait is None:
            self.discarded.append(event)
            self.pending -= 1
        else:
            self._schedule(event, wait)


class Throttled(Exception):
    """Lambda had no concurrency left for this invocation."""


class FunctionError(Exception):
    """The function raised, ran out of time or memory, or died."""


def through_lambda(client: Any, function: str) -> Callable[[dict[str, Any]], Any]:
    """An `invoke` for EventQueue: the Lambda API's own, synchronous, with no retries of the client's."""

    def invoke(payload: dict[str, Any]) -> Any:
        try:
            answer = client.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        except client.exceptions.TooManyRequestsException as error:
            raise Throttled from error
        body = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise FunctionError(body.decode(errors="replace"))
        return json.loads(body)

    return invoke
