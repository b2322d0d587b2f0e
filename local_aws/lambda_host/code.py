"""Finds a function's files: its zip file, or the folder that its image is built from."""

import json
import platform
import re
import shlex
import shutil
import sys
import threading
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from local_aws.errors import LocalAwsError
from local_aws.lambda_host.function import Function

_BASE_IMAGE = re.compile(r"(?im)^FROM\s.*?lambda/(?P<language>python|nodejs):(?P<version>\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Code:
    """A function's files and how to start them. `runtime` is Lambda's identifier, such as python3.13."""

    task_root: Path
    runtime: str
    handler: str
    environment: dict[str, str] = field(default_factory=dict)


class CodeStore:
    """Puts each function's files into a separate folder below `folder`, once per version of the code.

    `assemblies` are the cloud assemblies (`cdk.out` folders) that image functions were deployed from. CDK tags an image
    with its asset's hash and stages the build context as `asset.<hash>`. That folder replaces the image's /var/task.
    The packages of the running Python replace the image's own, which come from the same lock files. In a zip file, they
    replace only what is compiled for another Python or another machine.
    """

    def __init__(self, folder: Path, assemblies: Iterable[Path] = ()) -> None:
        self._folder = folder
        self.assemblies = list(assemblies)
        self._one_at_a_time = threading.Lock()

    def of(self, function: Function, download: Callable[[], bytes]) -> Code:
        """The code of `function`. `download` returns its zip file, if it has no image.

        Raises LocalAwsError if an image's build context is in none of the assemblies.
        """
        with self._one_at_a_time:
            return self._image(function, function.image) if function.image else self._zip(function, download)

    def _zip(self, function: Function, download: Callable[[], bytes]) -> Code:
        # Functions with the same code share a folder: those of sixty accounts, for example.
        task_root = self._folder / f"zip-{re.sub(r'[^0-9A-Za-z]', '_', function.code_sha256)}"
        if not task_root.exists():
            # A name of its own until it is complete: an interrupted extraction must not count as the function's code.
            extracting = task_root.with_suffix(".part")
            with zipfile.ZipFile(BytesIO(download())) as archive:
                archive.extractall(extracting)
            if not _runs_here(function):
                _remove_compiled_packages(extracting)
            extracting.rename(task_root)
        return Code(task_root, function.runtime, function.handler)

    def _image(self, function: Function, image: str) -> Code:
        tag = image.rpartition(":")[2]
        task_root = self._folder / f"image-{tag}"
        if not task_root.exists():
            # Copy: the next synth can overwrite the assembly, and Python must not write byte code into it.
            shutil.copytree(self._build_context(image, tag), task_root)
        return _in_image(task_root, function.command)

    def _build_context(self, image: str, tag: str) -> Path:
        for assembly in self.assemblies:
            # The tag can have a prefix (the synthesizer's dockerTagPrefix); its last 64 digits are the hash.
            staged = assembly / f"asset.{tag[-64:]}"
            if staged.is_dir():
                return staged
        looked_in = ", ".join(str(assembly) for assembly in self.assemblies) or "any folder"
        raise LocalAwsError(
            f"The files of image {image} were not found in {looked_in}; deploy from the folder with cdk.json, so that "
            "its cdk.out holds them."
        )


def _runs_here(function: Function) -> bool:
    """Whether this machine and Python can load modules that are compiled for the function's runtime."""
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return (sys.platform, machine, python) == ("linux", function.architecture, function.runtime)


def _remove_compiled_packages(folder: Path) -> None:
    """Remove each top-level package and module that has compiled parts, so that .venv's own is imported."""
    compiled = {folder / file.relative_to(folder).parts[0] for file in folder.rglob("*.so*")}
    for package in compiled:
        if package.is_dir():
            shutil.rmtree(package)
        else:
            package.unlink()


def _in_image(task_root: Path, command: tuple[str, ...]) -> Code:
    """The code of an image, as its Dockerfile defines it: the base image's runtime, ENV and CMD."""
    dockerfile = (task_root / "Dockerfile").read_text().replace("\\\n", " ")
    base = _BASE_IMAGE.search(dockerfile)
    if not base:
        raise LocalAwsError("The Dockerfile is not based on an AWS image for Python or Node.js, so it needs Docker.")
    environment: dict[str, str] = {}
    for line in dockerfile.splitlines():
        instruction, _, arguments = line.strip().partition(" ")
        if instruction.upper() == "ENV":
            environment.update(pair.partition("=")[::2] for pair in shlex.split(arguments) if "=" in pair)
        elif instruction.upper() == "CMD" and not command:
            command = tuple(json.loads(arguments))
    if not command:
        raise LocalAwsError('The Dockerfile names no handler; end it with CMD ["module.function"].')
    suffix = ".x" if base["language"].lower() == "nodejs" else ""
    return Code(task_root, f"{base['language'].lower()}{base['version']}{suffix}", command[-1], environment)


def downloaded(url: str) -> bytes:
    """The zip file at the URL in GetFunction's answer, which is on this machine."""
    with _DIRECT.open(url, timeout=30) as answer:
        content: bytes = answer.read()
        return content


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
