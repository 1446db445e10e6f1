"""Actions that the deployment role never has, with its policies and with one that allows everything."""

import json
from dataclasses import replace
from typing import Any

import pytest

from common.iam.patterns import matches, overlap
from common.limits import MANAGED_POLICY, size
from local.workspace import REPOSITORY
from operations.deployer.boundary import boundary, own_resources
from operations.deployer.iam import own_roles
from operations.deployer.names import Role
from operations.deployer.scope import DeploymentScope, System, whole_scope
from operations.deployer.statement import TooMuchError
from tests.operations.audit.authorization_reference import privileges, shape_of, types_of
from tests.operations.deployer.stacks import ACCOUNT, TAG, administrator, deployer, may, must_not, permissions_of, scope

GRANT = "SecurityAllowSessionInstance"
IAM = f"arn:aws:iam::{ACCOUNT}"
EC2 = f"arn:aws:ec2:eu-west-1:{ACCOUNT}"
SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}"
DETECTOR = f"arn:aws:guardduty:eu-west-1:{ACCOUNT}:detector/12abc34d567e8fa901bc2d34e56789f0"
CIS_SCAN = f"arn:aws:inspector2:eu-west-1:{ACCOUNT}:owner/{ACCOUNT}/cis-configuration/12ab34cd-56ef"
HUB = f"arn:aws:securityhub:eu-west-1:{ACCOUNT}:hub/default"
MADE_HERE = {"aws:ResourceTag/shell-access:made-here": "organization/shell-access/dev"}
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
RUNBOOK_ROLE = f"{IAM}:role/SsmSessionControlChangeMangerRole"
ROLE_BOUNDARY = f"{IAM}:policy/ShellAccessRoleBoundary"
OUR_POLICY = {"iam:PolicyARN": f"{IAM}:policy/RequestSsmSessions"}
ENDPOINT = {"aws:RequestedRegion": "us-east-1", "aws:ViaAWSService": "true"}
OURS = {f"aws:ResourceTag/{TAG[0]}": TAG[1]}
BOUNDED = {"iam:PermissionsBoundary": ROLE_BOUNDARY}
ADMINISTRATOR_POLICY = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
TO_EC2 = {"iam:PassedToService": "ec2.amazonaws.com"}
DEPLOYER_ROLE, OPERATOR_ROLE, ADMINISTRATOR_ROLE = (
    f"{IAM}:role/{name}" for name in ("ShellAccessDeployer", "Operator", "Administrator")
)
SESSION_LOGS = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:ssm-sessionmanager-logs"
SHELL_SCRIPT = "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"
INSTANCE = f"{EC2}:instance/i-0123456789abcdef0"

NEVER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "its own policies": ("iam:AttachRolePolicy", DEPLOYER_ROLE, OUR_POLICY),
    "its own trust": ("iam:UpdateAssumeRolePolicy", DEPLOYER_ROLE, {}),
    "its own boundary": ("iam:PutRolePermissionsBoundary", DEPLOYER_ROLE, BOUNDED),
    "what its boundary says": ("iam:CreatePolicyVersion", f"{IAM}:policy/ShellAccessDeployerBoundary", {}),
    "what its policies say": ("iam:CreatePolicyVersion", f"{IAM}:policy/ShellAccessDeployer1", {}),
    "what bounds its roles": ("iam:CreatePolicyVersion", ROLE_BOUNDARY, {}),
    "the preview's role": ("iam:PutRolePolicy", f"{IAM}:role/ShellAccessPreview", BOUNDED),
    "a user": ("iam:CreateUser", f"{IAM}:user/other", {}),
    "an access key": ("iam:CreateAccessKey", f"{IAM}:user/other", {}),
    "a password": ("iam:UpdateLoginProfile", f"{IAM}:user/other", {}),
    "an identity provider": ("iam:CreateOpenIDConnectProvider", f"{IAM}:oidc-provider/example.com", {}),
    "an administrator": ("iam:AttachRolePolicy", OPERATOR_ROLE, ADMINISTRATOR_POLICY),
    "an administrator by user": ("iam:AttachUserPolicy", f"{IAM}:user/other", ADMINISTRATOR_POLICY),
    "a role without a boundary": ("iam:CreateRole", RUNBOOK_ROLE, {}),
    "a role with another boundary": ("iam:CreateRole", RUNBOOK_ROLE, {"iam:PermissionsBoundary": f"{IAM}:policy/Wide"}),
    "rights of a role without a boundary": ("iam:PutRolePolicy", RUNBOOK_ROLE, {}),
    "a boundary that goes": ("iam:DeleteRolePermissionsBoundary", RUNBOOK_ROLE, BOUNDED),
    "an earlier version": ("iam:SetDefaultPolicyVersion", f"{IAM}:policy/RequestSsmSessions", {}),
    "another identity": ("sts:AssumeRole", ADMINISTRATOR_ROLE, {}),
    "tags of a session": ("sts:TagSession", OPERATOR_ROLE, {}),
    "the runbooks' role to a function": ("iam:PassRole", RUNBOOK_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    "a grant": ("iam:TagRole", OPERATOR_ROLE, {f"aws:RequestTag/{GRANT}": "i-1", "aws:TagKeys": [GRANT]}),
    "a grant in other letters": ("iam:TagRole", OPERATOR_ROLE, {"aws:TagKeys": [GRANT.lower(), "owner"]}),
    "a grant on a role of ours": ("iam:TagRole", RUNBOOK_ROLE, {"aws:TagKeys": [GRANT]}),
    "a grant to a user": ("iam:TagUser", f"{IAM}:user/other", {"aws:TagKeys": [GRANT]}),
    "a session": ("ssm:StartSession", INSTANCE, OURS),
    "a session of another user": ("ssm:ResumeSession", f"{SSM}:session/other-0123", {}),
    "a command": ("ssm:SendCommand", INSTANCE, OURS),
    "a run of the runbook": (
        "ssm:StartAutomationExecution",
        f"{SSM}:automation-definition/AllowStartSsmSession:$DEFAULT",
        {},
    ),
    "a change request": ("ssm:StartChangeRequestExecution", f"{SSM}:document/AllowSsmSessionStartTemplate", {}),
    "an approval": ("ssm:SendAutomationSignal", f"{SSM}:automation-execution/*", {}),
    "access just in time": ("ssm:StartAccessRequest", "*", {}),
    "a password of an instance": ("ec2:GetPasswordData", INSTANCE, OURS),
    "a secret": ("ssm:GetParameter", f"{SSM}:parameter/payments/password", {}),
    "a document shared with others": ("ssm:ModifyDocumentPermission", f"{SSM}:document/SSM-SessionManagerRunShell", {}),
    "another team's key": ("kms:ScheduleKeyDeletion", KEY, OURS | {"kms:ResourceAliases": ["alias/payments"]}),
    "a key that another team shares": (
        "kms:PutKeyPolicy",
        KEY,
        OURS | {"kms:ResourceAliases": ["alias/payments", "alias/session-manager/data"]},
    ),
    "another team's trail": (
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
    "trust of another role": ("iam:UpdateAssumeRolePolicy", ADMINISTRATOR_ROLE, BOUNDED),
    "trust of a role without a boundary": ("iam:UpdateAssumeRolePolicy", RUNBOOK_ROLE, {}),
    "permissions of another role": ("iam:PutRolePolicy", ADMINISTRATOR_ROLE, BOUNDED),
    "another policy": ("iam:CreatePolicyVersion", f"{IAM}:policy/Payments", {}),
    "another role to an instance": ("iam:PassRole", ADMINISTRATOR_ROLE, TO_EC2),
    "itself to an instance": ("iam:PassRole", DEPLOYER_ROLE, TO_EC2),
    "a member of a group": ("iam:AddUserToGroup", f"{IAM}:group/Operators", {}),
    "a policy of a group": ("iam:PutGroupPolicy", f"{IAM}:group/Operators", {}),
    "a second factor": ("iam:DeactivateMFADevice", f"{IAM}:user/other", {}),
    "a service-linked role": ("iam:CreateServiceLinkedRole", f"{IAM}:role/aws-service-role/any", {}),
    "a service-linked role of a service that no stack enables": (
        "iam:CreateServiceLinkedRole",
        f"{IAM}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        {"iam:AWSServiceName": "autoscaling.amazonaws.com"},
    ),
    "GuardDuty of other accounts": ("guardduty:UpdateMemberDetectors", f"{DETECTOR}", {}),
    "findings of GuardDuty": ("guardduty:ArchiveFindings", f"{DETECTOR}", {}),
    "what GuardDuty suppresses": ("guardduty:CreateFilter", f"{DETECTOR}", {}),
    "GuardDuty's administrator": ("guardduty:DisassociateFromAdministratorAccount", f"{DETECTOR}", {}),
    "Inspector's administrator": ("inspector2:EnableDelegatedAdminAccount", "*", {}),
    "what Inspector suppresses": ("inspector2:CreateFilter", "*", {}),
    "what Inspector scans of code": ("inspector2:CreateCodeSecurityScanConfiguration", "*", {}),
    "findings of CIS scans": ("inspector2:GetCisScanReport", "*", {}),
    "Security Hub's administrator": ("securityhub:DisassociateFromAdministratorAccount", HUB, {}),
    "Security Hub of other accounts": ("securityhub:DeleteMembers", HUB, {}),
    "findings of Security Hub": ("securityhub:BatchUpdateFindings", HUB, {}),
    "what Security Hub suppresses": ("securityhub:CreateAutomationRule", "*", {}),
    "controls of Security Hub": ("securityhub:BatchUpdateStandardsControlAssociations", HUB, {}),
    "a delegation": ("iam:AcceptDelegationRequest", "*", {}),
    "sessions of root": ("iam:EnableOrganizationsRootSessions", "*", {}),
    "root": ("sts:AssumeRoot", f"{IAM}:root", {}),
    "a token for elsewhere": ("sts:GetWebIdentityToken", "*", {}),
    "another source identity": ("sts:SetSourceIdentity", OPERATOR_ROLE, {}),
    "a run of a remediation": ("config:StartRemediationExecution", "*", {}),
    "the account's recorder": ("config:StopConfigurationRecorder", "*", {}),
    "a rule for every account": ("config:PutOrganizationConfigRule", "*", {}),
    "a command by an association": ("ssm:CreateAssociation", SHELL_SCRIPT, {}),
    "commands by associations": ("ssm:CreateAssociationBatch", SHELL_SCRIPT, {}),
    "a command by an association of ours": (
        "ssm:UpdateAssociation",
        "arn:aws:ssm:eu-west-1::document/AWS-RunPowerShellScript",
        {},
    ),
    "what a command said": ("ssm:GetCommandInvocation", "*", {}),
    "a node of elsewhere": ("ssm:CreateActivation", "*", {}),
    "the role of a node": ("ssm:UpdateManagedInstanceRole", f"{SSM}:managed-instance/mi-1", {}),
    "rules of access just in time": ("ssm:CreateDocument", f"{SSM}:document/AutoApproval", {}),
    "another runbook": ("ssm:UpdateDocument", f"{SSM}:document/Patching", {}),
    "an earlier version of a runbook": ("ssm:UpdateDocumentDefaultVersion", f"{SSM}:document/Patching", {}),
    "an approval of a template": ("ssm:UpdateDocumentMetadata", f"{SSM}:document/AllowSsmSessionStartTemplate", {}),
    "a recorded session": ("s3:GetObject", "arn:aws:s3:::org-session-logs/any", {}),
    "who reads recorded sessions": ("s3:PutBucketPolicy", "arn:aws:s3:::org-session-logs", {}),
    "a session's log": ("logs:GetLogEvents", SESSION_LOGS, {}),
    "sessions' logs to elsewhere": ("logs:PutSubscriptionFilter", SESSION_LOGS, {}),
    "data of another team": ("kms:Decrypt", KEY, {}),
    "a grant on another team's key": ("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
    "a copy of a disk": ("ec2:CreateSnapshot", f"{EC2}:volume/vol-0123456789abcdef0", OURS),
    "a console": ("ec2:EnableSerialConsoleAccess", "*", {}),
    "a way in without Systems Manager": ("ec2:CreateInstanceConnectEndpoint", f"{EC2}:subnet/subnet-1", {}),
    "another service": ("lambda:CreateFunction", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:any", {}),
}

HELD_BY_THE_BOUNDARY_ALONE = {"another team's key", "a key that another team shares", "a grant on a role of ours"}


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
        ("iam:CreateRole", RUNBOOK_ROLE, BOUNDED),
        ("iam:AttachRolePolicy", OPERATOR_ROLE, OUR_POLICY),
        ("iam:UntagRole", OPERATOR_ROLE, {"aws:TagKeys": [GRANT.lower()]}),
        ("iam:AttachRolePolicy", f"{IAM}:role/ShellAccessDomainController", OUR_POLICY | BOUNDED),
        ("iam:UpdateAssumeRolePolicy", RUNBOOK_ROLE, BOUNDED),
        ("ec2:DescribeInstanceAttribute", f"{EC2}:instance/i-1", {"aws:ResourceTag/Role": "DomainController"}),
        ("route53:AssociateVPCWithHostedZone", "arn:aws:route53:::hostedzone/any", ENDPOINT),
        ("ssm:CreateAssociation", "arn:aws:ssm:eu-west-1::document/AWS-UpdateSSMAgent", {}),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::shell-access-trail-{ACCOUNT}-eu-west-1", {}),
        ("guardduty:DeleteDetector", DETECTOR, MADE_HERE),
        ("guardduty:TagResource", DETECTOR, {"aws:TagKeys": ["shell-access:owner", "shell-access:switched-on"]}),
        (
            "iam:CreateServiceLinkedRole",
            f"{IAM}:role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty",
            {"iam:AWSServiceName": "guardduty.amazonaws.com"},
        ),
        ("inspector2:Disable", "*", {}),
        ("securityhub:EnableSecurityHub", HUB, {"aws:RequestTag/shell-access:made-here": "o/p/s"}),
        ("securityhub:DisableSecurityHub", HUB, MADE_HERE),
        ("securityhub:BatchDisableStandards", HUB, {}),
        ("inspector2:CreateCisScanConfiguration", "*", {"aws:RequestTag/shell-access:made-here": "o/p/s"}),
        ("inspector2:DeleteCisScanConfiguration", CIS_SCAN, MADE_HERE),
        (
            "iam:CreateServiceLinkedRole",
            f"{IAM}:role/aws-service-role/agentless.inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2Agentless",
            {"iam:AWSServiceName": "agentless.inspector2.amazonaws.com"},
        ),
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
        ("iam:CreateRole", f"{IAM}:role/Payments", BOUNDED),
        ("iam:AttachRolePolicy", f"{IAM}:role/Payments", OUR_POLICY),
        ("iam:AttachRolePolicy", f"{IAM}:role/ShellAccessDomainController", OUR_POLICY),
        # The roles of the workflow have inline policies only.
        ("iam:AttachRolePolicy", RUNBOOK_ROLE, OUR_POLICY | BOUNDED),
        ("ec2:DescribeInstanceAttribute", f"{EC2}:instance/i-1", {}),
        (
            "route53:AssociateVPCWithHostedZone",
            "arn:aws:route53:::hostedzone/any",
            ENDPOINT | {"aws:ViaAWSService": "false"},
        ),
        ("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/any", ENDPOINT),
        ("iam:UntagRole", OPERATOR_ROLE, {"aws:TagKeys": ["owner"]}),
        ("iam:UntagRole", OPERATOR_ROLE, {}),
        ("iam:PassRole", f"{IAM}:role/ShellAccessDomainController", {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("guardduty:CreateDetector", "*", {}),
        ("guardduty:DeleteDetector", DETECTOR, {}),
        # It could delete the detector of others afterwards.
        ("guardduty:TagResource", DETECTOR, {"aws:TagKeys": ["shell-access:made-here"]}),
        ("guardduty:UntagResource", DETECTOR, {"aws:TagKeys": ["team"]}),
        ("securityhub:EnableSecurityHub", HUB, {}),
        ("securityhub:DisableSecurityHub", HUB, {}),
        # It could disable the hub of others afterwards.
        ("securityhub:TagResource", HUB, {"aws:TagKeys": ["shell-access:made-here"]}),
        ("inspector2:CreateCisScanConfiguration", "*", {}),
        *((f"inspector2:{each}CisScanConfiguration", CIS_SCAN, {}) for each in ("Delete", "Update")),
        # It could delete the scan configuration of others afterwards.
        ("inspector2:TagResource", CIS_SCAN, {"aws:TagKeys": ["shell-access:made-here"]}),
        ("inspector2:TagResource", CIS_SCAN.replace("cis-configuration", "filter"), MADE_HERE),
        ("kms:ScheduleKeyDeletion", KEY, {}),
        ("kms:CreateGrant", KEY, OURS | {"kms:GrantIsForAWSResource": "true"}),
        ("ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-0123456789abcdef0", {}),
        ("ec2:CreateTags", INSTANCE, {f"aws:RequestTag/{TAG[0]}": TAG[1]}),
        ("ec2:TerminateInstances", INSTANCE, {"aws:ResourceTag/Name": "payments"}),
        (
            "events:PutTargets",
            f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/shell-access-domain-controllers-state",
            {"events:TargetArn": [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:any"]},
        ),
        ("events:PutTargets", f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/shell-access-domain-controllers-state", {}),
        ("logs:DeleteLogGroup", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:payments", {}),
        ("s3:GetObject", "arn:aws:s3:::org-session-logs/any", {}),
        ("config:DeleteConfigRule", f"arn:aws:config:eu-west-1:{ACCOUNT}:config-rule/config-rule-1", {}),
    ],
)
def test_deployer_leaves_what_is_not_its_own(action: str, resource: str, keys: dict[str, Any]) -> None:
    assert must_not(deployer(), action, resource, **keys)


def may_be_one(arn: str, other: str) -> bool:
    """Return whether two patterns have an ARN in common; partition, service, Region and account contain no colon."""
    return all(map(overlap, arn.split(":", 5), other.split(":", 5)))


@pytest.mark.parametrize("several", [scope("dev"), scope("prod"), whole_scope(("eu-west-1",), TAG)])
def test_joined_denials_share_no_type_of_resource(several: DeploymentScope) -> None:
    entries = own_resources(replace(several, account="*"))
    for index, (patterns, _) in enumerate(entries):
        others = [arn for other, (_, arns) in enumerate(entries) if other != index for arn in arns]
        acted_on = {
            shape_of(action.partition(":")[0], kind.rstrip("*")).format(partition="aws", region="*", account="*")
            for action in privileges()
            if any(matches(pattern, action) for pattern in patterns)
            for kind in types_of(action).split()
        }
        assert acted_on
        assert {(arn, other) for arn in acted_on for other in others if may_be_one(arn, other)} == set()


@pytest.mark.parametrize("several", [scope("dev"), scope("prod"), whole_scope(("eu-west-1",), TAG)])
def test_boundary_allows_no_action_on_accounts_or_tokens(several: DeploymentScope) -> None:
    # Nothing denies these, so nothing may allow them.
    allowed = boundary(several)["Statement"][0]["Action"]
    unneeded = ("account:*", "iam:*UserPerm*", "organizations:*", "sts:Get*Token")
    several_actions = [each for each in privileges() if any(matches(pattern, each) for pattern in unneeded)]
    assert len(several_actions) > 50
    assert [each for each in several_actions if any(matches(pattern, each) for pattern in allowed)] == []


def test_boundary_fits() -> None:
    assert size(boundary(scope())) <= MANAGED_POLICY.maximum
    assert (
        size(boundary(whole_scope(tuple(f"eu-west-{number}" for number in range(20)), TAG))) <= MANAGED_POLICY.maximum
    )


def test_associations_and_settings_need_a_section_nodes() -> None:
    without = replace(scope(), systems=frozenset(System) - {System.NODES, System.CONTROLLER_OPERATIONS})
    for action, resource in (
        ("ssm:CreateAssociation", f"{SSM}:association/*"),
        ("ssm:UpdateServiceSetting", f"{SSM}:servicesetting/ssm/managed-instance/default-ec2-instance-management-role"),
    ):
        assert must_not(administrator(without), action, resource)
        assert may(administrator(), action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [("ssm:RegisterTaskWithMaintenanceWindow", f"{SSM}:maintenancewindow/mw-1"), ("ssm:CreatePatchBaseline", "*")],
    ids=["a command in a window", "packages by a baseline"],
)
def test_windows_and_baselines_are_for_stacks_that_patch(action: str, resource: str) -> None:
    without = replace(scope(), systems=frozenset(System) - {System.CONTROLLER_PATCHING})
    assert must_not(administrator(without), action, resource)
    # Where controllers are patched, only windows and baselines with the stack's tag.
    assert must_not(deployer(), action, resource, **{"aws:ResourceTag/owner": "other"})


def test_without_nodes_associations_run_on_controllers_alone() -> None:
    without = replace(scope(), systems=frozenset(System) - {System.NODES})
    run = permissions_of(without)
    instance = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1"
    assert may(run, "ssm:CreateAssociation", instance, **{"aws:ResourceTag/Role": "DomainController"})
    assert must_not(run, "ssm:CreateAssociation", instance, **{"aws:ResourceTag/Role": "WebServer"})
    assert may(run, "ssm:CreateAssociation", f"{SSM}:document/ShellAccessControllerAgent")
    for document in (f"{SSM}:document/Other", "arn:aws:ssm:eu-west-1::document/AWS-RunPowerShellScript"):
        assert must_not(run, "ssm:CreateAssociation", document)


@pytest.mark.parametrize(
    "action",
    [
        "autoscaling:CreateAutoScalingGroup",
        "cloudformation:CreateStack",
        "codebuild:StartBuild",
        "ec2-instance-connect:SendSSHPublicKey",
        "ecs:ExecuteCommand",
        "glue:CreateJob",
        "rolesanywhere:CreateTrustAnchor",
        "secretsmanager:GetSecretValue",
        "ssm-guiconnect:StartConnection",
        "sso:AttachManagedPolicyToPermissionSet",
        "states:CreateStateMachine",
    ],
)
def test_services_that_no_stack_uses_are_out_of_reach(action: str) -> None:
    assert must_not(administrator(), action, "*")


def test_boundary_is_no_other_for_another_account() -> None:
    assert boundary(replace(scope(), account="999988887777")) == boundary(scope())


def test_boundary_that_would_not_fit_is_refused() -> None:
    many = replace(scope(), regions=tuple(f"eu-west-{number}" for number in range(99)))
    with pytest.raises(TooMuchError, match="the boundary of the deployer takes"):
        boundary(many)


def test_organization_policy_covers_every_role_of_a_stack() -> None:
    written = (REPOSITORY / "docs" / "deployer.md").read_text(encoding="utf-8")
    (statement,) = json.loads(written.split("```json\n")[1].split("```")[0])["Statement"]
    assert statement["Resource"] == sorted(
        f"arn:aws:iam::*:role/{each.name}" for each in own_roles(scope()) if each.passed_to
    )


def test_preview_changes_nothing_of_its_own_either() -> None:
    looking = permissions_of(scope(), Role.PREVIEW)
    assert may(looking, "ssm:GetDocument", f"{SSM}:document/SSM-SessionManagerRunShell")
    for action, resource, keys in (
        ("ssm:UpdateDocument", f"{SSM}:document/SSM-SessionManagerRunShell", {}),
        ("ssm:GetParameter", f"{SSM}:parameter/payments/password", {}),
        ("ec2:DescribeInstanceAttribute", INSTANCE, {}),
        ("s3:GetObject", "arn:aws:s3:::shell-access-trail-111122223333-eu-west-1/any", {}),
    ):
        assert must_not(looking, action, resource, **keys)
