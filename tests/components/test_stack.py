"""`shell-access:permissionsBoundary`; that every role gets it is seen by the engine's tests (tests/engine/conftest.py)."""

import json
from typing import Any

import pytest

from common.problems import SettingsError
from components.settings import Settings


def load(boundary: Any) -> Settings:
    given = boundary if isinstance(boundary, str) else json.dumps(boundary)
    return Settings.load({"aws:region": "eu-west-1", "shell-access:permissionsBoundary": given})


@pytest.mark.parametrize(
    "boundary",
    [
        "",
        "ShellAccessRoleBoundary",
        "arn:aws:iam::111122223333:policy/security/Limit",
        "arn:aws-cn:iam::111122223333:policy/Limit",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
    ],
)
def test_boundary_is_a_name_or_an_arn(boundary: str) -> None:
    assert load(boundary).permissions_boundary == boundary


@pytest.mark.parametrize("boundary", ["a b", "policy/Limit", "arn:aws:iam::111122223333:role/Limit", 7, ["Limit"]])
def test_anything_else_is_refused_by_its_key(boundary: Any) -> None:
    with pytest.raises(SettingsError, match=r"shell-access:permissionsBoundary: expected the name or the ARN .*, got "):
        load(boundary)


def test_no_boundary_unless_it_is_asked_for() -> None:
    assert Settings.load({"aws:region": "eu-west-1"}).permissions_boundary == ""
