"""What AWS publishes as managed policies is judged sensibly."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from tests.operations.audit.accounts import ARN, assessed, attached, baseline, entries, role, trusting, user


@cache
def published() -> dict[str, Any]:
    return json.loads(aws_managed_policies_data)


def policy(name: str) -> dict[str, Any]:
    version = {"IsDefaultVersion": True, "Document": published()[name]["Document"]}
    return {"PolicyName": name, "Arn": f"arn:aws:iam::aws:policy/{name}", "PolicyVersionList": [version]}


def found_with(name: str) -> dict[str, set[str]]:
    details = baseline()
    held = policy(name)
    details["Policies"] = [*(each for each in details["Policies"] if each["Arn"] != held["Arn"]), held]
    details["UserDetailList"].append(user("somebody", AttachedManagedPolicies=attached(held)))
    by_severity: dict[str, set[str]] = {}
    for entry, severity in entries(assessed(details)).items():
        by_severity.setdefault(severity, set()).add(entry)
    return by_severity


def test_administrators_can_do_everything_that_a_person_can() -> None:
    found = found_with("AdministratorAccess")
    assert found["critical"] >= {"A1", "B1", "B2", "D1", "D2", "D3", "D4", "D5", "E1", "E3", "E5", "F1"}
    assert found["high"] >= {"A4", "A5", "B3", "B4", "B5", "C1", "C2", "C3", "C4", "C5", "D8", "D9", "E4", "E7", "F2"}


def test_power_users_do_not_reach_iam() -> None:
    found = found_with("PowerUserAccess")
    assert found["critical"] >= {"A1", "B1", "E1", "E5", "G1"}
    assert not {"D1", "D2", "D3", "D4", "D5", "F1", "F2"} & {entry for several in found.values() for entry in several}


def test_iam_administrators_reach_everything_by_detour() -> None:
    found = found_with("IAMFullAccess")
    assert found["critical"] >= {"D1", "D2", "D3", "D4", "D5"}
    assert not {"A1", "B1", "E1"} & {entry for several in found.values() for entry in several}


@pytest.mark.parametrize("name", ["AmazonSSMFullAccess", "AmazonSSMAutomationRole"])
def test_systems_manager_administrators_reach_sessions_and_documents(name: str) -> None:
    assert found_with(name)["critical"] >= {"A1", "B1", "B2", "E1", "E5"}


@pytest.mark.parametrize("name", ["ReadOnlyAccess", "AmazonSSMReadOnlyAccess"])
def test_readers_get_tokens_and_parameters(name: str) -> None:
    """`ssm:Get*` holds GetAccessToken and GetParameter."""
    assert found_with(name) == {"medium": {"A7", "C7", "G2"}}


@pytest.mark.parametrize("name", ["SecurityAudit", "ViewOnlyAccess"])
def test_auditors_are_clean(name: str) -> None:
    assert found_with(name) == {}


@pytest.mark.parametrize("name", ["AmazonSSMManagedInstanceCore", "AmazonEC2RoleforSSM"])
def test_agents_rights_are_clean_on_a_node_and_readable_secrets_elsewhere(name: str) -> None:
    assert found_with(name) == {"medium": {"C7", "G2"}}
    details = baseline()
    held = policy(name)
    details["Policies"].append(held)
    trust = trusting(Service="ec2.amazonaws.com")
    details["RoleDetailList"].append(role("node2", trust=trust, AttachedManagedPolicies=attached(held)))
    found = assessed(details)
    assert (found.audited, found.services) == ((), ())


def test_a_service_role_with_more_is_listed_apart() -> None:
    details = baseline()
    held = policy("AmazonSSMFullAccess")
    details["Policies"].append(held)
    trust = trusting(Service="ec2.amazonaws.com")
    details["RoleDetailList"].append(role("node2", trust=trust, AttachedManagedPolicies=attached(held)))
    found = assessed(details)
    assert (found.audited, [each.arn for each in found.services]) == ((), [f"{ARN}:role/node2"])
