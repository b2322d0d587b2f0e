"""The Runtime API client in Python, for systems without awslambdaric's compiled one (macOS).

It has the four functions that awslambdaric 4.2 calls, with the same arguments.
"""

import http.client
import os

_INVOCATION = "/2018-06-01/runtime/invocation"
_user_agent = ""


def initialize_client(user_agent: str) -> None:
    """Set the user agent of the client."""
    global _user_agent
    _user_agent = user_agent


def next() -> tuple[bytes, dict[str, str]]:  # noqa: A001
    """Wait for the next event; returns it and its headers."""
    status, body, headers = _call("GET", f"{_INVOCATION}/next")
    if status != 200:
        raise RuntimeError(f"the Runtime API answered {status}")
    return body, headers


def post_invocation_result(request_id: str, result: bytes, content_type: str, invocation_id: str | None = None) -> None:
    """Send the handler's return value."""
    _post(f"{_INVOCATION}/{request_id}/response", result, content_type, invocation_id)


def post_error(request_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    """Send the handler's exception."""
    del xray_fault  # there are no traces on this machine
    _post(f"{_INVOCATION}/{request_id}/error", error.encode(), "application/json", invocation_id)


def _post(path: str, body: bytes, content_type: str, invocation_id: str | None) -> None:
    headers = {"Content-Type": content_type}
    if invocation_id:
        headers["Lambda-Runtime-Invocation-Id"] = invocation_id
    status, _, _ = _call("POST", path, body, headers)
    if status != 202:
        raise RuntimeError(f"the Runtime API answered {status}")


def _call(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, path, body, {"User-Agent": _user_agent, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()
