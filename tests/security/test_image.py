"""The contents of the function's image, and the files that a deployment sends to AWS."""

import json
import re
from pathlib import Path

import pytest
from aws_cdk import App

from app import compose
from infra.settings import WorkshopSettings
from tests.infra.conftest import ACCOUNT, PROJECT, REGION, cdk_context

IMAGE = PROJECT / "lambda" / "photo_annotator"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, each on one line and without comments."""
    text = re.sub(r"^\s*#.*\n", "", (IMAGE / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def arguments(instruction: str) -> list[str]:
    return [rest for name, rest in instructions() if name == instruction]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory) -> Path:
    """The files that a deployment sends: template and assets."""
    folder = tmp_path_factory.mktemp("cdk.out")
    app = App(context=cdk_context(), outdir=str(folder))
    compose(app, WorkshopSettings.from_context({}, REGION), ACCOUNT)
    app.synth()
    return folder


def files_sent(assembly: Path, asset: str) -> set[str]:
    folder = assembly / asset
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def image_sent(assembly: Path) -> set[str]:
    (image,) = json.loads((assembly / "Serverless.assets.json").read_text())["dockerImages"].values()
    return files_sent(assembly, image["source"]["directory"])


def test_the_image_runs_as_an_unprivileged_user():
    assert arguments("USER") == ["65534"]
    after = [name for name, _ in instructions()][[name for name, _ in instructions()].index("USER") :]
    assert after == ["USER", "CMD"]


def test_the_build_checks_late_imports_too():
    """A failed import in the image must fail the build, not the first photo."""
    (tried,) = [run for run in arguments("RUN") if "python -c " in run]
    for module in ("annotator.handler", "annotator.imaging", "PIL.Image", "pi_heif"):
        assert module in tried


def test_the_base_image_is_one_build_of_awss_own():
    (base,) = arguments("FROM")
    assert re.fullmatch(r"public\.ecr\.aws/lambda/python:3\.13\.\d{4}\.\d\d\.\d\d\.\d\d", base)


def test_packages_are_wheels_pinned_by_hash_without_a_cache():
    (installs,) = [run for run in arguments("RUN") if "pip install" in run]
    assert installs.count("pip install") == 1
    for option in ("--no-cache-dir", "--require-hashes", "--only-binary :all:"):
        assert option in installs
    named = (IMAGE / "requirements.txt").read_text()
    assert len(re.findall(r"^[a-z0-9._-]+==", named, re.MULTILINE)) >= 5
    assert "http" not in named


def test_the_build_uses_no_other_package_manager_or_download():
    for run in arguments("RUN"):
        assert not re.search(r"\b(apt|apt-get|dnf|microdnf|yum|rpm|apk|npm|curl|wget)\b", run)
    assert arguments("ADD") == []
    assert arguments("ARG") == []
    assert not re.search(r"key|secret|token|password", " ".join(arguments("ENV")), re.IGNORECASE)


def test_the_build_context_contains_exactly_the_copied_files(assembly):
    """If `.dockerignore` excluded a file that is copied, the build would fail in every account."""
    sent = image_sent(assembly)
    copied = {name.rstrip("/") for line in arguments("COPY") for name in line.split()[:-1]}
    for name in copied:
        assert name in sent or any(file.startswith(f"{name}/") for file in sent), name
    parts = {file.split("/")[0] for file in sent}
    assert parts <= copied | {"Dockerfile", ".dockerignore"}


def test_only_the_functions_own_sources_are_sent_to_aws(assembly):
    sent = image_sent(assembly)
    foundation = json.loads((assembly / "Foundation.assets.json").read_text())
    for asset in foundation["files"].values():
        if asset["source"]["packaging"] == "zip":
            sent |= files_sent(assembly, asset["source"]["path"])
    allowed = re.compile(r"(Dockerfile|\.dockerignore|requirements\.txt|[\w/]+\.py|[\w/]+\.schema\.json|index\.js)")
    assert {file for file in sent if not allowed.fullmatch(file)} == set()
    assert not any("test" in file or "__pycache__" in file for file in sent)
