"""Reads queues and logs of deployed stacks, and prints progress."""

import sys
import time
from typing import Any

from workshop.aws.stacks import Stacks


def messages(stacks: Stacks, queue: str) -> int:
    """The number of messages in a queue, visible and in flight."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = stacks.account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in counted.values())


def log_of(stacks: Stacks) -> list[tuple[float, str]]:
    """The function's log lines with their times, in seconds since 1970."""
    assert stacks.log_group
    pages = stacks.account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=stacks.log_group)
    return [(event["timestamp"] / 1000, event["message"]) for page in pages for event in page["events"]]


_last_line = [0.0]


def say(line: str) -> None:
    """Print progress: one changing line on a terminal, otherwise a line every ten seconds."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif line and time.monotonic() - _last_line[0] > 10:
        _last_line[0] = time.monotonic()
        print(line, file=sys.stderr, flush=True)
