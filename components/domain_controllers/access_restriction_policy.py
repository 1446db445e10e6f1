"""Policy that restricts controllers, their volumes and snapshots to the directory team, as plain data.

It implements the post's "Restrict account and instance access" as an IAM policy: a permissions boundary for all other
roles, or a service control policy of an organization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.iam.statements import document
from common.limits import MANAGED_POLICY, size
from components.approval.names import DOCUMENT_NAMES
from components.domain_controllers.port_forwarding_policy import ROLE_TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

POLICY_NAME = "ShellAccessDomainControllerRestriction"

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

Policy = dict[str, Any]


def access_restriction_policy(  # noqa: PLR0913 -- what the settings say of it
    *,
    partition: str,
    account_id: str,
    team_roles: Sequence[str],
    deployer_arns: Sequence[str] = (),
    dedicated_account: bool = False,
    secret_readers: Sequence[str] = (),
) -> Policy:
    """Deny all other principals actions on resources that are tagged as controllers, and on the tag itself.

    Each statement names the team. Where that exceeds the size of a managed policy, all actions with the same condition
    share one statement, which denies the same.

    Roles of IAM Identity Center match by their path: `aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Directory_*`.

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: Account ID.
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
    team = sorted({*(f"arn:{partition}:iam::{account_id}:role/{role}" for role in team_roles), *deployer_arns})
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
    on_nodes = _on_nodes(partition, account_id, others) if dedicated_account else []
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


def _on_nodes(partition: str, account_id: str, others: dict[str, Any]) -> list[dict[str, Any]]:
    runbooks = [
        f"arn:{partition}:ssm:*:{account_id}:{kind}/{name}{version}"
        for name in DOCUMENT_NAMES
        for kind, version in (("automation-definition", ":*"), ("document", ""))
    ]
    # A request to start a runbook is also one for its execution.
    runbooks.append(f"arn:{partition}:ssm:*:{account_id}:automation-execution/*")
    starting = _deny("RunbooksAreTheTeams", AUTOMATION_ACTIONS, others)
    del starting["Resource"]
    return [_deny("WhatNodesRunIsTheTeams", ACCOUNT_ACTIONS, others), {**starting, "NotResource": runbooks}]


def _deny(sid: str, actions: Sequence[str], condition: dict[str, Any]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Deny", "Action": sorted(actions), "Resource": "*", "Condition": condition}
