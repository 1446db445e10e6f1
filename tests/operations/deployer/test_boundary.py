"""What the deployer never does, with its policies as they are and with a policy that allows everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.iam.documents import parse
from components.iam.evaluation import Permissions
from operations.deployer.boundary import boundary
from operations.deployer.scope import System, whole_scope
from operations.deployer.statement import LONGEST, size
from tests.operations.deployer.stacks import ACCOUNT, TAG, administrator, deployer, may, must_not, scope

GRANT = "SecurityAllowSessionInstance"
IAM = f"arn:aws:iam::{ACCOUNT}"
EC2 = f"arn:aws:ec2:eu-west-1:{ACCOUNT}"
SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
RUNBOOK_ROLE = f"{IAM}:role/SsmSessionControlChangeMangerRole"
ROLE_BOUNDARY = f"{IAM}:policy/ShellAccessRoleBoundary"
OURS = {f"aws:ResourceTag/{TAG[0]}": TAG[1]}

NEVER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "its own policies": (
        "iam:AttachRolePolicy",
        f"{IAM}:role/ShellAccessDeployer",
        {"iam:PolicyARN": f"{IAM}:policy/RequestSsmSessions"},
    ),
    "its own trust": ("iam:UpdateAssumeRolePolicy", f"{IAM}:role/ShellAccessDeployer", {}),
    "its own boundary": (
        "iam:PutRolePermissionsBoundary",
        f"{IAM}:role/ShellAccessDeployer",
        {"iam:PermissionsBoundary": ROLE_BOUNDARY},
    ),
    "what its boundary says": ("iam:CreatePolicyVersion", f"{IAM}:policy/ShellAccessDeployerBoundary", {}),
    "what its policies say": ("iam:CreatePolicyVersion", f"{IAM}:policy/ShellAccessDeployer1", {}),
    "what bounds its roles": ("iam:CreatePolicyVersion", ROLE_BOUNDARY, {}),
    "the preview's role": (
        "iam:PutRolePolicy",
        f"{IAM}:role/ShellAccessPreview",
        {"iam:PermissionsBoundary": ROLE_BOUNDARY},
    ),
    "a user": ("iam:CreateUser", f"{IAM}:user/somebody", {}),
    "an access key": ("iam:CreateAccessKey", f"{IAM}:user/somebody", {}),
    "a password": ("iam:UpdateLoginProfile", f"{IAM}:user/somebody", {}),
    "an identity provider": ("iam:CreateOpenIDConnectProvider", f"{IAM}:oidc-provider/example.com", {}),
    "an administrator": (
        "iam:AttachRolePolicy",
        f"{IAM}:role/Operator",
        {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "an administrator by user": (
        "iam:AttachUserPolicy",
        f"{IAM}:user/somebody",
        {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "a role without a boundary": ("iam:CreateRole", RUNBOOK_ROLE, {}),
    "a role with another boundary": ("iam:CreateRole", RUNBOOK_ROLE, {"iam:PermissionsBoundary": f"{IAM}:policy/Wide"}),
    "rights of a role without a boundary": ("iam:PutRolePolicy", RUNBOOK_ROLE, {}),
    "a boundary that goes": (
        "iam:DeleteRolePermissionsBoundary",
        RUNBOOK_ROLE,
        {"iam:PermissionsBoundary": ROLE_BOUNDARY},
    ),
    "an earlier version": ("iam:SetDefaultPolicyVersion", f"{IAM}:policy/RequestSsmSessions", {}),
    "another identity": ("sts:AssumeRole", f"{IAM}:role/Administrator", {}),
    "tags of a session": ("sts:TagSession", f"{IAM}:role/Operator", {}),
    "the runbooks' role to a function": ("iam:PassRole", RUNBOOK_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    "a grant": ("iam:TagRole", f"{IAM}:role/Operator", {f"aws:RequestTag/{GRANT}": "i-1", "aws:TagKeys": [GRANT]}),
    "a grant in other letters": ("iam:TagRole", f"{IAM}:role/Operator", {"aws:TagKeys": [GRANT.lower(), "owner"]}),
    "a grant on a role of ours": ("iam:TagRole", RUNBOOK_ROLE, {"aws:TagKeys": [GRANT]}),
    "a grant to a user": ("iam:TagUser", f"{IAM}:user/somebody", {"aws:TagKeys": [GRANT]}),
    "a session": ("ssm:StartSession", f"{EC2}:instance/i-0123456789abcdef0", OURS),
    "a session of somebody else": ("ssm:ResumeSession", f"{SSM}:session/somebody-0123", {}),
    "a command": ("ssm:SendCommand", f"{EC2}:instance/i-0123456789abcdef0", OURS),
    "a run of the runbook": (
        "ssm:StartAutomationExecution",
        f"{SSM}:automation-definition/AllowStartSsmSession:$DEFAULT",
        {},
    ),
    "a change request": ("ssm:StartChangeRequestExecution", f"{SSM}:document/AllowSsmSessionStartTemplate", {}),
    "an approval": ("ssm:SendAutomationSignal", f"{SSM}:automation-execution/*", {}),
    "access just in time": ("ssm:StartAccessRequest", "*", {}),
    "a password of an instance": ("ec2:GetPasswordData", f"{EC2}:instance/i-0123456789abcdef0", OURS),
    "a secret": ("ssm:GetParameter", f"{SSM}:parameter/payments/password", {}),
    "a document shared with others": ("ssm:ModifyDocumentPermission", f"{SSM}:document/SSM-SessionManagerRunShell", {}),
    "somebody else's key": ("kms:ScheduleKeyDeletion", KEY, OURS | {"kms:ResourceAliases": ["alias/payments"]}),
    "a key that somebody else shares": (
        "kms:PutKeyPolicy",
        KEY,
        OURS | {"kms:ResourceAliases": ["alias/payments", "alias/session-manager/data"]},
    ),
    "somebody else's trail": (
        "cloudtrail:StopLogging",
        f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/organization-trail",
        {},
    ),
    "another Region": (
        "ec2:CreateSecurityGroup",
        f"arn:aws:ec2:ap-south-1:{ACCOUNT}:security-group/*",
        {"aws:RequestedRegion": "ap-south-1", f"aws:RequestTag/{TAG[0]}": TAG[1]},
    ),
    "the organization": ("organizations:LeaveOrganization", "*", {}),
    "the account": ("account:PutContactInformation", "*", {}),
    "another service": ("lambda:CreateFunction", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:any", {}),
}

HELD_BY_THE_BOUNDARY_ALONE = {"somebody else's key", "a key that somebody else shares", "a grant on a role of ours"}


@pytest.mark.parametrize("what", NEVER)
def test_deployer_never_does_it_whatever_its_policies_say(what: str) -> None:
    action, resource, keys = NEVER[what]
    assert must_not(deployer(), action, resource, **keys)
    assert must_not(administrator(), action, resource, **keys)


@pytest.mark.parametrize("what", sorted(NEVER.keys() - HELD_BY_THE_BOUNDARY_ALONE))
def test_policies_do_not_allow_it_either(what: str) -> None:
    action, resource, keys = NEVER[what]
    assert must_not(replace(deployer(), boundary=None), action, resource, **keys)


@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        ("ssm:UpdateDocument", f"{SSM}:document/SSM-SessionManagerRunShell", {}),
        ("ssm:GetParameter", "arn:aws:ssm:eu-west-1::parameter/aws/service/ami-windows-latest/any", {}),
        ("iam:CreateRole", RUNBOOK_ROLE, {"iam:PermissionsBoundary": ROLE_BOUNDARY}),
        ("iam:AttachRolePolicy", f"{IAM}:role/Operator", {"iam:PolicyARN": f"{IAM}:policy/RequestSsmSessions"}),
        ("iam:UntagRole", f"{IAM}:role/Operator", {"aws:TagKeys": [GRANT.lower()]}),
        ("kms:ScheduleKeyDeletion", KEY, OURS),
        ("kms:PutKeyPolicy", KEY, OURS | {"kms:ResourceAliases": ["alias/shell-access/approval"]}),
        ("ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-0123456789abcdef0", OURS),
    ],
)
def test_boundary_lets_its_own_work_pass(action: str, resource: str, keys: dict[str, Any]) -> None:
    assert may(deployer(), action, resource, **keys)


@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        ("ssm:UpdateDocument", f"{SSM}:document/Patching", {}),
        ("ssm:CreateAssociation", f"{SSM}:document/Patching", {}),
        ("iam:CreatePolicyVersion", f"{IAM}:policy/Payments", {}),
        ("iam:CreateRole", f"{IAM}:role/Payments", {"iam:PermissionsBoundary": ROLE_BOUNDARY}),
        ("iam:AttachRolePolicy", f"{IAM}:role/Payments", {"iam:PolicyARN": f"{IAM}:policy/RequestSsmSessions"}),
        ("iam:UntagRole", f"{IAM}:role/Operator", {"aws:TagKeys": ["owner"]}),
        ("iam:UntagRole", f"{IAM}:role/Operator", {}),
        ("iam:PassRole", f"{IAM}:role/ShellAccessDomainController", {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("kms:ScheduleKeyDeletion", KEY, {}),
        ("kms:CreateGrant", KEY, OURS | {"kms:GrantIsForAWSResource": "true"}),
        ("ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-0123456789abcdef0", {}),
        ("ec2:CreateTags", f"{EC2}:instance/i-0123456789abcdef0", {f"aws:RequestTag/{TAG[0]}": TAG[1]}),
        ("ec2:TerminateInstances", f"{EC2}:instance/i-0123456789abcdef0", {"aws:ResourceTag/Name": "payments"}),
        (
            "events:PutTargets",
            f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/shell-access-domain-controllers-state",
            {"events:TargetArn": [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:any"]},
        ),
        ("events:PutTargets", f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/shell-access-domain-controllers-state", {}),
        ("logs:DeleteLogGroup", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:payments", {}),
        ("s3:GetObject", "arn:aws:s3:::org-session-logs/any", {}),
        ("s3:PutBucketPolicy", "arn:aws:s3:::org-session-logs", {}),
        ("config:DeleteConfigRule", f"arn:aws:config:eu-west-1:{ACCOUNT}:config-rule/config-rule-1", {}),
    ],
)
def test_deployer_leaves_what_is_not_its_own(action: str, resource: str, keys: dict[str, Any]) -> None:
    assert must_not(deployer(), action, resource, **keys)


def test_boundary_fits() -> None:
    assert size(boundary(scope())) <= LONGEST
    assert size(boundary(whole_scope(tuple(f"eu-west-{number}" for number in range(20)), TAG))) <= LONGEST


def test_associations_and_service_settings_are_for_stacks_with_nodes() -> None:
    without = replace(scope(), systems=frozenset(System) - {System.NODES})
    limit = parse(boundary(without), name="boundary", kind="boundary")
    everything = Permissions(identity=administrator().identity, boundary=limit)
    for action in ("ssm:CreateAssociation", "ssm:UpdateServiceSetting"):
        assert must_not(everything, action, "*")
        assert may(administrator(), action, "*")


def test_preview_changes_nothing_of_its_own_either() -> None:
    looking = deployer(read_only=True)
    assert may(looking, "ssm:GetDocument", f"{SSM}:document/SSM-SessionManagerRunShell")
    for action, resource, keys in (
        ("ssm:UpdateDocument", f"{SSM}:document/SSM-SessionManagerRunShell", {}),
        ("ssm:GetParameter", f"{SSM}:parameter/payments/password", {}),
        ("s3:GetObject", "arn:aws:s3:::shell-access-trail-111122223333-eu-west-1/any", {}),
    ):
        assert must_not(looking, action, resource, **keys)
