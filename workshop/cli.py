"""The command line: `emotions COMMAND`. Each command is a module in `commands/`.

It is imported only when that command runs, so `--help` and shell completion do without boto3 and OpenCV.
"""

import errno
import importlib
import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from workshop.terminal.errors import Interrupted, WorkshopError, aws_errors_as_sentences

COMMANDS = {
    "doctor": "Before you start: are this computer and your AWS account ready?",
    "upload": "Step 2: send photos to the raw bucket.",
    "encode": "Step 2, without file upload: print a photo as text that you can paste.",
    "decode": "Step 2, without file upload: turn the pasted text back into a photo.",
    "index": "Step 3: index a photo's faces from this computer, with the function's own code.",
    "url": "Step 4: a link that shows the annotated picture to people without AWS.",
    "send": "Steps 2 and 5 in one: upload, wait for the function, see the faces.",
    "why": "What happened to a photo, in one sentence, and what to do next.",
    "check": "Is this step of the workshop done? If not, what to do.",
    "gallery": "One HTML page with all results so far, for the projector.",
    "wall": "Guests scan a QR code, take a selfie, and see themselves on the projector.",
    "redrive": "Send the photos that failed back through the inbox.",
    "forget": "Remove a photo with all its versions, its picture, its result, and its faces.",
    "cost": "What this workshop has cost, and what a hundred more photos would cost.",
    "settings": "What the stacks are deployed with; keep a setting for every deploy.",
    "teardown": "Delete your stacks, and prove that nothing is left.",
    "fleet": "For the organiser: all of it for many accounts.",
}
"""The commands in the order of the workshop, each with its line in `--help`; its module is `commands/NAME.py`."""


class Commands(click.Group):
    """The modules in `commands/` as click commands. Every failure is printed as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """The commands' names, in the order of the workshop."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  (click's signature)
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"workshop.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command. A misspelled name gets a suggestion."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin with `incomplete`, then the group's options."""
        commands = [CompletionItem(name, help=COMMANDS[name]) for name in COMMANDS if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  (click's signature)
        """Each command with its line of the table."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Accept the group's options in any place, as in `send me.jpg --attendee simon`."""
        return super().parse_args(
            ctx, _group_options_first(args, [name for param in self.params for name in param.opts])
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Errors of AWS and of this computer become sentences; Ctrl-C exits with 130."""
        try:
            with aws_errors_as_sentences():
                return super().invoke(ctx)
        except click.MissingParameter as missing:
            if not (missing.ctx and missing.param and missing.param.name in ("photo", "photos")):
                raise
            example = f"{missing.ctx.command_path} selfie.jpg"
            raise click.UsageError(f"Which photo? For instance: {example}", missing.ctx) from None
        except click.NoSuchOption as unknown:
            similar = [name for name in unknown.possibilities or () if name != "--help"]
            raise click.NoSuchOption(unknown.option_name, possibilities=similar, ctx=unknown.ctx) from None
        except KeyboardInterrupt:
            raise Interrupted("Stopped.") from None
        except OSError as problem:
            if problem.errno == errno.EPIPE:  # the reader closed the pipe, which click handles
                raise
            raise WorkshopError(f"This computer reports: {problem.strerror or problem}.") from problem


def _group_options_first(args: list[str], options: list[str]) -> list[str]:
    """`args` with `options`, each with its value, before everything else. What follows a `--` stays there."""
    end = args.index("--") if "--" in args else len(args)
    first: list[str] = []
    rest: list[str] = []
    words = iter(args[:end])
    for word in words:
        if word in options:
            first += [word, *(value for value in (next(words, None),) if value is not None)]
        elif word.partition("=")[0] in options:
            first.append(word)
        else:
            rest.append(word)
    return [*first, *rest, *args[end:]]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--attendee", envvar="ATTENDEE", default="me", show_default=True, help="Whose stacks (or ATTENDEE).")
@click.option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="The AWS region (or AWS_REGION).")
@click.option("--profile", help="The AWS profile (or AWS_PROFILE).")
@click.pass_context
def workshop(ctx: click.Context, attendee: str, region: str | None, profile: str | None) -> None:
    """Show your emotions: send a photo, see what Amazon Rekognition reads in the faces.

    \b
      emotions send selfie.jpg      upload, wait, see the faces
      emotions url selfie.jpg       a link for people without AWS
      emotions forget selfie.jpg    remove everything about a photo

    Rekognition says how a face looks, not what the person feels.
    """
    from workshop.aws.account import Choice  # boto3 is slow to import, and --help does not need it

    ctx.obj = Choice(attendee, region or None, profile or None)


def main() -> None:
    """The entry point of `emotions` and `python -m workshop`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a replacement, not a traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    workshop(prog_name="emotions")
