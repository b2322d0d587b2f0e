"""What a person sees is harmless text, in the columns there are."""

import pytest
from rich.cells import cell_len
from rich.table import Table

from workshop.terminal.console import plain, print_table, shortened, wrapped


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("plain.jpg", "plain.jpg"),
        ("\x1b[31mred\x1b[0m.jpg", "red.jpg"),
        ("\x1b]0;new title\x07a.jpg", "a.jpg"),
        ("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("a\x08\x08b", "a��b"),
        ("photo\u202egpj.exe", "photo�gpj.exe"),
        ("caf\udce9.jpg", "caf�.jpg"),
        ("\x9b31mred", "�31mred"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("自拍 ñ.jpg", "自拍 ñ.jpg"),
    ],
)
def test_text_from_outside_is_harmless_and_stays_readable(outside: str, inside: str):
    assert plain(outside) == inside


def test_a_long_name_loses_its_middle_and_keeps_its_digest():
    name = "WhatsApp-Image-2026-11-22-at-14.30.00-0b05ad5d.jpg"
    assert shortened(name, 50) == name
    assert shortened(name, 30) == "WhatsApp-Image-…0-0b05ad5d.jpg"


@pytest.mark.parametrize("columns", [1, 2, 9, 40])
def test_a_wide_letter_takes_two_columns(columns: int):
    assert cell_len(shortened("自拍" * 40, columns)) <= columns


def test_a_piped_table_has_no_trailing_spaces(capsys: pytest.CaptureFixture[str]):
    table = Table("short", "long")
    table.add_row("a", "a longer cell")
    table.add_row("a", "")
    print_table(table)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_sentences_break_between_words_and_commands_stay_whole(columns: int):
    """A terminal breaks inside words; a command with a line break in it cannot be pasted."""
    command = "npx cdk deploy Serverless -c attendee=somebody-with-a-long-name --profile somebody"
    text = f"Step 5 is not deployed: there is no stack with that name here.\nDeploy it: {command}"
    lines = wrapped(text, columns)
    assert command in lines
    assert " ".join(lines) == text.replace("\n", " ")
    assert all(len(line) <= columns for line in lines if line != command)
