"""`emotions …` in any folder: the script, the table of commands, and what a typing error gets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from workshop import PROJECT
from workshop.cli import COMMANDS, workshop


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a blank in its path, set up as the Makefile does it; its Python and Node are stand-ins."""
    clone = tmp_path / "my clone"
    programs = clone / ".venv" / "bin"
    programs.mkdir(parents=True)
    for folder in ("bin", "workshop"):
        (clone / folder).symlink_to(PROJECT / folder)
    for name in ("emotions", "cdk"):
        (programs / name).symlink_to(f"../../bin/{name}")
    for name, does in (("python", f'exec "{sys.executable}" "$@"'), ("node", 'pwd; echo "$@"')):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    return clone


def typed(clone: Path, folder: Path, *arguments: str, **environment: str) -> str:
    path = f"{clone / '.venv' / 'bin'}:{os.environ['PATH']}"
    ran = subprocess.run(
        arguments, cwd=folder, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_commands_run_in_any_folder_and_import_nothing_from_it(clone: Path, tmp_path: Path):
    (tmp_path / "click.py").write_text("raise SystemExit('This is the wrong click.')")
    assert typed(clone, tmp_path, "emotions", "--help").startswith("Usage: emotions ")


def test_cdk_runs_the_pinned_cli_where_there_is_an_app(clone: Path, tmp_path: Path):
    pinned = clone / "node_modules" / "aws-cdk" / "bin" / "cdk"
    assert typed(clone, tmp_path, "cdk", "diff") == f"{clone}\n{pinned} diff\n"
    (tmp_path / "cdk.json").touch()
    assert typed(clone, tmp_path, "cdk", "diff") == f"{tmp_path}\n{pinned} diff\n"


def test_a_shell_completes_commands_and_their_options(clone: Path, tmp_path: Path):
    def completed(*words: str) -> list[str]:
        asked = {
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
            "_EMOTIONS_COMPLETE": "bash_complete",
        }
        return typed(clone, tmp_path, "emotions", **asked).split()

    assert completed("emotions", "te") == ["plain,teardown"]
    assert completed("emotions", "send", "--expi") == ["plain,--expires"]


def test_each_command_is_in_the_table():
    assert sorted(COMMANDS) == sorted(path.stem for path in (PROJECT / "workshop" / "commands").glob("[a-z]*"))


def test_a_misspelled_command_gets_a_suggestion():
    ran = CliRunner().invoke(workshop, ["galery"])
    assert ran.exit_code == 2
    assert "No such command 'galery'. Did you mean 'gallery'?" in ran.stderr
