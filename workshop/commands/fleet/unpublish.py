"""Delete what was published, last of all."""

import sys

import click

from workshop.commands.fleet.options import Options
from workshop.fleet.publication import bucket_of, regions_with_a_bucket, unpublish
from workshop.terminal.console import err, out
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError


@click.command("unpublish")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@click.pass_obj
def command(options: Options, yes: bool) -> None:
    """Delete your buckets with the published stacks, in every region. Deployed functions keep working.

    \b
      emotions fleet unpublish
    """
    organiser = options.choice.account()
    regions = regions_with_a_bucket(organiser)
    if regions and not yes:
        err.print(f"This deletes {counted(len(regions), 'bucket')}, in {', '.join(regions)}.")
        if not sys.stdin.isatty():
            raise WorkshopError("Nothing was deleted: confirmation needs a terminal.", "Pass --yes to skip it.")
        click.confirm("Go on?", abort=True, err=True)
    for region in regions:
        unpublish(organiser, region)
        err.print(f"Deleted {bucket_of(organiser, region)}", style="dim", soft_wrap=True)
    out.print("nothing left")
