"""What our image adds to AWS's base image, made here without Docker from the virtual environment's packages.

The folder is what the Dockerfile makes of /var/task: the packages of requirements.txt, trimmed by the same script and
compiled in the same way, and the function's own code. Files are counted as they lie there, not compressed.
"""

import compileall
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from py_compile import PycInvalidationMode
from zipfile import ZipFile

from bench.measuring import Figure
from bench.photos import BUILD, PROJECT
from infra.zip_package import LARGEST, make_zip

CONTEXT = PROJECT / "lambda" / "photo_annotator"


def task_root(context: Path = CONTEXT, name: str = "image") -> Path:
    """Build the folder build/bench/NAME from this build context and return it."""
    image = BUILD / name
    shutil.rmtree(image, ignore_errors=True)
    image.mkdir(parents=True)
    for package in _packages():
        _copy(package, image)
    subprocess.run([sys.executable, context / "trim.py", image], check=True)
    shutil.copytree(context / "annotator", image / "annotator", ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(image, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return image


def without_byte_code(image: Path) -> Path:
    """The same folder as a zip package has it that no Python of Lambda's version has compiled."""
    package = BUILD / f"{image.name}-without-byte-code"
    shutil.rmtree(package, ignore_errors=True)
    return Path(shutil.copytree(image, package, ignore=shutil.ignore_patterns("__pycache__")))


def zip_package() -> list[Figure]:
    """What Lambda counts of the zip package, and what is uploaded of it. pip downloads its packages once."""
    BUILD.mkdir(parents=True, exist_ok=True)
    made, limit = BUILD / "function.zip", LARGEST
    make_zip("x86_64", made)
    with ZipFile(made) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    ours = f"{unpacked / 1e6:.0f} MB, {made.stat().st_size / 1e6:.0f} MB zipped"
    return [
        Figure("the zip package, unpacked", ours, f"{limit / 1e6:.0f} MB, Lambda's limit", unpacked / limit, "<= 1")
    ]


def figures(image: Path) -> list[Figure]:
    """The size of the image's packages against the same as pip installs and compiles them."""
    installed = sum(_size(Path(str(package.locate_file(file)))) for package in _packages() for file in _files(package))
    added = size(image)
    return [
        Figure(
            "added to the base image",
            f"{added / 1e6:.0f} MB",
            f"{installed / 1e6:.0f} MB, the same packages as pip installs them",
            added / installed,
            "<= 0.85",
        )
    ]


def size(image: Path) -> int:
    """Bytes of all its files."""
    return sum(_size(file) for file in image.rglob("*"))


def _packages() -> list[Distribution]:
    pinned = re.findall(r"(?m)^([a-z0-9-]+)==", (CONTEXT / "requirements.txt").read_text())
    return [distribution(name) for name in pinned]


def _files(package: Distribution) -> list[str]:
    return [str(file) for file in package.files or () if not str(file).startswith("..")]


def _copy(package: Distribution, folder: Path) -> None:
    for file in _files(package):
        source = Path(str(package.locate_file(file)))
        if source.suffix != ".pyc" and source.exists():
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _size(file: Path) -> int:
    return file.lstat().st_size if file.is_file() else 0
