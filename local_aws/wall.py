"""The wall, rehearsed on this machine: all three stacks, the desk, the projector, and played guests."""

import os
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from local_aws.guests import Entrance, Guest, selfies
from local_aws.local import LocalAws
from local_aws.steps import step
from workshop.aws.account import Account
from workshop.aws.stacks import Stacks
from workshop.terminal.console import err, out
from workshop.wall.board import Board
from workshop.wall.door import Door
from workshop.wall.evening import Evening
from workshop.wall.server import WallServer, running

NEW_ACCOUNT = 10
"""Concurrent executions of a new account, which the rehearsal has as well."""


@dataclass(frozen=True)
class Wall:
    """A wall that is up: its AWS, its pages' server, and the way in for guests."""

    aws: LocalAws
    server: WallServer
    entrance: Entrance


@contextmanager
def wall_up(
    *, approval: bool = True, photos: int = 300, before: Callable[[LocalAws], object] = lambda _aws: None
) -> Iterator[Wall]:
    """The wall on a new local AWS, its door open for an hour; ends everything with the block.

    `before` may change the AWS before anything is deployed there.
    """
    with ExitStack() as stack:
        with step("Starting the local AWS", "Started the local AWS"):
            aws = stack.enter_context(
                LocalAws(account_concurrency=NEW_ACCOUNT, enforce_iam=True, starting_at_once=os.cpu_count())
            )
            stack.enter_context(aws.adopted())
            before(aws)
        with step("Bootstrapping the CDK and synthesising the stacks", "Bootstrapped and synthesised"):
            aws.prepare()
        with step("Deploying Foundation, Serverless and Wall", "Deployed all three stacks") as say:
            aws.deploy("Foundation", "Serverless", "Wall", on_line=say)
        account = Account.open()
        stacks = Stacks.of(account)
        door = Door.of(stacks)
        settings = door.open(datetime.now().astimezone() + timedelta(hours=1), photos)
        evening = Evening(door, Board(stacks, approval=approval), lambda: replace(stacks, account=Account.open()))
        server = stack.enter_context(running(evening, 0))
        yield Wall(aws, server, Entrance(door.address(settings)))


def rehearse(*, approval: bool, guests: int, pause: float, open_pages: bool) -> None:
    """Play so many guests, one after `pause` seconds, and keep everything running until Ctrl-C."""
    with wall_up(approval=approval) as wall:
        server, entrance = wall.server, wall.entrance
        out.print(f"desk       {server.page('desk')}", soft_wrap=True)
        out.print(f"projector  {server.page('projector')}", soft_wrap=True)
        out.print(f"door       {entrance.address}", soft_wrap=True)
        err.print("The guests' page opens in a browser on this computer only. Ctrl-C ends everything.", soft_wrap=True)
        if open_pages:
            for page in ("desk", "projector"):
                webbrowser.open(server.page(page))
        for number, photo in zip(range(1, guests + 1), selfies(), strict=False):
            guest = Guest(entrance, photo)
            status = guest.send().status
            faces = ", ".join(guest.result().get("faces", [])) or "no answer"
            err.print(f"Guest {number} of {guests}: {faces if status == 201 else status}", soft_wrap=True)
            threading.Event().wait(pause)
        threading.Event().wait()
