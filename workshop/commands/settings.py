"""The settings of the stacks: which there are, and keeping some for every deploy."""

from collections.abc import Sequence

import click

from infra.settings import UnusableSetting, WorkshopSettings, keep, kept_settings
from workshop import PROJECT
from workshop.terminal.console import err, out, plain
from workshop.terminal.errors import WorkshopError


@click.command("settings")
@click.argument("changes", metavar="[NAME=VALUE]...", nargs=-1)
@click.pass_context
def command(ctx: click.Context, changes: Sequence[str]) -> None:
    """Show the settings that `npx cdk deploy` uses, or keep some for every deploy from this folder.

    \b
      emotions settings                  every setting with its value
      emotions settings keep_days=3      keep this one; deploy to apply it
      emotions settings keep_days=       back to the default

    They are in cdk.context.json, which is not in Git. `npx cdk deploy -c keep_days=3` is for that deploy only.
    """
    try:
        if changes:
            _keep(dict(map(_parsed, changes)))
        kept = kept_settings(PROJECT)
        settings = WorkshopSettings.from_context({name: value for name, (value, _) in kept.items()}, ctx.obj.region)
    except UnusableSetting as unusable:
        sentence = str(unusable) if str(unusable).endswith("?") else f"{unusable}."
        raise WorkshopError(sentence, "README.md has a table of the settings.") from None
    for name in settings.names():
        if name != "attendee":
            where = f"  ({kept[name][1]})" if name in kept else ""
            out.print(plain(f"{name}={settings.as_text(name)}{where}"), soft_wrap=True)
    if changes:
        err.print("\nEvery deploy from this folder uses them. Deploy again to apply them.", soft_wrap=True)


def _parsed(change: str) -> tuple[str, str | None]:
    name, equals, value = change.partition("=")
    if not equals:
        raise WorkshopError(f"{plain(change)} is not a setting with a value.", "Write it as keep_days=3.")
    return name, value or None


def _keep(changes: dict[str, str | None]) -> None:
    """Check all settings as they would then be, and keep the changes."""
    if "attendee" in changes:
        raise WorkshopError(
            "The attendee is not kept here: the commands need it too.", "In each terminal: export ATTENDEE=simon"
        )
    kept = kept_settings(PROJECT)
    if fixed := [name for name in changes if kept.get(name, ("", ""))[1] == "cdk.json"]:
        raise WorkshopError(f"cdk.json sets {', '.join(fixed)}, and comes first.", "Change or remove it there.")
    WorkshopSettings.from_context({name: value for name, (value, _) in kept.items()} | changes)
    keep(PROJECT, changes)
