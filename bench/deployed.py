"""What the benchmarks ask of deployed stacks, and how they say how far they are."""

import sys
import time
from typing import Any

from workshop.aws.stacks import Stacks


def messages(stacks: Stacks, queue: str) -> int:
    """How many messages wait in a queue or are being worked on."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = stacks.account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in counted.values())


def log_of(stacks: Stacks) -> list[tuple[float, str]]:
    """What the function logged, with when, in seconds since 1970."""
    assert stacks.log_group
    pages = stacks.account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=stacks.log_group)
    return [(event["timestamp"] / 1000, event["message"]) for page in pages for event in page["events"]]


_last_line = [0.0]


def say(line: str) -> None:
    """Progress: on a terminal one line that moves, elsewhere a line every ten seconds."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif line and time.monotonic() - _last_line[0] > 10:
        _last_line[0] = time.monotonic()
        print(line, file=sys.stderr, flush=True)
