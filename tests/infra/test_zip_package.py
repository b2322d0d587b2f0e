"""The function as a zip package: what is in it, when it is made, and what is said where it cannot be made."""

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest
from aws_cdk import App

from app import compose
from infra import zip_package
from infra.settings import WorkshopSettings
from infra.zip_package import CannotPackage, make_zip
from tests.infra.conftest import ACCOUNT, REGION, cdk_context, synthesise

DOCKERFILE = zip_package.CONTEXT / "Dockerfile"


def wheel(folder: Path, tag: str) -> None:
    """A wheel of the package `tiny` with this tag, such as cp313-cp313-manylinux_2_28_x86_64."""
    with zipfile.ZipFile(folder / f"tiny-1.0-{tag}.whl", "w") as archive:
        archive.writestr("tiny/__init__.py", f"tag = {tag!r}\n")
        archive.writestr("tiny/unused.txt", "trim.py removes this")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")


@pytest.fixture
def context(tmp_path, monkeypatch) -> Path:
    """A function with one pinned package, which pip finds in a folder instead of the network."""
    wheels, context = tmp_path / "wheels", tmp_path / "context"
    wheels.mkdir()
    (context / "annotator").mkdir(parents=True)
    (context / "annotator" / "handler.py").write_text("answer = 1\n")
    (context / "trim.py").write_text("import pathlib, sys\npathlib.Path(sys.argv[1], 'tiny/unused.txt').unlink()\n")
    for tag in ("cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_28_aarch64", "cp313-cp313-win_amd64"):
        wheel(wheels, tag)
    hashes = [f"--hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in wheels.iterdir()]
    (context / "requirements.txt").write_text(f"tiny==1.0 {' '.join(hashes)}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setattr(zip_package, "CONTEXT", context)
    monkeypatch.setattr(zip_package, "CACHE", tmp_path / "cache")
    return context


def contents(package: Path) -> dict[str, str]:
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}


@pytest.mark.parametrize(
    ("architecture", "tag"), [("x86_64", "manylinux_2_17_x86_64"), ("arm64", "manylinux_2_28_aarch64")]
)
def test_the_package_has_lambdas_wheels_trimmed_and_the_code(context, tmp_path, architecture, tag):
    made = tmp_path / "made.zip"
    make_zip(architecture, made)
    files = contents(made)
    sources = {name for name in files if not name.endswith(".pyc")}
    assert sources >= {"annotator/handler.py", "tiny/__init__.py"}
    assert "tiny/unused.txt" not in files
    assert files["tiny/__init__.py"] == f"tag = 'cp313-cp313-{tag}'\n"
    with zipfile.ZipFile(made) as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_a_change_of_the_code_needs_no_second_download(context, tmp_path, monkeypatch):
    before = make_zip("x86_64", tmp_path / "before.zip")
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert make_zip("x86_64", tmp_path / "again.zip") == before
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "before.zip").read_bytes()
    (context / "annotator" / "handler.py").write_text("answer = 2\n")
    assert make_zip("x86_64", tmp_path / "after.zip") != before
    assert contents(tmp_path / "after.zip")["annotator/handler.py"] == "answer = 2\n"


def test_a_changed_lock_is_installed_and_replaces_the_old_packages(context, tmp_path, monkeypatch):
    make_zip("x86_64", tmp_path / "made.zip")
    lock = context / "requirements.txt"
    lock.write_text(lock.read_text() + "# another\n")
    make_zip("x86_64", tmp_path / "made.zip")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_synth_deletes_no_package_that_another_has_just_made(context, tmp_path, monkeypatch):
    """The other one is about to read it."""
    install, deleted = zip_package._install, []

    def overtaken(*arguments) -> None:
        monkeypatch.setattr(zip_package, "_install", install)
        make_zip("x86_64", tmp_path / "other.zip")
        install(*arguments)

    monkeypatch.setattr(zip_package, "_install", overtaken)
    monkeypatch.setattr(Path, "unlink", lambda file, **_: deleted.append(file))
    make_zip("x86_64", tmp_path / "made.zip")
    assert deleted == []
    assert (tmp_path / "made.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


@pytest.mark.skipif(not zip_package._python_of_lambda(), reason="only Lambda's Python compiles for it")
def test_byte_code_is_valid_whenever_the_files_were_made(context, tmp_path):
    make_zip("x86_64", tmp_path / "made.zip")
    with zipfile.ZipFile(tmp_path / "made.zip") as archive:
        for module in ("tiny/__pycache__/__init__", "annotator/__pycache__/handler"):
            assert archive.read(f"{module}.cpython-313.pyc")[4:8] == b"\x01\0\0\0"  # PEP 552: hash-based, unchecked


def test_without_the_network_one_sentence_says_so(context, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS")
    with pytest.raises(CannotPackage, match=r"(?s)could not install .*tiny==1\.0.*needs the network"):
        make_zip("x86_64", tmp_path / "made.zip")
    assert list((tmp_path / "cache").iterdir()) == []


def test_attendees_get_a_pinned_pip():
    """The pip that comes with Python 3.11 compares the packages with its own Python, not with Lambda's."""
    lock = Path(__file__).parents[2] / "requirements.txt"
    assert re.search(r"^pip==", lock.read_text(), re.MULTILINE)


def test_a_package_with_another_hash_is_refused(context, tmp_path):
    lock = context / "requirements.txt"
    lock.write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", lock.read_text()))
    with pytest.raises(CannotPackage, match="HASHES"):
        make_zip("x86_64", tmp_path / "made.zip")


def test_a_package_too_large_for_lambda_is_refused_with_what_is_largest(context, tmp_path, monkeypatch):
    (context / "annotator" / "model.bin").write_bytes(bytes(3_000_000))
    monkeypatch.setattr(zip_package, "LARGEST", 2_000_000)
    with pytest.raises(CannotPackage, match=r"have 3\.0 MB unpacked; Lambda takes 2\.0 MB\. .* annotator 3\.0 MB"):
        make_zip("x86_64", tmp_path / "made.zip")


def test_the_zip_function_differs_from_the_image_only_in_its_code(context, tmp_path, assembly):
    zipped = synthesise(tmp_path / "cdk.out", {"attendee": "simon", "package": "zip"}, nag=False)
    changed = {name for name, resource in zipped.resources.items() if resource != assembly.resources[name]}
    (name,) = (name for name in changed if zipped.resources[name]["Type"] == "AWS::Lambda::Function")
    assert changed == {name}
    theirs, ours = assembly.resources[name]["Properties"], zipped.resources[name]["Properties"]
    assert (ours["Runtime"], ours["Handler"]) == ("python3.13", "annotator.handler.handle")
    assert ours["Environment"]["Variables"].items() > theirs["Environment"]["Variables"].items()
    own = {"Code", "Environment", "Runtime", "Handler", "PackageType"}
    assert {k: v for k, v in ours.items() if k not in own} == {k: v for k, v in theirs.items() if k not in own}
    assert json.loads((zipped.folder / "Serverless.assets.json").read_text()).get("dockerImages", {}) == {}
    assert zipped.asset_zip("annotator/handler.py") == zipped.asset_zip("tiny/__init__.py")


def test_the_zip_function_has_the_images_environment_and_handler(context, tmp_path):
    settings = {"package": "zip", "architecture": "arm64"}
    function = synthesise(tmp_path / "cdk.out", settings, nag=False).one("AWS::Lambda::Function", "Annotator")
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    (declared,) = re.findall(r"(?m)^ENV (.*)$", text)
    in_image = dict(pair.split("=", 1) for pair in declared.split())
    assert function["Environment"]["Variables"].items() >= in_image.items()
    assert f'CMD ["{function["Handler"]}"]' in text
    assert f"lambda/python:{function['Runtime'].removeprefix('python')}." in text
    assert function["Architectures"] == ["arm64"]


@pytest.mark.parametrize(
    ("settings", "context"),
    [({}, {}), ({"package": "zip"}, {"aws:cdk:bundling-stacks": []})],
    ids=["the image", "destroying the zip"],
)
def test_no_package_is_made_where_none_is_deployed(tmp_path, monkeypatch, settings, context):
    monkeypatch.setattr(zip_package, "CACHE", tmp_path / "cache")
    monkeypatch.setattr("infra.photo_annotator.make_zip", lambda *_: pytest.fail("made a package"))
    app = App(context=cdk_context() | context, outdir=str(tmp_path / "cdk.out"))
    compose(app, WorkshopSettings.from_context(settings, REGION), ACCOUNT)
