"""Bypasses of just-in-time node access: its policies, its role, and the tags by which the policies choose nodes.

A principal with one of these decides about access without starting a session, so that no rule about sessions reports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.evaluation import AllowingStatement, Target
from common.iam.patterns import SOME, literal
from components.just_in_time.names import TOKEN_ROLE
from operations.audit.catalog import Severity, one_of
from operations.audit.evaluator import finding
from operations.audit.request_context import allowed, granted, granted_with_tag

if TYPE_CHECKING:
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext
    from operations.audit.findings import BypassFinding

_POLICY_CHANGES: Final = (
    "ssm:CreateDocument",
    "ssm:DeleteDocument",
    "ssm:UpdateDocument",
    "ssm:UpdateDocumentDefaultVersion",
)
_ROLE_CHANGES: Final = ("iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")
_NODE_TAGS: Final = {
    "ec2:CreateTags": ("ec2", "instance/i-"),
    "ec2:DeleteTags": ("ec2", "instance/i-"),
    "ssm:AddTagsToResource": ("ssm", "managed-instance/mi-"),
    "ssm:RemoveTagsFromResource": ("ssm", "managed-instance/mi-"),
}


def just_in_time_findings(principal: Principal, audit: AuditContext) -> list[BypassFinding]:
    """Return the findings of a principal."""
    names = audit.protected
    role = Target((literal(names.iam("role", TOKEN_ROLE)),))
    role_changes = [each for action in _ROLE_CHANGES for each in granted(principal, audit, action, role)]
    several = (
        _finding("just-in-time-change-policy", Severity.CRITICAL, principal, _policy_changes(principal, audit)),
        _finding("just-in-time-change-token-role", Severity.CRITICAL, principal, role_changes),
        _finding("just-in-time-tag-nodes", Severity.HIGH, principal, _node_tags(principal, audit)),
    )
    return [each for each in several if each is not None]


def _finding(
    rule: str, severity: Severity, principal: Principal, used: list[AllowingStatement]
) -> BypassFinding | None:
    if not used:
        return None
    return finding(rule, severity if any(each.certain for each in used) else severity.lowered(), principal, used)


def _policy_changes(principal: Principal, audit: AuditContext) -> list[AllowingStatement]:
    names, found = audit.protected, list[AllowingStatement]()
    for name, kind in names.access_policies.items():
        document = Target((f"arn:{names.partition}:ssm:{SOME}:{names.account_id}:document/{name}",))
        for action in _POLICY_CHANGES:
            found += granted(principal, audit, action, document, {"ssm:documenttype": one_of(kind)})
    return found


def _node_tags(principal: Principal, audit: AuditContext) -> list[AllowingStatement]:
    names, found = audit.protected, list[AllowingStatement]()
    for action, (service, prefix) in _NODE_TAGS.items():
        if not allowed(principal, (action,)):
            continue
        nodes = Target((f"arn:{names.partition}:{service}:{SOME}:{names.account_id}:{prefix}{SOME}",))
        for tag in names.access_tags:
            found += granted_with_tag(principal, audit, action, target=nodes, tag=tag)
    return found
