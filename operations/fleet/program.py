"""Program of every stack in the fleet: this repository's, or a copy of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import yaml

from common.problems import NAMESPACE
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PARTS = ("__main__.py", "Pulumi.yaml", "requirements.txt", "common", "components")
_KINDS = frozenset({".py", ".toml", ".json", ".yaml", ".txt"})


@dataclass(frozen=True, kw_only=True)
class Program:
    """Program on disk.

    Attributes:
        folder: Directory of Pulumi.yaml.
        project: Name of the project.
        defaults: Defaults in Pulumi.yaml for keys that a stack does not set.
        fingerprint: Hash of the program's files and of the policy packs.
    """

    folder: Path
    project: str
    defaults: dict[str, Any]
    fingerprint: str


def read_program(folder: Path, policy_packs: tuple[Path, ...] = ()) -> Program:
    """Read the name and the defaults of a program.

    Raises:
        UnusableError: There is no usable Pulumi.yaml.
    """
    file = folder / "Pulumi.yaml"
    try:
        content = yaml.safe_load(file.read_text())
        project, keys = str(content["name"]), cast("dict[str, Any]", content.get("config") or {})
    except (OSError, yaml.YAMLError, TypeError, KeyError):
        raise UnusableError(
            f"There is no Pulumi.yaml that can be used in {folder}. Name the program's directory with --cwd."
        ) from None
    return Program(
        folder=folder.resolve(),
        project=project,
        defaults={
            key if ":" in key else f"{NAMESPACE}:{key}": value["default"]
            for key, value in keys.items()
            if isinstance(value, dict) and "default" in value
        },
        fingerprint=_fingerprint([folder / part for part in _PARTS], [folder / each for each in policy_packs]),
    )


def _fingerprint(parts: list[Path], packs: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in (each for part in [*parts, *packs] for each in _files(part)):
        digest.update(json.dumps([file.name, hashlib.sha256(file.read_bytes()).hexdigest()]).encode())
    return digest.hexdigest()


def _files(part: Path) -> Iterator[Path]:
    if part.is_file():
        yield part
    elif part.is_dir():
        yield from sorted(each for each in part.rglob("*") if each.suffix in _KINDS and each.is_file())
