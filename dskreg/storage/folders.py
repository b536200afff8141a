"""Folders that are whole or absent: what one holds, whether it may be replaced, writing it under another name
first.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NotRequired, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import save_file
from typing_extensions import TypedDict

from dskreg.documents import problem, quoted, read_json
from dskreg.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1 << 20  # bytes
ARTIFACT, INDEX = "artifact", "index"
# Of a folder that is being replaced; the pause, in seconds, is far longer than two renames take
TRIES, PAUSE = 20, 0.1
Found = TypeVar("Found")
Advice = Callable[[], str]


class _Kind(TypedDict):
    """All that the listing wants of a manifest."""

    kind: NotRequired[str]


_KIND: TypeAdapter[_Kind] = TypeAdapter(_Kind)
_ANY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def kind(folder: Path) -> str | None:
    """What the manifest says that the folder is, an artifact where it does not say; None without a
    manifest.
    """
    path = folder / MANIFEST
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return ARTIFACT  # its reader names the damage
    return _kind(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _kind(path: Path, inode: int, size: int, time_ns: int) -> str:
    try:
        return read_json(path, _KIND, largest=LARGEST_MANIFEST).get("kind", ARTIFACT)
    except InputError:
        return ARTIFACT


def refuse_foreign(folder: Path, wanted: str) -> None:
    """Raise InputError when `folder` holds something other than a `wanted`: it is never replaced."""
    if folder.exists() and kind(folder) != wanted and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists and is no {wanted}; choose another --out")


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A new folder to write into.

    It takes the place of `folder` in the end; after an error `folder` is as it was. InputError where it is
    unwritable.
    """
    folder = folder.absolute()  # "." has no name
    new, old = (folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.{word}") for word in ("new", "old"))
    try:
        new.mkdir(parents=True)
        yield new
        if folder.exists():
            os.replace(folder, old)
        os.replace(new, folder)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another --out"
        ) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        elif old.exists():
            os.replace(old, folder)


def recover(folder: Path) -> None:
    """Put back what `replacing` had taken away when its process died between the two renames; nothing where
    `folder` is there.
    """
    for old in orphans(folder)[:1]:
        os.replace(old, folder)


def orphans(folder: Path) -> list[Path]:
    """What `replacing` had taken away, where `folder` is not there."""
    folder = folder.absolute()
    return [] if folder.exists() else _beside(folder, "old")


def remove(folder: Path) -> None:
    """Remove `folder` and what `replacing` has left of it, if anything."""
    for path in (folder, *_beside(folder, "new"), *_beside(folder, "old")):
        shutil.rmtree(path, ignore_errors=True)


def named(root: Path, wanted: str) -> list[str]:
    """Names of each `wanted` in `root`, sorted; also of one that `replacing` has taken away, for a moment or
    because its process died.

    One that is being replaced may be missing from a listing, but not from two and from what was taken away.
    """
    try:
        return (
            sorted({*_listed(root, wanted), *_taken_away(root, wanted), *_listed(root, wanted)})
            if root.is_dir()
            else []
        )
    except OSError:  # the root itself cannot be read
        return []


def _listed(root: Path, wanted: str) -> set[str]:
    return {
        path.name
        for path in root.iterdir()
        if not path.name.startswith(".") and is_text(path.name) and kind(path) == wanted
    }


def _taken_away(root: Path, wanted: str) -> set[str]:
    return {
        path.name[1:].rsplit(".", 2)[0]
        for path in root.glob(".*.*.old")
        if is_text(path.name) and kind(path) == wanted
    }


def is_text(name: str) -> bool:
    """Can the file's name be shown and put into an address? One that is not UTF-8 cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def settled(folder: Path, read: Callable[[], Found]) -> Found:
    """`read()`, again where it fails while `folder` is being replaced: a reader goes by names, and finds some
    of the older files and some of the newer.

    Raises:
        InputError: what `read` raised on a folder that stayed as it was, or at last.
    """
    for _ in range(TRIES - 1):
        before = _state(folder)
        try:
            return read()
        except InputError:
            if _state(folder) == before and not orphans(folder):
                raise
            time.sleep(PAUSE)
    return read()


def _state(folder: Path) -> tuple[int, int] | None:
    """Another one once another folder has its name."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


def _beside(folder: Path, word: str) -> list[Path]:
    """What `replacing` has named after `folder`, whose own name may hold what a pattern is made of."""
    return sorted(folder.parent.glob(f".{glob.escape(folder.name)}.*.{word}"))


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """No other process writes `folder` until the end of the block, however this process ends.

    InputError where another one is writing it; `what`: how the other writer is named in the message. Where
    the system has no flock, nothing is checked.
    """
    folder = folder.absolute()
    path = folder.with_name(f".{folder.name}.lock")
    if fcntl is None:
        yield
        return
    try:
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Not one that its owner has just removed
                mine = path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino
            except BlockingIOError:
                mine = False
            if not mine:
                raise InputError(
                    f"{folder}: {what} is writing it at this moment; wait for it, stop it, or choose "
                    "another --out"
                )
            try:
                for leftover in _beside(folder, "new"):  # of one that died while it wrote
                    shutil.rmtree(leftover, ignore_errors=True)
                yield
            finally:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another --out"
        ) from None


def sha256(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(document: dict[str, Any]) -> str:
    """The digest of a JSON document, whatever the order of its fields."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def content(manifest: Mapping[str, Any], without: str = "") -> str:
    """The digest of a manifest and, through it, of all the files that it lists but `without`."""
    files = {name: value for name, value in manifest["files"].items() if name != without}
    return digest({key: value for key, value in manifest.items() if key != "content"} | {"files": files})


def read_manifest(
    folder: Path, form: TypeAdapter[Found], version: int, renew: Advice, mend: str, without: str = ""
) -> Found:
    """The manifest alone, checked for version, form and digest, not against the files.

    Args:
        folder: What the manifest describes.
        form: What it must be.
        version: The format that this program reads.
        renew: Says what to do about another format.
        mend: What to do about damage.
        without: The file that its digest leaves out.

    Raises:
        InputError: Unreadable, of another format, not of this form, or altered.
    """
    path = folder / MANIFEST
    document = read_json(path, _ANY, mend, LARGEST_MANIFEST)
    if document.get("format") != version:
        got = quoted(document.get("format"))
        raise InputError(f"{path}: format version {got}, this program reads version {version}; {renew()}")
    try:
        manifest = form.validate_python(document)
    except ValidationError as error:
        raise InputError(f"{path}: {problem(error)}; {mend}") from None
    if document.get("content") != content(document, without):
        raise InputError(f"{path}: altered, its digest does not fit the files listed; {mend}")
    return manifest


def save_tensors(tensors: Mapping[str, np.ndarray], path: Path) -> None:
    """Write the arrays to a safetensors file with the permissions of any other new file of this process.

    Raises:
        OSError: The disk is full or the file unwritable; safetensors has an error of its own for that.
    """
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file({name: np.asarray(array, order="C") for name, array in tensors.items()}, path)
        path.chmod(mode)  # safetensors renames a private temporary file, which other users could not read
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else 0
        raise (OSError(code, os.strerror(code)) if number else OSError(str(error))) from None
