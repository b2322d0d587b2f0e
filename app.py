"""Reads the context once and composes the stacks: `npx cdk deploy Foundation Serverless -c attendee=simon`."""

import os
import shlex
import signal
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback, while CDK is imported as well
    if find_spec("aws_cdk") is None:
        sys.exit("show-your-emotions: This Python has no CDK; type: source .venv/bin/activate (after `make setup`)")

from aws_cdk import App, Aspects, CliCredentialsStackSynthesizer, Environment, Tags

from infra.foundation import FoundationStack
from infra.leave_nothing import LeaveNothing
from infra.serverless import ServerlessStack
from infra.settings import ASSETS_BUCKET, WORKSHOP, UnusableSetting, WorkshopSettings, kept_settings, stack_name
from infra.wall import WallStack
from infra.zip_package import CannotPackage


def compose(
    app: App, settings: WorkshopSettings, account: str | None = None, assets_bucket: str | None = None
) -> tuple[FoundationStack, ServerlessStack, WallStack]:
    """Adds the stacks to `app` and tags every resource with the workshop and the attendee.

    With `assets_bucket`, the stacks take their code from there and need no bootstrap.
    """
    env = Environment(account=account, region=settings.region)
    foundation = FoundationStack(
        app,
        "Foundation",
        settings=settings,
        stack_name=stack_name(settings.attendee, "Foundation"),
        description=f"{WORKSHOP}, steps 1 to 4: buckets, inbox and face collection of {settings.attendee}",
        env=env,
        synthesizer=_synthesizer(assets_bucket),
    )
    serverless = ServerlessStack(
        app,
        "Serverless",
        foundation=foundation,
        settings=settings,
        stack_name=stack_name(settings.attendee, "Serverless"),
        description=f"{WORKSHOP}, step 5: the function that annotates the photos of {settings.attendee}",
        env=env,
        synthesizer=_synthesizer(assets_bucket),
    )
    wall = WallStack(
        app,
        "Wall",
        foundation=foundation,
        settings=settings,
        stack_name=stack_name(settings.attendee, "Wall"),
        description=f"{WORKSHOP}, optional: the door for guests' photos, to the wall of {settings.attendee}",
        env=env,
        synthesizer=_synthesizer(assets_bucket),
    )
    for name, value in settings.all_tags.items():
        Tags.of(app).add(name, value)
    Aspects.of(app).add(LeaveNothing())
    return foundation, serverless, wall


def _synthesizer(assets_bucket: str | None) -> CliCredentialsStackSynthesizer | None:
    """What makes templates without parameters, rules and roles; None for CDK's own choice, which needs a bootstrap."""
    return CliCredentialsStackSynthesizer(file_assets_bucket_name=assets_bucket) if assets_bucket else None


def _attendee_from_env() -> dict[str, str]:
    """The ATTENDEE variable. The commands read it too, so a terminal deploys the stacks that its commands use."""
    attendee = os.environ.get("ATTENDEE")
    return {"attendee": attendee} if attendee else {}


def _check_endpoint() -> None:
    """Exit if AWS_ENDPOINT_URL is on this machine and nothing answers there: the CLI would try for over a minute."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    address = urlsplit(url)
    if address.hostname != "127.0.0.1":
        return
    try:
        socket.create_connection((address.hostname, address.port or 80), timeout=2).close()
    except OSError:
        sys.exit(
            f"show-your-emotions: AWS_ENDPOINT_URL is {url}, and nothing answers there. Type `make local` in another "
            "terminal. For your AWS account, open a new terminal."
        )


def for_this_deploy_only(settings: WorkshopSettings, project: Path = Path(__file__).parent) -> list[str]:
    """A sentence for each setting that the next deploy takes back, because it was given with `-c` and is not kept."""
    kept = {name: value for name, (value, _) in kept_settings(project).items()}
    later = WorkshopSettings.from_context(kept, settings.region)
    return [
        f"{name}={settings.as_text(name)} is for this deploy only; the next one without -c uses "
        f"{later.as_text(name) or 'none'}. To keep it: emotions settings "
        f"{shlex.quote(f'{name}={settings.as_text(name)}')}"
        for name in settings.names()
        if name != "attendee" and getattr(settings, name) != getattr(later, name)
    ]


def main() -> None:
    """The entry point in cdk.json."""
    _check_endpoint()
    app = App()
    try:
        settings = WorkshopSettings.from_context(
            _attendee_from_env() | app.node.get_all_context(), region=os.environ.get("CDK_DEFAULT_REGION")
        )
        bucket = app.node.try_get_context(ASSETS_BUCKET)
        if not bucket and app.node.try_get_context("aws:cdk:bundling-stacks") != []:  # as it is for `cdk destroy`
            for sentence in for_this_deploy_only(settings):
                print(f"show-your-emotions: {sentence}", file=sys.stderr)
    except UnusableSetting as unusable:
        sys.exit(f"show-your-emotions: {unusable}")
    try:
        compose(app, settings, None if bucket else os.environ.get("CDK_DEFAULT_ACCOUNT"), bucket)
    except CannotPackage as reason:
        sys.exit(f"show-your-emotions: {reason}")
    app.synth()


if __name__ == "__main__":
    main()
