"""AWS managed policies that allow what the rules are about."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("aws_managed.toml")
_OF_AWS: Final = ":iam::aws:policy/"

_LISTS: Final = {name: frozenset(part["names"]) for name, part in tomllib.loads(_FILE.read_text()).items()}

START: Final = _LISTS["start"]
OTHERS: Final = _LISTS["others"]
DOCUMENTS: Final = _LISTS["documents"]
TAG: Final = _LISTS["tag"]
CHANGE: Final = _LISTS["change"]
WIDEN: Final = _LISTS["widen"]
COMMANDS: Final = _LISTS["commands"]
LOGINS: Final = _LISTS["logins"]
INSTANCES: Final = _LISTS["instances"]
CHANGED_DOCUMENTS: Final = _LISTS["changed_documents"]


def name_of(arn: str) -> str:
    """Return the name of an AWS managed policy, without path and partition; empty for other policies."""
    return arn.rpartition("/")[2] if _OF_AWS in arn else ""
