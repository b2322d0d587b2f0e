"""`emotions settings`: what every deploy from this folder uses."""

import json

import pytest
from click.testing import CliRunner, Result

from workshop.cli import workshop


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setattr("workshop.commands.settings.PROJECT", tmp_path)
    return tmp_path


def typed(*changes: str) -> Result:
    return CliRunner().invoke(workshop, ["settings", *changes])


def test_a_setting_is_kept_shown_and_taken_back(project):
    assert "keep_days=3  (cdk.context.json)" in typed("keep_days=3", "package=zip").stdout
    assert json.loads((project / "cdk.context.json").read_text()) == {"keep_days": "3", "package": "zip"}
    lines = typed().stdout.splitlines()
    assert {"keep_days=3  (cdk.context.json)", "package=zip  (cdk.context.json)", "memory=512"} <= set(lines)
    assert "keep_days=1\n" in typed("keep_days=").stdout


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("keep_days=0", "from 1 to 365"),
        ("keep_day=3", "did you mean keep_days?\n"),
        ("keep_days", "Write it as keep_days=3"),
        ("attendee=simon", "export ATTENDEE=simon"),
        ("memory=600", "cdk.json sets memory"),
    ],
)
def test_what_cannot_be_kept_changes_nothing(project, change, says):
    (project / "cdk.json").write_text('{"context": {"memory": 1024}}')
    refused = typed("long_edge=1024", change)
    assert refused.exit_code == 1
    assert says in refused.stderr
    assert not (project / "cdk.context.json").exists()
