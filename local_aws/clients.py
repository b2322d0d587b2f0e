"""Clients of the emulator, for the parts of the local AWS that call it themselves."""

import threading
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

# One session, because each would read the services' models again. Without a profile, because AWS_PROFILE in the
# person's terminal may name one that does not exist here.
_session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
_one_at_a_time = threading.Lock()


@cache
def client(service: str, endpoint: str, region: str, access_key: str, token: str | None = None) -> Any:
    """A client with these credentials, whatever the terminal's own; the emulator checks no signature."""
    with _one_at_a_time:
        return _session.create_client(
            service,
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key="local",  # noqa: S106
            aws_session_token=token,
            config=Config(proxies={}, retries={"total_max_attempts": 2}),
        )
