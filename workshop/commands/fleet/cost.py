"""What the evening has cost: each attendee, and all together."""

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from workshop.aws.stacks import Stacks, outputs_of
from workshop.commands.fleet.options import pass_fleet, to_paste
from workshop.commands.fleet.outcomes import require_all
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.takedown.cost import Bill, bill, count, prices
from workshop.terminal.console import WARNING, err, out, plain, print_json, print_prose, print_table
from workshop.terminal.errors import WorkshopError


@click.command("cost")
@click.option("--json", "as_json", is_flag=True, help="Every attendee's positions, as JSON.")
@pass_fleet
def command(fleet: Fleet, as_json: bool) -> None:
    """Count what everybody has used, and say what it costs per attendee and in sum.

    \b
      emotions fleet cost

    As `emotions cost` does for one attendee; ask before `fleet destroy`, which deletes what is counted.
    """
    outcomes = for_everyone(fleet, _bill, doing="counting")
    for each in outcomes:
        if each.problem:
            print_prose(err, f"Without {each.member.attendee}: {plain(each.problem.message)}", WARNING)
    bills = {each.member.attendee: each.value for each in outcomes if each.value}
    if as_json:
        print_json({attendee: one.to_document() for attendee, one in bills.items()})
    else:
        print_table(_table(bills))
        out.print(
            "US dollars before taxes. List price: as if no free tier existed. To pay: without what AWS's lasting free "
            "tier covers in an account that does nothing else; in a shared account it may cover less. The door "
            "of a wall is not counted.",
            soft_wrap=True,
        )
    require_all(outcomes, to_paste("cost"))


def _bill(turn: Turn) -> Bill:
    if outputs_of(turn.account, "Foundation") is None:
        raise WorkshopError("Foundation is not deployed.")
    return bill(count(Stacks.of(turn.account)), prices())


def _table(bills: dict[str, Bill]) -> Table:
    def sum_of(name: str) -> str:
        return f"{sum(getattr(one, name) for one in bills.values()):.4f}"

    photos = {attendee: next(line.quantity for line in one.lines) for attendee, one in bills.items()}
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), show_footer=True)
    table.add_column("Attendee", "All")
    table.add_column("Images", f"{sum(photos.values()):.0f}", justify="right")
    table.add_column("List price", sum_of("so_far"), justify="right")
    table.add_column("To pay", sum_of("payable"), justify="right")
    for attendee, one in bills.items():
        table.add_row(attendee, f"{photos[attendee]:.0f}", f"{one.so_far:.4f}", f"{one.payable:.4f}")
    return table
