"""Judges everybody in an account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from components.iam.evaluation import Permissions
from components.iam.principals import Principal
from components.iam.trust import only_services
from operations.audit.assumption_paths import assumption_findings, from_outside
from operations.audit.audit_context import AWS_BROAD, AuditContext
from operations.audit.deny_removal import deny_removal
from operations.audit.evaluator import RELATIVE, Evaluator, allowed
from operations.audit.findings import Audited, Finding, worst_first
from operations.audit.role_tagging import role_tagging
from operations.audit.rules import RULES
from operations.audit.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from operations.audit.catalogue import Requirement, Rule

    Progress = Callable[[int, int], None]
    """Hears how many of how many are done."""

_AGENTS: Final = ("AmazonSSMManagedInstanceCore", "AmazonEC2RoleforSSM", "AmazonSSMManagedEC2InstanceDefaultPolicy")
"""What instances need to receive sessions (AWS Managed Policy Reference)."""


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What everybody can do.

    Attributes:
        audited: those with findings.
        services: roles that only services take on, where they can do more than `LOW`.
        administrators: ARNs of declared ones.
        service_linked: how many were left out.
        judged: how many were not.
        by_design: What the configuration itself allows, said once.
    """

    audited: tuple[Audited, ...]
    services: tuple[Audited, ...]
    administrators: tuple[str, ...]
    service_linked: int
    judged: int
    by_design: tuple[str, ...] = ()


def assess(audit: AuditContext, progress: Progress = lambda _done, _of: None) -> Assessment:
    """Judges all principals by all rules.

    Twice where it depends on what others can do: first on their own, then knowing who is privileged; and the roles that
    can be taken on last.

    Args:
        world: the account.
        progress: is told how far it is.
    """
    everyone = [each for each in audit.account.principals if not each.is_service_linked]
    audit = replace(audit, harmful_policies=harmful_policies(audit))
    alone = _judged(everyone, audit, RULES, progress)
    audit = replace(audit, privileged=_privileged(alone))
    relative = [rule for rule in RULES if any(requirement.on in RELATIVE for requirement in _needs(rule))]
    again = _judged(everyone, audit, relative)
    ids = {rule.id for rule in relative}
    found = {
        each: [*(finding for finding in alone[each] if finding.rule not in ids), *again.get(each, ())]
        for each in everyone
    }
    knowing = replace(audit, privileged=_privileged(found))
    for principal in everyone:
        found[principal] += deny_removal(principal, found[principal], knowing)
    assuming, by_design = assumption_findings(knowing, everyone)
    for principal in everyone:
        several = [*assuming.get(principal, ()), *role_tagging(principal, knowing)]
        if several:
            # Which roles that count it reaches says more than that it reaches every role.
            found[principal] = [*(each for each in found[principal] if each.rule != "iam-assume-role"), *several]
    return replace(_told(audit, everyone, found), by_design=by_design)


def harmful_policies(audit: AuditContext) -> tuple[str, ...]:
    """Managed policies that allow ways around, of AWS and of the account: what nobody may attach or be bounded by."""
    names = audit.protected
    of_aws = [f"arn:{names.partition}:iam::aws:policy/{name}" for name in AWS_BROAD]
    found: list[str] = []
    for arn, managed in audit.account.policies.items():
        nobody = Principal(
            kind="user",
            name="nobody",
            arn=names.iam("user", "nobody"),
            unique_id="AIDANOBODY",
            permissions=Permissions(identity=(managed.policy,)),
        )
        if any(each.severity >= Severity.HIGH for each in Evaluator(nobody, audit).findings(RULES)):
            found.append(arn)
    return tuple(dict.fromkeys((*of_aws, *found)))


def _judged(
    principals: Sequence[Principal],
    audit: AuditContext,
    rules: Sequence[Rule],
    progress: Progress = lambda _done, _of: None,
) -> dict[Principal, list[Finding]]:
    found: dict[Principal, list[Finding]] = {}
    for done, principal in enumerate(principals, start=1):
        found[principal] = Evaluator(principal, audit).findings(rules) if allowed(principal) else []
        progress(done, len(principals))
    return found


def _privileged(found: dict[Principal, list[Finding]]) -> dict[str, Severity]:
    worst = {each.arn: max((one.severity for one in several), default=Severity.LOW) for each, several in found.items()}
    return {arn: severity for arn, severity in worst.items() if severity >= Severity.HIGH}


def _needs(rule: Rule) -> Iterable[Requirement]:
    return (requirement for escalation in rule.escalations for requirement in escalation.requirements)


def _told(audit: AuditContext, everyone: list[Principal], found: dict[Principal, list[Finding]]) -> Assessment:
    audited: list[Audited] = []
    services: list[Audited] = []
    administrators: list[str] = []
    for principal in everyone:
        findings = found[principal]
        by_service = only_services(principal)
        if audit.protected.is_administrator(principal.arn):
            administrators.append(principal.arn)
        elif by_service and not _is_agent(principal):
            telling = [each for each in findings if each.severity > Severity.LOW]
            services += [_audited(principal, telling)] if telling else []
        elif findings and not by_service:
            audited.append(_audited(principal, findings))
    return Assessment(
        audited=worst_first([*audited, *from_outside(audit)]),
        services=worst_first(services),
        administrators=tuple(sorted(administrators)),
        service_linked=len(audit.account.principals) - len(everyone),
        judged=len(everyone),
    )


def _audited(principal: Principal, findings: list[Finding]) -> Audited:
    ordered = sorted(findings, key=lambda each: (-each.severity, each.rule[0], int(each.rule[1:]), each.path))
    return Audited(arn=principal.arn, kind=principal.kind, findings=tuple(ordered))


def _is_agent(principal: Principal) -> bool:
    """Whether it has what the agent needs, and nothing else."""
    policies = principal.permissions.identity
    return all(policy.name.rpartition("/")[2] in _AGENTS and ":iam::aws:" in policy.name for policy in policies)
