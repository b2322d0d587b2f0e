"""The local AWS from the command line: `python -m local_aws up`, `down` and `demo`."""

import json
import os
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import click
import psutil

from local_aws.errors import LocalAwsError
from local_aws.local import PROJECT, LocalAws, names_an_aws
from local_aws.steps import step
from workshop.terminal.console import err, out
from workshop.terminal.errors import LOCAL_AWS, WorkshopError, aws_errors_as_sentences

STATE = PROJECT / "build" / "local-aws.json"
"""The process that runs the local AWS, for `down`."""

GRACE = 20.0
"""Seconds that `down` waits for the other process to end."""

_STOPPED = "Stopped the local AWS; nothing is left."


class _Commands(click.Group):
    """Prints expected failures as one sentence, and no traceback after Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        if not os.access(PROJECT, os.W_OK):
            raise WorkshopError(
                f"{PROJECT} is not writable, and the local AWS keeps its files there.", "Copy the project."
            )
        try:
            with _ended_by_signals(), aws_errors_as_sentences():
                return super().invoke(ctx)
        except LocalAwsError as error:
            sentence, _, more = str(error).partition("\n")
            raise WorkshopError(sentence, more or None) from error
        except KeyboardInterrupt:
            err.print(_STOPPED)
            ctx.exit(130)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM, or a closed terminal, stops everything as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def local_aws() -> None:
    """A simulated AWS on this machine: no account, no Docker, no network.

    \b
      python -m local_aws demo               the whole workshop, with two sample photos
      python -m local_aws demo me.jpg        with your own photo
      python -m local_aws up                 keep it running and type the workshop's commands yourself
    """


@local_aws.command()
@click.argument("photos", metavar="[PHOTO]...", nargs=-1, required=False)
@click.option("--open/--no-open", "open_page", default=True, help="Open the page in the browser, if there is one.")
def demo(photos: tuple[str, ...], open_page: bool) -> None:
    """Deploy, send photos, show the faces, destroy, and check that nothing is left.

    \b
      python -m local_aws demo
      python -m local_aws demo me.jpg friends.heic

    Keeps the annotated pictures, and one page with all of them, in build/demo.
    """
    from local_aws.demo import demo as run

    if not run(photos, open_page=open_page):
        raise click.exceptions.Exit(1)


@local_aws.command()
@click.option("--port", type=click.IntRange(0, 65535), default=4566, show_default=True, help="0 selects a free port.")
def up(port: int) -> None:
    """Keep a local AWS running, bootstrapped for the CDK, until Ctrl-C or `python -m local_aws down`.

    \b
      python -m local_aws up --port 4567
    """
    if running := _running():
        raise LocalAwsError(
            f"A local AWS is already running on port {running['port']} (process {running['pid']}); "
            "use it, or stop it with: make local-down"
        )
    with ExitStack() as stack:
        with step("Starting the local AWS", "Started the local AWS"):
            aws = stack.enter_context(LocalAws(port, starting_at_once=os.cpu_count()))
            stack.enter_context(_known(aws))
        with step("Bootstrapping the CDK", "Bootstrapped the CDK"):
            aws.bootstrap()
        with suppress(KeyboardInterrupt):  # the normal end
            out.print(_what_to_type(), soft_wrap=True)
            threading.Event().wait()
    err.print(_STOPPED)


@local_aws.command()
@click.option("--guests", type=click.IntRange(0, 1000), default=12, show_default=True, help="Played guests.")
@click.option(
    "--pause", type=click.FloatRange(0, 600), default=3, show_default=True, help="Seconds between two of them."
)
@click.option("--no-approval", is_flag=True, help="Show every picture at once.")
@click.option("--open/--no-open", "open_pages", default=True, help="Open desk and projector in the browser.")
def wall(guests: int, pause: float, no_approval: bool, open_pages: bool) -> None:
    """Rehearse the wall: deploy everything, open the door, play guests, show desk and projector until Ctrl-C.

    \b
      python -m local_aws wall
    """
    from local_aws.wall import rehearse

    with suppress(KeyboardInterrupt):  # the normal end
        rehearse(approval=not no_approval, guests=guests, pause=pause, open_pages=open_pages)
    err.print(_STOPPED)


@local_aws.command()
def down() -> None:
    """Stop the local AWS that `up` keeps running."""
    running = _running()
    if not running:
        err.print("No local AWS is running.")
        return
    process = psutil.Process(running["pid"])
    process.terminate()
    try:
        process.wait(GRACE)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()
        _forget()
    err.print(f"Stopped the local AWS on port {running['port']}; nothing is left.")


@contextmanager
def _known(aws: LocalAws) -> Iterator[None]:
    """Let `down` and other shells find this local AWS while the block runs."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    state = {"pid": os.getpid(), "started": psutil.Process().create_time(), "port": aws.emulator.port}
    LOCAL_AWS.write_text("\n".join(_shell_lines(aws)) + "\n")
    STATE.write_text(json.dumps(state))
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    STATE.unlink(missing_ok=True)
    LOCAL_AWS.unlink(missing_ok=True)


def _running() -> dict[str, Any] | None:
    """The state of the process that runs a local AWS. Removes the files of a process that was killed."""
    try:
        state: dict[str, Any] = json.loads(STATE.read_text())
        # Another process may have the same id by now.
        if psutil.Process(state["pid"]).create_time() == state["started"]:
            return state
    except (OSError, ValueError, KeyError, psutil.Error):
        pass
    _forget()
    return None


def _shell_lines(aws: LocalAws) -> list[str]:
    variables = aws.environment()
    others = sorted(name for name in os.environ if names_an_aws(name) and name not in variables)
    unset = [f"unset {' '.join(others)}"] if others else []
    return unset + [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def _what_to_type() -> str:
    source = Path(os.path.relpath(LOCAL_AWS))
    return "\n".join(
        [
            "",
            "Type in this folder, in each new terminal:",
            "",
            "  source .venv/bin/activate",
            f"  source {source}",
            "",
            "Then go through the workshop (docs/workshop.md), or deploy both of its stacks:",
            "",
            "  npx cdk deploy Foundation             step 1; the account is bootstrapped",
            "  npx cdk deploy Foundation Serverless  steps 1 and 5, to try `emotions send`",
            "",
            "To stop it and remove everything: Ctrl-C here, or `make local-down` there.",
        ]
    )
