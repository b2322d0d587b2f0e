"""Writes functions' logs in the format of CloudWatch Logs, so that the same commands can read them."""

import json
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ConnectionError as NoConnection
from botocore.exceptions import HTTPClientError

from local_aws.clients import client
from local_aws.lambda_host.function import Function

_log = logging.getLogger(__name__)
_MOST_IN_ONE_CALL = 1000
_LONGEST_MESSAGE = 256_000
"""Bytes; PutLogEvents refuses longer ones (API reference: 256 KB an event, 1 MB a call)."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of a log stream; `timestamp` in milliseconds since 1970."""

    timestamp: int
    message: str

    @staticmethod
    def now(message: str) -> "LogEvent":
        """An event with the current time."""
        return LogEvent(int(time.time() * 1000), message)


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of one invocation; memory in MB, `status` one of success, error, timeout."""

    request_id: str
    milliseconds: float
    init_milliseconds: float | None
    most_memory: int
    status: str
    error_type: str | None

    @property
    def billed_milliseconds(self) -> int:
        """Rounded up; since August 2025 AWS bills the init phase too."""
        return math.ceil(self.milliseconds + (self.init_milliseconds or 0))


def start_lines(function: Function, request_id: str) -> list[LogEvent]:
    """The lines that Lambda logs at the start of an invocation."""
    if function.log_format == "JSON":
        return [_platform("platform.start", {"requestId": request_id, "version": function.version})]
    return [LogEvent.now(f"START RequestId: {request_id} Version: {function.version}")]


def report_lines(function: Function, report: Report) -> list[LogEvent]:
    """The lines that Lambda logs at the end of an invocation (developer guide, "Working with Lambda function logs")."""
    if function.log_format == "JSON":
        metrics = {
            "durationMs": round(report.milliseconds, 3),
            "billedDurationMs": report.billed_milliseconds,
            "memorySizeMB": function.memory,
            "maxMemoryUsedMB": report.most_memory,
        }
        if report.init_milliseconds is not None:
            metrics["initDurationMs"] = round(report.init_milliseconds, 3)
        record: dict[str, Any] = {"requestId": report.request_id, "metrics": metrics, "status": report.status}
        if report.error_type:
            record["errorType"] = report.error_type
        return [_platform("platform.report", record)]
    parts = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.milliseconds:.2f} ms",
        f"Billed Duration: {report.billed_milliseconds} ms",
        f"Memory Size: {function.memory} MB",
        f"Max Memory Used: {report.most_memory} MB",
    ]
    if report.init_milliseconds is not None:
        parts.append(f"Init Duration: {report.init_milliseconds:.2f} ms")
    if report.status != "success":
        parts.append(f"Status: {report.status}")
    if report.error_type:
        parts.append(f"Error Type: {report.error_type}")
    return [LogEvent.now(f"END RequestId: {report.request_id}"), LogEvent.now("\t".join(parts) + "\t")]


def _platform(kind: str, record: dict[str, Any]) -> LogEvent:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return LogEvent.now(json.dumps({"time": now, "type": kind, "record": record}))


class CloudWatchLogs:
    """Writes to the log groups of the emulator at `endpoint`, if the function's role allows it.

    As on AWS, a role without permission to write has no logs, and a role with permission to create a log group creates
    a missing one. Such a group belongs to no stack and survives `cdk destroy`.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._open_streams: set[tuple[str, str, str]] = set()

    def write(self, function: Function, stream: str, events: Sequence[LogEvent]) -> None:
        """Append `events` to the stream. As on AWS, a failed write loses them but never fails the invocation."""
        try:
            if self._opened(function, stream):
                logs = self._client("logs", function)
                for start in range(0, len(events), _MOST_IN_ONE_CALL):
                    logs.put_log_events(
                        logGroupName=function.log_group,
                        logStreamName=stream,
                        logEvents=[
                            {"timestamp": event.timestamp, "message": event.message[:_LONGEST_MESSAGE]}
                            for event in events[start : start + _MOST_IN_ONE_CALL]
                        ],
                    )
        except self._client("logs", function).exceptions.ResourceNotFoundException:
            _log.debug("The log group %s is gone; its function's last lines are lost.", function.log_group)
        except (NoConnection, HTTPClientError):
            _log.debug("The AWS of %s is gone; its function's last lines are lost.", function.log_group)
        except Exception as error:
            _log.warning("Cannot write the log of %s to %s: %s", function.name, function.log_group, error)

    def _opened(self, function: Function, stream: str) -> bool:
        key = (function.arn, function.log_group, stream)
        if key in self._open_streams:
            return True
        allowed = self._allowed(function, stream)
        logs = self._client("logs", function)
        if "logs:CreateLogGroup" in allowed:
            _ignoring_that_it_exists(logs, "create_log_group", logGroupName=function.log_group)
        if not {"logs:CreateLogStream", "logs:PutLogEvents"} <= allowed:
            _log.warning("%s has no permission to write to %s, so its log is lost.", function.role, function.log_group)
            return False
        _ignoring_that_it_exists(logs, "create_log_stream", logGroupName=function.log_group, logStreamName=stream)
        self._open_streams.add(key)
        return True

    def _allowed(self, function: Function, stream: str) -> set[str]:
        group = f"arn:aws:logs:{function.region}:{function.account}:log-group:{function.log_group}"
        simulation = self._client("iam", function).simulate_principal_policy(
            PolicySourceArn=function.role,
            ActionNames=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            ResourceArns=[f"{group}:log-stream:{stream}"],
        )
        return {
            result["EvalActionName"]
            for result in simulation["EvaluationResults"]
            if result["EvalDecision"] == "allowed"
        }

    def _client(self, service: str, function: Function) -> Any:
        """A client for the function's account. The emulator treats an access key of 12 digits as an account id."""
        return client(service, self._endpoint, function.region, function.account)


def _ignoring_that_it_exists(client: Any, operation: str, **arguments: str) -> None:
    try:
        getattr(client, operation)(**arguments)
    except client.exceptions.ResourceAlreadyExistsException:
        return
