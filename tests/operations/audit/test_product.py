"""The product's own principals have no findings, and its denials work."""

import json
from typing import Any

import pytest

from components.approval.guard_rails import operator_deny_policy, tag_control_policy
from components.approval.iam_policies import (
    approver_policy,
    automation_trust,
    operator_policy,
    requester_policy,
    runbook_role_policy,
    schedule_role_policy,
    schedule_trust,
    service_trust,
)
from components.approval.names import REAPER_SCHEDULE_ROLE_NAME, ROLE_NAME, WorkflowLocation
from components.approval.plan import plan_approval
from components.approval.settings import ApprovalSettings, BreakGlass, Mode
from tests.operations.audit.accounts import ACCOUNT, ARN, WHO, assessed, entries, role, trusting, user

PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
SETTINGS = ApprovalSettings.model_validate(
    {"operatorRoles": ["Operator"], "operatorUsers": ["al"], "approvers": [{"type": "IamRole", "name": "Approver"}]}
)
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def product(mode: Mode = Mode.AUTOMATION) -> dict[str, Any]:
    directory = trusting(Federated=f"{ARN}:saml-provider/company")
    settings = SETTINGS.model_copy(update={"mode": mode})
    operating = (operator_policy(PLACE, session_data_encryption=True), requester_policy(settings, PLACE))
    return {
        "UserDetailList": [user("al", *operating)],
        "RoleDetailList": [
            role("Operator", *operating, trust=directory),
            role("Approver", approver_policy(PLACE), trust=service_trust("ec2.amazonaws.com", PLACE)),
            role(ROLE_NAME, runbook_role_policy(SETTINGS, PLACE), trust=automation_trust(PLACE)),
            role(
                REAPER_SCHEDULE_ROLE_NAME,
                schedule_role_policy(PLACE),
                trust=schedule_trust(PLACE),
            ),
        ],
    }


@pytest.mark.parametrize("by_runbook", [False, True])
def test_product_is_clean(*, by_runbook: bool) -> None:
    mode = Mode.AUTOMATION if by_runbook else Mode.CHANGE_MANAGER
    found = assessed(
        product(mode),
        starts_by_runbook=by_runbook,
        administrators=(),
        operator_roles=("Operator",),
        operator_users=("al",),
        approver_names=(("IamRole", "Approver"),),
    )
    assert (found.audited, found.services) == ((), ())


def test_operator_who_may_pass_the_role_elsewhere_is_reported() -> None:
    other = {"Effect": "Allow", "Action": "ssm:StartAutomationExecution", "Resource": "*"}
    details = product()
    details["UserDetailList"][0]["UserPolicyList"] += user("x", {"Statement": [other]})["UserPolicyList"]
    assert entries(assessed(details, starts_by_runbook=True), f"{ARN}:user/al")["pass-role-to-automation"] == "critical"


def test_accepted_shared_role_is_by_design() -> None:
    details = product()
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = trusting(AWS=[f"{ARN}:user/a", f"{ARN}:user/b"])
    details["UserDetailList"] += [user("a"), user("b")]
    assert entries(assessed(details, starts_by_runbook=True), f"{ARN}:user/a")["iam-assume-role"] == "high"
    accepted = assessed(details, starts_by_runbook=True, shared_roles=("Operator",))
    assert entries(accepted, f"{ARN}:user/a") == {}
    assert accepted.by_design == (
        "Operator is an operator's role that the configuration accepts as shared: user a; also user b",
    )


def test_reaper_may_neither_be_edited_nor_unscheduled() -> None:
    details = product()
    edit = {
        "Effect": "Allow",
        "Action": "ssm:UpdateDocument",
        "Resource": f"arn:aws:ssm:*:{ACCOUNT}:document/RemoveExpired*",
    }
    stop = {"Effect": "Allow", "Action": "scheduler:DeleteSchedule", "Resource": "*"}
    details["UserDetailList"].append(user("caller", [edit, stop]))
    found = entries(assessed(details))
    assert (found["approval-change-documents"], found["approval-keep-grant"]) == ("critical", "medium")


def test_fence_for_operators_holds() -> None:
    details = product()
    details["UserDetailList"].append(user("caller", EVERYTHING, operator_deny_policy(SETTINGS, PLACE)))
    found = entries(assessed(details, administrators=()))
    assert not {"approval-change-documents", "approval-send-signal", "change-session-preferences"} & set(found)
    assert found.get("approval-review-template", "low") == "low"
    assert "session-any-node" in found


def test_fence_for_the_tag_is_seen() -> None:
    details = product()
    tagging = {"Effect": "Allow", "Action": "iam:TagRole", "Resource": "*"}
    details["UserDetailList"].append(user("caller", tagging))
    fence = tag_control_policy(PLACE)["Statement"]
    assert entries(assessed(details))["iam-set-approval-tag"] == "critical"
    fenced = assessed(details, scps=[[EVERYTHING], [EVERYTHING, *fence]])  # type: ignore[misc]
    # AWS does not document whether aws:TagKeys is case-sensitive: at most one level lower, never certain.
    (finding, *_) = [each for one in fenced.audited if one.arn == WHO for each in one.findings] or [None]
    assert finding is None or (finding.severity.word == "high" and finding.doubts)


EMERGENCY = plan_approval(
    SETTINGS.model_copy(update={"break_glass": BreakGlass(users=["emergency/erin"])}),
    PLACE,
    ("eu-west-1",),
    session_data_encryption=True,
).break_glass_role
assert EMERGENCY


def emergency_account(trust: Any = None, *more: Any, name: str = EMERGENCY.name, **details: Any) -> dict[str, Any]:
    account = product()
    account["RoleDetailList"].append(role(name, EMERGENCY.policy, *more, trust=trust or EMERGENCY.trust, **details))
    account["UserDetailList"].append(user("erin", path="emergency/"))
    return account


def test_break_glass_role_of_the_settings_is_by_design() -> None:
    found = assessed(emergency_account(), starts_by_runbook=True, administrators=(), break_glass=EMERGENCY)
    assert entries(found, f"{ARN}:role/{EMERGENCY.name}") == entries(found, f"{ARN}:user/emergency/erin") == {}
    assert any(EMERGENCY.name in each for each in found.by_design)


WIDER = json.loads(json.dumps(EMERGENCY.trust).replace("emergency/erin", "mallory"))
WITHOUT_MFA = json.loads(json.dumps(EMERGENCY.trust).replace('"true"', '"false"'))


@pytest.mark.parametrize(
    "account",
    [
        emergency_account(WIDER),
        emergency_account(WITHOUT_MFA),
        emergency_account(None, [EVERYTHING]),
        emergency_account(name=f"{EMERGENCY.name}2"),
        emergency_account(path="team/"),
    ],
    ids=["other users", "without MFA", "more permissions", "another name", "another path"],
)
def test_other_break_glass_role_is_found(account: dict[str, Any]) -> None:
    found = assessed(account, starts_by_runbook=True, administrators=(), break_glass=EMERGENCY)
    assert any("BreakGlass" in each.arn for each in found.audited)


def test_break_glass_role_without_settings_is_found() -> None:
    found = assessed(emergency_account(), starts_by_runbook=True, administrators=())
    assert "session-any-node" in entries(found, f"{ARN}:role/{EMERGENCY.name}")


def test_principal_that_changes_break_glass_trust_is_found() -> None:
    account = emergency_account()
    change = {
        "Effect": "Allow",
        "Action": "iam:UpdateAssumeRolePolicy",
        "Resource": f"{ARN}:role/{EMERGENCY.name}",
    }
    account["UserDetailList"].append(user("caller", change))
    assert entries(assessed(account, starts_by_runbook=True, administrators=(), break_glass=EMERGENCY))
