"""The boundary of the roles that stacks make lets pass what their policies say, and nothing that leads further."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from common.aws.arns import Scope
from common.iam.documents import parse
from common.iam.evaluation import Permissions
from common.limits import MANAGED_POLICY, size
from components.approval.evidence import export_role_policy, export_schedule_role_policy
from components.approval.iam_policies import (
    break_glass_policy,
    forwarding_policy,
    runbook_role_policy,
    schedule_role_policy,
)
from components.approval.names import WorkflowLocation
from components.domain_controllers.iam_policies import controllers_policies
from components.domain_controllers.names import FLOW_LOGS
from components.domain_controllers.resource_policies import flow_logs_policy
from components.nodes.role_compliance import remediation_role_policy
from components.session_manager.instance_policy import instance_policy
from components.session_manager.settings import log_locations
from operations.deployer.role_boundary import role_boundary
from operations.deployer.scope import System
from operations.deployer.statement import TooMuchError
from tests.operations.deployer.stacks import ACCOUNT, EVERYTHING, may, must_not, scope, settings

PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
INSTANCE_POLICY = f"arn:aws:iam::{ACCOUNT}:policy/ShellAccessSessionManagerNode"
CONDITIONED = {"iam:AttachRolePolicy", "iam:PassRole", "iam:TagRole", "iam:TagUser", "iam:UntagRole", "iam:UntagUser"}


def role_policies() -> Iterator[dict[str, Any]]:
    approval = settings("dev").approval
    assert approval
    yield runbook_role_policy(approval, PLACE)
    yield schedule_role_policy(PLACE)
    yield export_role_policy(PLACE, log_locations(settings("dev").session_manager, ACCOUNT))
    yield export_schedule_role_policy(PLACE)
    emergency: Any = break_glass_policy(PLACE, ("eu-west-1",), session_data_encryption=True)
    yield {"Statement": [each for each in emergency["Statement"] if each["Effect"] == "Allow"]}
    yield forwarding_policy(PLACE)
    directory = settings("dev").domain_controllers
    assert directory
    scope = Scope(partition="aws", account_id=ACCOUNT, region="eu-west-1")
    yield from controllers_policies(directory, scope).values()
    yield flow_logs_policy(scope, FLOW_LOGS)
    yield remediation_role_policy(scope, [INSTANCE_POLICY], [])
    for name in ("dev", "prod"):
        policy = instance_policy(settings(name).session_manager, partition="aws", account_id=ACCOUNT)
        assert policy
        yield policy


def statements(policy: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for statement in policy["Statement"]:
        given = statement["Action"]
        for action in [given] if isinstance(given, str) else given:
            yield action, statement


def test_boundary_lets_pass_what_the_roles_policies_allow() -> None:
    allowed = [each for each in role_boundary(scope())["Statement"] if each["Effect"] == "Allow"]
    passing = dict(statements({"Statement": allowed}))
    for policy in role_policies():
        for action, statement in statements(policy):
            assert action in passing
            if action in CONDITIONED and "Condition" in passing[action]:
                wanted = {key for keys in statement["Condition"].values() for key in keys}
                asked = {key for keys in passing[action]["Condition"].values() for key in keys}
                assert asked - {"aws:PrincipalArn"} <= wanted


def test_boundary_lets_pass_nothing_that_no_role_has() -> None:
    held = {action for policy in role_policies() for action, _ in statements(policy)}
    assert {action for action, _ in statements(role_boundary(scope()))} - held == set()


@pytest.mark.parametrize(
    ("action", "role"),
    [
        ("ssm:StartSession", "ShellAccessBreakGlass"),
        ("s3:PutObject", "ShellAccessEvidenceExport"),
        ("cloudtrail:LookupEvents", "ShellAccessEvidenceExport"),
    ],
)
def test_boundary_lets_one_role_of_approval_do_it(action: str, role: str) -> None:
    without_hosts = replace(scope(), systems=frozenset({System.APPROVAL}))
    granting = [each for each in role_boundary(without_hosts)["Statement"] if action in each["Action"]]
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    assert [each["Condition"]["ArnEquals"]["aws:PrincipalArn"] for each in granting] == [arn]


GRANT: dict[str, Any] = {"aws:TagKeys": ["SecurityAllowSessionInstance"]}
OUR_POLICY = {"iam:PolicyARN": INSTANCE_POLICY}
TO_SSM = {"iam:PassedToService": "ssm.amazonaws.com"}
RUNBOOKS, SCHEDULE, REMEDIATION, HOST, CONTROLLER = (
    "SsmSessionControlChangeMangerRole",
    "SsmSessionGrantReaperSchedule",
    "ShellAccessNodeRemediation",
    "ShellAccessDefaultHostManagement",
    "ShellAccessDomainController",
)


def by(role: str) -> dict[str, str]:
    return {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{role}"}


def bounded() -> Permissions:
    limit = parse(role_boundary(scope()), name="boundary", kind="boundary")
    return Permissions(identity=(parse(EVERYTHING, name="everything"),), boundary=limit)


@pytest.mark.parametrize(
    ("role", "action", "resource", "keys"),
    [
        (RUNBOOKS, "iam:TagRole", "role/Operator", GRANT),
        (RUNBOOKS, "iam:TagUser", "user/Oscar", GRANT),
        (RUNBOOKS, "iam:UntagRole", "role/operators/Operator", GRANT),
        (REMEDIATION, "iam:AttachRolePolicy", "role/Payments", OUR_POLICY),
        (SCHEDULE, "iam:PassRole", f"role/{RUNBOOKS}", TO_SSM),
    ],
)
def test_one_role_does_what_leads_further_and_no_other(
    role: str, action: str, resource: str, keys: dict[str, Any]
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:{resource}"
    for each in (RUNBOOKS, SCHEDULE, REMEDIATION, HOST, CONTROLLER):
        asked = keys | by(each)
        assert (may if each == role else must_not)(bounded(), action, arn, **asked)


def test_grants_are_for_operators_alone() -> None:
    for resource in ("role/Payments", "user/Other", f"role/{RUNBOOKS}"):
        action = "iam:TagUser" if resource.startswith("user") else "iam:TagRole"
        assert must_not(bounded(), action, f"arn:aws:iam::{ACCOUNT}:{resource}", **GRANT, **by(RUNBOOKS))


def test_instance_policy_does_not_come_to_who_deploys() -> None:
    for role in ("ShellAccessDeployer", "ShellAccessPreview"):
        keys = OUR_POLICY | by(REMEDIATION)
        assert must_not(bounded(), "iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/{role}", **keys)


def test_boundary_that_would_not_fit_is_refused() -> None:
    many = replace(scope(), operator_roles=frozenset(f"Operator{number:056}" for number in range(64)))
    with pytest.raises(TooMuchError, match="the boundary of its roles takes"):
        role_boundary(many)


@pytest.mark.parametrize("role", [RUNBOOKS, REMEDIATION, CONTROLLER])
@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        ("iam:TagRole", "role/Operator", {"aws:TagKeys": ["Department"]}),
        ("iam:TagRole", "role/Operator", {}),
        ("iam:UntagRole", "role/Operator", {"aws:TagKeys": ["Department"]}),
        ("iam:AttachRolePolicy", "role/Operator", {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("iam:PassRole", "role/Administrator", {"iam:PassedToService": "ssm.amazonaws.com"}),
        ("iam:CreateUser", "user/other", {}),
        ("sts:AssumeRole", "role/Administrator", {}),
    ],
)
def test_role_with_every_right_cannot_go_further(role: str, action: str, resource: str, keys: dict[str, Any]) -> None:
    assert must_not(bounded(), action, f"arn:aws:iam::{ACCOUNT}:{resource}", **keys, **by(role))
    assert must_not(bounded(), "ssm:StartSession", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1")


def test_boundary_fits() -> None:
    assert size(role_boundary(scope())) <= MANAGED_POLICY.maximum
