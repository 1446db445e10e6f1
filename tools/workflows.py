"""Linters for the GitHub workflows and their scripts, actionlint and shellcheck: `python -m tools.workflows`.

Both read files only, and both are pinned: actionlint by actionlint/go.sum, shellcheck by requirements-dev.txt.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.cache import cached, say
from local.toolchain import ToolchainError, go_command
from local.workspace import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = "1.7.12"
"""Version of the module in go.mod."""

_MODULES = Path(__file__).with_name("actionlint")
_PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"
_SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def actionlint() -> Path:
    """Return the program, built once per machine.

    Raises:
        ToolchainError: The build failed.
    """
    return cached(f"actionlint-{VERSION}", _build) / "actionlint"


def lint(workflows: Sequence[Path], scripts: Sequence[Path]) -> bool:
    """Print the problems of workflows and of scripts that they run, and return whether there are none.

    Args:
        workflows: Files of `.github/workflows`.
        scripts: Scripts for bash.

    Raises:
        ToolchainError: One of the two programs is not available.
    """
    if not _SHELLCHECK.exists():
        raise ToolchainError(f"there is no {_SHELLCHECK}; `make` installs it with the rest of requirements-dev.txt.")
    shellcheck = str(_SHELLCHECK)
    programs = (
        ((str(actionlint()), "-no-color", "-shellcheck", shellcheck, "-pyflakes", ""), workflows),
        ((shellcheck, "--enable=all", "--severity=warning"), scripts),
    )
    commands = [(*program, *map(str, files)) for program, files in programs if files]
    codes = [subprocess.run(command, check=False).returncode for command in commands]
    return not any(codes)


def _build(folder: Path) -> None:
    say(f"Building actionlint {VERSION} from its Go modules (once on this machine) ...")
    command = [go_command(), "build", "-o", str(folder / "actionlint"), _PACKAGE]
    done = subprocess.run(command, check=False, cwd=_MODULES, capture_output=True, text=True)
    if done.returncode:
        raise ToolchainError(f"`go build` of actionlint failed:\n{done.stderr.strip()}")


if __name__ == "__main__":
    forge = REPOSITORY / ".github"
    try:
        sys.exit(not lint(sorted((forge / "workflows").glob("*.yml")), sorted(forge.glob("*.sh"))))
    except ToolchainError as problem:
        sys.exit(str(problem))
