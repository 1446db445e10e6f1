"""IAM actions that change permissions."""

from __future__ import annotations

from typing import Final

WIDENING: Final = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy"),
    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion"),
    *("iam:DeleteGroupPolicy", "iam:DeletePolicy", "iam:DeletePolicyVersion"),
    *("iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy", "iam:DeleteUserPermissionsBoundary"),
    *("iam:DeleteUserPolicy", "iam:DetachGroupPolicy", "iam:DetachRolePolicy", "iam:DetachUserPolicy"),
    *("iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary"),
    *("iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy", "iam:UpdateLoginProfile"),
)
"""Actions that give an existing principal more permissions, or remove a Deny."""

IDENTITIES: Final = (*WIDENING, "iam:CreatePolicy", "iam:CreateRole", "iam:CreateUser")
"""Those actions, and actions that create a principal."""
