"""Whatever is typed, by chance: an answer or a sentence, exit code 0, 1 or 2, and never a traceback."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workshop.cli import COMMANDS as ALL_COMMANDS
from workshop.cli import Commands, workshop

NOBODY = {
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "ATTENDEE")),
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "ap-southeast-2",
}
"""No credentials, so whatever is understood ends where AWS would be asked."""

COMMANDS = [name for name in ALL_COMMANDS if name not in ("doctor", "settings")]
"""Without the one that asks the machine and takes seconds, and the one that writes into this folder."""
OURS = ["--attendee", "--region", "--profile"]
VALUES = ["", ".", "..", "1", "0", "-1", "nan", "7d", "9" * 400, "a.jpg", "s3://b/k", "https://", "file://", "-", "--"]


def options_of(command: str) -> list[str]:
    """Those of the command and ours, which are heard anywhere."""
    assert isinstance(workshop, Commands)
    understood = workshop.get_command(click.Context(workshop), command)
    assert understood
    return [option for each in understood.params for option in each.opts if option.startswith("-")] + OURS


# What a shell can hand over: any character but NUL, and bytes that are no characters.
letters = st.characters(exclude_characters="\0") | st.sampled_from("\udc80\udcff")


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with options that it has, often with values that it understands, and words of any kind."""
    command = draw(st.sampled_from(COMMANDS))
    option = st.sampled_from(options_of(command))
    value = st.sampled_from(VALUES) | st.text(letters, max_size=30)
    with_value = st.tuples(option, value)
    joined = st.builds(lambda option, value: (f"{option}={value}",), option, value)
    word = value.map(lambda word: (word,))
    after = draw(st.lists(with_value | joined | option.map(lambda option: (option,)) | word | word, max_size=4))
    before = draw(st.just([]) | st.lists(st.tuples(st.sampled_from(OURS), value), max_size=2))
    return [*(each for part in before for each in part), command, *(each for part in after for each in part)]


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff no photo")
    monkeypatch.chdir(tmp_path)


@given(command_lines() | st.lists(st.text(letters), max_size=3), st.binary(max_size=50))
@example(["--attendee"], b"")
@example(["send", "--", "--attendee"], b"")
@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_typed_is_answered(typed: list[str], pasted: bytes):
    ran = CliRunner(env=NOBODY).invoke(workshop, typed, input=pasted)
    assert isinstance(ran.exception, SystemExit | None), ran.exc_info
    assert ran.exit_code in (0, 1, 2)
    assert "Traceback" not in ran.output
    assert ran.output.strip()
