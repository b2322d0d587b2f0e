"""What this workshop has cost, and a hundred photos more."""

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from workshop.aws.account import Account, pass_account
from workshop.aws.stacks import Stacks
from workshop.takedown.cost import Bill, Line, bill, count, prices
from workshop.terminal.console import WARNING, err, out, plain, print_json, print_table


@click.command("cost")
@click.option("--json", "as_json", is_flag=True, help="Every position, as JSON.")
@pass_account
def command(account: Account, as_json: bool) -> None:
    """Count what this workshop has used and say what it costs.

    \b
      emotions cost

    From counted photos, faces, bytes and seconds; what cannot be counted is estimated and marked. The prices are in
    workshop/takedown/prices.json. AWS's own account of it is in the Billing console, a day later.
    """
    priced = prices()
    err.print("Counting …", style="dim")
    stacks = Stacks.of(account)
    if stacks.serverless_unusable:
        err.print(f"Without Step 5: {plain(stacks.serverless_unusable.message)}", style=WARNING, soft_wrap=True)
    total = bill(count(stacks), priced)
    if as_json:
        print_json({**total.to_document(), "prices": priced})
        return
    print_table(_table(total))
    out.print(
        f"~ estimated   * price not read at AWS itself   free: covered by AWS's lasting free tier\n"
        f"US dollars before taxes, at {total.region}'s prices of {total.prices_of}; other regions differ a little.\n"
        f"{priced['rekognition_image']['free']}\n"
        f"After `{account.command('teardown')}` nothing more is added.",
        soft_wrap=True,
    )


def _table(total: Bill) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), show_footer=True)
    table.add_column("", "List price\nTo pay")
    table.add_column("Used", justify="right")
    table.add_column("")
    table.add_column("Price each", justify="right")
    table.add_column("So far", f"{_money(total.so_far)}\n{_money(total.payable)}", justify="right")
    table.add_column("Per 100", f"{_money(total.per_hundred)}\n{_money(total.payable_per_hundred)}", justify="right")
    table.add_column("")
    for line in total.lines:
        table.add_row(
            line.what,
            f"{'' if line.counted else '~'}{_quantity(line.quantity)}",
            line.unit,
            _price(line),
            _money(line.so_far),
            _money(line.per_hundred),
            "free" if line.free else "",
        )
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
