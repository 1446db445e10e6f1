"""Which ways to a session the policies of a stack leave open, at each step of a move."""

from datetime import date
from typing import Any

import pytest

from common.iam.principals import read_account
from components.approval.guard_rails import operator_deny_policy
from components.approval.iam_policies import approver_policy, operator_policy, requester_policy
from components.approval.names import WorkflowLocation
from components.approval.settings import ApprovalSettings, Mode
from operations.audit.audit_context import AuditContext
from operations.audit.findings import AcceptedException
from operations.migration.access_paths import AccessPaths, access_paths
from tests.components.just_in_time.examples import approval, manual
from tests.operations.audit.accounts import ACCOUNT, ADMINISTRATOR, ARN, START, names, role, trusting, user

PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
DIRECTORY = trusting(Federated=f"{ARN}:saml-provider/company")
MANUAL = {"ssm:DocumentType": "ManualApprovalPolicy"}
REQUEST = [
    {
        "Effect": "Allow",
        "Action": ["ssm:StartAccessRequest", "ssm:GetAccessToken", "ssm:CreateOpsItem", "ssm:GetOpsItem"],
        "Resource": "*",
    },
    {
        "Effect": "Allow",
        "Action": "ssm:StartAutomationExecution",
        "Resource": "arn:aws:ssm:*:*:document/*",
        "Condition": {"StringEquals": MANUAL},
    },
    {
        "Effect": "Allow",
        "Action": "ssm:StartAutomationExecution",
        "Resource": "arn:aws:ssm:*:*:automation-execution/*",
    },
]
OPERATOR = f"{ARN}:role/Operator"


def settings(stage: str = "none", mode: Mode = Mode.AUTOMATION) -> ApprovalSettings:
    policies = {**approval([manual()]), "justInTimeMigration": stage} if stage != "none" else {}
    return ApprovalSettings.model_validate(
        {
            **policies,
            "mode": mode,
            "operatorRoles": ["Operator"],
            "approvers": [{"type": "IamRole", "name": "Approver"}],
        }
    )


def evaluated(
    given: ApprovalSettings, *own: Any, others: Any = (), exceptions: Any = (), guard_rails: bool = False
) -> AccessPaths:
    """Evaluate an account with the stack's policies; `own` are further policies of the operator."""
    operating = [operator_policy(PLACE, session_data_encryption=True), requester_policy(given, PLACE), *own]
    operating += [operator_deny_policy(given, PLACE)] if guard_rails else []
    details: dict[str, Any] = {
        "UserDetailList": [user("root-like", {"Effect": "Allow", "Action": "*", "Resource": "*"})],
        "RoleDetailList": [
            role("Operator", *operating, trust=DIRECTORY),
            role("Approver", approver_policy(PLACE), trust=DIRECTORY),
            *others,
        ],
    }
    protected = names(
        starts_by_runbook=given.mode is Mode.AUTOMATION,
        operator_roles=("Operator",),
        approver_names=(("IamRole", "Approver"),),
        administrators=(ADMINISTRATOR,),
        is_just_in_time=given.is_migrating,
    )
    audit = AuditContext(account=read_account(details, account_id=ACCOUNT), protected=protected)
    return access_paths(audit, given.mode, ["Databases"], exceptions)


@pytest.mark.parametrize("mode", [Mode.AUTOMATION, Mode.CHANGE_MANAGER])
def test_operators_get_sessions_through_the_workflow(mode: Mode) -> None:
    found = evaluated(settings(mode=mode))
    assert (found.is_workflow_open, found.is_just_in_time_open, found.standing) == (True, False, ())
    assert [(each.arn, each.lacks) for each in found.operators] == [(OPERATOR, ())]
    assert found.operators_just_in_time[0].lacks[0] == "ssm:StartAccessRequest"


def test_policy_of_another_mode_leaves_no_path() -> None:
    changed = settings(mode=Mode.CHANGE_MANAGER)
    found = evaluated(settings().model_copy(update={"mode": Mode.AUTOMATION}))
    assert found.is_workflow_open
    details = requester_policy(changed, PLACE)
    audit = AuditContext(
        account=read_account(
            {"RoleDetailList": [role("Operator", operator_policy(PLACE, session_data_encryption=False), details)]},
            account_id=ACCOUNT,
        ),
        protected=names(operator_roles=("Operator",)),
    )
    (operator,) = access_paths(audit, Mode.AUTOMATION, []).operators
    assert operator.lacks == ("ssm:StartAutomationExecution",)


@pytest.mark.parametrize("guard_rails", [False, True], ids=["", "guard rails"])
def test_draining_leaves_just_in_time_alone_open(*, guard_rails: bool) -> None:
    both = evaluated(settings("parallel"), *REQUEST, guard_rails=guard_rails)
    assert (both.is_workflow_open, both.requesters) == (True, (OPERATOR,))
    one = evaluated(settings("draining"), *REQUEST, guard_rails=guard_rails)
    assert (one.is_workflow_open, one.requesters, one.standing) == (False, (OPERATOR,), ())


def test_guard_rails_without_a_move_close_just_in_time() -> None:
    found = evaluated(settings(), *REQUEST, guard_rails=True)
    assert found.operators_just_in_time[0].lacks == ("ssm:StartAutomationExecution on the manual policies",)


def test_requests_of_users_do_not_count() -> None:
    details = {"UserDetailList": [user("alice", *REQUEST)], "RoleDetailList": []}
    audit = AuditContext(account=read_account(details, account_id=ACCOUNT), protected=names(operator_users=("alice",)))
    found = access_paths(audit, Mode.AUTOMATION, ["Databases"])
    assert not found.is_just_in_time_open
    assert found.operators_just_in_time[0].lacks == ("requests are accepted of sessions of roles only",)


def test_condition_that_cannot_be_evaluated_is_no_path() -> None:
    condition = {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-0123"}}}
    narrowed = [{**each, **condition} if "Condition" not in each else each for each in REQUEST]
    assert not evaluated(settings("parallel"), *narrowed).is_just_in_time_open


def test_standing_sessions_are_found_and_never_a_path() -> None:
    admin = role("Admin", START, *REQUEST, trust=DIRECTORY)
    found = evaluated(settings("parallel"), others=[admin])
    assert (found.standing, found.requesters) == ((f"{ARN}:role/Admin",), ())
    accepted = AcceptedException(
        principal=f"{ARN}:role/Admin", rule="session-any-node", reason="r", owner="o", until=date(2099, 1, 1)
    )
    found = evaluated(settings("parallel"), others=[admin], exceptions=[accepted])
    assert (found.standing, found.requesters) == ((), ())


def test_expired_exception_is_no_principal_with_sessions() -> None:
    expired = AcceptedException(
        principal=f"{ARN}:role/Admin", rule="session-any-node", reason="r", owner="o", until=date(2020, 1, 1)
    )
    assert evaluated(settings("parallel"), exceptions=[expired]).standing == ()
    admin = role("Admin", START, trust=DIRECTORY)
    found = evaluated(settings("parallel"), others=[admin], exceptions=[expired])
    assert found.standing == (f"{ARN}:role/Admin",)


def test_token_role_and_services_do_not_count() -> None:
    service = trusting(Service="justintimeaccess.ssm.amazonaws.com")
    others = [role("SSM-JustInTimeAccessTokenRole", START, trust=DIRECTORY), role("Other", START, trust=service)]
    assert evaluated(settings("parallel"), others=others).standing == ()


def test_workflow_without_an_approver_is_closed() -> None:
    given = settings()
    audit = AuditContext(
        account=read_account(
            {
                "RoleDetailList": [
                    role(
                        "Operator",
                        operator_policy(PLACE, session_data_encryption=False),
                        requester_policy(given, PLACE),
                    )
                ]
            },
            account_id=ACCOUNT,
        ),
        protected=names(operator_roles=("Operator",), approvers=()),
    )
    assert not access_paths(audit, Mode.AUTOMATION, []).is_workflow_open
