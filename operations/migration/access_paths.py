"""Ways to a session that IAM leaves open in an account: through the workflow, through just-in-time node access, or without approval.

Permissions of a request: Systems Manager User Guide, "Setting up just-in-time access with Systems Manager" (requesters).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from common.iam.choices import Choice
from common.iam.context import known
from common.iam.evaluation import Target
from common.iam.patterns import SOME, literal
from common.iam.trust import only_services
from components.approval.settings import Mode
from components.just_in_time.names import MANUAL_APPROVAL, TOKEN_ROLE
from operations.audit.catalog import APPROVAL_KEY, APPROVED, NODE_TAGS_MET, one_of, passed_to
from operations.audit.evaluator import Evaluator
from operations.audit.exceptions import apply_exceptions
from operations.audit.findings import Audit, Audited
from operations.audit.request_context import granted
from operations.audit.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext
    from operations.audit.findings import AcceptedException

_STANDING: Final = ("session-any-node", "session-fixed-nodes", "session-beyond-approved-instance")
"""Rules of the audit about sessions without an approval."""
_RULES: Final = tuple(rule for rule in RULES if rule.id in _STANDING)
_SYSTEMS_MANAGER: Final = "ssm.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Requester:
    """A principal and what it lacks to request access.

    Attributes:
        lacks: Actions that it is not certainly allowed, and reasons for which AWS does not accept its requests.
    """

    arn: str
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AccessPaths:
    """Principals that can get a session, by the permissions that they have now.

    Attributes:
        operators: Operators of the workflow, with what they lack to request a session and to start it once it is approved.
        decides: Whether an approver may decide requests of the workflow.
        requesters: Roles that may request just-in-time access, without those that may start sessions anyway.
        operators_just_in_time: Operators of the workflow, with what they lack to request just-in-time access.
        standing: Principals that start sessions without an approval, except accepted ones.
    """

    operators: tuple[Requester, ...] = ()
    decides: bool = False
    requesters: tuple[str, ...] = ()
    operators_just_in_time: tuple[Requester, ...] = ()
    standing: tuple[str, ...] = ()

    @property
    def is_workflow_open(self) -> bool:
        """Return whether an operator can get a session through the workflow."""
        return self.decides and any(not each.lacks for each in self.operators)

    @property
    def is_just_in_time_open(self) -> bool:
        """Return whether a role can request just-in-time access."""
        return bool(self.requesters)


def access_paths(
    audit: AuditContext, mode: Mode, manual_policies: Sequence[str], exceptions: Sequence[AcceptedException] = ()
) -> AccessPaths:
    """Evaluate the principals of an account.

    The mode is that of the workflow; `just-in-time`: there is none. `manual_policies` are names.
    """
    people = [each for each in audit.account.principals if not each.is_service_linked and not only_services(each)]
    standing = _standing(people, audit)
    left = apply_exceptions(Audit(audited=tuple(standing)), exceptions, date.fromisoformat(audit.now[:10])).audited
    by_right = {each.arn for each in standing} | {
        each.arn for each in people if audit.protected.is_administrator(each.arn)
    }
    operators = [] if mode is Mode.JUST_IN_TIME else list(audit.operators)
    return AccessPaths(
        operators=tuple(Requester(arn=each.arn, lacks=_lacks_of_workflow(each, audit, mode)) for each in operators),
        decides=mode is not Mode.JUST_IN_TIME and _has_approver(audit),
        requesters=tuple(
            each.arn
            for each in people
            if each.name != TOKEN_ROLE
            and each.arn not in by_right
            and not _lacks_of_request(each, audit, manual_policies)
        ),
        operators_just_in_time=tuple(
            Requester(arn=each.arn, lacks=_lacks_of_request(each, audit, manual_policies)) for each in operators
        ),
        # An expired exception is a finding of the audit, and not a principal.
        standing=tuple(each.arn for each in left if each.kind != "exception"),
    )


def _standing(people: Sequence[Principal], audit: AuditContext) -> list[Audited]:
    """Return the principals that start sessions without an approval, except those that do so by design."""
    found: list[Audited] = []
    for each in people:
        by_design = each.name == TOKEN_ROLE or each is audit.emergency_role
        if by_design or audit.protected.is_administrator(each.arn):
            continue
        findings = tuple(Evaluator(each, audit).findings(_RULES))
        if findings:
            found.append(Audited(arn=each.arn, kind=each.kind, findings=findings))
    return found


def _has_approver(audit: AuditContext) -> bool:
    """Return whether an approver may decide; users and groups of IAM Identity Center are not known to IAM."""
    names = audit.protected
    if any(not kind.startswith("Iam") for kind, _ in names.approver_names):
        return True
    executions = f"arn:{names.partition}:ssm:{SOME}:{names.account_id}:automation-execution/{SOME}"
    return any(_may(each, audit, "ssm:SendAutomationSignal", executions) for each in audit.approvers)


def _lacks_of_workflow(operator: Principal, audit: AuditContext, mode: Mode) -> tuple[str, ...]:
    names = audit.protected
    ssm = f"arn:{names.partition}:ssm:{SOME}:{names.account_id}:"
    approved = {APPROVAL_KEY: (Choice(known(APPROVED)),)}
    request, document = ("ssm:StartAutomationExecution", names.runbook)
    if mode is Mode.CHANGE_MANAGER:
        request, document = ("ssm:StartChangeRequestExecution", names.template)
    needs = (
        (request, f"{ssm}document/{document}", {"ssm:autoapprove": one_of("false")}),
        ("iam:PassRole", literal(audit.runbook_role), passed_to(_SYSTEMS_MANAGER)),
        ("ssm:StartSession", f"arn:{names.partition}:ec2:{SOME}:{names.account_id}:instance/{APPROVED}", approved),
        ("ssm:StartSession", f"{ssm}document/{names.session_document}", approved),
    )
    return tuple(dict.fromkeys(action for action, arn, given in needs if not _may(operator, audit, action, arn, given)))


def _lacks_of_request(principal: Principal, audit: AuditContext, policies: Sequence[str]) -> tuple[str, ...]:
    """Return what a principal lacks to request just-in-time access: to a node, by any of the manual policies."""
    if principal.kind != "role":
        return ("requests are accepted of sessions of roles only",)
    names = audit.protected
    ssm = f"arn:{names.partition}:ssm:{SOME}:{names.account_id}:"
    instance = f"arn:{names.partition}:ec2:{SOME}:{names.account_id}:instance/{SOME}"
    items = ("ssm:GetAccessToken", "ssm:CreateOpsItem", "ssm:GetOpsItem")
    lacks = (
        [] if _may(principal, audit, "ssm:StartAccessRequest", instance, NODE_TAGS_MET) else ["ssm:StartAccessRequest"]
    )
    lacks += [action for action in items if not _may(principal, audit, action, f"{ssm}opsitem/{SOME}")]
    typed = {"ssm:documenttype": one_of(MANUAL_APPROVAL)}
    start = "ssm:StartAutomationExecution"
    if policies and not any(_may(principal, audit, start, f"{ssm}document/{each}", typed) for each in policies):
        lacks.append(f"{start} on the manual policies")
    return tuple(lacks)


def _may(
    principal: Principal,
    audit: AuditContext,
    action: str,
    resource: str,
    given: Mapping[str, tuple[Choice, ...]] | None = None,
) -> bool:
    """Return whether a principal is certainly allowed an action on a resource."""
    found = granted(principal, audit, action, Target((resource,)), given, changes_own_tags=False)
    return any(each.certain for each in found)
