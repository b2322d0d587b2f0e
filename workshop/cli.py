"""The command line: `python -m workshop COMMAND`. The commands themselves live in `commands/`, one module each.

A command's module is imported only when it is asked for, and `--help` reads the modules' first lines without importing
them, so that neither waits for boto3 or OpenCV.
"""

import ast
import errno
import importlib
import sys
from pathlib import Path
from typing import Any

import click

from workshop.terminal.errors import Interrupted, WorkshopError, aws_errors_as_sentences

COMMANDS = Path(__file__).parent / "commands"

IN_ORDER = (
    "doctor", "upload", "encode", "decode", "index", "url", "send",
    "why", "check", "gallery", "redrive", "forget", "cost", "teardown",
)  # fmt: skip
"""The order of the workshop, which `--help` keeps; commands that are not named here come last."""


class Commands(click.Group):
    """The modules in `commands/` as click commands, and every failure as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """The commands' names, in the order of the workshop."""
        names = sorted(path.stem for path in COMMANDS.glob("[a-z]*.py"))
        return sorted(names, key=lambda name: IN_ORDER.index(name) if name in IN_ORDER else len(IN_ORDER))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"workshop.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with the first line of its module's docstring."""
        with formatter.section("Commands"):
            names = self.list_commands(ctx)
            if names:
                formatter.write_dl([(name, _first_line(COMMANDS / f"{name}.py")) for name in names])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options of ours count wherever they stand: `send me.jpg --attendee simon` means what it says."""
        return super().parse_args(ctx, _ours_first(args, [name for param in self.params for name in param.opts]))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what AWS or this computer refuses is a sentence, Ctrl-C the exit code that shells expect."""
        try:
            with aws_errors_as_sentences():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("Stopped.") from None
        except OSError as problem:
            if problem.errno == errno.EPIPE:  # click's: whoever read has read enough
                raise
            raise WorkshopError(f"This computer says: {problem.strerror or problem}.") from problem


def _ours_first(args: list[str], ours: list[str]) -> list[str]:
    """`args` with the options named in `ours`, each with its value, before everything else; none after a `--`."""
    end = args.index("--") if "--" in args else len(args)
    first: list[str] = []
    rest: list[str] = []
    words = iter(args[:end])
    for word in words:
        if word in ours:
            first += [word, *(value for value in (next(words, None),) if value is not None)]
        elif word.partition("=")[0] in ours:
            first.append(word)
        else:
            rest.append(word)
    return [*first, *rest, *args[end:]]


def _first_line(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--attendee", envvar="ATTENDEE", default="me", show_default=True, help="Whose stacks (or ATTENDEE).")
@click.option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="The AWS region (or AWS_REGION).")
@click.option("--profile", help="The AWS profile (or AWS_PROFILE).")
@click.pass_context
def workshop(ctx: click.Context, attendee: str, region: str | None, profile: str | None) -> None:
    """Show your emotions: send a photo, see what Amazon Rekognition reads in the faces.

    \b
      python -m workshop send selfie.jpg      upload, wait, faces, link
      python -m workshop url selfie.jpg       a link for somebody without AWS
      python -m workshop forget selfie.jpg    and everything about it is gone

    Rekognition says how a face looks, not what the person feels.
    """
    from workshop.aws.account import Choice  # boto3 takes its time, and --help needs none of it

    ctx.obj = Choice(attendee, region or None, profile or None)


def main() -> None:
    """The entry point of `python -m workshop`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a replacement, not a traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    workshop(prog_name="python -m workshop")
