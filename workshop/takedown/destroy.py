"""`cdk destroy` of one attendee's stacks, with the pinned CDK CLI."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

from infra.settings import StackKind, stack_name
from workshop import PROJECT
from workshop.aws.account import Account
from workshop.aws.cdk import cdk
from workshop.aws.stacks import describe

_STDERR = 2


def destroy(account: Account) -> bool:
    """Run `cdk destroy` for the stacks that the account's attendee has. Returns whether it succeeded.

    The stacks are synthesised into a separate folder, so that another attendee's `cdk` can run at the same time.
    Raises WorkshopError if the CLI is not installed.
    """
    cloudformation = account.client("cloudformation")
    there = [kind for kind in get_args(StackKind) if describe(cloudformation, stack_name(account.attendee, kind))]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    with tempfile.TemporaryDirectory(prefix="show-your-emotions-") as assembly:
        done = subprocess.run(
            cdk(
                "destroy",
                *there,
                "--exclusively",
                "--force",
                "--output",
                assembly,
                "-c",
                f"attendee={account.attendee}",
            ),
            cwd=PROJECT,
            env=_environment(account) | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=_STDERR,  # as progress
            check=False,
        )
    return done.returncode == 0


def _environment(account: Account) -> dict[str, str]:
    """This process's environment with the account that was chosen on the command line."""
    chosen = {"AWS_REGION": account.region, "AWS_DEFAULT_REGION": account.region}
    if account.session.profile_name != "default":
        chosen["AWS_PROFILE"] = account.session.profile_name
    return {**os.environ, **chosen, "CDK_VALIDATION": "false", "PYTHONDONTWRITEBYTECODE": "1"}
