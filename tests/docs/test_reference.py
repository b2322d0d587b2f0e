"""The reference pages and the README say what the code does."""

import inspect
import re

import click
import pytest

from docs.reference import generate
from infra.photo_store import RETRY_AFTER, TRIES
from infra.regions import INDEX_FACES_PER_SECOND
from infra.settings import WorkshopSettings, concurrency_in
from workshop import cli

PAGES = generate.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_up_to_date(name: str):
    written = (generate.FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name], "out of date; run `make reference` and commit the change"


def test_no_page_is_left_that_is_no_longer_generated():
    assert {page.name for page in generate.FOLDER.glob("*.md")} == set(PAGES)


def test_every_stack_has_outputs():
    """The snapshot is read as text, so a change of its format must not leave a stack out."""
    assert re.findall(r"^## \S+-(\w+)$", PAGES["stack-outputs.md"], re.MULTILINE) == [
        "Foundation",
        "Serverless",
        "Wall",
    ]


def test_no_line_of_the_log_is_missed():
    """The code is read as text, so a call that is written otherwise must not be left out."""
    code = "".join(module.read_text(encoding="utf-8") for module in generate.ANNOTATOR.rglob("*.py"))
    messages = re.findall(r"\blog\.(?:debug|info|warning|error|exception)\(\s*\"(.*?)\"", code)
    assert len(messages) == len(re.findall(r"\blog\.(?:debug|info|warning|error|exception)\(", code)) > 5
    page = PAGES["log-fields.md"]
    assert all(f"| `{message}` |" in page for message in messages)
    for name in re.findall(r"(\w+)=", "".join(re.findall(r"\babout\(([^*].*?)\):", code, re.DOTALL))):
        assert f"`{name}`" in page
    assert all(f"`{step}`" in page for step in re.findall(r"\btimed\(\s*\"(\w+)\"", code))


def test_a_command_that_chooses_its_exit_code_has_its_rule_on_the_page():
    chosen = []
    for name in generate.COMMANDS:
        command = cli.workshop
        for word in name.split():
            command = command.get_command(click.Context(command), word)
        if "ctx.exit(" in inspect.getsource(inspect.unwrap(command.callback)):
            chosen.append(name)
    assert "check" in chosen
    assert all(f"| `{name}` | Exits with " in PAGES["exit-codes.md"] for name in chosen)


def test_the_readme_has_every_setting_with_its_default():
    readme = (generate.PROJECT / "README.md").read_text(encoding="utf-8")
    for name in WorkshopSettings.names():
        (shown,) = re.findall(rf"^\| `{name}` \|([^|]*)\|", readme, re.MULTILINE)
        assert re.findall("`.*?`", shown) == re.findall("`.*?`", generate.default(name))


def test_the_architecture_picture_has_the_figures_of_the_stacks():
    picture = (generate.PROJECT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    seconds, *minutes = RETRY_AFTER
    first, *middle, last = (f"{seconds} s", *(f"{wait // 60} min" for wait in minutes))
    assert f"Retries wait up to {', '.join((first, *middle))} and {last}." in picture
    assert f"After {TRIES} tries" in picture
    fewest, most = sorted({concurrency_in(region) for region in INDEX_FACES_PER_SECOND})
    assert f"{fewest} or {most} in parallel" in picture
