"""Type check of what ships: `python -m tools.type_check`.

basedpyright keeps no cache, and takes a minute of processor time. Its result depends on the checked files, the configuration
and the installed packages, so a check that has passed with the same ones is not repeated. A failed check always is.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from local.cache import cached, is_cached, say
from local.workspace import REPOSITORY

PROGRAM = Path(sys.executable).with_name("basedpyright")


class TypeCheckError(Exception):
    """The check failed; its output has been printed."""


def fingerprint(repository: Path) -> str:
    """Return a digest of everything that the result depends on: sources, configuration, Python and installed packages.

    Sources are all of the project's, as the checked ones import others.
    """
    folders = [each for each in repository.iterdir() if each.is_dir() and not each.name.startswith(".")]
    sources = [repository / "__main__.py", *(file for folder in folders for file in folder.rglob("*.py"))]
    digest = hashlib.sha256("\0".join((sys.version, *_packages())).encode())
    for file in sorted((repository / "pyproject.toml", *sources)):
        digest.update(f"\0{file.relative_to(repository)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _packages() -> list[str]:
    return sorted(f"{each.name}=={each.version}" for each in distributions())


def check() -> None:
    """Run the type check, unless it has passed with the same files, configuration and packages.

    Raises:
        TypeCheckError: The check failed.
    """
    name = f"types-{fingerprint(REPOSITORY)}"
    if is_cached(name):
        say("The same files, configuration and packages have passed before.")
    cached(name, _run)


def _run(_: Path) -> None:
    if subprocess.run((str(PROGRAM),), check=False, cwd=REPOSITORY).returncode:
        raise TypeCheckError


if __name__ == "__main__":
    try:
        check()
    except TypeCheckError:
        sys.exit(1)
