"""Where downloaded and built things are kept between clones, and how two runs share it.

Standard library only: it is used before anything has been installed.
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
    """Tells the person at the terminal; standard output stays free for what a command is asked for."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def cache_folder() -> Path:
    """`SHELL_ACCESS_CACHE`, or `shell-access` in the user's cache folder (XDG)."""
    chosen = os.environ.get("SHELL_ACCESS_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shell-access"


@contextlib.contextmanager
def locked(path: Path, waiting_for: str) -> Generator[None]:
    """Holds a lock that other processes respect and that the system releases however this one ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another run ({waiting_for}) ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The cache's folder `name`, built once by whoever needs it first; a half-built one is built again.

    Args:
        name: says what is inside and in which version, so that a change of version is another folder.
        build: fills the empty folder that it is given.
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
