"""Each known bypass is reported by its rule, and its innocent twin is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.operations.audit.accounts import ARN, assessed, baseline, bounded, entries, group, managed, role, user

PAIRS: dict[str, dict[str, list[Any]]] = json.loads(Path(__file__).with_name("pairs.json").read_text(encoding="utf-8"))


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(entry, given, id=f"{entry}-{kind}-{number}")
        for entry, pair in PAIRS.items()
        for number, given in enumerate(pair[kind])
    ]


def account_with(given: Any) -> dict[str, Any]:
    """The baseline, with a caller that has the permissions of a pair."""
    details = baseline()
    if isinstance(given, list) or "Effect" in given:
        details["UserDetailList"].append(user("caller", given))
    elif "policy" in given:
        details["UserDetailList"].append(user("caller", given["policy"]))
    elif "policies" in given:
        details["UserDetailList"].append(user("caller", *given["policies"]))
    elif "boundary" in given:
        boundary = managed("Boundary", given["boundary"])
        details["Policies"].append(boundary)
        details["UserDetailList"].append(user("caller", given["statements"], PermissionsBoundary=bounded(boundary)))
    elif "group_inline" in given:
        details["GroupDetailList"].append(group("team", given["group_inline"]))
        several = [] if not given["members"] else ["team"]
        details["UserDetailList"].append(user("caller", GroupList=several))
    else:
        assert set(given) == {"statements"}
        details["UserDetailList"].append(user("caller", given["statements"]))
    return details


@pytest.mark.parametrize(("entry", "given"), cases("report"))
def test_bypass_is_reported(entry: str, given: Any) -> None:
    details = account_with(given)
    if entry == "iam-assume-role":
        details["RoleDetailList"].append(role("Operator2", [], path="operators/", trust=None))
        details["RoleDetailList"][-1]["RolePolicyList"] = details["RoleDetailList"][0]["RolePolicyList"]
    assert entry in entries(assessed(details))


@pytest.mark.parametrize(("entry", "given"), cases("innocent"))
def test_innocent_twin_is_not(entry: str, given: Any) -> None:
    found = entries(assessed(account_with(given)))
    assert entry not in found


def test_product_is_clean() -> None:
    found = assessed(baseline())
    assert found.audited == ()
    assert found.administrators == (f"{ARN}:user/root-like",)
