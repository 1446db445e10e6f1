"""Only the directory team touches controllers, their volumes and snapshots, as plain data.

It is the post's "Restrict account and instance access" as an IAM policy: for everybody else's roles, as a permissions
boundary, or as an organization's service control policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.directory.port_forwarding_policy import ROLE_TAG
from components.limits import MANAGED_POLICY, document, size

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
"""Those that stop or take over a controller: an image or a screenshot holds the directory as its disk does."""

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
"""Those that read, copy, share or destroy the directory's database."""

SESSION_ACTIONS = ("ssm:CreateAssociation", "ssm:SendCommand", "ssm:StartSession")
"""Those that put somebody on a controller."""

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
"""Those that change what may reach a controller."""

Policy = dict[str, Any]


def access_restriction_policy(
    *, partition: str, account_id: str, team_roles: Sequence[str], deployer_arns: Sequence[str] = ()
) -> Policy:
    """Deny all other principals what concerns things tagged as controllers, and the tag itself.

    The team is named in each statement. Where that is longer than a managed policy, one statement has all actions of those
    with the same condition, which denies the same.

    Roles made by IAM Identity Center match by their path: `aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Directory_*`.

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
        team_roles: names of the directory team's roles, with their paths; `*` stands for anything.
        deployer_arns: ARNs of the roles that run this program.

    Raises:
        ValueError: No principal would be left that may do it.
    """
    if not team_roles:
        raise ValueError("a restriction needs a team that it does not hit")
    team = sorted({*(f"arn:{partition}:iam::{account_id}:role/{role}" for role in team_roles), *deployer_arns})
    key, value = ROLE_TAG
    # aws:PrincipalArn is a role's own ARN in its sessions too; a missing one matches ArnNotLike, so that it is denied.
    others = {"ArnNotLike": {"aws:PrincipalArn": team}}
    tagged = {"StringEquals": {f"aws:ResourceTag/{key}": value}, **others}
    of_tagged = {
        "ControllersAreTheTeams": INSTANCE_ACTIONS,
        "VolumesAndSnapshotsAreTheTeams": VOLUME_ACTIONS,
        "TheWayToControllersIsTheTeams": NETWORK_ACTIONS,
    }
    sessions = _deny(
        "SessionsAreTheTeams", SESSION_ACTIONS, {"StringEquals": {f"ssm:resourceTag/{key}": value}, **others}
    )
    # Losing the tag would end every other statement, and taking it would open sessions to what carries it.
    tagging = ("ec2:CreateTags", "ec2:DeleteTags")
    given = _deny("TheTagIsNotGiven", ("ec2:CreateTags",), {"StringEquals": {f"aws:RequestTag/{key}": value}, **others})
    policy = document(
        [
            *(_deny(sid, actions, tagged) for sid, actions in of_tagged.items()),
            sessions,
            _deny("TheTagStays", tagging, tagged),
            given,
        ]
    )
    if size(policy) <= MANAGED_POLICY.maximum:
        return policy
    every = [action for actions in of_tagged.values() for action in actions]
    return document([_deny("ControllersAreTheTeams", [*every, *tagging], tagged), sessions, given])


def _deny(sid: str, actions: Sequence[str], condition: dict[str, Any]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Deny", "Action": sorted(actions), "Resource": "*", "Condition": condition}
