"""What reads the workflows of the forge before the forge does: actionlint, and shellcheck for the scripts in them.

Neither reads anything but files, and both are pinned: actionlint by go.sum here, shellcheck by requirements-dev.txt.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.cache import cached, say
from local.toolchain import ToolchainError, go_command

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = "1.7.12"
"""Of the module in go.mod."""

_MODULES = Path(__file__).parent
_PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"
_SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def actionlint() -> Path:
    """The program, built once on a machine.

    Raises:
        ToolchainError: it could not be built.
    """
    return cached(f"actionlint-{VERSION}", _build) / "actionlint"


def lint(workflows: Sequence[Path], scripts: Sequence[Path]) -> bool:
    """Prints what is wrong with workflows, and with scripts that they run. Tells whether nothing is.

    Args:
        workflows: files of `.github/workflows`.
        scripts: for bash.

    Raises:
        ToolchainError: one of the two programs could not be had.
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
