"""Actions of IAM that change who may do what."""

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
"""Give somebody who is there more than they have, or take away what a policy denies them."""

IDENTITIES: Final = (*WIDENING, "iam:CreatePolicy", "iam:CreateRole", "iam:CreateUser")
"""Those, and what makes somebody new."""
