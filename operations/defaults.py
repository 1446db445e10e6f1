"""Defaults of options, from a file per repository or per user, so that an operator need not repeat them.

# .shell-access.yaml
mode: automation          # with region: `request`, `approve`, `status`, `revoke` and `connect` need no stack, and no pulumi
region: eu-west-1         # Region of the approval workflow
regions: [eu-west-1, us-east-1]   # Regions of instances, which `request` and `connect` search
profile: operator
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROFILE: Final = "shell_access.profile"
"""Key of the selected profile in the metadata of the command line's context."""
REGIONS: Final = "shell_access.regions"
"""Key of the Regions in which instances may be."""
FILE_NAME: Final = ".shell-access.yaml"

_KEYS: Final = ("stack", "mode", "region", "regions", "profile")
_WITHOUT_STACK: Final = ("mode", "region", "regions")
"""Keys in place of a stack."""
_APPROVAL: Final = ("request", "approve", "status", "revoke")


def option_defaults(command: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the defaults of a command's options; options of the command line take precedence.

    For commands about approval, `regions` has the Regions in which instances may be; it is no option. With `--stack`,
    nothing replaces a stack.
    """
    found = {**_read(_user_file()), **_read(_repository_file(Path.cwd()))}
    if any(each == "-s" or each.split("=")[0] == "--stack" for each in arguments):
        found = {key: value for key, value in found.items() if key not in _WITHOUT_STACK}
    regions = found.pop("regions", None) or ([found["region"]] if "region" in found else None)
    if command in _APPROVAL:
        return found | ({"regions": regions} if regions else {})
    others = {key: value for key, value in found.items() if key not in ("mode", "region")}
    if command != "connect" or not regions:
        return others
    return others | {"region": regions} | ({"mode": found["mode"]} if "mode" in found else {})


def _user_file() -> Path:
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return configuration / "shell-access" / "defaults.yaml"


def _repository_file(directory: Path) -> Path:
    """Return the nearest file, in a directory or its parents up to the root of the repository."""
    for each in (directory, *directory.parents):
        if (each / FILE_NAME).is_file() or (each / ".git").exists():
            return each / FILE_NAME
    return directory / FILE_NAME


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    # Reading YAML and the Regions takes time that commands without a file do not need.
    import yaml  # noqa: PLC0415

    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as wrong:
        raise UnusableError(f"{path}: expected YAML, got: {' '.join(str(wrong).split())}.") from None
    if not isinstance(content, dict):
        raise UnusableError(f"{path}: expected a mapping of {', '.join(_KEYS)}, got {type(content).__name__}.")
    values = cast("dict[str, Any]", content)
    problems = [f"{path}: {problem}" for problem in _problems(values)]
    if problems:
        raise UnusableError("\n".join(problems))
    return values


def _problems(values: Mapping[str, Any]) -> list[str]:
    from common.problems import suggestion  # noqa: PLC0415 -- as above
    from common.validation import partitions  # noqa: PLC0415 -- as above
    from components.approval.settings import Mode  # noqa: PLC0415 -- as above

    known = partitions()
    problems: list[str] = []
    for key, value in values.items():
        several = cast("list[object]", value) if key == "regions" and isinstance(value, list) else [value]
        if key not in _KEYS:
            problems.append(f"{key}: expected one of {', '.join(_KEYS)}{suggestion(str(key), [*_KEYS])}")
        elif key in ("region", "regions") and not all(isinstance(each, str) and each in known for each in several):
            expected = "a Region" if key == "region" else "a list of Regions"
            problems.append(f"{key}: expected {expected} such as eu-west-1, got {value}.")
        elif key == "mode" and value not in set(Mode):
            problems.append(f"mode: expected one of {', '.join(Mode)}, got {value}.")
        elif not isinstance(value, str) and key != "regions":
            problems.append(f"{key}: expected text, got {value}.")
    return problems
