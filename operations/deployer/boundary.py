"""The permissions boundary of the deployer: what it never does, whatever its policies come to say.

A boundary grants nothing: what its first statement lets pass is for the policies to allow. Everything after that is a
Deny, so that it holds against a policy of any resource too (IAM User Guide, "Permissions boundaries for IAM entities").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.approval.names import ROLE_NAME, TAG_KEY
from components.directory.names import TRAIL
from operations.deployer.identities import policy_arns
from operations.deployer.keys import ALIASES
from operations.deployer.names import OWN, ROLES_BOUNDARY
from operations.deployer.nodes import host_managed_policy
from operations.deployer.policies import permits
from operations.deployer.reading import LOG_BUCKET, parameter_arns
from operations.deployer.scope import System
from operations.deployer.statement import document

if TYPE_CHECKING:
    from operations.deployer.scope import Scope
    from operations.deployer.statement import Policy

_OF_NO_REGION: Final = ("iam:*", *LOG_BUCKET, "sts:*")
"""IAM is one for all Regions."""

_IAM_CHANGES: Final = tuple(
    f"iam:{verb}*"
    for verb in (
        "Add",
        "Attach",
        "Create",
        "Delete",
        "Detach",
        "Pass",
        "Put",
        "Remove",
        "Set",
        "Tag",
        "Untag",
        "Update",
    )
)

_PEOPLE: Final = (
    "iam:*AccessKey*",
    "iam:*Account*",
    "iam:*Credential*",
    "iam:*Group*",
    "iam:*LoginProfile*",
    "iam:*MFADevice*",
    "iam:*OpenIDConnectProvider*",
    "iam:*SAMLProvider*",
    "iam:*SSHPublicKey*",
    "iam:*ServerCertificate*",
    "iam:*SigningCertificate*",
    "iam:*UserPermissionsBoundary",
    "iam:ChangePassword",
    "iam:CreateServiceLinkedRole",
    "iam:CreateUser",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUser",
    "iam:DeleteUserPolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:TagUser",
    "iam:UpdateUser",
)
"""Whoever can make or take somebody's credentials needs no approval (bypasses by way of IAM)."""

_SESSIONS: Final = (
    "ec2:CreateKeyPair",
    "ec2:GetConsole*",
    "ec2:GetPasswordData",
    "ec2:ImportKeyPair",
    "ec2:SendDiagnosticInterrupt",
    "ssm:*AccessRequest*",
    "ssm:*MaintenanceWindow*",
    "ssm:*OpsItem*",
    "ssm:CreateActivation",
    "ssm:GetAccessToken",
    "ssm:ModifyDocumentPermission",
    "ssm:ResumeSession",
    "ssm:SendAutomationSignal",
    "ssm:SendCommand",
    "ssm:Start*Execution*",
    "ssm:StartSession",
    "ssm:UpdateDocumentMetadata",
)
"""Ways to a shell or to an approval, or to have somebody else go one."""

_SETTINGS_OF_NODES: Final = ("ssm:*Association*", "ssm:*ServiceSetting")
_OTHERS: Final = ("sts:AssumeRole*", "sts:GetFederationToken", "sts:GetSessionToken", "sts:TagSession")
_KEY_CHANGES: Final = (
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
)


def boundary(scope: Scope) -> Policy:
    """The policy that the deployer's role and the preview's role have as their boundary.

    Args:
        scope: as their policies are cut to.
    """
    passing = sorted({f"{action.split(':', 1)[0]}:*" for each in permits(scope) for action in each.actions})
    nodes = System.NODES in scope.systems
    aws_managed = [host_managed_policy(scope)] if nodes else []
    secrets = ("ssm:GetParameter*",)
    parameters = parameter_arns(scope)
    return document(
        [
            {"Sid": "AsPoliciesSay", "Effect": "Allow", "Action": passing, "Resource": "*"},
            {
                "Sid": "InTheseRegions",
                "Effect": "Deny",
                "NotAction": list(_OF_NO_REGION),
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(scope.regions)}},
            },
            _deny(
                "NotItsOwnRights",
                _IAM_CHANGES,
                [scope.iam(f"{kind}/{name}*") for kind in ("role", "policy") for name in OWN],
            ),
            _deny("NoPeople", _PEOPLE),
            _deny(
                "NoPoliciesOfOthers",
                ("iam:AttachRolePolicy", "iam:AttachUserPolicy"),
                condition={"ArnNotEquals": {"iam:PolicyARN": [*policy_arns(scope), *aws_managed]}},
            ),
            _deny(
                "NoRolesWithoutBoundary",
                ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"),
                condition={"ArnNotEquals": {"iam:PermissionsBoundary": scope.policy(ROLES_BOUNDARY)}},
            ),
            _deny(
                "RunbooksRoleForRunbooks",
                ("iam:PassRole",),
                [scope.iam(f"role/{ROLE_NAME}")],
                {"StringNotEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
            ),
            _deny("NobodyElse", _OTHERS),
            _deny("NoSessions", (*_SESSIONS, *(() if nodes else _SETTINGS_OF_NODES))),
            _deny(
                "NoGrants",
                ("iam:TagRole",),
                condition={"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]}},
            ),
            _deny(
                "NoKeysOfOthers",
                _KEY_CHANGES,
                condition={"ForAnyValue:StringNotLike": {"kms:ResourceAliases": list(ALIASES)}},
            ),
            _deny_elsewhere("NoSecrets", secrets, parameters) if parameters else _deny("NoSecrets", secrets),
            _deny_elsewhere(
                "NoTrailsOfOthers",
                ("cloudtrail:Delete*", "cloudtrail:Put*", "cloudtrail:Stop*", "cloudtrail:Update*"),
                [scope.arn("cloudtrail", f"trail/{TRAIL}")],
            ),
            _deny("NoOrganization", ("account:*", "organizations:*")),
        ]
    )


def _deny(
    sid: str, actions: tuple[str, ...], resources: list[str] | None = None, condition: dict[str, Any] | None = None
) -> Policy:
    statement = {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": resources or "*"}
    return {**statement, "Condition": condition} if condition else statement


def _deny_elsewhere(sid: str, actions: tuple[str, ...], spared: list[str]) -> Policy:
    return {"Sid": sid, "Effect": "Deny", "Action": list(actions), "NotResource": spared}
