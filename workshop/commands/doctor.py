"""Before anything else: is this computer ready, and the account?"""

import click

from workshop.aws.account import Choice
from workshop.checks.doctor import examine
from workshop.terminal.console import print_json
from workshop.terminal.findings import any_problem, show


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Look whether this computer and this account are ready for the workshop.

    \b
      emotions doctor

    Each line says ok, warning or problem, and how to mend it. Nothing is changed. Exits with 1 when there is a
    problem; a warning can wait, or concerns only one step.
    """
    findings = []
    for finding in examine(ctx.ensure_object(Choice)):
        findings.append(finding)
        if not as_json:
            show(finding)
    if as_json:
        print_json([finding.to_document() for finding in findings])
    ctx.exit(1 if any_problem(findings) else 0)
