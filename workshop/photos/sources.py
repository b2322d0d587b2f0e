"""Where photos come from: a file, a folder, a web address or standard input, read as bytes with a name."""

import http.client
import os
import re
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from annotator.formats import Format
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from workshop.aws.web import web
from workshop.terminal.console import err, plain
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError

LARGEST = 100 * 2**20
"""Bytes that are read at most, of a file, an address or a pipe; the largest phone photos have about 50 MB."""

DOWNLOAD_SECONDS = 60
"""How long a download may take in all."""

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WebP": (".webp",),
    "HEIC": (".heic", ".heif", ".hif", ".heics", ".heifs"),
    "AVIF": (".avif", ".avifs"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
}
"""How the names of photos end. This matters only in a folder: a file that is named is judged by its content."""

DEEPEST = 3
"""Levels of folders that are searched below the named one; a camera's card has DCIM/100APPLE."""

MOST_FILES = 1000
"""Files in a folder and its subfolders. More is a disk or a home folder, which was probably named by mistake."""

QR_CODE = "-qr.png"
"""How the names of the QR codes end that `emotions url` writes. They are no photos, so a folder's stay here."""

_PHOTO_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


@dataclass(frozen=True, slots=True)
class Source:
    """The content of a file. `name` is its name without folders, which is never trusted; `address` is a web address."""

    name: str
    body: bytes
    address: str | None = None


def expand_folders(named: Iterable[str], *, all_of_them: bool = False) -> list[str]:
    """The same names, with each folder replaced by the photos in it and its subfolders.

    `all_of_them` searches a folder of any depth and size. Raises WorkshopError for a folder without photos, and for
    one with too many files.
    """
    names: list[str] = []
    for name in named:
        folder = None if name == "-" or "://" in name else path_of(name)
        names += map(str, _photos_in(folder, all_of_them)) if folder and folder.is_dir() else [name]
    return names


def path_of(name: str) -> Path | None:
    """The path with this name, which may begin with `~`; None for what cannot be a path: too long, or with a NUL."""
    try:
        path = Path(os.path.expanduser(name))  # noqa: PTH111  (Path.expanduser raises for a user that is not there)
        path.exists()
    except (OSError, ValueError):
        return None
    return path


def is_file(name: str) -> bool:
    """Whether there is a file with this name on this computer."""
    path = path_of(name)
    return path is not None and path.is_file()


def read(name: str) -> Source:
    """Read a file, an http(s) address, or `-` for standard input.

    Raises WorkshopError for what is not there, cannot be read, is empty or too large.
    """
    if name == "-":
        return Source("photo", _piped())
    if "://" in name:
        return _downloaded(name)
    path = path_of(name)
    if path is None:
        raise WorkshopError(f"No file can be called {name}.", "Check the spelling; `ls` shows what is here.")
    return Source(path.name, _read(path))


def _photos_in(folder: Path, all_of_them: bool) -> list[Path]:
    """The photos in a folder and its subfolders, sorted. Hidden files and links to folders are left out."""

    def unreadable(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise WorkshopError(f"The folder {folder} may not be read.") from None
        err.print(plain(f"The folder {error.filename} may not be read: left out."), style="dim")

    files: list[Path] = []
    for where, inside, names in os.walk(folder, onerror=unreadable):
        deep = len(Path(where).relative_to(folder).parts)
        inside[:] = [name for name in inside if (deep < DEEPEST or all_of_them) and not name.startswith(".")]
        files += [Path(where, name) for name in names if not name.startswith(".")]
        if deep and len(files) > MOST_FILES and not all_of_them:
            raise WorkshopError(
                f"The folder {folder} and its subfolders have more than {MOST_FILES} files.",
                "Send its subfolders one by one, or name the photos.",
            )
    photos = sorted(
        file
        for file in files
        if file.suffix.lower() in _PHOTO_SUFFIXES and not file.name.endswith(QR_CODE) and file.is_file()
    )
    if not photos:
        raise WorkshopError(f"There are no photos in the folder {folder}.", "To send other files, name each one.")
    if len(files) > len(photos):
        left = len(files) - len(photos)
        err.print(
            plain(f"{folder}: {counted(len(photos), 'photo')}, {counted(left, 'other file')} left out"), style="dim"
        )
    return photos


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise too_large(path.name)
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)  # a device has no size, and no end
    except FileNotFoundError:
        raise WorkshopError(f"There is no file {path}.", "Check the spelling; `ls` shows what is here.") from None
    except PermissionError:
        raise WorkshopError(f"The file {path} may not be read.") from None
    except OSError as error:
        raise WorkshopError(f"The file {path} could not be read: {error.strerror}.") from None
    if len(body) > LARGEST:
        raise too_large(path.name)
    if not body:
        raise WorkshopError(f"{path.name} is empty.")
    return body


def _piped() -> bytes:
    if sys.stdin.isatty():
        raise WorkshopError("Nothing is piped in.", "For instance: curl -s ADDRESS | emotions upload -")
    body = sys.stdin.buffer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise too_large("standard input")
    if not body:
        raise WorkshopError("Standard input is empty: nothing was piped in.")
    return body


def too_large(name: str) -> WorkshopError:
    """The error for a photo that is too large to read."""
    return WorkshopError(
        f"{name} is larger than {LARGEST // 2**20} MB.", "Make it smaller, for instance by a screenshot."
    )


def _downloaded(address: str) -> Source:
    host, name, request = _asking_for(address)
    try:
        with web().open(request, timeout=10) as answer:
            return Source(name, _body_of(answer, name), address)
    except urllib.error.HTTPError as error:
        raise WorkshopError(
            f"{host} answers {error.code} {error.reason} for {address}.",
            "Open the address in a browser; if the photo shows there, save it and send the file.",
        ) from None
    except (urllib.error.URLError, OSError, http.client.HTTPException, UnicodeError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError | socket.timeout):
            reason = "it does not answer"
        elif isinstance(reason, socket.gaierror):
            reason = "there is no such host, or this computer is offline"
        raise WorkshopError(f"{address} could not be fetched: {reason}.") from None


def _asking_for(address: str) -> tuple[str, str, urllib.request.Request]:
    """The host, the file's name, and the request for an address as people paste it."""
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname if parts.scheme in ("http", "https") else None
        # Spaces and letters outside ASCII are common in pasted addresses and not allowed in a request.
        path = urllib.parse.quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
        query = urllib.parse.quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
        netloc = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:
        host = None
    if not host:
        raise WorkshopError(f"{address} is not a web address we can fetch.", "It must begin with https:// or http://")
    request = urllib.request.Request(  # noqa: S310  (the scheme was checked)
        urllib.parse.urlunsplit((parts.scheme, netloc, path, query, "")),
        headers={"User-Agent": "show-your-emotions/1.0", "Accept": "image/*"},
    )
    return host, urllib.parse.unquote(parts.path.rpartition("/")[2]) or "photo", request


def _body_of(answer: http.client.HTTPResponse, name: str) -> bytes:
    declared = answer.headers.get("Content-Length") or ""
    size = int(declared) if re.fullmatch(r"[0-9]{1,18}", declared) else None
    if size is not None and size > LARGEST:
        raise too_large(name)
    until = time.monotonic() + DOWNLOAD_SECONDS
    body = bytearray()
    columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(f"Fetching {plain(name)}", total=size)
        while chunk := answer.read1(64 * 2**10):
            body += chunk
            progress.update(task, completed=len(body))
            if len(body) > LARGEST:
                raise too_large(name)
            if time.monotonic() > until:
                raise WorkshopError(
                    f"{name} did not arrive within {DOWNLOAD_SECONDS} seconds.", "Save it, then send the file."
                )
    if size is not None and len(body) < size:
        raise WorkshopError(f"The download of {name} broke off after {len(body)} of {size} bytes.", "Try again.")
    if not body:
        raise WorkshopError(f"{answer.geturl()} is empty.")
    return bytes(body)
