"""Resolution of each requirements*.in to the pinned and hashed requirements*.txt beside it."""

from __future__ import annotations

import subprocess
import sys

from local.cache import cached, say
from local.workspace import REPOSITORY

UV = "uv==0.13.9"


def resolve() -> None:
    """Write all lock files for all platforms and Python 3.11 and newer; versions that are still compatible stay."""
    folder = cached(UV.replace("==", "-"), lambda folder: _install(str(folder)))
    for name in ("requirements", "requirements-dev", "tools/simulator/requirements"):
        say(f"Resolving {name}.in ...")
        subprocess.run(
            [
                *(str(folder / "bin" / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
                *("--generate-hashes", "--no-header", "--output-file", f"{name}.txt", f"{name}.in"),
            ],
            check=True,
            cwd=REPOSITORY,
        )


def _install(folder: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", UV], check=True)
