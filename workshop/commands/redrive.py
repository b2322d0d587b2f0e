"""Send the photos that failed back through the inbox."""

import click

from workshop.aws.account import Account, pass_account
from workshop.aws.dead_letters import DeadLetter, dead_letters, put_back, redrive, tries
from workshop.aws.stacks import Stacks
from workshop.checks import parts
from workshop.terminal.console import err, out, plain, plain_lines, print_json, print_prose
from workshop.terminal.errors import WorkshopError


@click.command("redrive")
@click.option("--dry-run", is_flag=True, help="Only show what is in the dead-letter queue.")
@click.option("--json", "as_json", is_flag=True, help="What was found and sent, as JSON.")
@pass_account
def command(account: Account, dry_run: bool, as_json: bool) -> None:
    """Send the photos in the dead-letter queue back through the inbox.

    \b
      emotions redrive --dry-run
      emotions redrive

    Fix the cause first (`why PHOTO` names it), or they fail again. Messages that are not photos stay there.
    """
    stacks = Stacks.of(account)
    letters = dead_letters(stacks)
    photos, others = [each for each in letters if each.is_photo], [each for each in letters if not each.is_photo]
    if not as_json:
        _show(stacks, photos, others)
    refused = photos
    if photos and not dry_run:
        refused = redrive(stacks, photos, lambda count: err.print(f"{count} of {len(photos)} sent back …"))
    put_back(stacks, others + refused)
    sent = len(photos) - len(refused)
    if as_json:
        print_json(_document(photos, others, sent))
    elif sent:
        out.print(f"{sent} sent back to the inbox.")
    if refused and not dry_run:
        raise WorkshopError(
            f"SQS did not accept {len(refused)} of {len(photos)} messages.",
            "They are still in the dead-letter queue; try again.",
        )
    if sent and (unusable := stacks.serverless_unusable):
        print_prose(err, plain_lines(f"They wait there for now. {unusable.message}\n{unusable.hint}"))
    elif sent and (blocker := parts.blocker(stacks)):
        print_prose(err, plain_lines(f"They wait there for now. {blocker.says}\n{blocker.fix}"))
    elif sent and not stacks.has_function:
        print_prose(err, f"They wait there until Step 5 is deployed: {account.cdk('deploy Serverless')}")


def _show(stacks: Stacks, photos: list[DeadLetter], others: list[DeadLetter]) -> None:
    if not photos and not others:
        out.print("The dead-letter queue is empty.")
        return
    if photos:
        count = tries(stacks)
        out.print(f"Failed {'on every try' if count is None else f'{count} times each'}:")
    for photo in photos:
        for version in photo.photos:
            out.print(f"  {plain(version.key)}", soft_wrap=True)
    if others:
        out.print("Not photos, so they stay there:")
    for other in others:
        out.print(f"  {plain(other.body.replace(chr(10), ' '))[:70]}", soft_wrap=True)
    if others:
        err.print(
            f"To delete everything there: aws sqs purge-queue --queue-url {stacks.dead_letter_queue_url}",
            soft_wrap=True,
        )


def _document(photos: list[DeadLetter], others: list[DeadLetter], sent: int) -> dict[str, object]:
    return {
        "photos": [version.key for photo in photos for version in photo.photos],
        "not_photos": [other.body for other in others],
        "sent": sent,
    }
