"""Evaluation of the managed policies that AWS publishes."""

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
    details["UserDetailList"].append(user("caller", AttachedManagedPolicies=attached(held)))
    by_severity: dict[str, set[str]] = {}
    for entry, severity in entries(assessed(details)).items():
        by_severity.setdefault(severity, set()).add(entry)
    return by_severity


def test_administrators_can_do_everything_that_a_person_can() -> None:
    found = found_with("AdministratorAccess")
    assert found["critical"] >= {
        "session-any-node",
        "ssm-send-command",
        "ssm-create-association",
        "iam-set-approval-tag",
        "iam-write-policies",
        "iam-add-user-to-group",
        "iam-create-credentials",
        "iam-change-trust",
        "approval-change-documents",
        "approval-start-runbook",
        "approval-send-signal",
        "pass-role-to-automation",
    }
    assert found["high"] >= {
        "session-other-documents",
        "ecs-execute-command",
        "ssm-start-other-runbooks",
        "ssm-maintenance-window-task",
        "ssm-change-scheduled-content",
        "ec2-instance-connect",
        "ec2-serial-console",
        "ec2-change-user-data",
        "ec2-replace-volume",
        "ec2-replace-instance-profile",
        "iam-remove-boundary",
        "change-identity-provider",
        "approval-request-without-review",
        "change-session-preferences",
        "pass-role-to-compute",
    }


def test_power_users_do_not_reach_iam() -> None:
    found = found_with("PowerUserAccess")
    assert found["critical"] >= {
        "session-any-node",
        "ssm-send-command",
        "approval-change-documents",
        "approval-send-signal",
        "allow-not-action",
    }
    assert not {
        "iam-set-approval-tag",
        "iam-write-policies",
        "iam-add-user-to-group",
        "iam-create-credentials",
        "iam-change-trust",
        "pass-role-to-automation",
        "pass-role-to-compute",
    } & {entry for several in found.values() for entry in several}


def test_iam_administrators_reach_everything_by_detour() -> None:
    found = found_with("IAMFullAccess")
    assert found["critical"] >= {
        "iam-set-approval-tag",
        "iam-write-policies",
        "iam-add-user-to-group",
        "iam-create-credentials",
        "iam-change-trust",
    }
    assert not {"session-any-node", "ssm-send-command", "approval-change-documents"} & {
        entry for several in found.values() for entry in several
    }


@pytest.mark.parametrize("name", ["AmazonSSMFullAccess", "AmazonSSMAutomationRole"])
def test_ssm_administrators_reach_sessions_and_documents(name: str) -> None:
    assert found_with(name)["critical"] >= {
        "session-any-node",
        "ssm-send-command",
        "ssm-create-association",
        "approval-change-documents",
        "approval-send-signal",
    }


@pytest.mark.parametrize("name", ["ReadOnlyAccess", "AmazonSSMReadOnlyAccess"])
def test_readers_get_tokens_and_parameters(name: str) -> None:
    """`ssm:Get*` holds GetAccessToken and GetParameter."""
    assert found_with(name) == {"medium": {"session-second-request-path", "read-login-secrets", "action-wildcard"}}


@pytest.mark.parametrize("name", ["SecurityAudit", "ViewOnlyAccess"])
def test_auditors_are_clean(name: str) -> None:
    assert found_with(name) == {}


@pytest.mark.parametrize("name", ["AmazonSSMManagedInstanceCore", "AmazonEC2RoleforSSM"])
def test_agent_policy_is_clean_on_nodes_and_reported_elsewhere(name: str) -> None:
    assert found_with(name) == {"medium": {"read-login-secrets", "action-wildcard"}}
    details = baseline()
    held = policy(name)
    details["Policies"].append(held)
    trust = trusting(Service="ec2.amazonaws.com")
    details["RoleDetailList"].append(role("node2", trust=trust, AttachedManagedPolicies=attached(held)))
    found = assessed(details)
    assert (found.audited, found.services) == ((), ())


def test_service_role_with_more_is_listed_apart() -> None:
    details = baseline()
    held = policy("AmazonSSMFullAccess")
    details["Policies"].append(held)
    trust = trusting(Service="ec2.amazonaws.com")
    details["RoleDetailList"].append(role("node2", trust=trust, AttachedManagedPolicies=attached(held)))
    found = assessed(details)
    assert (found.audited, [each.arn for each in found.services]) == ((), [f"{ARN}:role/node2"])
