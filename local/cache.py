"""Cache of downloads and builds that clones share, and its locks.

Standard library only: it is used before any package is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_COMPLETE = ".complete"


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
    if (folder / _COMPLETE).exists():
        return folder
    with locked(cache_folder() / f"{name}.lock", f"it is preparing {name}"):
        if not (folder / _COMPLETE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            build(folder)
            (folder / _COMPLETE).touch()
    return folder
