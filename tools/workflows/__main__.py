"""`python -m tools.workflows`: exits with 1 if a workflow of this repository, or a script of one, has a problem."""

from __future__ import annotations

import sys

from local.toolchain import ToolchainError
from local.workspace import REPOSITORY
from tools.workflows import lint

_FORGE = REPOSITORY / ".github"

if __name__ == "__main__":
    try:
        sys.exit(not lint(sorted((_FORGE / "workflows").glob("*.yml")), sorted(_FORGE.glob("*.sh"))))
    except ToolchainError as problem:
        sys.exit(str(problem))
