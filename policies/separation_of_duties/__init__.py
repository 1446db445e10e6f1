"""Rules about separation of duties: requests, approvals, and bypasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.separation_of_duties import (
    approval_tag_not_in_program,
    approval_tag_set_by_runbook,
    approvals_required,
    approvers_not_operators,
    break_glass_limited,
    documents_changed_by_named_principals,
    evidence_records_locked,
    identity_policy_readable,
    instances_changed_by_named_principals,
    node_commands_need_approval,
    node_logins_need_approval,
    operator_roles_of_one_person,
    operator_sessions_not_tagged,
    operators_cannot_change_approval,
    runbook_grant_limited,
    runbook_removes_tag,
    runbook_requires_approval,
    runbook_role_trusts_automation_only,
    service_role_permissions_limited,
    session_documents_governed,
    session_resume_own,
    session_start_needs_approval,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    approval_tag_not_in_program.RULE,
    approval_tag_set_by_runbook.RULE,
    approvals_required.RULE,
    approvers_not_operators.RULE,
    break_glass_limited.RULE,
    documents_changed_by_named_principals.RULE,
    evidence_records_locked.RULE,
    identity_policy_readable.RULE,
    instances_changed_by_named_principals.RULE,
    node_commands_need_approval.RULE,
    node_logins_need_approval.RULE,
    operator_roles_of_one_person.RULE,
    operator_sessions_not_tagged.RULE,
    operators_cannot_change_approval.RULE,
    runbook_requires_approval.RULE,
    runbook_grant_limited.RULE,
    runbook_role_trusts_automation_only.RULE,
    runbook_removes_tag.RULE,
    service_role_permissions_limited.RULE,
    session_documents_governed.RULE,
    session_resume_own.RULE,
    session_start_needs_approval.RULE,
)
