"""The function as a zip package: made with pip instead of Docker, from the same lock file and code as the image.

pip downloads the wheels for Lambda's platform and Python, whatever this computer is, and trim.py removes from them what
it removes from the image. The packages are kept in build/ and made again only if the lock file, trim.py or this module
changes, so a change of the function's own code needs no network.
"""

import hashlib
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infra.settings import Architecture
from infra.sources import source_files

PYTHON = (3, 13)
"""The version in Lambda: that of the image and of its lock file."""

LARGEST = 250 * 2**20
"""Bytes that a function's code may have unpacked (Lambda developer guide, "Lambda quotas")."""

CONTEXT = Path(__file__).parents[1] / "lambda" / "photo_annotator"
CACHE = Path(__file__).parents[1] / "build" / "packages"

_UNFINISHED = "unfinished-"
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip file has no time before it


class CannotPackage(Exception):
    """The zip package cannot be made, or is too large for Lambda. The message says why and what to do."""


def make_zip(architecture: Architecture, to: Path) -> str:
    """Write the function's zip package to the file `to`. Returns a hash of everything that it is made from.

    Raises CannotPackage.
    """
    python = _python_of_lambda()
    packages = _packages(architecture, python)
    digest = hashlib.sha256(packages.stem.encode())
    shutil.copyfile(packages, to)
    with TemporaryDirectory() as folder, ZipFile(to, "a", ZIP_DEFLATED) as package:
        for name, content in source_files(CONTEXT / "annotator"):
            digest.update(f"{name}\n{len(content)}\n".encode() + content)
            copy = Path(folder, "annotator", name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
        _add_folder(package, Path(folder), python)
        _check_size(package, architecture)
    return digest.hexdigest()


def _packages(architecture: Architecture, python: str | None) -> Path:
    """A zip file of the trimmed packages, named by what it is made from. Makes it if there is none."""
    lock, trim = CONTEXT / "requirements.txt", CONTEXT / "trim.py"
    recipe = hashlib.sha256()
    for part in (lock.read_bytes(), trim.read_bytes(), Path(__file__).read_bytes(), str(bool(python)).encode()):
        recipe.update(hashlib.sha256(part).digest())
    made = CACHE / f"{architecture}-{recipe.hexdigest()}.zip"
    if made.exists():
        return made
    print("Making the function's zip package: pip downloads about 80 MB, once …", file=sys.stderr)
    if not python:
        print(
            "There is no Python {}.{} on this computer to compile it, so the function will start about half a second "
            "later after a pause.".format(*PYTHON),
            file=sys.stderr,
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    for stopped in CACHE.glob(f"{_UNFINISHED}*"):  # Ctrl-C ends a synth without tidying up
        if stopped.stat().st_mtime < time.time() - 3600:
            shutil.rmtree(stopped, ignore_errors=True)
    # On the same disk as the cache, so that a finished file can be renamed: another synth may run meanwhile.
    with TemporaryDirectory(prefix=_UNFINISHED, dir=CACHE) as name:
        folder = Path(name)
        _install(lock, architecture, folder / "packages")
        subprocess.run([sys.executable, trim, folder / "packages"], check=True)
        with ZipFile(folder / "made.zip", "x", ZIP_DEFLATED) as package:
            _add_folder(package, folder / "packages", python)
        for found in CACHE.glob(f"{architecture}-*.zip"):
            if found != made:  # another synth may have just made it, and read it now
                found.unlink(missing_ok=True)
        (folder / "made.zip").rename(made)
    return made


def _install(lock: Path, architecture: Architecture, folder: Path) -> None:
    """Install what the lock file pins, as wheels for Lambda, into `folder`."""
    # pip takes a platform literally: 2_28 does not include wheels that are tagged for an older glibc.
    machine = _MACHINES[architecture]
    platforms = [f"--platform={glibc}_{machine}" for glibc in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
    version = ".".join(map(str, PYTHON))
    options = (
        "--quiet --disable-pip-version-check --no-input --no-deps --no-compile --only-binary :all: --require-hashes "
        f"--implementation cp --python-version {version}"
    )
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        *options.split(),
        *platforms,
        "--target",
        str(folder),
        "-r",
        str(lock),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")] or done.stderr.splitlines()
        raise CannotPackage(
            "pip could not install the function's packages: "
            f"{errors[0].replace('ERROR: ', '') if errors else f'it ended with {done.returncode}'}\n"
            "The packages are downloaded once, which needs the network."
        )


def _python_of_lambda() -> str | None:
    """A Python of Lambda's version on this computer, or None. Only it can compile the modules in advance.

    Without byte code, Lambda compiles every module that is imported at each cold start; docs/performance.md says what
    that costs.
    """
    if sys.version_info[:2] == PYTHON:
        return sys.executable
    python = shutil.which("python{}.{}".format(*PYTHON))
    # pyenv's stand-in for a version that is not selected is on the path, but does not run.
    if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
        return python
    return None


def _add_folder(package: ZipFile, folder: Path, python: str | None) -> None:
    """Add all files of `folder`, and their byte code if there is a `python` to compile it."""
    if python:
        # As in the image: byte code that is valid whatever a file's time stamp, with the paths that it has in Lambda.
        arguments = f"-m compileall -q --invalidation-mode unchecked-hash -s {shlex.quote(str(folder))} -p /var/task"
        # Some packages have modules for other versions of Python only, which do not compile.
        subprocess.run([python, *shlex.split(arguments), folder], capture_output=True, check=False)
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            entry = ZipInfo(file.relative_to(folder).as_posix(), _EARLIEST)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16  # readable by Lambda's user, whatever this computer's umask
            package.writestr(entry, file.read_bytes())


def _check_size(package: ZipFile, architecture: Architecture) -> None:
    size: Counter[str] = Counter()
    for entry in package.infolist():
        size[entry.filename.partition("/")[0]] += entry.file_size
    if size.total() > LARGEST:
        raise CannotPackage(
            f"The function's zip package for {architecture} would have {_megabytes(size.total())} unpacked; Lambda "
            f"takes {_megabytes(LARGEST)}. The largest parts: {_largest(size.most_common(4))}.\n"
            "Deploy the Docker image instead, without package=zip, or let lambda/photo_annotator/trim.py remove more."
        )


def _largest(parts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {_megabytes(size)}" for name, size in parts)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
