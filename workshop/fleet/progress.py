"""How far an attendee has come: the workshop's own checkpoints, up to the first that is not passed."""

from dataclasses import dataclass
from typing import Any

from infra.settings import stack_name
from workshop.aws.account import Account
from workshop.aws.stacks import describe
from workshop.checks.checkpoints import CHECKPOINTS, findings_at
from workshop.terminal.findings import Finding

LAST_STEP = len(CHECKPOINTS)


@dataclass(frozen=True, slots=True)
class Progress:
    """The last step that is done (0 to 6), and what the next one lacks; None at the end."""

    step: int
    lacks: Finding | None = None

    def to_document(self) -> dict[str, Any]:
        """The progress as plain values, for --json."""
        return {"step": self.step, "lacks": self.lacks.to_document() if self.lacks else None}


def progress_of(account: Account, deploy: str) -> Progress:
    """Look at the steps one after another, until one is not done; `deploy` is the command that deploys the stacks."""
    # The first checkpoint would look for a missing stack in every region.
    if describe(account.client("cloudformation"), stack_name(account.attendee, "Foundation")) is None:
        return Progress(0, Finding("Stack", "problem", "Foundation is not deployed.", deploy))
    for checkpoint in CHECKPOINTS:
        for finding in findings_at(checkpoint, account):
            if finding.verdict == "problem":
                return Progress(checkpoint.step - 1, finding)
    return Progress(LAST_STEP)
