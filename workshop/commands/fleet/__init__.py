"""An evening of many accounts, for the organiser: `emotions fleet …`; one module for each command."""

import click

from workshop.commands.fleet import check, cost, deploy, destroy, gallery, init, publish, unpublish
from workshop.commands.fleet.options import DEFAULT_FILE, Options


@click.group("fleet")
@click.option(
    "-f",
    "--file",
    "file",
    default=DEFAULT_FILE,
    show_default=True,
    type=click.Path(dir_okay=False),
    help="Who takes part.",
)
@click.option("--only", metavar="ATTENDEE", multiple=True, help="Only this attendee; several times for several.")
@click.option("--at-once", type=click.IntRange(1, 50), default=10, show_default=True, help="Accounts at the same time.")
@click.pass_context
def command(ctx: click.Context, file: str, only: tuple[str, ...], at_once: int) -> None:
    """For the organiser: prepare, watch and clear away the accounts of everybody in fleet.csv.

    \b
      emotions fleet init
      emotions fleet publish
      emotions fleet deploy
      emotions fleet check --watch
      emotions fleet destroy
      emotions fleet unpublish
    """
    ctx.obj = Options(ctx.obj, file, only, at_once)


for each in (init, publish, deploy, check, gallery, cost, destroy, unpublish):
    command.add_command(each.command)
