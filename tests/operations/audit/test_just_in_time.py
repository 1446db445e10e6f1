"""Bypasses of just-in-time node access are reported in its mode only."""

import json
import re
from typing import Any

import pytest

from local.workspace import REPOSITORY
from operations.audit.protected import DeclaredPrincipals, protected
from operations.stack import StackConfiguration
from tests.components.just_in_time.examples import ACTION, GROUP, approval, auto, cedar
from tests.operations.audit.accounts import ACCOUNT, INSTANCES, assessed, baseline, entries, found_with, user

SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document"
TOKEN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/SSM-JustInTimeAccessTokenRole"
MODE: dict[str, Any] = {
    "is_just_in_time": True,
    "access_policies": {
        "Databases": "ManualApprovalPolicy",
        "SSM-JustInTimeAccessAutoApprovalPolicy": "AutoApprovalPolicy",
    },
    "access_tags": ("Tier",),
}


def allow(*actions: str, on: str = "*", condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return {**statement, "Condition": condition} if condition else statement


def keys(*names: str) -> dict[str, Any]:
    return {"ForAllValues:StringEquals": {"aws:TagKeys": list(names)}}


REPORTED = {
    "a manual policy": ("just-in-time-change-policy", allow("ssm:UpdateDocument", on=f"{SSM}/Databases")),
    "the auto-approval policy by type": (
        "just-in-time-change-policy",
        allow("ssm:*", condition={"StringEquals": {"ssm:DocumentType": "AutoApprovalPolicy"}}),
    ),
    "trust of the role": ("just-in-time-change-token-role", allow("iam:UpdateAssumeRolePolicy", on=TOKEN_ROLE)),
    "policies of all roles": ("just-in-time-change-token-role", allow("iam:PutRolePolicy")),
    "any tag": ("just-in-time-tag-nodes", allow("ec2:CreateTags", on=INSTANCES)),
    "the tag": ("just-in-time-tag-nodes", allow("ec2:CreateTags", on=INSTANCES, condition=keys("Tier"))),
    "tags of hybrid nodes": ("just-in-time-tag-nodes", allow("ssm:AddTagsToResource")),
    "the tag goes": ("just-in-time-tag-nodes", allow("ec2:DeleteTags", condition=keys("Name", "Tier"))),
    "a session without a request": ("session-any-node", allow("ssm:StartSession")),
}
HARMLESS = {
    "another document": allow("ssm:UpdateDocument", on=f"{SSM}/Other"),
    "a policy of another type": allow(
        "ssm:UpdateDocument", condition={"StringEquals": {"ssm:DocumentType": "Command"}}
    ),
    "another role": allow("iam:UpdateAssumeRolePolicy", on=f"arn:aws:iam::{ACCOUNT}:role/Other"),
    "another tag": allow("ec2:CreateTags", on=INSTANCES, condition=keys("Name")),
    "tags of volumes": allow("ec2:CreateTags", on=f"arn:aws:ec2:*:{ACCOUNT}:volume/*"),
    "a request": allow("ssm:StartAccessRequest", "ssm:GetAccessToken"),
}


@pytest.mark.parametrize(("rule", "statement"), REPORTED.values(), ids=REPORTED)
def test_bypass_is_reported_in_its_mode(rule: str, statement: Any) -> None:
    assert rule in found_with(statement, settings=MODE)
    assert not any(each.startswith("just-in-time-") for each in found_with(statement))


@pytest.mark.parametrize("statement", HARMLESS.values(), ids=HARMLESS)
def test_harmless_permission_is_not_reported(statement: Any) -> None:
    reported = found_with(statement, settings=MODE)
    assert not any(each.startswith("just-in-time-") for each in reported)
    assert "session-second-request-path" not in reported


def test_permissions_of_the_guide_are_no_bypass() -> None:
    guide = (REPOSITORY / "docs" / "just-in-time.md").read_text().replace("111122223333", ACCOUNT)
    operators, approvers, _ = map(json.loads, re.findall(r"```json\n(.*?)```", guide, re.DOTALL))
    for statements in (operators, approvers):
        details = baseline(users=[user("reader", *statements)])
        assert entries(assessed(details, **MODE)) == {}
    any_document = allow("ssm:StartAutomationExecution", condition={"StringLike": {"ssm:DocumentType": "*"}})
    assert "ssm-start-other-runbooks" in found_with(any_document, settings=MODE)


def test_denied_tag_is_not_reported() -> None:
    details = baseline()
    deny = {"Effect": "Deny", "Action": "ec2:*Tags", "Resource": "*"}
    details["UserDetailList"].append(user("caller", allow("ec2:CreateTags"), deny))
    assert "just-in-time-tag-nodes" not in entries(assessed(details, **MODE))


def test_names_are_those_of_the_configuration() -> None:
    text = (
        f'permit({GROUP}, {ACTION}, resource) when {{ resource.hasTag("Stage") && resource.getTag("Stage") == "x" }};'
    )
    values = {
        "aws:region": "eu-west-1",
        "shell-access:approval": json.dumps(approval(auto_approvals=[auto(), cedar(text)])),
    }
    stack = StackConfiguration(name="dev", values=values)
    names = protected(stack, DeclaredPrincipals(), account_id=ACCOUNT, partition="aws")
    assert names.is_just_in_time
    assert names.access_policies == MODE["access_policies"]
    assert names.access_tags == ("Environment", "Stage", "Tier")
    assert not names.starts_by_runbook
