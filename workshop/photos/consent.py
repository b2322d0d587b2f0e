"""Says before the first upload what is stored, for how long, and how to undo it."""

import os
from pathlib import Path

from workshop.aws.stacks import Stacks
from workshop.terminal.console import err, print_prose


def inform_once(stacks: Stacks) -> None:
    """Say on stderr what will be stored, unless this attendee has been informed on this computer before."""
    marker = _state_folder() / f"informed-{stacks.account.attendee}"
    if marker.exists():
        return
    days = stacks.kept_for_days()
    picture, photo = (f"{days} to {days + 1} days", f"up to {days + 3} days") if days else ("until teardown",) * 2
    print_prose(
        err,
        f"Stored in this account: photo ({photo}), picture and result ({picture}),\n"
        "face vectors (until teardown). Only send photos of people who have agreed.",
    )
    undo = stacks.account.command("forget PHOTO")
    print_prose(err, f"To undo: {undo}\n")
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError:
        pass  # then the notice is printed again next time


def _state_folder() -> Path:
    """Where programs keep what should survive but is no setting (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "show-your-emotions"
