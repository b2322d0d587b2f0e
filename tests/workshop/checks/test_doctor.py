"""`emotions doctor`: each problem gets a sentence and a fix, and no check takes long."""

import json
import sys
import time
from pathlib import Path

import pytest

from tests.workshop.answering import Answering, account_with, refusal
from tests.workshop.attendee import Attendee
from workshop.aws.account import Choice
from workshop.checks import doctor
from workshop.terminal.errors import WorkshopError
from workshop.terminal.findings import Finding


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.delenv("CDK_DOCKER", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(doctor, "kept_settings", lambda _project: {})
    return folder


def install(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_without_node_the_fix_is_make_setup(programs: Path):
    assert doctor.node() == Finding("Node", "problem", "Node is not installed; the CDK needs it.", "make setup")


@pytest.mark.parametrize(
    ("version", "verdict"), [("v20.19.0", "problem"), ("v22.0.0", "ok"), ("v24.1.0", "ok"), ("what", "problem")]
)
def test_a_node_past_its_end_of_life_is_a_problem(programs: Path, version: str, verdict: str):
    install(programs, "node", f"echo {version}")
    assert doctor.node().verdict == verdict


def test_the_installed_cdk_is_pinned_and_supports_the_library():
    assert doctor.cdk().verdict == "ok"


def test_a_cli_older_than_the_library_wants_is_a_problem(monkeypatch: pytest.MonkeyPatch):
    """2.99 is older than 2.1148, though its text sorts later."""
    monkeypatch.setattr(doctor, "_cli_that_the_library_needs", lambda: "2.99999.0")
    assert doctor.cdk().verdict == "problem"


def test_a_cli_that_is_not_the_pinned_one_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "package.json").write_text('{"dependencies": {"aws-cdk": "2.1148.1"}}')
    monkeypatch.setattr(doctor, "PROJECT", tmp_path)
    assert doctor.cdk().fix == "make setup"
    installed = tmp_path / "node_modules" / "aws-cdk" / "package.json"
    installed.parent.mkdir(parents=True)
    installed.write_text('{"version": "3.0.0"}')
    assert doctor.cdk() == Finding("CDK", "problem", "The CLI is 3.0.0; this project needs 2.1148.1.", "npm ci")


def test_without_docker_the_zip_package_is_recommended(programs: Path):
    found = doctor.docker()
    assert found.verdict == "warning"
    assert "only Step 5 needs it" in found.says
    assert "emotions settings package=zip" in str(found.fix)


def test_docker_is_not_needed_for_the_zip_package(programs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "kept_settings", lambda _project: {"package": ("zip", "cdk.context.json")})
    assert doctor.docker() == Finding("Docker", "ok", "not needed: the setting is package=zip")


@pytest.mark.parametrize("config", [{"credsStore": "desktop.exe"}, {"credHelpers": {"public.ecr.aws": "desktop.exe"}}])
@pytest.mark.parametrize(
    ("helper", "says"), [(None, "is not installed"), ("echo no session >&2; exit 1", "fails"), ("echo '{}'", "")]
)
def test_a_docker_that_cannot_store_credentials_is_a_warning(
    programs: Path, tmp_path: Path, config: dict[str, object], helper: str | None, says: str
):
    """CDK logs in before it builds. Docker Desktop leaves the name of its helper behind in WSL."""
    install(programs, "docker", """echo '{"Architecture": "x86_64"}'""")
    (tmp_path / "config.json").write_text(json.dumps(config))
    if helper:
        install(programs, "docker-credential-desktop.exe", helper)
    found = doctor.docker()
    assert found.verdict == ("warning" if says else "ok")
    if says:
        assert found.says.endswith(f"names docker-credential-desktop.exe, which {says}.")
        assert "emotions settings package=zip" in str(found.fix)


@pytest.mark.parametrize(
    ("config", "verdict"), [('{"credHelpers": {"gcr.io": "gcloud"}}', "ok"), ("{}", "ok"), ("not JSON", "warning")]
)
def test_the_helper_of_another_registry_does_not_matter(programs: Path, tmp_path: Path, config: str, verdict: str):
    install(programs, "docker", """echo '{"Architecture": "x86_64"}'""")
    (tmp_path / "config.json").write_text(config)
    assert doctor.docker().verdict == verdict


def test_a_stopped_docker_gets_the_command_to_start_it(programs: Path):
    install(programs, "docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    assert "sudo systemctl start docker" in str(doctor.docker().fix)


def test_docker_is_not_needed_for_the_local_aws(programs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert doctor.docker() == Finding("Docker", "ok", "not needed: the local AWS runs the function without it")


def test_docker_on_apple_silicon_gets_the_arm64_setting(programs: Path):
    install(programs, "docker", """echo '{"Architecture": "aarch64"}'""")
    assert "emotions settings architecture=arm64" in str(doctor.docker().fix)


def test_what_cdk_docker_names_is_asked_instead(programs: Path, monkeypatch: pytest.MonkeyPatch):
    """Podman writes its architecture in its own way."""
    monkeypatch.setenv("CDK_DOCKER", "podman")
    install(programs, "podman", """echo '{"host": {"arch": "amd64"}}'""")
    assert doctor.docker() == Finding("Docker", "ok", "podman runs on amd64")


@pytest.mark.parametrize(("free", "verdict"), [(50, "ok"), (2, "warning"), (0.1, "problem")])
def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch, free: float, verdict: str):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": free * 1e9}))
    assert doctor.disk().verdict == verdict


@pytest.mark.parametrize(
    ("region", "verdict"), [("ap-southeast-2", "ok"), ("ap-southeast-4", "problem"), ("eu-north-1", "problem")]
)
def test_a_region_without_rekognition_is_a_problem(region: str, verdict: str):
    """Melbourne has none, Sydney has."""
    assert doctor.region(region).verdict == verdict


@pytest.mark.parametrize(("version", "verdict"), [("33", "ok"), ("6", "ok"), ("5", "problem")])
def test_an_old_bootstrap_is_a_problem(version: str, verdict: str):
    found = doctor.bootstrap(account_with(), Answering({"Parameter": {"Value": version}}))
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("there", "qualifier", "verdict", "says"),
    [
        (["acme"], "acme", "ok", "version 33 with the qualifier acme"),
        (["acme"], "hnb659fds", "problem", "is bootstrapped with another qualifier: acme, not hnb659fds."),
        ([], "acme", "problem", "ap-southeast-2 is not bootstrapped for the CDK with the qualifier acme."),
    ],
)
def test_a_bootstrap_with_a_qualifier_of_its_own_is_seen(there: list[str], qualifier: str, verdict: str, says: str):
    """A second bootstrap beside the organisation's would be bad advice."""

    def parameters(operation: str, asked: dict[str, object]) -> object:
        names = {f"/cdk-bootstrap/{each}/version" for each in there}
        if operation == "get_parameters_by_path":
            return {"Parameters": [{"Name": name} for name in names]}
        if asked["Name"] not in names:
            raise refusal("ParameterNotFound")
        return {"Parameter": {"Value": "33"}}

    found = doctor.bootstrap(account_with(), Answering(parameters), qualifier)
    assert (found.verdict, says in found.says) == (verdict, True)
    assert ('"@aws-cdk/core:bootstrapQualifier": "acme"' in str(found.fix)) == ("another" in says)


def test_the_deployed_template_names_the_qualifier_before_the_context(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "bootstrap_qualifier", lambda: "of-context")
    template = {"Resources": {"F": {"S3Bucket": {"Fn::Sub": "cdk-acme-assets-${AWS::AccountId}-eu-west-1"}}}}
    assert doctor._qualifier(account_with(), Answering({"TemplateBody": template})) == "acme"
    assert doctor._qualifier(account_with(), Answering(refusal("ValidationError"))) == "of-context"


@pytest.mark.parametrize(("limit", "verdict"), [(1000, "ok"), (10, "ok"), (5, "warning")])
def test_a_new_accounts_ten_functions_are_enough(limit: int, verdict: str):
    found = doctor.concurrency(Answering({"AccountLimit": {"ConcurrentExecutions": limit}}))
    assert found.verdict == verdict


@pytest.mark.slow
@pytest.mark.parametrize(("minutes", "verdict"), [(50, "warning"), (90, "ok")])
def test_credentials_that_expire_within_the_hour_are_a_warning(
    attendee: Attendee, monkeypatch: pytest.MonkeyPatch, minutes: int, verdict: str
):
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60 * minutes))
    temporary = {"AWS_SESSION_TOKEN": "token", "AWS_CREDENTIAL_EXPIRATION": ends}
    for name, value in (attendee.environment | temporary).items():
        monkeypatch.setenv(name, value)
    assert doctor.credentials(Choice(), []).verdict == verdict


def test_doctor_explains_a_free_plan_without_rekognition():
    faces = Answering(refusal("SubscriptionRequiredException"))
    found = doctor._without_raising("Rekognition", lambda: doctor.rekognition(account_with(), faces))
    assert found.verdict == "problem"
    assert "free plan" in str(found.fix)


def test_a_hanging_check_is_abandoned_and_the_others_are_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "SECONDS", 0.2)
    checks = [("Slow", lambda: time.sleep(60)), ("Quick", lambda: Finding("Quick", "ok", "here"))]
    started = time.monotonic()
    slow, quick = doctor._side_by_side(checks)  # type: ignore[arg-type]
    assert time.monotonic() - started < 5
    assert slow.verdict == "warning"
    assert quick.says == "here"


def test_a_check_that_fails_is_a_finding_and_not_a_traceback():
    def fail() -> Finding:
        raise WorkshopError("It is broken.", "Mend it.")

    assert doctor._without_raising("Thing", fail) == Finding("Thing", "problem", "It is broken.", "Mend it.")


@pytest.mark.slow
def test_doctor_without_configuration_says_what_to_do(attendee: Attendee):
    nothing = {name: None for name in attendee.environment if name.startswith("AWS_") and "METADATA" not in name}
    ran = attendee.run("doctor", **nothing)
    assert ran.exit_code == 1
    assert "problem  Credentials" in ran.stdout
    assert "export AWS_REGION=ap-southeast-2" in ran.stdout
    elsewhere = attendee.run("--region", "eu-north-1", "doctor", **nothing)
    assert "problem  Credentials" in elsewhere.stdout
    assert "problem  Region         eu-north-1 has no Rekognition." in elsewhere.stdout


@pytest.mark.slow
def test_doctor_gives_the_bootstrap_command_if_it_is_missing(attendee: Attendee):
    ran = attendee.run("--attendee", "simon", "doctor")
    assert "ap-southeast-2 is not bootstrapped for the CDK." in ran.stdout
    assert "→ npx cdk bootstrap" in ran.stdout
    assert ran.exit_code == 1


@pytest.mark.slow
def test_a_region_without_rekognition_ends_the_checks(attendee: Attendee):
    ran = attendee.run("--region", "ap-southeast-4", "doctor")
    assert "problem  Region         ap-southeast-4 has no Rekognition." in ran.stdout
    assert "Bootstrap" not in ran.stdout


@pytest.mark.slow
def test_findings_are_values_in_json(attendee: Attendee):
    ran = attendee.run("doctor", "--json")
    subjects = [finding["subject"] for finding in json.loads(ran.stdout)]
    assert subjects == [
        "Python", "Node", "CDK", "Docker", "Disk", "Credentials", "Region", "Bootstrap", "Lambda", "Rekognition",
    ]  # fmt: skip


@pytest.mark.slow
def test_no_network_ends_within_seconds_and_says_so(attendee: Attendee):
    started = time.monotonic()
    ran = attendee.run("doctor", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert time.monotonic() - started < 20
    assert "could not be reached" in ran.stdout
    assert ran.exit_code == 1
