"""CloudFormation in every account of the fleet, with what was published."""

import click

from infra.settings import StackKind
from workshop.aws.account import Account
from workshop.commands.fleet.options import pass_fleet, to_paste
from workshop.commands.fleet.outcomes import require_all, show, stoppable
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.fleet.members import require_right_account
from workshop.fleet.publication import STACKS, published, template_of
from workshop.fleet.stacks import deploy
from workshop.terminal.errors import WorkshopError


@click.command("deploy")
@click.argument("stack", type=click.Choice(STACKS), required=False)
@pass_fleet
def command(fleet: Fleet, stack: StackKind | None) -> None:
    """Create or update the stacks of every attendee with what was published; both, or only STACK.

    \b
      emotions fleet deploy
      emotions fleet deploy Foundation

    CloudFormation does the work in each account: no bootstrap, no Docker, no CDK there. Run it again after a failure
    or Ctrl-C: it goes on where it stopped. Exits with 1 when an account is not deployed.
    """
    stacks: tuple[StackKind, ...] = (stack,) if stack else STACKS
    templates = {region: _templates(fleet.organiser, region, stacks) for region in {m.region for m in fleet.members}}

    def work(turn: Turn) -> list[str]:
        require_right_account(turn.member, turn.account)
        return [f"{each}: {deploy(turn, each, templates[turn.member.region][each])}" for each in stacks]

    again = to_paste(f"deploy {stack}" if stack else "deploy")
    with stoppable(f"CloudFormation finishes the stacks that are under way. To go on where it stopped: {again}"):
        outcomes = for_everyone(fleet, work, doing="looking")
    show(outcomes, ", ".join)
    require_all(outcomes, again)


def _templates(organiser: Account, region: str, stacks: tuple[StackKind, ...]) -> dict[StackKind, str]:
    publication = published(organiser, region)
    if publication is None:
        raise WorkshopError(
            f"Nothing is published in {region}.", f"Publish first: {to_paste('publish', everybody=True)}"
        )
    return {stack: template_of(organiser, publication, stack) for stack in stacks}
