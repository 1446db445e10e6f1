"""`shell-access policy-pack`, which writes the pack of an installed command line, and the packs that a command passes to pulumi."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from operations.errors import UnusableError
from operations.file_replacement import replaced_file
from operations.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MANIFEST: Final = "PulumiPolicy.yaml"
_PROGRAM: Final = "__main__.py"

PackConfigurations = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy-pack-config",
        metavar="FILE",
        help="Configuration of the policy pack (JSON). Repeatable: one per policy pack, in the same order.",
        dir_okay=False,
        exists=True,
    ),
]


@dataclass(frozen=True, kw_only=True)
class PolicyPack:
    """Policy pack to evaluate.

    Attributes:
        configuration: File with levels, parameters and exemptions of its rules; None: the defaults.
    """

    folder: Path
    configuration: Path | None = None

    def resolved(self) -> PolicyPack:
        """Return the pack with absolute paths, because pulumi runs in the folder of the program."""
        return PolicyPack(
            folder=self.folder.resolve(), configuration=self.configuration.resolve() if self.configuration else None
        )


def policy_packs(folders: Sequence[Path] | None, configurations: Sequence[Path] | None) -> tuple[PolicyPack, ...]:
    """Return the policy packs of `--policy-pack` and `--policy-pack-config`, which correspond by their order.

    Raises:
        UnusableError: The numbers of both differ, which pulumi refuses.
    """
    packs, files = tuple(folders or ()), tuple(configurations or ())
    if files and len(files) != len(packs):
        raise UnusableError(
            f"--policy-pack-config: expected one per --policy-pack ({len(packs)}), got {len(files)}. Specify both options "
            "the same number of times, in the same order."
        )
    return tuple(
        PolicyPack(folder=folder, configuration=file)
        for folder, file in zip(packs, files or (None,) * len(packs), strict=True)
    )


def pack_options(packs: Sequence[PolicyPack]) -> Iterator[str]:
    """Yield the options of pulumi, and of the commands here, that select the packs."""
    for pack in packs:
        yield from ("--policy-pack", str(pack.folder))
        if pack.configuration:
            yield from ("--policy-pack-config", str(pack.configuration))


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
