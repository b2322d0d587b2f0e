"""The function does not need the files that the Docker build removes from the image."""

import ast
import gzip
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import botocore
import pytest

from tests.annotator.hostile import files
from tests.annotator.playing import play

CONTEXT = Path(__file__).parents[2] / "lambda" / "photo_annotator"
PROJECT = CONTEXT.parents[1]
PACKAGES = re.findall(r"(?m)^([a-z0-9-]+)==", (CONTEXT / "requirements.txt").read_text())


def _trim_script():
    spec = spec_from_file_location("trim", CONTEXT / "trim.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


trim = _trim_script()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The packages of requirements.txt as installed by pip and trimmed, with the function's own code."""
    packages = tmp_path_factory.mktemp("image")
    for name in PACKAGES:
        _copy(distribution(name), packages)
    subprocess.run([sys.executable, CONTEXT / "trim.py", packages], check=True)
    (packages / "annotator").symlink_to(CONTEXT / "annotator")
    return packages


def _copy(package, folder):
    for file in package.files:
        source = Path(package.locate_file(file))
        if ".." not in file.parts and source.suffix != ".pyc":
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Do not link files that trim.py writes: a bug there would change the packages of every checkout.
                (shutil.copy2 if file.parts[0] == "botocore" else os.link)(source, target)
            except OSError:
                shutil.copy2(source, target)


def in_image(image, code):
    """The output of `code` in a process with the image's packages and, after them, those of the tests."""
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(image),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "ap-southeast-2",
        "BOTO_DISABLE_CRT": "true",
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.append({str(PROJECT)!r})\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_the_trimmed_image_annotates_every_kind_of_photo(image):
    """From the handler's import to the stored result, with real botocore clients and every decoder."""
    code = """
import cv2, numpy, botocore, PIL, pi_heif
from types import SimpleNamespace
from annotator import handler
from tests.annotator.aws_in_memory import AwsInMemory
from tests.annotator.heic import heic
from tests.annotator.photos import announcement, encoded, message, quarters
aws = AwsInMemory()
in_memory = aws.function()
handler._in_this_process = lambda: in_memory
photos = {kind: encoded(quarters(), kind) for kind in ("JPEG", "PNG", "WebP", "AVIF", "GIF", "TIFF", "BMP")}
photos["HEIC"] = heic(quarters())
for name, photo in photos.items():
    event = message(announcement(aws.upload(name, photo)))
    answer = handler.handle({"Records": [event]}, SimpleNamespace(aws_request_id="1"))
    assert answer == {"batchItemFailures": []}, answer
print("statuses", *(f"{name}:{aws.result(name)['status']}" for name in photos))
for module in (cv2, numpy, botocore, PIL, pi_heif):
    print("from", module.__file__)
"""
    printed = in_image(image, code)
    kinds = ("JPEG", "PNG", "WebP", "AVIF", "GIF", "TIFF", "BMP", "HEIC")
    assert [word for word in printed if word.endswith(":annotated")] == [f"{kind}:annotated" for kind in kinds]
    assert all(word.startswith(str(image)) for word in printed[printed.index("from") + 1 :] if word != "from")


@pytest.mark.slow
def test_cis_image_check_passes_with_the_trimmed_packages(image):
    script = (PROJECT / "tests" / "security" / "in_the_image.py").read_text()
    assert "encodes;" in in_image(image, script)


def test_the_image_does_not_get_what_only_the_commands_need():
    """`aws login` needs awscrt, 12 MB of it; a function has its role."""
    assert "botocore" in PACKAGES
    assert not {"awscrt", "boto3"} & set(PACKAGES)


def test_the_image_has_every_operation_that_the_function_calls():
    called = {"s3": set(), "rekognition": set()}
    for node in ast.walk(ast.parse((CONTEXT / "annotator" / "cloud.py").read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            service, method = node.value.attr.lstrip("_"), node.attr
            if service in called and method not in ("get_paginator", "exceptions"):
                called[service].add(method.title().replace("_", ""))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_paginator":
            paginated = node.args[0].value.title().replace("_", "")
            called["rekognition" if "Face" in paginated else "s3"].add(paginated)
    assert called["s3"] >= {"GetObject", "PutObject"}
    assert called["rekognition"] >= {"IndexFaces", "ListFaces"}
    assert called["s3"] | {"HeadBucket"} == trim.OPERATIONS["s3"]
    assert called["rekognition"] == trim.OPERATIONS["rekognition"]
    asked = re.findall(r"_connect\(\)\.(\w+)\(", (CONTEXT / "annotator" / "inbox.py").read_text())
    assert {method.title().replace("_", "") for method in asked} == trim.OPERATIONS["sqs"]


def _model(folder, service):
    """A service's model as its file has it; botocore's own loader would remember what other tests did to it."""
    (model,) = (folder / "data" / service).glob("*/service-2.json.gz")
    return json.loads(gzip.decompress(model.read_bytes()))


@pytest.mark.slow
def test_a_cut_model_says_the_same_of_its_operations(image):
    """Every error, constraint and shape that is left is botocore's own, but for the prose, and none is missing."""
    for service, operations in trim.OPERATIONS.items():
        kept, whole = _model(image / "botocore", service), _model(Path(botocore.__file__).parent, service)
        assert kept["operations"].keys() == operations
        assert kept["metadata"] == whole["metadata"]
        assert len(kept["shapes"]) < len(whole["shapes"]) / 2
        for name, shape in kept["shapes"].items():
            assert shape.keys() | {"documentation"} == whole["shapes"][name].keys() | {"documentation"}
            assert shape.get("members", {}).keys() == whole["shapes"][name].get("members", {}).keys()
        text = json.dumps([kept["operations"], kept["shapes"]])
        assert set(re.findall(r'"shape": "(\w+)"', text)) == kept["shapes"].keys()
        assert '"documentation": "' not in text


@pytest.mark.slow
def test_the_images_clients_have_botocores_endpoint_in_every_region(image):
    """A partition that lacks Rekognition, such as China's, must not hide those that come after it."""
    from infra.regions import INDEX_FACES_PER_SECOND

    code = f"""
import os
from functools import cache
from botocore.loaders import JSONFileLoader
from annotator import cloud, inbox
read = cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda _self, path: read(path)  # each file once, rather than for each region
os.environ |= dict(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
for region in {sorted(INDEX_FACES_PER_SECOND)}:
    os.environ["AWS_DEFAULT_REGION"] = region
    print(*(client.meta.endpoint_url for client in (*cloud.clients(), inbox.client())))
"""
    with_the_packages_as_pip_installed_them = in_image(CONTEXT, code)
    assert len(with_the_packages_as_pip_installed_them) == 3 * len(INDEX_FACES_PER_SECOND)
    assert in_image(image, code) == with_the_packages_as_pip_installed_them


@pytest.mark.slow
def test_the_image_has_only_the_endpoints_of_its_services(image):
    kept, whole = (
        json.loads((folder / "data" / "endpoints.json").read_text())
        for folder in (image / "botocore", Path(botocore.__file__).parent)
    )
    for partition in whole["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in trim.OPERATIONS if name in services}
    assert kept == whole


@pytest.mark.slow
def test_every_supported_format_opens_in_the_image(image, tmp_path):
    """Pillow and OpenCV load some of their parts only for certain formats."""
    kinds = [each for each in files() if each.name.startswith("kind-") and not each.heavy]
    usual, _ = play(tmp_path, kinds, timeout=60)
    in_image_, last_words = play(tmp_path, kinds, timeout=60, packages=image)
    assert len(kinds) > 40
    assert [(each.name, each.status) for each in in_image_] == [(each.name, each.status) for each in usual], last_words


@pytest.mark.slow
def test_the_image_trusts_only_amazons_authorities(image):
    """All that Amazon Trust Services recommends. The installed packages, before trimming, keep all authorities."""
    authorities = ssl.create_default_context(cafile=image / "botocore" / "cacert.pem").get_ca_certs()
    names = {dict(pair for (pair,) in authority["subject"])["commonName"] for authority in authorities}
    assert names == trim.AUTHORITIES
    whole = ssl.create_default_context(cafile=Path(botocore.__file__).with_name("cacert.pem"))
    assert len(whole.get_ca_certs()) > 100


def test_the_build_fails_if_an_authority_is_missing():
    bundle = "".join(f'# Label: "{name}"\n-----BEGIN\nEND CERTIFICATE-----\n' for name in trim.AUTHORITIES)
    assert trim._of_our_authorities(bundle)
    with pytest.raises(LookupError, match="have no Amazon Root CA 3"):
        trim._of_our_authorities(bundle.replace("Root CA 3", "Root CA 9"))


def test_trim_removes_nested_matches(tmp_path):
    (tmp_path / "tests" / "tests").mkdir(parents=True)
    trim._remove(tmp_path.glob("**/tests"))
    assert not any(tmp_path.iterdir())


def test_trim_does_not_change_the_target_of_a_link(tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.write_bytes(b"whole")
    ours.hardlink_to(theirs)
    trim._replace(ours, b"cut")
    assert (ours.read_bytes(), theirs.read_bytes()) == (b"cut", b"whole")


@pytest.mark.slow
def test_the_image_contains_nothing_that_trim_removes(image):
    assert [file for pattern in trim._UNUSED for file in image.glob(pattern)] == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the image holds Linux's packages")
def test_the_image_is_a_tenth_smaller_than_what_pip_installs(image):
    names = [
        line.partition("==")[0] for line in (CONTEXT / "requirements.txt").read_text().splitlines() if "==" in line
    ]
    installed = sum(file.size or 0 for name in names for file in distribution(name).files if file.suffix != ".pyc")
    # Tests before this one may have left compiled files there.
    files_left = [file for file in image.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    left = sum(file.lstat().st_size for file in files_left if "annotator" not in file.parts)
    assert left < installed * 0.9
