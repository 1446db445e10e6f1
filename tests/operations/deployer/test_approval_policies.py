"""Permissions for the approval policies of just-in-time node access: those policies, that role, and nothing else."""

import json
from functools import cache

import pytest

from common.iam.context import ABSENT, Known, RequestContext
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from components.settings import Settings
from operations.deployer.boundary import boundary
from operations.deployer.names import ROLES_BOUNDARY, Role
from operations.deployer.policies import policies
from operations.deployer.scope import scope_of, whole_scope
from tests.components.just_in_time.examples import approval
from tests.operations.deployer.stacks import ACCOUNT, TAG

SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}"
TOKEN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/SSM-JustInTimeAccessTokenRole"
ROLE_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/{ROLES_BOUNDARY}"
PASSED = {"iam:PassedToService": "justintimeaccess.ssm.amazonaws.com"}
MANUAL = {"ssm:DocumentType": "ManualApprovalPolicy"}
AUTO = {"ssm:DocumentType": "AutoApprovalPolicy"}


@cache
def permissions(role: Role = Role.DEPLOYER) -> Permissions:
    values = {"aws:region": "eu-west-1", "shell-access:approval": json.dumps(approval())}
    scope = scope_of([Settings.load(values)], TAG, ACCOUNT)
    identity = tuple(parse(each, name="deployer") for each in policies(scope, role))
    return Permissions(identity=identity, boundary=parse(boundary(scope), name="boundary", kind="boundary"))


def may(
    action: str, resource: str, keys: dict[str, str], role: Role = Role.DEPLOYER, *, held: Permissions | None = None
) -> bool:
    region = "us-east-1" if action.startswith("iam:") else "eu-west-1"
    given = {"aws:requestedregion": region, **{key.lower(): value for key, value in keys.items()}}
    context = RequestContext({key: Known((value,)) for key, value in given.items()}, {}, ABSENT)
    return decide(held or permissions(role), action, resource, context).allowed is Truth.YES


@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        ("ssm:CreateDocument", f"{SSM}:document/Databases", MANUAL),
        ("ssm:UpdateDocument", f"{SSM}:document/SSM-JustInTimeAccessAutoApprovalPolicy", AUTO),
        ("ssm:AddTagsToResource", f"{SSM}:document/Databases", {}),
        ("iam:PassRole", TOKEN_ROLE, PASSED),
    ],
)
def test_deployer_publishes_the_policies_of_the_stack(action: str, resource: str, keys: dict[str, str]) -> None:
    assert may(action, resource, keys)
    assert not may(action, resource, keys, Role.PREVIEW)


@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        ("ssm:CreateDocument", f"{SSM}:document/Databases", {"ssm:DocumentType": "Automation"}),
        ("ssm:CreateDocument", f"{SSM}:document/Other", MANUAL),
        ("ssm:UpdateDocument", f"{SSM}:document/SSM-JustInTimeAccessDenyAccessOrgPolicy", AUTO),
        ("ssm:DeleteDocument", f"{SSM}:document/SSM-JustInTimeAccessDenyAccessOrgPolicy", AUTO),
        ("iam:PassRole", TOKEN_ROLE, {"iam:PassedToService": "ssm.amazonaws.com"}),
        ("iam:PassRole", TOKEN_ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("iam:UpdateAssumeRolePolicy", TOKEN_ROLE, {}),
        ("iam:PutRolePolicy", TOKEN_ROLE, {}),
        ("iam:DeleteRole", TOKEN_ROLE, {}),
        ("ssm:UpdateServiceSetting", f"{SSM}:servicesetting/ssm/just-in-time-access/identity-provider", {}),
        ("ssm:StartAccessRequest", "*", {}),
    ],
)
def test_deployer_changes_nothing_else_of_the_access(action: str, resource: str, keys: dict[str, str]) -> None:
    assert not may(action, resource, keys)


def test_boundary_protects_the_token_role_from_any_policy() -> None:
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    bounded = Permissions(identity=(parse(everything, name="administrator"),), boundary=permissions().boundary)
    for action in ("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRole", "iam:TagRole"):
        assert not may(action, TOKEN_ROLE, {"iam:PermissionsBoundary": ROLE_BOUNDARY}, held=bounded)
    assert may("iam:PassRole", TOKEN_ROLE, PASSED, held=bounded)
    assert not may("ssm:UpdateDocument", f"{SSM}:document/Other", MANUAL, held=bounded)


@pytest.mark.parametrize("role", [Role.DEPLOYER, Role.PREVIEW])
def test_roles_read_policies_that_may_not_exist(role: Role) -> None:
    for name in ("Databases", "SSM-JustInTimeAccessDenyAccessOrgPolicy"):
        assert may("ssm:DescribeDocument", f"{SSM}:document/{name}", {}, role)
    assert may("ssm:GetDocument", f"{SSM}:document/Other", MANUAL, role)
    assert not may("ssm:GetDocument", f"{SSM}:document/Other", {"ssm:DocumentType": "Automation"}, role)


def test_boundary_allows_one_action_of_the_organization() -> None:
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    bounded = Permissions(identity=(parse(everything, name="administrator"),), boundary=permissions().boundary)
    assert may("organizations:ListDelegatedAdministrators", "*", {}, held=bounded)
    for action in ("organizations:ListAccounts", "organizations:DetachPolicy", "organizations:LeaveOrganization"):
        assert not may(action, "*", {}, held=bounded)


def test_deployer_of_any_settings_writes_no_approval_policies() -> None:
    for each in policies(whole_scope(("eu-west-1",), TAG, ACCOUNT)):
        assert "JustInTime" not in json.dumps(each)
