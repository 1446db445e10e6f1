"""`shell-access policy-pack`: the policy pack of an installed command line, as a folder for `pulumi --policy-pack`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from operations.errors import UnusableError
from operations.file_replacement import replaced_file
from operations.version import VERSION

_MANIFEST: Final = "PulumiPolicy.yaml"
_PROGRAM: Final = "__main__.py"


def policy_pack(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIRECTORY", help="Folder to write. Default: one in the user's cache."),
    ] = None,
) -> None:
    """Write the policy pack's folder, and print its path for `--policy-pack "$(shell-access policy-pack)"`."""
    folder = (output or _cached()).absolute()
    try:
        _write(folder)
    except OSError as error:
        raise UnusableError(
            f"--output: expected a folder that can be written, got {folder}: {error.strerror}."
        ) from None
    typer.echo(str(folder))


def _cached() -> Path:
    """Return the folder of this installation: its name changes with the version and with the environment."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    installation = hashlib.sha256(f"{sys.prefix}\n{_packages()}".encode()).hexdigest()[:12]
    return cache / "shell-access" / f"policy-pack-{VERSION}-{installation}"


def _packages() -> Path:
    """Return the folder with the packages that the pack imports."""
    return Path(__file__).resolve().parent.parent


def _write(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    foreign = sorted({each.name for each in folder.iterdir()} - {_MANIFEST, _PROGRAM, "__pycache__"})
    if foreign:
        raise UnusableError(f"--output: expected an empty folder or a policy pack, got {folder} with {foreign[0]}.")
    # JSON is YAML, and quotes every path.
    manifest = {
        "description": "Rules of Shell Access",
        "version": VERSION,
        "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
    }
    program = (
        f'"""Policy pack of Shell Access {VERSION}, written by `shell-access policy-pack`."""\n\n'
        f"import gc\nimport sys\n\ngc.disable()\nsys.path.insert(0, {str(_packages())!r})\n\n"
        "from policies.serving import serve\n\nserve()\n"
    )
    for name, text in ((_MANIFEST, json.dumps(manifest, indent=2) + "\n"), (_PROGRAM, program)):
        # Another run may read the folder at the same time.
        with replaced_file(folder / name) as written:
            written.write(text)
