"""Rules about identities: tags, policies, credentials, trust, boundaries, sign-in."""

from typing import Final

from components.approval.names import TAG_KEY
from operations.audit.catalog import (
    ANOTHER_TAG,
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

_TAGGING = "iam:TagUser iam:TagRole iam:UntagUser iam:UntagRole"

IDENTITIES: Final = (
    AuditRule(
        id="iam-set-approval-tag",
        title="Sets the approval tag",
        impact="Grants sessions to itself or others by setting or removing the tag SecurityAllowSessionInstance.",
        escalations=(critical(requirement(_TAGGING, TargetKind.OPERATORS, tag=TAG_KEY)),),
        remedy="Limit aws:TagKeys to other keys, or deny the key in any case (StringEqualsIgnoreCase) to all "
        "principals except the runbook's role.",
        source="the post; IAM User Guide: Tagging IAM resources; SAR IAM",
        exempt=frozenset({Exempt.RUNBOOK_ROLE}),
    ),
    AuditRule(
        id="iam-write-policies",
        title="Changes policies",
        impact="Grants any permission to itself, to a role that it can assume, or to the operators.",
        escalations=(
            critical(requirement("iam:PutUserPolicy", TargetKind.MY_USERS)),
            critical(requirement("iam:PutGroupPolicy", TargetKind.MY_GROUPS)),
            critical(requirement("iam:PutRolePolicy", TargetKind.MY_ROLES)),
            critical(requirement("iam:AttachUserPolicy", TargetKind.MY_USERS, given=ANY_POLICY)),
            critical(requirement("iam:AttachGroupPolicy", TargetKind.MY_GROUPS, given=ANY_POLICY)),
            critical(requirement("iam:AttachRolePolicy", TargetKind.MY_ROLES, given=ANY_POLICY)),
            critical(requirement("iam:CreatePolicyVersion iam:SetDefaultPolicyVersion", TargetKind.MY_POLICIES)),
        ),
        remedy="Limit the statement to paths without operators, approvers and the caller, or require a permissions boundary.",
        source="Rhino 1, 2, 7 to 12; pathfinding iam-001, 005, 007 to 011; prowler; PMapper iam_edges",
    ),
    AuditRule(
        id="iam-add-user-to-group",
        title="Adds users to groups",
        impact="Gets the permissions of a group, or adds a user to a group of approvers.",
        escalations=(critical(requirement("iam:AddUserToGroup", TargetKind.PRIVILEGED_GROUPS)),),
        remedy="Limit iam:AddUserToGroup to groups without approvers and without permissions in this list.",
        source="Rhino 13; pathfinding iam-013; prowler; cloudsplaining",
    ),
    AuditRule(
        id="iam-create-credentials",
        title="Creates credentials of another user",
        impact="Acts as an approver, an administrator or an operator with a grant.",
        escalations=(
            critical(
                requirement("iam:CreateAccessKey iam:CreateLoginProfile iam:UpdateLoginProfile", TargetKind.OTHER_USERS)
            ),
            medium(
                requirement("iam:UpdateAccessKey iam:DeactivateMFADevice iam:EnableMFADevice", TargetKind.OTHER_USERS)
            ),
        ),
        remedy="Limit the statement to user/${aws:username}.",
        source="Rhino 4 to 6; pathfinding iam-002 to 004, 006; PMapper iam_edges; prowler",
    ),
    AuditRule(
        id="iam-change-trust",
        title="Changes trust policies, or creates principals",
        impact="Can assume the runbook's role, an approver's role or a privileged role, or create one.",
        escalations=(
            critical(requirement("iam:UpdateAssumeRolePolicy", TargetKind.TRUSTED_ROLES)),
            high(
                requirement("iam:CreateRole iam:CreateUser", TargetKind.CREATED, given=ANY_BOUNDARY),
                requirement(
                    "iam:AttachRolePolicy iam:PutRolePolicy iam:AttachUserPolicy iam:PutUserPolicy",
                    TargetKind.CREATED,
                    given=ANY_POLICY,
                ),
            ),
            high(
                requirement("iam:UpdateAssumeRolePolicy", TargetKind.RETRUSTED),
                requirement("iam:AttachRolePolicy iam:PutRolePolicy", TargetKind.RETRUSTED, given=ANY_POLICY),
            ),
        ),
        remedy="Limit the statement to paths of other teams, and require a boundary with iam:PermissionsBoundary.",
        source="Rhino 14; pathfinding iam-012, 019 to 021; prowler",
    ),
    AuditRule(
        id="iam-assume-role",
        title="Assumes a sensitive role",
        impact="Acts as an operator, an approver or a privileged role.",
        escalations=(low(requirement("sts:AssumeRole", TargetKind.ANY_ROLE)),),
        remedy="Limit the principals in the role's trust policy and the roles in the statement. Declare intended approvers with --approver.",
        source="pathfinding sts-001; PMapper sts_edges; prowler; IAM User Guide: Principal",
    ),
    AuditRule(
        id="session-tag-approval",
        title="Passes the approval tag as a session tag",
        impact="A session tag takes precedence over the tag of the role, so no approval is needed.",
        escalations=(
            critical(
                "sts:GetFederationToken",
                requirement("sts:TagSession", tag=TAG_KEY),
                requirement("ssm:StartSession", TargetKind.APPROVED_NODE, statement_kind=StatementKind.VARIABLE),
            ),
        ),
        remedy="Deny sts:TagSession with the key SecurityAllowSessionInstance in the roles' trust policies, and to "
        "operators.",
        source="IAM User Guide: Pass session tags in AWS STS; Identity Center: Attributes for access control",
    ),
    AuditRule(
        id="iam-remove-boundary",
        title="Removes permissions boundaries",
        impact="Permissions that a boundary or a policy of the organization denied become effective.",
        escalations=(
            high(
                requirement("iam:DeleteUserPermissionsBoundary iam:DeleteRolePermissionsBoundary", TargetKind.BOUNDED)
            ),
            high(
                requirement(
                    "iam:PutUserPermissionsBoundary iam:PutRolePermissionsBoundary",
                    TargetKind.BOUNDED,
                    given=ANY_BOUNDARY,
                )
            ),
            high(
                requirement(
                    "organizations:DetachPolicy organizations:UpdatePolicy organizations:DeletePolicy "
                    "organizations:DisablePolicyType organizations:MoveAccount",
                    TargetKind.ORGANIZATION,
                )
            ),
            high("organizations:LeaveOrganization"),
        ),
        remedy="Require the boundary with iam:PermissionsBoundary, and remove the Delete actions.",
        source="pathfinding iam-022, 023 through prowler; IAM User Guide: Permissions boundaries; SAR Organizations",
    ),
    AuditRule(
        id="change-identity-provider",
        title="Changes identity providers",
        impact="Adds an identity provider, a permission set or an attribute with which it can assume roles.",
        escalations=(
            high(
                "iam:CreateSAMLProvider iam:UpdateSAMLProvider iam:CreateOpenIDConnectProvider "
                "iam:AddClientIDToOpenIDConnectProvider rolesanywhere:CreateTrustAnchor "
                "iam:UpdateOpenIDConnectProviderThumbprint rolesanywhere:UpdateTrustAnchor "
                "rolesanywhere:CreateProfile rolesanywhere:UpdateProfile rolesanywhere:EnableProfile "
                "cognito-identity:SetIdentityPoolRoles cognito-identity:SetPrincipalTagAttributeMap "
                "ds:EnableRoleAccess account-access:CreateEntitlement sso:CreateAccountAssignment "
                "sso:AttachManagedPolicyToPermissionSet sso:AttachCustomerManagedPolicyReferenceToPermissionSet "
                "sso:PutInlinePolicyToPermissionSet sso:ProvisionPermissionSet "
                "sso:CreateInstanceAccessControlAttributeConfiguration "
                "sso:UpdateInstanceAccessControlAttributeConfiguration "
                "identitystore:UpdateUser identitystore:CreateGroupMembership sso-directory:AddMemberToGroup "
                # A user with the user name of an operator is the operator to the trust policy of a role.
                "identitystore:CreateUser sso-directory:CreateUser sso-directory:UpdateUser "
                "sso-directory:UpdatePassword"
            ),
            high("sts:AssumeRoot"),
        ),
        remedy="Allow changes to identity providers and IAM Identity Center only to administrators, and declare them.",
        source="pathfinding SSO through prowler; Identity Center API: InstanceAccessControlAttributeConfiguration; SAR",
    ),
    AuditRule(
        id="runbook-role-sets-other-tags",
        title="The runbook's role sets other tags",
        impact="The role can set tags other than the approval tag, and other policies might depend on them.",
        escalations=(medium(requirement(_TAGGING, given=ANOTHER_TAG)),),
        remedy="Limit tagging to SecurityAllowSessionInstance, with ForAllValues:StringEquals on aws:TagKeys.",
        source="the post; IAM User Guide: aws:TagKeys",
        exempt=frozenset({Exempt.NOT_RUNBOOK_ROLE}),
    ),
    AuditRule(
        id="iam-remove-own-deny",
        title="Removes a Deny statement that applies to it",
        impact="Deletes or detaches the policy with the statement, or leaves its group, and then has more permissions.",
        escalations=(
            high(
                requirement(
                    "iam:DeleteUserPolicy iam:DetachUserPolicy iam:DeleteRolePolicy iam:DetachRolePolicy "
                    "iam:RemoveUserFromGroup iam:DeleteGroupPolicy iam:DetachGroupPolicy",
                    TargetKind.OWN_DENY,
                )
            ),
        ),
        remedy="Deny detaching and deleting the policy in the policy itself, or use a service control policy.",
        source="IAM User Guide: Policy evaluation logic; SAR IAM",
    ),
)
