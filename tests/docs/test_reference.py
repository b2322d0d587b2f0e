"""The reference pages and the README say what the code does."""

import re

import pytest

from docs.reference import generate
from infra.settings import WorkshopSettings

PAGES = generate.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_up_to_date(name: str):
    written = (generate.FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name], "out of date; run `make reference` and commit the change"


def test_no_page_is_left_that_is_no_longer_generated():
    assert {page.name for page in generate.FOLDER.glob("*.md")} == set(PAGES)


def test_both_stacks_have_outputs():
    """The snapshot is read as text, so a change of its format must not leave a stack out."""
    assert re.findall(r"^## \S+-(\w+)$", PAGES["stack-outputs.md"], re.MULTILINE) == ["Foundation", "Serverless"]


def test_the_readme_has_every_setting_with_its_default():
    readme = (generate.PROJECT / "README.md").read_text(encoding="utf-8")
    for name in WorkshopSettings.names():
        (shown,) = re.findall(rf"^\| `{name}` \|([^|]*)\|", readme, re.MULTILINE)
        assert re.findall("`.*?`", shown) == re.findall("`.*?`", generate.default(name))
