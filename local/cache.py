"""Cache of downloads and builds that clones share, its locks, and the removal of what is not used any more.

Standard library only: it is used before any package is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_COMPLETE = ".complete"
_PRUNED = ".pruned"
_REMOVING = ".removing"
_DAY_SECONDS = 24 * 60 * 60
UNUSED_DAYS = 30
"""Days after which an entry that no clone has used is removed."""


def say(message: str) -> None:
    """Print a message to standard error; standard output is reserved for the command's result."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def cache_folder() -> Path:
    """Return `SHELL_ACCESS_CACHE`, or `shell-access` in the user's cache folder (XDG)."""
    chosen = os.environ.get("SHELL_ACCESS_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shell-access"


@contextlib.contextmanager
def locked(path: Path, waiting_for: str) -> Generator[None]:
    """Hold a lock that other processes respect and that the system releases when this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another run ({waiting_for}) ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_cached(name: str) -> bool:
    """Return whether the cache has the folder `name`, complete."""
    return (cache_folder() / name / _COMPLETE).exists()


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """Return the cache's folder `name`, built once by its first user; an incomplete one is rebuilt.

    Args:
        name: Name with the content and version, so that a new version gets another folder.
        build: Function that fills the empty folder.
    """
    folder = cache_folder() / name
    if _is_used(folder):
        return folder
    with locked(cache_folder() / f"{name}.lock", f"it is preparing {name}"):
        if not (folder / _COMPLETE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            build(folder)
            (folder / _COMPLETE).touch()
    return folder


def _is_used(folder: Path) -> bool:
    """Return whether an entry is complete, and note that it is used now."""
    try:
        os.utime(folder / _COMPLETE)
    except FileNotFoundError:
        return False
    except OSError:
        # A cache that can only be read.
        return (folder / _COMPLETE).exists()
    return True


def prune() -> None:
    """Remove entries that no clone has used for a month, and the bytecode of folders that do not exist any more.

    Once a day. An entry is used when `cached` returns it, when a program of it starts (Linux notes the first access of a
    day), and as long as a process has loaded one of its files. It stays where any of this is unknown.
    """
    note = cache_folder() / _PRUNED
    if not cache_folder().is_dir() or (note.exists() and _age_days(note.stat().st_mtime) < 1):
        return
    note.touch()
    if not os.statvfs(cache_folder()).f_flag & os.ST_NOATIME:
        for folder in [each.parent for each in cache_folder().glob(f"*/{_COMPLETE}")]:
            if _is_unused(folder):
                _remove(folder)
    _remove_byte_code(cache_folder() / "bytecode")


def _age_days(time_stamp: float) -> float:
    return (time.time() - time_stamp) / _DAY_SECONDS


def _is_unused(folder: Path) -> bool:
    """Return whether no file directly in the folder was written or read for a month; each environment reads one."""
    times = [file.lstat() for file in folder.iterdir() if not file.is_dir()]
    return all(_age_days(max(each.st_mtime, each.st_atime)) >= UNUSED_DAYS for each in times)


def _remove(folder: Path) -> None:
    """Remove an entry, unless another run prepares it, uses it meanwhile, or has loaded a file of it."""
    with (cache_folder() / f"{folder.name}.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if _is_loaded(folder):
            return
        removed = folder.with_name(folder.name + _REMOVING)
        folder.rename(removed)
        if not _is_unused(removed):
            removed.rename(folder)
            return
        say(f"Removing {folder.name} from the cache: no clone has used it for {UNUSED_DAYS} days.")
        shutil.rmtree(removed, ignore_errors=True)


def _is_loaded(folder: Path) -> bool:
    """Return whether a process has loaded a file of a folder, or this is unknown."""
    for process in Path("/proc").glob("[0-9]*/maps"):
        try:
            if f"{folder}/" in process.read_text(errors="replace"):
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            # Another user's, who has a cache of their own.
            continue
    return not Path("/proc/self/maps").exists()


def _remove_byte_code(byte_code: Path) -> None:
    """Remove what Python has stored for folders of sources that do not exist any more, such as those of tests."""
    for folder, inner, _ in os.walk(byte_code):
        source = Path("/") / Path(folder).relative_to(byte_code)
        if not source.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        if not source.is_dir() or (source / "pyvenv.cfg").exists():
            inner.clear()
