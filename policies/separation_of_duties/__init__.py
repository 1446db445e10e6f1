"""Rules about separation of duties: requests, approvals, and bypasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.separation_of_duties import (
    approval_runbooks,
    approval_tag,
    break_glass_limited,
    evidence_records_locked,
    identity_policies,
    node_access_rules,
    operators,
    permission_changes,
    runbook_grant_limited,
    sessions,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    approval_tag.APPROVAL_TAG_NOT_IN_PROGRAM,
    approval_tag.APPROVAL_TAG_SET_BY_RUNBOOK,
    approval_runbooks.APPROVALS_REQUIRED,
    operators.APPROVERS_NOT_OPERATORS,
    break_glass_limited.BREAK_GLASS_LIMITED,
    node_access_rules.DOCUMENTS_CHANGED_BY_NAMED_PRINCIPALS,
    evidence_records_locked.EVIDENCE_RECORDS_LOCKED,
    identity_policies.IDENTITY_POLICY_READABLE,
    node_access_rules.INSTANCES_CHANGED_BY_NAMED_PRINCIPALS,
    node_access_rules.NODE_COMMANDS_NEED_APPROVAL,
    node_access_rules.NODE_LOGINS_NEED_APPROVAL,
    operators.OPERATOR_ROLES_OF_ONE_PERSON,
    operators.OPERATOR_SESSIONS_NOT_TAGGED,
    permission_changes.OPERATORS_CANNOT_CHANGE_APPROVAL,
    approval_runbooks.RUNBOOK_REQUIRES_APPROVAL,
    runbook_grant_limited.RUNBOOK_GRANT_LIMITED,
    approval_runbooks.RUNBOOK_ROLE_TRUSTS_AUTOMATION_ONLY,
    approval_runbooks.RUNBOOK_REMOVES_TAG,
    permission_changes.SERVICE_ROLE_PERMISSIONS_LIMITED,
    sessions.SESSION_DOCUMENTS_GOVERNED,
    sessions.SESSION_RESUME_OWN,
    sessions.SESSION_START_NEEDS_APPROVAL,
)
