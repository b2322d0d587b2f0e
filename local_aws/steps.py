"""Progress of long steps: a spinner on a terminal, plain lines in a pipe, and the duration of each step."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.text import Text

from workshop.terminal.console import err, plain

Say = Callable[[str], None]
"""Shows what is happening within a step."""


@contextmanager
def step(doing: str, done: str) -> Iterator[Say]:
    """Show `doing` while the block runs, and `done` with the duration if it succeeds."""
    began = time.monotonic()
    with err.status(f"{doing} …") as status:

        def say(detail: str) -> None:
            room = max(err.width - len(doing) - 8, 0)
            # rich would parse a string as markup, and a photo can be named `[/].jpg`.
            status.update(Text(f"{doing} … {plain(detail)[:room]}"))

        if not err.is_terminal:
            err.print(f"{doing} …", soft_wrap=True)
        yield say
    err.print(f"✓ {done}  ({time.monotonic() - began:.1f} s)", style="green", soft_wrap=True)
