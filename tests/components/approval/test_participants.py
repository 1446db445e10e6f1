"""Effective permissions of operators and approvers in the workflow, over all policies of the stack."""

from __future__ import annotations

from typing import Any

import pytest

from common.iam.context import ABSENT, RequestContext, Value, known
from common.iam.documents import Policy, parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from components.approval.guard_rails import operator_deny_policy, tag_control_policy
from components.approval.iam_policies import approver_policy, operator_policy, requester_policy
from components.approval.names import CHANGE_TEMPLATE_NAME, RUNBOOK_NAME, TAG_KEY, WorkflowLocation
from components.approval.settings import ApprovalSettings, ApproverType, Mode
from tests.components.just_in_time.examples import approval, manual

KEY = "justInTimeMigration"
PLACE = WorkflowLocation(partition="aws", account_id="111122223333", region="eu-west-1")
RUN = PLACE.ssm("automation-execution/12345678-1234-1234-1234-123456789012")
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def settings(mode: Mode) -> ApprovalSettings:
    return ApprovalSettings.model_validate(
        {
            "mode": mode,
            "operatorRoles": ["Operator"],
            "operatorUsers": ["alice"],
            "approvers": [{"type": "IamRole", "name": "Approver"}],
        }
    )


def policies(*documents: Any) -> tuple[Policy, ...]:
    return tuple(parse(each, name=str(index)) for index, each in enumerate(documents))


def operator(mode: Mode) -> Permissions:
    return Permissions(
        identity=policies(operator_policy(PLACE, session_data_encryption=True), requester_policy(settings(mode), PLACE))
    )


def administrator_behind_guard_rails(mode: Mode = Mode.AUTOMATION) -> Permissions:
    return Permissions(identity=policies(EVERYTHING, operator_deny_policy(settings(mode), PLACE)))


def allowed(who: Permissions, action: str, resource: str, **keys: Value) -> bool:
    values = {name.replace("_", ":", 1).lower(): value for name, value in keys.items()}
    decision = decide(who, action, resource, RequestContext(values, otherwise=ABSENT)).allowed
    assert decision is not Truth.UNKNOWN
    return decision is Truth.YES


@pytest.mark.parametrize(
    ("mode", "action", "document"),
    [
        (Mode.AUTOMATION, "ssm:StartAutomationExecution", RUNBOOK_NAME),
        (Mode.CHANGE_MANAGER, "ssm:StartChangeRequestExecution", CHANGE_TEMPLATE_NAME),
    ],
)
@pytest.mark.parametrize("rails", [False, True], ids=["", "guard rails"])
def test_operators_may_ask_and_hand_over_the_role(mode: Mode, action: str, document: str, rails: bool) -> None:  # noqa: FBT001
    who = administrator_behind_guard_rails(mode) if rails else operator(mode)
    for resource in (f"document/{document}", f"automation-definition/{document}:$DEFAULT"):
        assert allowed(who, action, PLACE.ssm(resource))
    # An earlier version, which adoption keeps, may lack the approval step.
    assert not allowed(who, action, PLACE.ssm(f"automation-definition/{document}:1"))
    assert allowed(who, action, RUN)
    assert allowed(who, "iam:PassRole", PLACE.role_arn, iam_PassedToService=known("ssm.amazonaws.com"))
    assert allowed(who, "ssm:GetAutomationExecution", RUN)


def test_operators_ask_in_the_mode_of_the_workflow_only() -> None:
    assert not allowed(
        operator(Mode.CHANGE_MANAGER), "ssm:StartAutomationExecution", PLACE.ssm(f"document/{RUNBOOK_NAME}")
    )
    assert not allowed(
        operator(Mode.AUTOMATION), "ssm:StartChangeRequestExecution", PLACE.ssm(f"document/{CHANGE_TEMPLATE_NAME}")
    )


def test_no_request_may_ask_for_automatic_approval() -> None:
    template = PLACE.ssm(f"document/{CHANGE_TEMPLATE_NAME}")
    who = operator(Mode.CHANGE_MANAGER)
    assert not allowed(who, "ssm:StartChangeRequestExecution", template, ssm_AutoApprove=known("true"))
    assert allowed(who, "ssm:StartChangeRequestExecution", template, ssm_AutoApprove=known("false"))


def test_operators_hand_the_role_to_systems_manager_only() -> None:
    role = PLACE.role_arn
    assert not allowed(operator(Mode.AUTOMATION), "iam:PassRole", role, iam_PassedToService=known("ec2.amazonaws.com"))
    assert not allowed(operator(Mode.AUTOMATION), "iam:PassRole", role)


def moving(stage: str) -> ApprovalSettings:
    """Settings of a workflow that just-in-time node access replaces."""
    given = settings(Mode.AUTOMATION).model_dump(mode="json", by_alias=True)
    return ApprovalSettings.model_validate({**given, **approval([manual()]), "mode": "automation"} | {KEY: stage})


@pytest.mark.parametrize("stage", ["parallel", "draining"])
def test_draining_workflow_accepts_no_requests(stage: str) -> None:
    who = Permissions(identity=policies(requester_policy(moving(stage), PLACE)))
    runbook = PLACE.ssm(f"document/{RUNBOOK_NAME}")
    assert allowed(who, "ssm:StartAutomationExecution", runbook) == (stage == "parallel")
    systems_manager = known("ssm.amazonaws.com")
    assert allowed(who, "iam:PassRole", PLACE.role_arn, iam_PassedToService=systems_manager) == (stage == "parallel")
    assert allowed(who, "ssm:GetAutomationExecution", RUN)


@pytest.mark.parametrize("stage", ["parallel", "draining"])
def test_guard_rails_of_a_move_permit_the_stacks_policies(stage: str) -> None:
    who = Permissions(identity=policies(EVERYTHING, operator_deny_policy(moving(stage), PLACE)))
    for resource in ("document/Databases", "automation-definition/Databases:1", "automation-execution/run"):
        assert allowed(who, "ssm:StartAutomationExecution", PLACE.ssm(resource, "us-east-1"))
        assert not allowed(
            administrator_behind_guard_rails(), "ssm:StartAutomationExecution", PLACE.ssm(resource, "us-east-1")
        )
    assert not allowed(who, "ssm:StartAutomationExecution", PLACE.ssm("document/Other"))


def test_operators_do_not_decide() -> None:
    assert not allowed(operator(Mode.AUTOMATION), "ssm:SendAutomationSignal", RUN)


def test_approvers_decide_and_neither_ask_nor_start_sessions() -> None:
    who = Permissions(identity=policies(approver_policy(PLACE)))
    assert allowed(who, "ssm:SendAutomationSignal", RUN)
    assert allowed(who, "ssm:GetAutomationExecution", RUN)
    assert not allowed(who, "ssm:StartAutomationExecution", PLACE.ssm(f"document/{RUNBOOK_NAME}"))
    assert not allowed(who, "ssm:StartSession", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0")


@pytest.mark.parametrize("key", [TAG_KEY, TAG_KEY.lower(), TAG_KEY.upper()])
@pytest.mark.parametrize("action", ["iam:TagRole", "iam:UntagUser", "iam:CreateRole", "sts:TagSession"])
def test_guard_rails_keep_the_tag_in_any_spelling(action: str, key: str) -> None:
    """IAM takes keys that differ in case alone for the same one."""
    role = PLACE.iam("role/Anything")
    who = administrator_behind_guard_rails()
    assert not allowed(who, action, role, aws_TagKeys=known("team", key))
    assert allowed(who, action, role, aws_TagKeys=known("team", "cost"))


@pytest.mark.parametrize("key", [TAG_KEY, TAG_KEY.lower()])
def test_control_policy_leaves_the_tag_to_the_runbooks_role(key: str) -> None:
    who = Permissions(
        identity=policies(EVERYTHING), ceilings=(policies(EVERYTHING), policies(EVERYTHING, tag_control_policy(PLACE)))
    )
    tags = known(key, "other")
    user = PLACE.iam("user/alice")
    administrator = known(PLACE.iam("role/Administrator"))
    assert not allowed(who, "iam:TagUser", user, aws_TagKeys=tags, aws_PrincipalArn=administrator)
    assert allowed(who, "iam:TagUser", user, aws_TagKeys=tags, aws_PrincipalArn=known(PLACE.role_arn))
    assert allowed(who, "iam:TagUser", user, aws_TagKeys=known("a", "b"), aws_PrincipalArn=administrator)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ssm:StartAutomationExecution", "automation-definition/AWS-RestartEC2Instance:1"),
        ("ssm:StartAutomationExecution", "document/Other"),
        ("ssm:CreateAssociation", "document/Other"),
        ("ssm:RegisterTaskWithMaintenanceWindow", "maintenancewindow/mw-0123456789abcdef0"),
    ],
)
def test_behind_guard_rails_the_role_runs_nothing_else(action: str, resource: str) -> None:
    assert not allowed(administrator_behind_guard_rails(), action, PLACE.ssm(resource))


def test_behind_guard_rails_no_operator_becomes_an_approver() -> None:
    for role in ("role/Approver", "role/team/Approver"):
        assert not allowed(administrator_behind_guard_rails(), "sts:AssumeRole", PLACE.iam(role))
    assert allowed(administrator_behind_guard_rails(), "sts:AssumeRole", PLACE.iam("role/Other"))


def test_roles_of_identity_center_get_no_policy_from_us() -> None:
    names = ["AWSReservedSSO_Security_0123456789abcdef", "Approver"]
    given = ApprovalSettings.model_validate(
        {
            "operatorRoles": ["Operator"],
            "approvers": [{"type": "IamRole", "name": name, "level": level} for name in names for level in (1, 2)],
        }
    )
    assert given.attachable_approvers(ApproverType.IAM_ROLE) == ["Approver"]
    assert given.attachable_approvers(ApproverType.IAM_USER) == []
