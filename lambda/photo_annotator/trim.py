"""Removes files that the function provably does not use from the installed packages: `python trim.py FOLDER`.

A smaller image is pushed and pulled faster. botocore also has less to read: service models at each cold start, and
trusted certificate authorities for each new connection. The script removes only data, tests, stubs, headers and whole
modules that are never imported. It changes no code.
"""

import gzip
import json
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

OPERATIONS = {
    # botocore itself calls HeadBucket if a bucket is in another region.
    "s3": {"DeleteObject", "GetObject", "HeadBucket", "HeadObject", "ListObjectsV2", "PutObject"},
    "rekognition": {"DeleteFaces", "IndexFaces", "ListFaces"},
    "sqs": {"ChangeMessageVisibility"},
}
"""The operations that `annotator/cloud.py` and `annotator/inbox.py` call. The image supports no others."""

AUTHORITIES = {
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
}
"""The authorities of AWS's endpoints: the five that Amazon Trust Services recommends for a custom trust store
(amazontrust.com/repository). Reading the other 122 takes 15 ms of processor time per connection (urllib3 #3623).
"""

_UNUSED = (
    # Examples and waiters, which botocore does not read for a client's calls.
    "botocore/data/*/*/examples-1.json*",
    "botocore/data/*/*/waiters-2.json*",
    "bin",
    # Tests, type stubs, and files for compiling against numpy.
    "**/tests",
    "**/*.pyi",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "numpy/distutils",
    "numpy/testing",
    "numpy/_core/_simd.*",
    "numpy/_core/_*_tests.*",
    # Loaded only by explicit import.
    "numpy/fft",
    "numpy/ma",
    "numpy/polynomial",
    "numpy/random",
    "numpy/_pyinstaller",
    # Pillow draws no text here.
    "PIL/_imagingft.*",
    "pillow.libs/libfreetype-*",
    "pillow.libs/libharfbuzz-*",
    "pillow.libs/libbrotli*",
)


def trim(packages: Path) -> None:
    """Trim the packages that `pip install --target` installed into `packages`."""
    for folder in (packages / "botocore" / "data").iterdir():
        if folder.is_dir() and folder.name not in OPERATIONS:
            shutil.rmtree(folder)
    for pattern in _UNUSED:
        _remove(packages.glob(pattern))
    endpoints = packages / "botocore" / "data" / "endpoints.json"
    _replace(endpoints, json.dumps(_of_our_services(json.loads(endpoints.read_text()))).encode())
    authorities = packages / "botocore" / "cacert.pem"
    _replace(authorities, _of_our_authorities(authorities.read_text()).encode())
    for service, operations in OPERATIONS.items():
        (model,) = (packages / "botocore" / "data" / service).glob("*/service-2.json.gz")
        whole = json.loads(gzip.decompress(model.read_bytes()))
        _replace(model, gzip.compress(json.dumps(cut(whole, operations)).encode(), mtime=0))


def cut(model: dict[str, Any], operations: Iterable[str]) -> dict[str, Any]:
    """A service model with only these operations, and the shapes that they use."""
    kept = {name: _undocumented(model["operations"][name]) for name in sorted(operations)}
    shapes: dict[str, Any] = {}
    wanted = _shapes_named_in(kept)
    while wanted:
        name = wanted.pop()
        shapes[name] = _undocumented(model["shapes"][name])
        wanted |= _shapes_named_in(shapes[name]) - shapes.keys()
    return {**model, "operations": kept, "shapes": shapes}


def _of_our_services(endpoints: dict[str, Any]) -> dict[str, Any]:
    partitions = [
        # Add no service that a partition lacks: botocore would look for its endpoints.
        {**partition, "services": {name: data for name, data in partition["services"].items() if name in OPERATIONS}}
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _of_our_authorities(bundle: str) -> str:
    certificates = dict(re.findall(r'(?s)# Label: "([^"]*)".*?(-----BEGIN.*?END CERTIFICATE-----\n)', bundle))
    if missing := AUTHORITIES - certificates.keys():
        raise LookupError(f"botocore's certificate authorities have no {', '.join(sorted(missing))}")
    return "".join(f'# Label: "{name}"\n{certificates[name]}' for name in sorted(AUTHORITIES))


def _shapes_named_in(part: Any) -> set[str]:
    if isinstance(part, list):
        return set().union(*map(_shapes_named_in, part))
    if not isinstance(part, dict):
        return set()
    named = {part["shape"]} if isinstance(part.get("shape"), str) else set()
    return named.union(*map(_shapes_named_in, part.values()))


def _undocumented(part: Any) -> Any:
    if isinstance(part, list):
        return [_undocumented(each) for each in part]
    if not isinstance(part, dict):
        return part
    # A shape can have a member named "documentation"; the text itself is always a string.
    return {k: _undocumented(v) for k, v in part.items() if not (k == "documentation" and isinstance(v, str))}


def _replace(path: Path, content: bytes) -> None:
    path.unlink()  # it may be a link to a file that others use
    path.write_bytes(content)


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):  # list all paths first, because a removed folder may contain others
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
