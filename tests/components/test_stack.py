"""`shell-access:permissionsBoundary`; that every role gets it is seen by the engine's tests (tests/engine/conftest.py)."""

import json
from typing import Any

import pulumi
import pytest

from common.problems import SettingsError
from components import account
from components.account import Account
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


def test_failed_call_of_the_provider_has_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise Exception("invocation of aws:index/getCallerIdentity returned an error: refused")  # noqa: TRY002 -- as Pulumi

    monkeypatch.setattr(account, "get_caller_identity", fail)
    with pytest.raises(pulumi.RunError, match=r"Cannot determine the account: invocation of .* refused"):
        Account.of_provider()
