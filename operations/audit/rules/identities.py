"""Rules about identities: tags, policies, credentials, trust, boundaries, sign-in."""

from __future__ import annotations

from typing import Final

from components.approval.names import TAG_KEY
from operations.audit.catalog import (
    ANY_BOUNDARY,
    ANY_POLICY,
    AuditRule,
    Exempt,
    StatementKind,
    TargetKind,
    critical,
    high,
    low,
    medium,
    requirement,
)
from operations.audit.rules.keys import ANOTHER_TAG

_TAGGING = ("iam:TagUser", "iam:TagRole", "iam:UntagUser", "iam:UntagRole")
_CREATING = ("iam:CreateRole", "iam:CreateUser")

IDENTITIES: Final = (
    AuditRule(
        id="iam-set-approval-tag",
        title="Writes the approval tag",
        impact="Approves itself or others by setting, moving or removing SecurityAllowSessionInstance.",
        escalations=(critical(requirement(*_TAGGING, on=TargetKind.OPERATORS, tag=TAG_KEY)),),
        remedy="Limit aws:TagKeys to other keys, or deny the key in any letter case (StringEqualsIgnoreCase) to all but the "
        "runbook's role.",
        source="the post; IAM User Guide: Tagging IAM resources; SAR IAM",
        exempt=frozenset({Exempt.RUNBOOK_ROLE}),
    ),
    AuditRule(
        id="iam-write-policies",
        title="Writes policies",
        impact="Grants any permission to itself, to a role that it can assume, or to the operators.",
        escalations=(
            critical(requirement("iam:PutUserPolicy", on=TargetKind.MY_USERS)),
            critical(requirement("iam:PutGroupPolicy", on=TargetKind.MY_GROUPS)),
            critical(requirement("iam:PutRolePolicy", on=TargetKind.MY_ROLES)),
            critical(requirement("iam:AttachUserPolicy", on=TargetKind.MY_USERS, given=ANY_POLICY)),
            critical(requirement("iam:AttachGroupPolicy", on=TargetKind.MY_GROUPS, given=ANY_POLICY)),
            critical(requirement("iam:AttachRolePolicy", on=TargetKind.MY_ROLES, given=ANY_POLICY)),
            critical(requirement("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", on=TargetKind.MY_POLICIES)),
        ),
        remedy="Limit the statement to paths without operators, approvers and the caller, or pin a boundary.",
        source="Rhino 1, 2, 7 to 12; pathfinding iam-001, 005, 007 to 011; prowler; PMapper iam_edges",
    ),
    AuditRule(
        id="iam-add-user-to-group",
        title="Joins groups",
        impact="Gets the permissions of a group, or adds a user to the approvers.",
        escalations=(critical(requirement("iam:AddUserToGroup", on=TargetKind.PRIVILEGED_GROUPS)),),
        remedy="Limit iam:AddUserToGroup to groups without rights of this list and without approvers.",
        source="Rhino 13; pathfinding iam-013; prowler; cloudsplaining",
    ),
    AuditRule(
        id="iam-create-credentials",
        title="Takes another user's credentials",
        impact="Acts as an approver, an administrator or an operator who was approved.",
        escalations=(
            critical(
                requirement(
                    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
                    on=TargetKind.OTHER_USERS,
                )
            ),
            medium(
                requirement(
                    "iam:UpdateAccessKey", "iam:DeactivateMFADevice", "iam:EnableMFADevice", on=TargetKind.OTHER_USERS
                )
            ),
        ),
        remedy="Limit the statement to user/${aws:username}.",
        source="Rhino 4 to 6; pathfinding iam-002 to 004, 006; PMapper iam_edges; prowler",
    ),
    AuditRule(
        id="iam-change-trust",
        title="Rewrites trust or makes principals",
        impact="Lets itself into the runbook's role, an approver's or a privileged one, or makes a new one.",
        escalations=(
            critical(requirement("iam:UpdateAssumeRolePolicy", on=TargetKind.TRUSTED_ROLES)),
            high(
                requirement(*_CREATING, on=TargetKind.CREATED, given=ANY_BOUNDARY),
                requirement(
                    *("iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:AttachUserPolicy", "iam:PutUserPolicy"),
                    on=TargetKind.CREATED,
                    given=ANY_POLICY,
                ),
            ),
            high(
                requirement("iam:UpdateAssumeRolePolicy", on=TargetKind.RETRUSTED),
                requirement("iam:AttachRolePolicy", "iam:PutRolePolicy", on=TargetKind.RETRUSTED, given=ANY_POLICY),
            ),
        ),
        remedy="Limit the statement to paths of other teams, and pin a boundary with iam:PermissionsBoundary.",
        source="Rhino 14; pathfinding iam-012, 019 to 021; prowler",
    ),
    AuditRule(
        id="iam-assume-role",
        title="Assumes a role that counts",
        impact="Acts as an operator, an approver or a privileged role.",
        escalations=(low(requirement("sts:AssumeRole", on=TargetKind.ANY_ROLE)),),
        remedy="Name the principals in the role's trust policy, and the roles in the statement.",
        source="pathfinding sts-001; PMapper sts_edges; prowler; IAM User Guide: Principal",
    ),
    AuditRule(
        id="session-tag-approval",
        title="Brings the approval tag along as a session tag",
        impact="A tag of the session wins over the role's own, so that no approval is needed.",
        escalations=(
            critical(
                requirement("sts:GetFederationToken"),
                requirement("sts:TagSession", tag=TAG_KEY),
                requirement("ssm:StartSession", on=TargetKind.APPROVED_NODE, statement_kind=StatementKind.VARIABLE),
            ),
        ),
        remedy="Deny sts:TagSession with the key SecurityAllowSessionInstance in the roles' trust policies, and from "
        "the operators.",
        source="IAM User Guide: Pass session tags in AWS STS; Identity Center: Attributes for access control",
    ),
    AuditRule(
        id="iam-remove-boundary",
        title="Lifts boundaries",
        impact="Statements that a boundary or an organization's policy made harmless come alive.",
        escalations=(
            high(
                requirement(
                    "iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary", on=TargetKind.BOUNDED
                )
            ),
            high(
                requirement(
                    *("iam:PutUserPermissionsBoundary", "iam:PutRolePermissionsBoundary"),
                    on=TargetKind.BOUNDED,
                    given=ANY_BOUNDARY,
                )
            ),
            high(
                requirement(
                    *("organizations:DetachPolicy", "organizations:UpdatePolicy", "organizations:DeletePolicy"),
                    *("organizations:DisablePolicyType", "organizations:MoveAccount"),
                    on=TargetKind.ORGANIZATION,
                )
            ),
            high(requirement("organizations:LeaveOrganization")),
        ),
        remedy="Pin the boundary with iam:PermissionsBoundary and remove the Delete actions.",
        source="pathfinding iam-022, 023 through prowler; IAM User Guide: Permissions boundaries; SAR Organizations",
    ),
    AuditRule(
        id="change-identity-provider",
        title="Opens a login path",
        impact="A provider, a permission set or a directory attribute of the caller's choice leads into roles.",
        escalations=(
            high(
                requirement(
                    *("iam:CreateSAMLProvider", "iam:UpdateSAMLProvider", "iam:CreateOpenIDConnectProvider"),
                    *("iam:AddClientIDToOpenIDConnectProvider", "rolesanywhere:CreateTrustAnchor"),
                    *("iam:UpdateOpenIDConnectProviderThumbprint", "rolesanywhere:UpdateTrustAnchor"),
                    *("rolesanywhere:CreateProfile", "rolesanywhere:UpdateProfile", "rolesanywhere:EnableProfile"),
                    *("cognito-identity:SetIdentityPoolRoles", "cognito-identity:SetPrincipalTagAttributeMap"),
                    *("ds:EnableRoleAccess", "account-access:CreateEntitlement"),
                    *("sso:CreateAccountAssignment", "sso:AttachManagedPolicyToPermissionSet"),
                    *("sso:AttachCustomerManagedPolicyReferenceToPermissionSet", "sso:PutInlinePolicyToPermissionSet"),
                    *("sso:ProvisionPermissionSet", "sso:CreateInstanceAccessControlAttributeConfiguration"),
                    *("sso:UpdateInstanceAccessControlAttributeConfiguration", "identitystore:UpdateUser"),
                    *("identitystore:CreateGroupMembership", "sso-directory:AddMemberToGroup"),
                    # A user with the user name of an operator is the operator to the trust policy of a role.
                    *("identitystore:CreateUser", "sso-directory:CreateUser", "sso-directory:UpdateUser"),
                    "sso-directory:UpdatePassword",
                )
            ),
            high(requirement("sts:AssumeRoot")),
        ),
        remedy="Leave identity providers and Identity Center to their administrators, and declare those.",
        source="pathfinding SSO through prowler; Identity Center API: InstanceAccessControlAttributeConfiguration; SAR",
    ),
    AuditRule(
        id="runbook-role-sets-other-tags",
        title="The runbook's role tags more than the approval",
        impact="The role can set tags other than the approval tag, on which other policies may rest.",
        escalations=(medium(requirement(*_TAGGING, given=ANOTHER_TAG)),),
        remedy="Limit the role's tagging by ForAllValues:StringEquals aws:TagKeys to SecurityAllowSessionInstance.",
        source="the post; IAM User Guide: aws:TagKeys",
        exempt=frozenset({Exempt.NOT_RUNBOOK_ROLE}),
    ),
    AuditRule(
        id="iam-remove-own-deny",
        title="Removes a Deny of its own",
        impact="Deletes or detaches the policy that denies, or leaves the group that brings it; then more is allowed.",
        escalations=(
            high(
                requirement(
                    *("iam:DeleteUserPolicy", "iam:DetachUserPolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy"),
                    *("iam:RemoveUserFromGroup", "iam:DeleteGroupPolicy", "iam:DetachGroupPolicy"),
                    on=TargetKind.OWN_DENY,
                )
            ),
        ),
        remedy="Deny detaching and deleting the policy in the policy itself, or set the Deny in a service control policy.",
        source="IAM User Guide: Policy evaluation logic; SAR IAM",
    ),
)
