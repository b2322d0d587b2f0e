"""What `publish` asks of the CDK CLI, and how it reads the answer; a small script stands in for the CLI."""

import json
import sys
from pathlib import Path

import pytest

from infra.settings import WorkshopSettings
from workshop.fleet import publication
from workshop.fleet.templates import for_any_attendee
from workshop.terminal.errors import WorkshopError

BUCKET = "show-your-emotions-111122223333-eu-west-1-an"


def synthesise(monkeypatch: pytest.MonkeyPatch, script: str, folder: Path, settings: dict[str, str]) -> None:
    monkeypatch.setattr(publication, "cdk", lambda *arguments: [sys.executable, "-c", script, *arguments])
    publication._synthesise(folder, "eu-west-1", BUCKET, settings)


def test_a_synth_names_every_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Otherwise the settings that the organiser keeps for stacks of their own would be published for everybody."""
    script = (
        "import json, os, sys; json.dump([sys.argv[1:], os.environ['AWS_REGION']], "
        "open(sys.argv[sys.argv.index('--output') + 1] + '/asked.json', 'w'))"
    )
    synthesise(monkeypatch, script, tmp_path, {"keep_days": "3", "tags": "team=cloud,event=meetup"})
    arguments, region = json.loads((tmp_path / "asked.json").read_text())
    assert region == "eu-west-1"
    assert arguments[:4] == ["synth", "--quiet", "--output", str(tmp_path)]
    assert set(arguments[4::2]) == {"-c"}
    given = dict(argument.split("=", 1) for argument in arguments[5::2])
    assert set(given) == {*WorkshopSettings.names(), "show-your-emotions:assets-bucket"}
    assert given["show-your-emotions:assets-bucket"] == BUCKET
    assert given["package"] == "zip"
    assert given["keep_days"] == "3"
    assert given["tags"] == "team=cloud,event=meetup"
    assert given["memory"] == str(WorkshopSettings().memory)


@pytest.mark.slow
def test_the_real_templates_fit_every_account(tmp_path: Path):
    """The CDK CLI, once: they need no bootstrap, and take their code from the organiser's bucket."""
    publication._synthesise(tmp_path, "eu-west-1", BUCKET, {"memory": "1024"})
    assert dict(publication._code_in(tmp_path))
    for stack in publication.STACKS:
        text = (tmp_path / f"{stack}.template.json").read_text()
        assert "/cdk-bootstrap/" not in text
        template = json.loads(for_any_attendee(json.loads(text)))
        assert set(template["Parameters"]) == {"Attendee"}
        functions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
        assert {each["Properties"]["Code"]["S3Bucket"] for each in functions} == {BUCKET}
    assert [each["Properties"]["MemorySize"] for each in functions] == [1024]


def test_the_reason_is_the_apps_last_word(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    said = (
        "Making the function's zip package …\nshow-your-emotions: a note\n"
        "show-your-emotions: pip could not install the function's packages: no network\n"
        "The packages are downloaded once, which needs the network.\npython3 app.py: Subprocess exited with error 1\n"
    )
    with pytest.raises(WorkshopError) as failed:
        synthesise(monkeypatch, f"import sys; sys.stderr.write({said!r}); sys.exit(1)", tmp_path, {})
    assert failed.value.message == "pip could not install the function's packages: no network"
    assert failed.value.hint == "The packages are downloaded once, which needs the network."


def test_what_the_app_does_not_explain_is_shown_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(WorkshopError, match="Traceback of CDK"):
        synthesise(monkeypatch, "print('Traceback of CDK'); raise SystemExit(1)", tmp_path, {})
