"""The page "Take this pattern" can be followed as it is written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "take-this-pattern.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_synthesises_into_one_stack(tmp_path: Path):
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "example.py").write_text(example.replace("App()", f"App(outdir={str(tmp_path)!r})"))
    run = [sys.executable, "-c", f"import runpy; runpy.run_path({str(tmp_path / 'example.py')!r})"]
    subprocess.run(run, cwd=PROJECT, check=True)
    template = (tmp_path / "Badges.template.json").read_text()
    assert "AWS::Lambda::EventSourceMapping" in template
    assert "Custom::RekognitionCollection" in template


def test_every_file_that_the_page_names_exists():
    table = PAGE.partition("## Copy, adapt, leave")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        folder, *names = re.findall(r"`(.*?)`", row)
        alone = not folder.endswith("annotator/")
        for path in [folder, *(name if alone else folder + name for name in names)]:
            assert (PROJECT / path).exists(), path
