"""What every test may rely on: no AWS but the local one, no network but loopback."""

import os
import signal
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader

PROJECT = Path(__file__).parents[1]


# A developer's own credentials and settings never reach a test. Here and not in a hook: another conftest.py may import
# CDK, which starts its Node at once, before any hook is called.
for _name in [name for name in os.environ if name.startswith(("AWS_", "CDK_")) or name == "ATTENDEE"]:
    if _name != "CDK_VALIDATION":
        del os.environ[_name]
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(PROJECT / ".venv" / "jsii"),
    # The Node that the lock file pins, for jsii and the CDK CLI alike.
    "PATH": f"{PROJECT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
}


# A shell that starts the tests in the background lets them ignore Ctrl-C, and every process that they start inherits
# that. The tests of Ctrl-C need the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Each command has a session of its own, and each session would read AWS's models anew: a quarter of the suite's
# processor time.
_read_once = cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda _self, file_path: _read_once(file_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, so that no worker is left with one of them when all others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
