"""What this workshop has cost, and what a hundred more photos would cost."""

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from workshop.aws.account import Account, pass_account
from workshop.aws.stacks import Stacks
from workshop.takedown.cost import Bill, Line, bill, count, prices
from workshop.terminal.console import WARNING, err, out, plain, print_json, print_prose, print_table
from workshop.terminal.errors import uses_local_aws

_NARROW = 78
"""Columns that the whole table needs."""


@click.command("cost")
@click.option("--json", "as_json", is_flag=True, help="Every item, as JSON.")
@pass_account
def command(account: Account, as_json: bool) -> None:
    """Count what this workshop has used and say what it costs.

    \b
      emotions cost

    It counts photos, faces, bytes and seconds; what cannot be counted is estimated and marked. The prices are in
    workshop/takedown/prices.json. The Billing console shows AWS's own figures a day later.
    """
    priced = prices()
    err.print("Counting …", style="dim")
    stacks = Stacks.of(account)
    if stacks.serverless_unusable:
        print_prose(err, f"Without Step 5: {plain(stacks.serverless_unusable.message)}", WARNING)
    total = bill(count(stacks), priced)
    if as_json:
        print_json({**total.to_document(), "prices": priced})
        return
    narrow = out.is_terminal and out.width < _NARROW
    print_table(_table(total, narrow=narrow))
    if narrow:
        print_prose(out, "To pay: without what AWS's lasting free tier covers.")
    else:
        print_prose(out, "~ estimated   * price not read from AWS itself   free: covered by AWS's lasting free tier")
    for note in (
        f"US dollars before taxes, at {total.region}'s prices of {total.prices_of}; other regions differ a little.",
        priced["rekognition_image"]["free"],
        "The wall's photos are counted; its door (HTTP API, Lambda, S3 requests) is not: see docs/wall.md.",
        "This is the local AWS: nothing is charged. The prices are AWS's."
        if uses_local_aws()
        else f"Nothing is added after `{account.command('teardown')}`.",
    ):
        print_prose(out, note)


def _table(total: Bill, *, narrow: bool) -> Table:
    """The bill. On a narrow terminal, only what each position costs."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), show_footer=True)
    table.add_column("", "List price\nTo pay")
    if not narrow:
        table.add_column("Used", justify="right")
        table.add_column("")
        table.add_column("Price each", justify="right")
    table.add_column("So far", f"{_money(total.so_far)}\n{_money(total.payable)}", justify="right")
    table.add_column("Per 100", f"{_money(total.per_hundred)}\n{_money(total.payable_per_hundred)}", justify="right")
    if not narrow:
        table.add_column("")
    for line in total.lines:
        costs = (_money(line.so_far), _money(line.per_hundred))
        used = (f"{'' if line.counted else '~'}{_quantity(line.quantity)}", line.unit, _price(line))
        free = "free" if line.free else ""
        table.add_row(line.what, *(costs if narrow else (*used, *costs, free)))
    return table


def _quantity(quantity: float) -> str:
    if quantity >= 10 or quantity == int(quantity):
        return f"{quantity:,.0f}"
    return f"{quantity:.2f}" if quantity >= 0.01 else "<0.01"


def _price(line: Line) -> str:
    digits = f"{line.price:.7f}".rstrip("0")
    return f"{digits}{'' if line.verified else '*'}"


def _money(dollars: float) -> str:
    return f"{dollars:.4f}" if dollars >= 0.00005 or dollars == 0 else "<0.0001"
