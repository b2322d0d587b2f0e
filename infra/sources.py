"""The files of a function's code, without what an operating system, an editor or a tool leaves beside them."""

from collections.abc import Iterator
from pathlib import Path


def source_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name, relative to `folder`, and the content of each file, in a steady order.

    Leaves out byte code, `*~`, and everything whose name begins with a dot: .DS_Store, .mypy_cache, swap files, and an
    editor's lock file, which may be a broken link. Otherwise they would be deployed and change the asset's hash.
    `.dockerignore` lists the same for the image.
    """
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if any(part.startswith(".") or part.endswith("~") or part == "__pycache__" for part in name.parts):
            continue
        if file.suffix != ".pyc" and file.is_file():
            yield name.as_posix(), file.read_bytes()
