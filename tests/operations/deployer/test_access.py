"""Permissions for AWS' own access: entitlements of account access manager, and policies of just-in-time node access."""

import json
from dataclasses import replace

import pytest

from common.iam.documents import parse
from components.settings import Settings
from operations.deployer.boundary import boundary
from operations.deployer.names import ROLES_BOUNDARY, Role
from operations.deployer.policies import permissions, policies
from operations.deployer.scope import scope_of, whole_scope
from tests.components.just_in_time.examples import approval
from tests.operations.deployer.stacks import (
    ACCOUNT,
    APPLICATION,
    TAG,
    administrator,
    entitling,
    may,
    must_not,
    permissions_of,
)

HOME = {"aws:RequestedRegion": "eu-central-1"}
CHANGES = ("account-access:CreateEntitlement", "account-access:DeleteEntitlement")
READS = ("account-access:GetApplication", "account-access:GetEntitlement", "account-access:ListEntitlements")


ENTITLER = permissions_of(entitling())
PREVIEWER = permissions_of(entitling(), Role.PREVIEW)


@pytest.mark.parametrize("action", [*CHANGES, *READS])
def test_deployer_entitles_in_its_application_alone(action: str) -> None:
    assert may(ENTITLER, action, APPLICATION, **HOME)
    assert must_not(ENTITLER, action, APPLICATION.replace("1234", "5678"), **HOME)
    assert must_not(ENTITLER, action, APPLICATION, **{"aws:RequestedRegion": "eu-west-1"})


def test_deployer_changes_neither_application_nor_organization() -> None:
    for action in (
        "account-access:DeleteApplication",
        "account-access:CreateApplication",
        "account-access:TagResource",
    ):
        assert must_not(ENTITLER, action, APPLICATION, **HOME)
    trusted = "organizations:ListAWSServiceAccessForOrganization"
    assert may(ENTITLER, trusted, "*", **{"aws:RequestedRegion": "us-east-1"})
    for action in ("organizations:RegisterDelegatedAdministrator", "organizations:EnableAWSServiceAccess"):
        assert must_not(administrator(entitling()), action, "*", **{"aws:RequestedRegion": "us-east-1"})


def test_preview_reads_entitlements_and_changes_none() -> None:
    for action in READS:
        assert may(PREVIEWER, action, APPLICATION, **HOME)
    for action in CHANGES:
        assert must_not(PREVIEWER, action, APPLICATION, **HOME)


def test_stack_whose_operators_are_entitled_entitles_no_one() -> None:
    member = replace(entitling(), applications=frozenset())
    allowed = {action for each in permissions(member) for action in each.actions}
    assert not allowed & set(CHANGES)
    assert "account-access:ListEntitlements" in allowed
    assert parse(boundary(member), name="boundary", kind="boundary")


SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}"
TOKEN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/SSM-JustInTimeAccessTokenRole"
ROLE_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/{ROLES_BOUNDARY}"
PASSED = {"iam:PassedToService": "justintimeaccess.ssm.amazonaws.com"}
MANUAL = {"ssm:DocumentType": "ManualApprovalPolicy"}
AUTO = {"ssm:DocumentType": "AutoApprovalPolicy"}


VALUES = {"aws:region": "eu-west-1", "shell-access:approval": json.dumps(approval())}
JUST_IN_TIME = scope_of([Settings.load(VALUES)], TAG, ACCOUNT)
PUBLISHER, READER = permissions_of(JUST_IN_TIME), permissions_of(JUST_IN_TIME, Role.PREVIEW)
ADMINISTRATOR = administrator(JUST_IN_TIME)


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
    assert may(PUBLISHER, action, resource, **keys)
    assert not may(READER, action, resource, **keys)


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
    assert not may(PUBLISHER, action, resource, **keys)


def test_boundary_protects_the_token_role_from_any_policy() -> None:
    for action in ("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRole", "iam:TagRole"):
        assert not may(ADMINISTRATOR, action, TOKEN_ROLE, **{"iam:PermissionsBoundary": ROLE_BOUNDARY})
    assert may(ADMINISTRATOR, "iam:PassRole", TOKEN_ROLE, **PASSED)
    assert not may(ADMINISTRATOR, "ssm:UpdateDocument", f"{SSM}:document/Other", **MANUAL)


@pytest.mark.parametrize("role", [Role.DEPLOYER, Role.PREVIEW])
def test_roles_read_policies_that_may_not_exist(role: Role) -> None:
    for name in ("Databases", "SSM-JustInTimeAccessDenyAccessOrgPolicy"):
        assert may(permissions_of(JUST_IN_TIME, role), "ssm:DescribeDocument", f"{SSM}:document/{name}")
    assert may(permissions_of(JUST_IN_TIME, role), "ssm:GetDocument", f"{SSM}:document/Other", **MANUAL)
    assert not may(
        permissions_of(JUST_IN_TIME, role),
        "ssm:GetDocument",
        f"{SSM}:document/Other",
        **{"ssm:DocumentType": "Automation"},
    )


def test_boundary_allows_one_action_of_the_organization() -> None:
    assert may(ADMINISTRATOR, "organizations:ListDelegatedAdministrators", "*")
    for action in ("organizations:ListAccounts", "organizations:DetachPolicy", "organizations:LeaveOrganization"):
        assert not may(ADMINISTRATOR, action, "*")


def test_deployer_of_any_settings_writes_no_approval_policies() -> None:
    for each in policies(whole_scope(("eu-west-1",), TAG, ACCOUNT)):
        assert "JustInTime" not in json.dumps(each)
