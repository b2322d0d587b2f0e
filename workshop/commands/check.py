"""Is this step of the workshop done? If not, what to do."""

import click

from workshop.aws.account import Account, pass_account
from workshop.checks.checkpoints import CHECKPOINTS, findings_at
from workshop.terminal.console import err, out, print_json
from workshop.terminal.findings import any_problem, show


@click.command("check")
@click.argument("step", metavar="[STEP]", type=click.Choice([str(each.step) for each in CHECKPOINTS]), required=False)
@click.option("--json", "as_json", is_flag=True, help="The findings by step, as JSON.")
@click.pass_context
@pass_account
def command(account: Account, ctx: click.Context, step: str | None, as_json: bool) -> None:
    """Check whether a step of the workshop is done; without STEP, all steps up to the first that is not.

    \b
      emotions check 3

    Exits with 1 if a checked step is not done.
    """
    checked = {}
    for checkpoint in CHECKPOINTS if step is None else [each for each in CHECKPOINTS if str(each.step) == step]:
        findings = findings_at(checkpoint, account)
        checked[checkpoint.step] = findings
        if not as_json:
            out.print(f"Step {checkpoint.step}: {checkpoint.title}", style="bold")
            for finding in findings:
                show(finding)
        if any_problem(findings):
            break
    if as_json:
        steps = [{"step": number, "findings": [f.to_document() for f in each]} for number, each in checked.items()]
        print_json(steps)
    elif step is None and len(checked) == len(CHECKPOINTS) and not any_problem(findings):
        err.print(
            f"All six steps work. To delete everything at the end: {account.command('teardown')}",
            style="dim",
            soft_wrap=True,
        )
    ctx.exit(1 if any(any_problem(findings) for findings in checked.values()) else 0)
