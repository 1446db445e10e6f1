"""IAM policies of domain controllers and for access to them, as plain data.

They are the permissions of a controller in AWS, and the post's two policies for people, with additions: access to controllers
through Session Manager, and the restriction of controllers, their volumes and snapshots to the directory team.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from common.iam.statements import allow, deny, document
from common.limits import MANAGED_POLICY, size
from components.approval.names import DOCUMENT_NAMES
from components.domain_controllers.names import (
    ACCESS_RESTRICTION_POLICY,
    CONTROLLERS_ROLE,
    PORT_FORWARDING_POLICY,
    ROLE_TAG,
)
from components.domain_controllers.operations.plan import role_statements
from components.domain_controllers.operations.promotion import secret_readers
from components.domain_controllers.settings import ManagementAccess
from components.session_manager.names import numbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.aws.arns import Scope
    from common.iam.statements import Policy, Statement
    from components.domain_controllers.settings import DomainControllersSection


def managed_policies(
    section: DomainControllersSection, scope: Scope, deployer_arns: Sequence[str] = ()
) -> dict[str, Policy]:
    """Return the managed policies that the settings require, by name.

    `deployer_arns` are the ARNs of the principals that run the program, see `deployers`.
    """
    found = controllers_policies(section, scope)
    if section.management_access is ManagementAccess.SESSION_MANAGER:
        found[PORT_FORWARDING_POLICY] = port_forwarding_policy(scope, require_mfa=section.require_mfa)
    if section.administrator_roles:
        found[ACCESS_RESTRICTION_POLICY] = access_restriction_policy(
            scope,
            team_roles=section.administrator_roles,
            deployer_arns=[*role_arns(section.administrator_roles, scope), *deployer_arns],
            dedicated_account=section.dedicated_account,
            secret_readers=secret_readers(section, scope),
        )
    return found


def controllers_policies(section: DomainControllersSection, scope: Scope) -> dict[str, Policy]:
    """Return the policies of the controllers' role by name; none where no site creates controllers.

    One policy has the permissions for all sites. Where it would be too long, several have those for some of the sites each.
    """
    if not any(each.controllers for each in section.sites.values()):
        return {}

    def policy(sites: Sequence[Scope]) -> Policy:
        return agent_policy(role_statements(section, sites))

    sites = [replace(scope, region=region) for region in section.sites]
    whole = policy(sites)
    if size(whole) <= MANAGED_POLICY.maximum:
        return {CONTROLLERS_ROLE: whole}
    parts: list[list[Scope]] = [[]]
    for site in sites:
        if parts[-1] and size(policy([*parts[-1], site])) > MANAGED_POLICY.maximum:
            parts.append([])
        parts[-1].append(site)
    return numbered(CONTROLLERS_ROLE, map(policy, parts))


AGENT_ACTIONS = (
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:GetManifest",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutComplianceItems",
    "ssm:PutConfigurePackageResult",
    "ssm:PutInventory",
    "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""Actions of the AWS managed policy AmazonSSMManagedInstanceCore, without `ssm:GetParameter` and `ssm:GetParameters`,
which let an instance read every parameter of the account, including secrets of other systems.
"""


def agent_policy(more: Sequence[Statement] = ()) -> Policy:
    """Return the policy for SSM Agent; most actions support no resource (Service Authorization Reference).

    `more` are the statements that the operation of controllers needs.
    """
    return document([allow("BeManaged", list(AGENT_ACTIONS), "*"), *more])


def trust_policy(partition: str) -> Policy:
    """Return a trust policy that lets only EC2 assume the role."""
    service = f"ec2.amazonaws.com{'.cn' * (partition == 'aws-cn')}"
    return document([allow("", "sts:AssumeRole", principal={"Service": service})])


PORT_FORWARDING_DOCUMENT: Final = "AWS-StartPortForwardingSession"
SHELL_DOCUMENT: Final = "SSM-SessionManagerRunShell"

_MFA_AGE: Final = 3600
"""Maximum seconds since MFA; with the length of a working day, MFA of the morning would still be valid at night."""


def port_forwarding_policy(scope: Scope, *, require_mfa: bool, shell: bool = False) -> Policy:
    """Return a policy to forward ports to instances tagged as controllers, and to end the caller's own sessions.

    The post's own policy allows a session on any instance with any document that is not named, prevents federated users
    from ending their sessions (`aws:username` is empty for them), and allows SSH, which controllers do not have.

    Args:
        scope: Partition and account.
        require_mfa: Whether MFA in the last hour is required. Credentials of federated users have this information only
            where their session was created with `sts:GetSessionToken` or `AssumeRole` and MFA.
        shell: Whether the account's default shell document is allowed, too.
    """
    mfa = (
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": str(_MFA_AGE)}}
        if require_mfa
        else {}
    )
    key, value = ROLE_TAG
    documents = [f"arn:{scope.partition}:ssm:*::document/{PORT_FORWARDING_DOCUMENT}"]
    if shell:
        documents.append(f"arn:{scope.partition}:ssm:*:{scope.account_id}:document/{SHELL_DOCUMENT}")
    find = [
        "ec2:DescribeInstances",
        "ssm:DescribeInstanceInformation",
        "ssm:DescribeInstanceProperties",
        "ssm:DescribeSessions",
        "ssm:GetConnectionStatus",
    ]
    # Without the check, a request without a document would start a shell, whatever the next statement allows.
    checked = {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}
    tagged = {"StringEquals": {f"ssm:resourceTag/{key}": value}, **checked, **mfa}
    # On aws:userid, which federated users have, too (Systems Manager User Guide, "Sample IAM policies").
    own = {"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}}
    channel = f"arn:{scope.partition}:ssm:*:*:session/${{aws:userid}}-*"
    instances = f"arn:{scope.partition}:ec2:*:{scope.account_id}:instance/*"
    return document(
        [
            allow("ReachControllers", "ssm:StartSession", instances, condition=tagged),
            allow("ByTheseDocuments", "ssm:StartSession", documents, condition=mfa or None),
            allow("OwnDataChannel", "ssmmessages:OpenDataChannel", channel),
            allow("EndOwnSessions", "ssm:TerminateSession", "*", condition=own),
            allow("FindControllers", find, "*"),
        ]
    )


INSTANCE_ACTIONS = (
    "ec2:AssociateIamInstanceProfile",
    "ec2:CreateImage",
    "ec2:DisassociateIamInstanceProfile",
    "ec2:GetConsoleScreenshot",
    "ec2:GetPasswordData",
    "ec2:ModifyInstanceAttribute",
    "ec2:CreateInstanceExportTask",
    "ec2:CreateReplaceRootVolumeTask",
    "ec2:ModifyInstanceMetadataOptions",
    "ec2:RebootInstances",
    "ec2:ReplaceIamInstanceProfileAssociation",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:TerminateInstances",
    "ec2-instance-connect:SendSerialConsoleSSHPublicKey",
)
"""Actions that stop or take over a controller: an image or a screenshot contains the directory, as its disk does."""

VOLUME_ACTIONS = (
    "ec2:AttachVolume",
    "ec2:CopySnapshot",
    "ec2:CreateSnapshot",
    "ec2:CreateSnapshots",
    "ec2:CreateVolume",
    "ec2:DeleteSnapshot",
    "ec2:DeleteVolume",
    "ec2:DetachVolume",
    "ec2:ModifySnapshotAttribute",
    "ec2:ModifyVolume",
    "ec2:ModifyVolumeAttribute",
    "ec2:ResetSnapshotAttribute",
    "ebs:GetSnapshotBlock",
    "ebs:ListChangedBlocks",
    "ebs:ListSnapshotBlocks",
)
"""Actions that read, copy, share or destroy the directory's database."""

SESSION_ACTIONS = (
    "ssm:CreateAssociation",
    "ssm:CreateAssociationBatch",
    "ssm:SendCommand",
    "ssm:StartAccessRequest",
    "ssm:StartSession",
    "ssm:UpdateAssociation",
)
"""Actions that open a session or run a command on a controller, where the request names it."""

AUTOMATION_ACTIONS = ("ssm:StartAutomationExecution", "ssm:StartChangeRequestExecution")
"""Actions that start runbooks, which run commands on nodes."""

ACCOUNT_ACTIONS = (
    "ec2-instance-connect:OpenTunnel",
    "ssm-guiconnect:StartConnection",
    "ssm-quicksetup:CreateConfigurationManager",
    "ssm-quicksetup:UpdateConfigurationDefinition",
    "ssm:CreateAssociation",
    "ssm:CreateAssociationBatch",
    "ssm:ModifyDocumentPermission",
    "ssm:RegisterDefaultPatchBaseline",
    "ssm:RegisterPatchBaselineForPatchGroup",
    "ssm:RegisterTargetWithMaintenanceWindow",
    "ssm:RegisterTaskWithMaintenanceWindow",
    "ssm:StartAssociationsOnce",
    "ssm:UpdateAssociation",
    "ssm:UpdateDocument",
    "ssm:UpdateDocumentDefaultVersion",
    "ssm:UpdateMaintenanceWindow",
    "ssm:UpdateMaintenanceWindowTarget",
    "ssm:UpdateMaintenanceWindowTask",
    "ssm:UpdatePatchBaseline",
)
"""Actions that let nodes run something and whose request does not name them: by tag, window, patch group, or the next run of a
document. IAM cannot tell a controller by them (Service Authorization Reference, AWS Systems Manager)."""

RESOLVER_ACTIONS = (
    "route53resolver:DeleteResolverEndpoint",
    "route53resolver:DeleteResolverRule",
    "route53resolver:DisassociateResolverRule",
    "route53resolver:UpdateResolverEndpoint",
    "route53resolver:UpdateResolverRule",
)
"""Actions that change who answers for the names of the directory."""

SECRET_ACTIONS = (
    "secretsmanager:CancelRotateSecret",
    "secretsmanager:DeleteResourcePolicy",
    "secretsmanager:DeleteSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:PutSecretValue",
    "secretsmanager:ReplicateSecretToRegions",
    "secretsmanager:RotateSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
)
"""Actions that read or replace the passwords of a promotion, or let another principal do so."""

NETWORK_ACTIONS = (
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateNetworkAclEntry",
    "ec2:DeleteNetworkAcl",
    "ec2:DeleteNetworkAclEntry",
    "ec2:DeleteSecurityGroup",
    "ec2:ModifySecurityGroupRules",
    "ec2:ReplaceNetworkAclEntry",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
)
"""Actions that change which traffic may reach a controller."""


def access_restriction_policy(
    scope: Scope,
    *,
    team_roles: Sequence[str],
    deployer_arns: Sequence[str] = (),
    dedicated_account: bool = False,
    secret_readers: Sequence[str] = (),
) -> Policy:
    """Deny all other principals actions on resources that are tagged as controllers, and on the tag itself.

    It implements the post's "Restrict account and instance access" as an IAM policy: a permissions boundary for all other
    roles, or a service control policy of an organization.

    Each statement names the team. Where that exceeds the size of a managed policy, all actions with the same condition
    share one statement, which denies the same.

    Roles of IAM Identity Center match by their path: `aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Directory_*`.

    Args:
        scope: Partition and account.
        team_roles: Names of the directory team's roles, with their paths; `*` is a wildcard.
        deployer_arns: ARNs of the roles that run this program.
        dedicated_account: Whether the account has no other nodes than those of the directory, so that all other principals
            are denied whatever lets nodes run something, except the runbooks of session approval.
        secret_readers: ARNs of the roles that read the secrets of a promotion, besides the team; empty: there is no promotion.

    Raises:
        ValueError: The policy would deny every principal.
    """
    if not team_roles:
        raise ValueError("expected a role that the restriction does not apply to, got none")
    team = sorted({*(scope.iam(f"role/{role}") for role in team_roles), *deployer_arns})
    key, value = ROLE_TAG
    # aws:PrincipalArn is a role's own ARN in its sessions too; a missing one matches ArnNotLike, so that it is denied.
    others = {"ArnNotLike": {"aws:PrincipalArn": team}}
    tagged = {"StringEquals": {f"aws:ResourceTag/{key}": value}, **others}
    of_tagged = {
        "ControllersAreTheTeams": INSTANCE_ACTIONS,
        "VolumesAndSnapshotsAreTheTeams": VOLUME_ACTIONS,
        "TheWayToControllersIsTheTeams": (*NETWORK_ACTIONS, *RESOLVER_ACTIONS),
    }
    sessions = _deny(
        "SessionsAreTheTeams", SESSION_ACTIONS, {"StringEquals": {f"ssm:resourceTag/{key}": value}, **others}
    )
    # Without the tag no other statement applies, and with the tag sessions could reach any resource.
    tagging = ("ec2:CreateTags", "ec2:DeleteTags")
    given = _deny("TheTagIsNotGiven", ("ec2:CreateTags",), {"StringEquals": {f"aws:RequestTag/{key}": value}, **others})
    on_nodes = _on_nodes(scope, others) if dedicated_account else []
    if secret_readers:
        readers = {"ArnNotLike": {"aws:PrincipalArn": [*team, *secret_readers]}}
        on_nodes.append(
            _deny("SecretsAreTheTeams", SECRET_ACTIONS, {"StringEquals": tagged["StringEquals"], **readers})
        )
    policy = document(
        [
            *(_deny(sid, actions, tagged) for sid, actions in of_tagged.items()),
            sessions,
            *on_nodes,
            _deny("TheTagStays", tagging, tagged),
            given,
        ]
    )
    if size(policy) <= MANAGED_POLICY.maximum:
        return policy
    every = [action for actions in of_tagged.values() for action in actions]
    return document([_deny("ControllersAreTheTeams", [*every, *tagging], tagged), sessions, *on_nodes, given])


def _on_nodes(scope: Scope, others: dict[str, Any]) -> list[dict[str, Any]]:
    stem = f"arn:{scope.partition}:ssm:*:{scope.account_id}"
    runbooks = [
        f"{stem}:{kind}/{name}{version}"
        for name in DOCUMENT_NAMES
        for kind, version in (("automation-definition", ":*"), ("document", ""))
    ]
    # A request to start a runbook is also one for its execution.
    runbooks.append(f"{stem}:automation-execution/*")
    starting = deny("RunbooksAreTheTeams", sorted(AUTOMATION_ACTIONS), condition=others)
    return [_deny("WhatNodesRunIsTheTeams", ACCOUNT_ACTIONS, others), {**starting, "NotResource": runbooks}]


def role_arns(roles: Sequence[str], scope: Scope) -> list[str]:
    """Return ARNs of roles, given with or without their paths (`*` is a wildcard), for conditions with ArnLike."""
    stem = scope.iam("role/")
    return [arn for role in roles for arn in ([stem + role] if "/" in role else [stem + role, f"{stem}*/{role}"])]


def deployers(roles: Sequence[str], caller_arn: str, scope: Scope) -> list[str]:
    """Return ARNs of the principals that run the program, for conditions with ArnLike.

    Without roles in the settings, it is the caller. STS returns the ARN of the session, which lacks the role's path.
    """
    if not roles and ":assumed-role/" in caller_arn:
        roles = [caller_arn.split("/")[1]]
    return role_arns(roles, scope) if roles else [caller_arn]


def _deny(sid: str, actions: Sequence[str], condition: dict[str, Any]) -> dict[str, Any]:
    return deny(sid, sorted(actions), "*", condition=condition)
