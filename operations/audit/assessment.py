"""Judges everybody in an account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from components.iam.evaluation import Permissions
from components.iam.principals import Principal
from components.iam.trust import only_services
from operations.audit.chains import chains, from_outside
from operations.audit.deny_removal import deny_removal
from operations.audit.findings import Audited, Finding, worst_first
from operations.audit.judge import RELATIVE, Judge, allowed
from operations.audit.role_tagging import role_tagging
from operations.audit.rules import RULES
from operations.audit.severity import Severity
from operations.audit.world import AWS_BROAD, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from operations.audit.catalogue import Need, Rule

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


def assess(world: World, progress: Progress = lambda _done, _of: None) -> Assessment:
    """Judges all principals by all rules.

    Twice where it depends on what others can do: first on their own, then knowing who is privileged; and the roles that
    can be taken on last.

    Args:
        world: the account.
        progress: is told how far it is.
    """
    everybody = [each for each in world.account.principals if not each.is_service_linked]
    world = replace(world, harmful_policies=harmful_policies(world))
    alone = _judged(everybody, world, RULES, progress)
    world = replace(world, privileged=_privileged(alone))
    relative = [rule for rule in RULES if any(need.on in RELATIVE for need in _needs(rule))]
    again = _judged(everybody, world, relative)
    ids = {rule.id for rule in relative}
    found = {
        each: [*(finding for finding in alone[each] if finding.rule not in ids), *again.get(each, ())]
        for each in everybody
    }
    knowing = replace(world, privileged=_privileged(found))
    for principal in everybody:
        found[principal] += deny_removal(principal, found[principal], knowing)
    assuming, by_design = chains(knowing, everybody)
    for principal in everybody:
        several = [*assuming.get(principal, ()), *role_tagging(principal, knowing)]
        if several:
            # Which roles that count it reaches says more than that it reaches every role.
            found[principal] = [*(each for each in found[principal] if each.rule != "D6"), *several]
    return replace(_told(world, everybody, found), by_design=by_design)


def harmful_policies(world: World) -> tuple[str, ...]:
    """Managed policies that allow ways around, of AWS and of the account: what nobody may attach or be bounded by."""
    names = world.protected
    of_aws = [f"arn:{names.partition}:iam::aws:policy/{name}" for name in AWS_BROAD]
    found: list[str] = []
    for arn, managed in world.account.policies.items():
        nobody = Principal(
            kind="user",
            name="nobody",
            arn=names.iam("user", "nobody"),
            unique_id="AIDANOBODY",
            permissions=Permissions(identity=(managed.policy,)),
        )
        if any(each.severity >= Severity.HIGH for each in Judge(nobody, world).findings(RULES)):
            found.append(arn)
    return tuple(dict.fromkeys((*of_aws, *found)))


def _judged(
    principals: Sequence[Principal], world: World, rules: Sequence[Rule], progress: Progress = lambda _done, _of: None
) -> dict[Principal, list[Finding]]:
    found: dict[Principal, list[Finding]] = {}
    for done, principal in enumerate(principals, start=1):
        found[principal] = Judge(principal, world).findings(rules) if allowed(principal) else []
        progress(done, len(principals))
    return found


def _privileged(found: dict[Principal, list[Finding]]) -> dict[str, Severity]:
    worst = {each.arn: max((one.severity for one in several), default=Severity.LOW) for each, several in found.items()}
    return {arn: severity for arn, severity in worst.items() if severity >= Severity.HIGH}


def _needs(rule: Rule) -> Iterable[Need]:
    return (need for way in rule.ways for need in way.needs)


def _told(world: World, everybody: list[Principal], found: dict[Principal, list[Finding]]) -> Assessment:
    audited: list[Audited] = []
    services: list[Audited] = []
    administrators: list[str] = []
    for principal in everybody:
        findings = found[principal]
        by_service = only_services(principal)
        if world.protected.is_administrator(principal.arn):
            administrators.append(principal.arn)
        elif by_service and not _is_agent(principal):
            telling = [each for each in findings if each.severity > Severity.LOW]
            services += [_audited(principal, telling)] if telling else []
        elif findings and not by_service:
            audited.append(_audited(principal, findings))
    return Assessment(
        audited=worst_first([*audited, *from_outside(world)]),
        services=worst_first(services),
        administrators=tuple(sorted(administrators)),
        service_linked=len(world.account.principals) - len(everybody),
        judged=len(everybody),
    )


def _audited(principal: Principal, findings: list[Finding]) -> Audited:
    ordered = sorted(findings, key=lambda each: (-each.severity, each.rule[0], int(each.rule[1:]), each.path))
    return Audited(arn=principal.arn, kind=principal.kind, findings=tuple(ordered))


def _is_agent(principal: Principal) -> bool:
    """Whether it has what the agent needs, and nothing else."""
    policies = principal.permissions.identity
    return all(policy.name.rpartition("/")[2] in _AGENTS and ":iam::aws:" in policy.name for policy in policies)
