"""Evaluation of every principal in an account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.iam.evaluation import Permissions
from common.iam.principals import Principal
from common.iam.trust import only_services
from operations.audit.assumption_paths import assumption_findings, from_outside
from operations.audit.audit_context import AWS_BROAD, AuditContext
from operations.audit.catalog import Severity
from operations.audit.evaluator import RELATIVE, Evaluator
from operations.audit.findings import Audit, Audited, BypassFinding, worst_first
from operations.audit.gained_permissions import deny_removal, role_tagging
from operations.audit.just_in_time import just_in_time_findings
from operations.audit.request_context import allowed
from operations.audit.rules import ACTIONS, RULES, position

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from operations.audit.catalog import AuditRule

    Progress = Callable[[int, int], None]
    """Receives the number of principals done, and of all."""

_AGENTS: Final = ("AmazonSSMManagedInstanceCore", "AmazonEC2RoleforSSM", "AmazonSSMManagedEC2InstanceDefaultPolicy")
"""AWS managed policies of the agent, which receives sessions (AWS Managed Policy Reference)."""


_RELATIVE_RULES: Final = tuple(
    rule
    for rule in RULES
    if any(requirement.on in RELATIVE for escalation in rule.escalations for requirement in escalation.requirements)
)
_RELATIVE_IDS: Final = frozenset(rule.id for rule in _RELATIVE_RULES)


def assess(audit: AuditContext, progress: Progress = lambda _done, _of: None) -> Audit:
    """Evaluate all principals by all rules.

    Rules that depend on what other principals can do are evaluated twice: first for each principal alone, then with the list of
    privileged principals. Role assumption comes last.
    """
    principals = [each for each in audit.account.principals if not each.is_service_linked]
    audit = replace(audit, harmful_policies=harmful_policies(audit))
    alone = _evaluated(principals, audit, RULES, progress)
    audit = replace(audit, privileged=_privileged(alone))
    reported = [each for each in principals if not audit.protected.is_administrator(each.arn)]
    again = _evaluated(
        [each for each in principals if not _is_settled(alone[each], each, audit)], audit, _RELATIVE_RULES
    )
    found = {
        each: [*(finding for finding in alone[each] if finding.rule not in _RELATIVE_IDS), *again.get(each, ())]
        for each in principals
    }
    knowing = replace(audit, privileged=_privileged(found))
    for principal in reported:
        found[principal] += deny_removal(principal, found[principal], knowing)
    for principal in reported if audit.protected.is_just_in_time else ():
        found[principal] += just_in_time_findings(principal, audit)
    assuming, by_design = assumption_findings(knowing, principals)
    for principal in reported:
        several = [*assuming.get(principal, ()), *role_tagging(principal, knowing)]
        if several:
            # The roles that it reaches say more than the finding that it reaches every role.
            found[principal] = [*(each for each in found[principal] if each.rule != "iam-assume-role"), *several]
    if audit.emergency_role:
        note = "starts sessions without an approval, as configured in breakGlass; each use raises an alarm"
        by_design = (*by_design, f"{note}: role {audit.emergency_role.name}")
    return replace(_result(audit, principals, found), by_design=by_design)


def harmful_policies(audit: AuditContext) -> tuple[str, ...]:
    """Return managed policies, of AWS and of the account, that allow a bypass when they are attached or are the boundary."""
    names = audit.protected
    of_aws = [f"arn:{names.partition}:iam::aws:policy/{name}" for name in AWS_BROAD]
    found: list[str] = []
    for arn, managed in audit.account.policies.items():
        holder = Principal(
            kind="user",
            name="holder",
            arn=names.iam("user", "holder"),
            unique_id="AIDAHOLDER",
            permissions=Permissions(identity=(managed.policy,)),
        )
        if any(each.severity >= Severity.HIGH for each in Evaluator(holder, audit).findings(RULES)):
            found.append(arn)
    return tuple(dict.fromkeys((*of_aws, *found)))


def _evaluated(
    principals: Sequence[Principal],
    audit: AuditContext,
    rules: Sequence[AuditRule],
    progress: Progress = lambda _done, _of: None,
) -> dict[Principal, list[BypassFinding]]:
    found: dict[Principal, list[BypassFinding]] = {}
    for done, principal in enumerate(principals, start=1):
        findings = Evaluator(principal, audit).findings(rules) if allowed(principal, ACTIONS) else ()
        found[principal] = []
        for each in findings:
            found[principal].append(each)
            if _is_settled(found[principal], principal, audit):
                break
        progress(done, len(principals))
    return found


def _is_settled(found: Sequence[BypassFinding], principal: Principal, audit: AuditContext) -> bool:
    """Return whether no further finding counts: of an administrator, only that one is critical, alone.

    Administrators are allowed what takes longest to evaluate.
    """
    return audit.protected.is_administrator(principal.arn) and any(
        each.severity is Severity.CRITICAL and each.rule not in _RELATIVE_IDS for each in found
    )


def _privileged(found: dict[Principal, list[BypassFinding]]) -> dict[str, Severity]:
    worst = {each.arn: max((one.severity for one in several), default=Severity.LOW) for each, several in found.items()}
    return {arn: severity for arn, severity in worst.items() if severity >= Severity.HIGH}


def _result(audit: AuditContext, principals: list[Principal], found: dict[Principal, list[BypassFinding]]) -> Audit:
    audited: list[Audited] = []
    services: list[Audited] = []
    administrators: list[str] = []
    for principal in principals:
        findings = found[principal]
        by_service = only_services(principal)
        if audit.protected.is_administrator(principal.arn):
            administrators.append(principal.arn)
        elif principal is audit.emergency_role:
            continue
        elif by_service and not _is_agent(principal):
            telling = [each for each in findings if each.severity > Severity.LOW]
            services += [_audited(principal, telling)] if telling else []
        elif findings and not by_service:
            audited.append(_audited(principal, findings))
    return Audit(
        time=audit.now,
        principals=len(principals),
        audited=worst_first([*audited, *from_outside(audit)]),
        services=worst_first(services),
        administrators=tuple(sorted(administrators)),
        service_linked=len(audit.account.principals) - len(principals),
    )


def _audited(principal: Principal, findings: list[BypassFinding]) -> Audited:
    ordered = sorted(findings, key=lambda each: (-each.severity, position(each.rule), each.path))
    return Audited(arn=principal.arn, kind=principal.kind, findings=tuple(ordered))


def _is_agent(principal: Principal) -> bool:
    """Return whether a role has the policies of the agent and no others."""
    policies = principal.permissions.identity
    return all(policy.name.rpartition("/")[2] in _AGENTS and ":iam::aws:" in policy.name for policy in policies)
