"""What happened to a photo, in one sentence, and what to do next."""

from dataclasses import asdict

import click

from workshop.aws.account import Account, pass_account
from workshop.aws.stacks import Stacks
from workshop.checks.diagnosis import diagnose
from workshop.terminal.console import err, out, plain, plain_lines, print_json, print_prose


@click.command("why")
@click.argument("photo")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_context
@pass_account
def command(account: Account, ctx: click.Context, photo: str, as_json: bool) -> None:
    """Say what happened to a photo.

    \b
      emotions why selfie.jpg

    PHOTO is the file that you sent, or its key. Exits with 0 if the photo is done, 1 if it is not (yet).
    """
    diagnosis = diagnose(Stacks.of(account), photo)
    if as_json:
        print_json(asdict(diagnosis))
    else:
        print_prose(out, plain(diagnosis.sentence))
        print_prose(err, plain_lines(diagnosis.next_step), "dim")
    ctx.exit(0 if diagnosis.is_answer else 1)
