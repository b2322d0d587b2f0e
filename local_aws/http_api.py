"""Differences between the emulator's HTTP APIs (ministack 1.5.33) and AWS's: addresses, limits and failures.

Like `gaps.py`, this replaces private names of ministack inside the emulator's own process.
"""

import functools
import json
import re
import time
from typing import Any

from ministack import app
from ministack.services import apigateway, lambda_svc
from ministack.services.cloudformation import provisioners

from local_aws.gaps import _replace

HOST = "localhost"
"""Browsers resolve API_ID.execute-api.localhost by themselves (RFC 6761, section 6.3)."""

LARGEST_REQUEST = 10_000_000
"""Bytes (API Gateway, "Quotas for HTTP APIs": 10 MB)."""

LARGEST_EVENT = 6 * 1024**2
"""Bytes of an event, in which a photo is base64 (Lambda developer guide, "Lambda quotas": 6 MB)."""

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


def close_http_api_gaps() -> None:
    """Close every gap of HTTP APIs."""
    answer_on_localhost()
    find_an_api_in_any_account()
    enforce_limits()
    answer_failures_like_aws()


def answer_on_localhost() -> None:
    """Gap: the emulator, told to listen on 127.0.0.1, names an API API_ID.execute-api.127.0.0.1, which is no host."""
    for module in (apigateway, provisioners):
        name = "_HOST" if module is apigateway else "_MINISTACK_HOST"
        _replace(module, name, HOST)
    _replace(app, "_EXECUTE_API_RE", re.compile(rf"^([a-f0-9]{{8}})\.execute-api\.{HOST}(?::\d+)?$"))


def find_an_api_in_any_account() -> None:
    """Gap: a request without a signature reaches only the APIs of the emulator's default account."""

    def find(api_id: str) -> tuple[str, str] | None:
        owners = ((account, region) for (account, region, each), _ in apigateway._apis.all_items() if each == api_id)
        return next(owners, None)

    _replace(apigateway, "find_api_scope", find)


def enforce_limits() -> None:
    """Gap: no throttle of a stage or a route is enforced, and no limit of size.

    A throttle fills a bucket of `burst` tokens at `rate` a second, and each request takes one (API Gateway, "Throttle
    requests to your HTTP APIs"); a missing limit is zero.
    """
    execute = apigateway._handle_execute_in_scope
    buckets: dict[tuple[str, str, str], _Bucket] = {}

    @functools.wraps(execute)
    async def execute_within_limits(
        api_id: str, stage: str, path: str, method: str, headers: Any, body: bytes, *rest: Any
    ) -> Answer:
        if len(body or b"") > LARGEST_REQUEST:
            return _message(413, "Request Entity Too Large")
        route = apigateway._match_route(api_id, method, "/" + path.lstrip("/"))
        settings = apigateway._stages.get(api_id, {}).get(stage)
        if route and settings:
            own = settings["routeSettings"].get(route["routeKey"])
            limits = own or settings["defaultRouteSettings"]
            # One bucket for the stage's own limit, one for each route that has another.
            bucket = buckets.setdefault((api_id, stage, route["routeKey"] if own else ""), _Bucket())
            if not bucket.takes_one(
                float(limits.get("ThrottlingRateLimit", 0)), float(limits.get("ThrottlingBurstLimit", 0))
            ):
                return _message(429, "Too Many Requests")
        answer: Answer = await execute(api_id, stage, path, method, headers, body, *rest)
        return answer

    _replace(apigateway, "_handle_execute_in_scope", execute_within_limits)


def answer_failures_like_aws() -> None:
    """Gap: the answers to an event that is too large, to a function that fails, and to too many at once.

    AWS answers 413, 500 with no details, and 503 (API Gateway, "Troubleshooting issues with HTTP API Lambda
    integrations").
    """
    run = lambda_svc._execute_function_with_config_scope
    shape = lambda_svc.lambda_execute_result_to_api_proxy_response

    def shaped(result: dict[str, Any]) -> Any:
        if result.get("throttle"):
            return _proxy(503, "Service Unavailable"), None
        if result.get("error"):
            return _proxy(500, "Internal Server Error"), None
        return shape(result)

    @functools.wraps(run)
    def run_if_not_too_large(function: Any, event: Any, *rest: Any) -> Any:
        if isinstance(event, dict) and event.get("version") == "2.0" and len(event.get("body") or "") > LARGEST_EVENT:
            return {"body": _proxy(413, "Request Entity Too Large")}
        return run(function, event, *rest)

    _replace(lambda_svc, "lambda_execute_result_to_api_proxy_response", shaped)
    _replace(lambda_svc, "_execute_function_with_config_scope", run_if_not_too_large)


class _Bucket:
    def __init__(self) -> None:
        self._tokens: float | None = None
        self._at = time.monotonic()

    def takes_one(self, rate: float, burst: float) -> bool:
        now = time.monotonic()
        self._tokens = burst if self._tokens is None else min(burst, self._tokens + rate * (now - self._at))
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _message(status: int, text: str) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": text}).encode()


def _proxy(status: int, text: str) -> dict[str, Any]:
    return {"statusCode": status, "body": json.dumps({"message": text})}
