"""D: who has what: tags, policies, credentials, trust, boundaries, logins."""

from __future__ import annotations

from typing import Final

from components.approval.names import TAG_KEY
from operations.audit.catalogue import ANY_BOUNDARY, ANY_POLICY, Exempt, On, Rule, Shape, need, way
from operations.audit.rules.keys import ANOTHER_TAG
from operations.audit.severity import Severity

_TAGGING = ("iam:TagUser", "iam:TagRole", "iam:UntagUser", "iam:UntagRole")
_CREATING = ("iam:CreateRole", "iam:CreateUser")

IDENTITIES: Final = (
    Rule(
        id="D1",
        title="Writes the approval tag",
        gives="Approves itself or others by setting, moving or removing SecurityAllowSessionInstance.",
        ways=(way(Severity.CRITICAL, need(*_TAGGING, on=On.OPERATORS, tag=TAG_KEY)),),
        remedy="Limit aws:TagKeys to other keys, or deny the key in any letter case (StringEqualsIgnoreCase) to all but the "
        "runbook's role.",
        source="the post; IAM User Guide: Tagging IAM resources; SAR IAM",
        exempt=frozenset({Exempt.RUNBOOK_ROLE}),
    ),
    Rule(
        id="D2",
        title="Writes policies",
        gives="Grants any permission to itself, to a role that it can assume, or to the operators.",
        ways=(
            way(Severity.CRITICAL, need("iam:PutUserPolicy", on=On.MY_USERS)),
            way(Severity.CRITICAL, need("iam:PutGroupPolicy", on=On.MY_GROUPS)),
            way(Severity.CRITICAL, need("iam:PutRolePolicy", on=On.MY_ROLES)),
            way(Severity.CRITICAL, need("iam:AttachUserPolicy", on=On.MY_USERS, given=ANY_POLICY)),
            way(Severity.CRITICAL, need("iam:AttachGroupPolicy", on=On.MY_GROUPS, given=ANY_POLICY)),
            way(Severity.CRITICAL, need("iam:AttachRolePolicy", on=On.MY_ROLES, given=ANY_POLICY)),
            way(Severity.CRITICAL, need("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", on=On.MY_POLICIES)),
        ),
        remedy="Limit the statement to paths without operators, approvers and the caller, or pin a boundary.",
        source="Rhino 1, 2, 7 to 12; pathfinding iam-001, 005, 007 to 011; prowler; PMapper iam_edges",
    ),
    Rule(
        id="D3",
        title="Joins groups",
        gives="Gets the permissions of a group, or adds a user to the approvers.",
        ways=(way(Severity.CRITICAL, need("iam:AddUserToGroup", on=On.PRIVILEGED_GROUPS)),),
        remedy="Limit iam:AddUserToGroup to groups without rights of this list and without approvers.",
        source="Rhino 13; pathfinding iam-013; prowler; cloudsplaining",
    ),
    Rule(
        id="D4",
        title="Takes another user's credentials",
        gives="Acts as an approver, an administrator or an operator who was approved.",
        ways=(
            way(
                Severity.CRITICAL,
                need(
                    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
                    on=On.OTHER_USERS,
                ),
            ),
            way(
                Severity.MEDIUM,
                need("iam:UpdateAccessKey", "iam:DeactivateMFADevice", "iam:EnableMFADevice", on=On.OTHER_USERS),
            ),
        ),
        remedy="Limit the statement to user/${aws:username}.",
        source="Rhino 4 to 6; pathfinding iam-002 to 004, 006; PMapper iam_edges; prowler",
    ),
    Rule(
        id="D5",
        title="Rewrites trust or makes principals",
        gives="Lets itself into the runbook's role, an approver's or a privileged one, or makes a new one.",
        ways=(
            way(Severity.CRITICAL, need("iam:UpdateAssumeRolePolicy", on=On.TRUSTED_ROLES)),
            way(
                Severity.HIGH,
                need(*_CREATING, on=On.CREATED, given=ANY_BOUNDARY),
                need(
                    *("iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:AttachUserPolicy", "iam:PutUserPolicy"),
                    on=On.CREATED,
                    given=ANY_POLICY,
                ),
            ),
            way(
                Severity.HIGH,
                need("iam:UpdateAssumeRolePolicy", on=On.RETRUSTED),
                need("iam:AttachRolePolicy", "iam:PutRolePolicy", on=On.RETRUSTED, given=ANY_POLICY),
            ),
        ),
        remedy="Limit the statement to paths of other teams, and pin a boundary with iam:PermissionsBoundary.",
        source="Rhino 14; pathfinding iam-012, 019 to 021; prowler",
    ),
    Rule(
        id="D6",
        title="Assumes a role that counts",
        gives="Acts as an operator, an approver or a privileged role.",
        ways=(way(Severity.LOW, need("sts:AssumeRole", on=On.ANY_ROLE)),),
        remedy="Name the principals in the role's trust policy, and the roles in the statement.",
        source="pathfinding sts-001; PMapper sts_edges; prowler; IAM User Guide: Principal",
    ),
    Rule(
        id="D7",
        title="Brings the approval tag along as a session tag",
        gives="A tag of the session wins over the role's own, so that no approval is needed.",
        ways=(
            way(
                Severity.CRITICAL,
                need("sts:GetFederationToken"),
                need("sts:TagSession", tag=TAG_KEY),
                need("ssm:StartSession", on=On.APPROVED_NODE, shape=Shape.VARIABLE),
            ),
        ),
        remedy="Deny sts:TagSession with the key SecurityAllowSessionInstance in the roles' trust policies, and from "
        "the operators.",
        source="IAM User Guide: Pass session tags in AWS STS; Identity Center: Attributes for access control",
    ),
    Rule(
        id="D8",
        title="Lifts boundaries",
        gives="Statements that a boundary or an organization's policy made harmless come alive.",
        ways=(
            way(
                Severity.HIGH,
                need("iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary", on=On.BOUNDED),
            ),
            way(
                Severity.HIGH,
                need(
                    *("iam:PutUserPermissionsBoundary", "iam:PutRolePermissionsBoundary"),
                    on=On.BOUNDED,
                    given=ANY_BOUNDARY,
                ),
            ),
            way(
                Severity.HIGH,
                need(
                    *("organizations:DetachPolicy", "organizations:UpdatePolicy", "organizations:DeletePolicy"),
                    *("organizations:DisablePolicyType", "organizations:MoveAccount"),
                    on=On.ORGANIZATION,
                ),
            ),
            way(Severity.HIGH, need("organizations:LeaveOrganization")),
        ),
        remedy="Pin the boundary with iam:PermissionsBoundary and remove the Delete actions.",
        source="pathfinding iam-022, 023 through prowler; IAM User Guide: Permissions boundaries; SAR Organizations",
    ),
    Rule(
        id="D9",
        title="Opens a login path",
        gives="A provider, a permission set or a directory attribute of the caller's choice leads into roles.",
        ways=(
            way(
                Severity.HIGH,
                need(
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
                    "sso-directory:UpdateUser",
                ),
            ),
            way(Severity.HIGH, need("sts:AssumeRoot")),
        ),
        remedy="Leave identity providers and Identity Center to their administrators, and declare those.",
        source="pathfinding SSO through prowler; Identity Center API: InstanceAccessControlAttributeConfiguration; SAR",
    ),
    Rule(
        id="D10",
        title="The runbook's role tags more than the approval",
        gives="The role can set tags other than the approval tag, on which other policies may rest.",
        ways=(way(Severity.MEDIUM, need(*_TAGGING, given=ANOTHER_TAG)),),
        remedy="Limit the role's tagging by ForAllValues:StringEquals aws:TagKeys to SecurityAllowSessionInstance.",
        source="the post; IAM User Guide: aws:TagKeys",
        exempt=frozenset({Exempt.NOT_RUNBOOK_ROLE}),
    ),
    Rule(
        id="D11",
        title="Removes a Deny of its own",
        gives="Deletes or detaches the policy that denies, or leaves the group that brings it; then more is allowed.",
        ways=(
            way(
                Severity.HIGH,
                need(
                    *("iam:DeleteUserPolicy", "iam:DetachUserPolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy"),
                    *("iam:RemoveUserFromGroup", "iam:DeleteGroupPolicy", "iam:DetachGroupPolicy"),
                    on=On.OWN_DENY,
                ),
            ),
        ),
        remedy="Deny detaching and deleting the policy in the policy itself, or set the Deny in a service control policy.",
        source="IAM User Guide: Policy evaluation logic; SAR IAM",
    ),
)
