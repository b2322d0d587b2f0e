"""Reads the context once and composes the two stacks: `npx cdk deploy --all -c attendee=simon`."""

import os
import sys

from aws_cdk import App, Aspects, Environment, Tags

from infra.foundation import FoundationStack
from infra.leave_nothing import LeaveNothing
from infra.serverless import ServerlessStack
from infra.settings import WORKSHOP, UnusableSetting, WorkshopSettings, stack_name


def compose(
    app: App, settings: WorkshopSettings, account: str | None = None
) -> tuple[FoundationStack, ServerlessStack]:
    """Adds both stacks to `app` and tags every resource with the workshop and the attendee."""
    env = Environment(account=account, region=settings.region)
    foundation = FoundationStack(
        app,
        "Foundation",
        settings=settings,
        stack_name=stack_name(settings.attendee, "Foundation"),
        description=f"{WORKSHOP}, steps 1 to 4: buckets, inbox and face collection of {settings.attendee}",
        env=env,
    )
    serverless = ServerlessStack(
        app,
        "Serverless",
        foundation=foundation,
        settings=settings,
        stack_name=stack_name(settings.attendee, "Serverless"),
        description=f"{WORKSHOP}, step 5: the function that annotates the photos of {settings.attendee}",
        env=env,
    )
    for name, value in settings.all_tags.items():
        Tags.of(app).add(name, value)
    Aspects.of(app).add(LeaveNothing())
    return foundation, serverless


def _attendee_from_env() -> dict[str, str]:
    """The ATTENDEE variable. The commands read it too, so a terminal deploys the stacks that its commands use."""
    attendee = os.environ.get("ATTENDEE")
    return {"attendee": attendee} if attendee else {}


def main() -> None:
    """The entry point in cdk.json."""
    app = App()
    try:
        settings = WorkshopSettings.from_context(
            _attendee_from_env() | app.node.get_all_context(), region=os.environ.get("CDK_DEFAULT_REGION")
        )
    except UnusableSetting as unusable:
        sys.exit(f"show-your-emotions: {unusable}")
    compose(app, settings, account=os.environ.get("CDK_DEFAULT_ACCOUNT"))
    app.synth()


if __name__ == "__main__":
    main()
