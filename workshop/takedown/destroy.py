"""Taking the workshop down: `cdk destroy` of one attendee's stacks, through the pinned CDK CLI."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from workshop import PROJECT
from workshop.aws.account import Account
from workshop.aws.cdk import cdk

_STDERR = 2


def destroy(account: Account) -> bool:
    """Run `cdk destroy --all` for the account's attendee, its progress on stderr, and say whether it went well.

    The stacks are synthesised into a folder of their own, so that another attendee's `cdk` may run meanwhile.
    Raises WorkshopError when the CLI is not installed.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    with tempfile.TemporaryDirectory(prefix="show-your-emotions-") as assembly:
        done = subprocess.run(
            cdk("destroy", "--all", "--force", "--output", assembly, "-c", f"attendee={account.attendee}"),
            cwd=PROJECT,
            env=_environment(account) | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=_STDERR,  # its results are our progress
            check=False,
        )
    return done.returncode == 0


def _environment(account: Account) -> dict[str, str]:
    """This process's environment with the account that was chosen on the command line."""
    chosen = {"AWS_REGION": account.region, "AWS_DEFAULT_REGION": account.region}
    if account.session.profile_name != "default":
        chosen["AWS_PROFILE"] = account.session.profile_name
    return {**os.environ, **chosen, "CDK_VALIDATION": "false", "PYTHONDONTWRITEBYTECODE": "1"}
