"""Type check of what ships: `python -m tools.type_check`.

basedpyright keeps no cache, and takes a minute of processor time. Its result depends on the checked files, the configuration
and the installed packages, so a check that has passed with the same ones is not repeated. A failed check always is.
"""

import hashlib
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from local.cache import cached, is_cached, say
from local.workspace import REPOSITORY

PROGRAM = Path(sys.executable).with_name("basedpyright")


class TypeCheckError(Exception):
    """The check failed; its output has been printed."""


def fingerprint(repository: Path) -> str:
    """Return a digest of everything that the result depends on: checked files, configuration, Python and packages."""
    digest = hashlib.sha256("\0".join((sys.version, *_packages())).encode())
    for file in sorted((repository / "pyproject.toml", *checked_files(repository))):
        digest.update(f"\0{file.relative_to(repository)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def checked_files(repository: Path) -> list[Path]:
    """Return the files that the configuration includes, which import no others of the project."""
    included: list[str] = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["pyright"]["include"]
    return [
        file
        for path in (repository / each for each in included)
        for file in (path.rglob("*.py") if path.is_dir() else (path,))
    ]


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
