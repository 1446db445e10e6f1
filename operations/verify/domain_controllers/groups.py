"""Comparison of the controllers' security groups and prefix lists with the plan: all its rules, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.domain_controllers.names import group_name, site_name
from components.domain_controllers.traffic_requirements import ITSELF, Direction, PeerKind
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.domain_controllers.planner import GroupPlan
    from components.domain_controllers.security_group_rules import Group, PrefixList, SecurityGroupRule
    from operations.verify.domain_controllers.facts import AskedSite, ListFacts, SiteFacts
    from operations.verify.security_groups import GroupFacts, RuleFacts

Key = tuple[str, str, int, int, str]
"""Traffic that a rule allows: direction, protocol, first and last port, peer's ID or network."""


@dataclass(frozen=True, kw_only=True)
class Differences:
    """Differences between a group's rules and the plan.

    Attributes:
        missing: Rules of the plan that do not exist.
        changed: Rules of the stack that differ from the plan, with the planned rule.
        foreign: Rules that are in no plan.
    """

    missing: tuple[SecurityGroupRule, ...] = ()
    changed: tuple[tuple[SecurityGroupRule, RuleFacts], ...] = ()
    foreign: tuple[RuleFacts, ...] = ()


def group_findings(wanted: AskedSite, plan: GroupPlan, live: SiteFacts) -> list[Finding]:
    """Compare groups, their rules, and the prefix lists that these refer to."""
    site = site_name(wanted.asked.region)
    expected = f"security groups {', '.join(each.name for each in plan.groups)}"
    if isinstance(live.groups, Unread):
        return [cannot_tell("directory-groups", expected, live.groups)]
    groups, lists = _by_plan(site, plan.groups, live.groups), _lists(site, plan, live)
    findings = [_groups(wanted, expected, plan, live.groups)]
    shared = groups.get(plan.groups[0].name)
    peers = {ITSELF.value: shared.id} if shared else {}
    peers |= {name: facts.id for name, facts in lists.items()}
    present = [(each, groups[each.name]) for each in plan.groups if each.name in groups]
    if plan.prefix_lists and isinstance(live.lists, Unread):
        # Without the lists' IDs, the stack's rules that refer to them would count as foreign.
        findings += [cannot_tell(_check(each), _expected(each, facts), live.lists) for each, facts in present]
    else:
        findings += [_rules(wanted, each, facts, peers) for each, facts in present]
    return findings + [_list(wanted, each, lists.get(each.name), live) for each in plan.prefix_lists]


def group_ids(wanted: AskedSite, plan: GroupPlan, groups: Sequence[GroupFacts]) -> frozenset[str]:
    """Return the IDs of those of the plan's groups that exist."""
    return frozenset(each.id for each in _by_plan(site_name(wanted.asked.region), plan.groups, groups).values())


def rule_differences(
    wanted: Sequence[SecurityGroupRule], live: Sequence[RuleFacts], peers: Mapping[str, str]
) -> Differences:
    """Compare rules by the traffic that they allow, and then by their descriptions.

    Args:
        wanted: Rules of the plan.
        live: Rules of the group.
        peers: IDs by their names in the plan, `itself` or a list's name.
    """
    ours = {_planned_key(each, peers): each for each in wanted}
    theirs = {_live_key(each): each for each in live}
    missing = {each.name: each for key, each in ours.items() if key not in theirs}
    changed = [
        (ours[key], each) for key, each in theirs.items() if key in ours and ours[key].description != each.description
    ]
    foreign: list[RuleFacts] = []
    for key, each in theirs.items():
        if key in ours:
            continue
        if each.name in missing:
            changed.append((missing.pop(each.name), each))
        else:
            foreign.append(each)
    return Differences(missing=tuple(missing.values()), changed=tuple(changed), foreign=tuple(foreign))


def _planned_key(rule: SecurityGroupRule, peers: Mapping[str, str]) -> Key:
    by_id = rule.peer.kind in (PeerKind.ITSELF, PeerKind.PLANNED_LIST)
    peer = peers.get(rule.peer.value, rule.peer.value) if by_id else rule.peer.value
    return (rule.direction, rule.protocol, rule.from_port, rule.to_port, peer)


def _live_key(rule: RuleFacts) -> Key:
    return (rule.direction, rule.protocol, rule.from_port, rule.to_port, rule.peer)


def _by_plan(site: str, planned: Sequence[Group], live: Sequence[GroupFacts]) -> dict[str, GroupFacts]:
    names = {group_name(site, each.name): each.name for each in planned}
    return {names[each.name]: each for each in live if each.name in names}


def _groups(wanted: AskedSite, expected: str, plan: GroupPlan, live: Sequence[GroupFacts]) -> Finding:
    known = _by_plan(site_name(wanted.asked.region), plan.groups, live)
    missing = [each.name for each in plan.groups if each.name not in known]
    ids = {each.id for each in known.values()}
    foreign = [each for each in live if each.id not in ids]
    said = [f"missing: {', '.join(missing)}"] if missing else []
    said += [f"not of the plan: {each.id} {each.name}".rstrip() for each in foreign]
    remedies = [wanted.asked.repair] if missing else []
    remedies += [
        f"aws ec2 delete-security-group --group-id {each.id} --region {wanted.asked.region}, once nothing uses it"
        for each in foreign
    ]
    return compared(
        "directory-groups",
        same=not said,
        expected=expected,
        found="; ".join(said) or ", ".join(sorted(ids)),
        remedy="; ".join(remedies),
    )


def _rules(wanted: AskedSite, planned: Group, live: GroupFacts, peers: Mapping[str, str]) -> Finding:
    found = rule_differences(planned.rules, live.rules, peers)
    said = [f"missing: {each.name} ({each.description})" for each in found.missing]
    said += [f"changed: {rule.name} is now {each} ({each.id}){_described(rule, each)}" for rule, each in found.changed]
    said += [f"foreign: {each} ({each.id})" for each in found.foreign]
    remedies = [
        f"aws ec2 revoke-security-group-{way} --group-id {live.id} --security-group-rule-ids {' '.join(ids)} "
        f"--region {wanted.asked.region}"
        for way in Direction
        if (ids := [each.id for each in found.foreign if each.direction is way])
    ]
    remedies += [wanted.asked.repair] if found.missing or found.changed else []
    return compared(
        _check(planned),
        same=not said,
        expected=_expected(planned, live),
        found="; ".join(said) or f"{len(live.rules)} rules",
        remedy=" && ".join(remedies),
    )


def _check(planned: Group) -> str:
    return f"directory-group-{planned.name}"


def _expected(planned: Group, live: GroupFacts) -> str:
    return f"{live.id} has the plan's {len(planned.rules)} rules and no others"


def _described(rule: SecurityGroupRule, live: RuleFacts) -> str:
    return f', described as "{live.description}"' if rule.description != live.description else ""


def _lists(site: str, plan: GroupPlan, live: SiteFacts) -> dict[str, ListFacts]:
    if isinstance(live.lists, Unread):
        return {}
    names = {group_name(site, each.name): each.name for each in plan.prefix_lists}
    return {names[each.name]: each for each in live.lists if each.name in names}


def _list(wanted: AskedSite, planned: PrefixList, found: ListFacts | None, live: SiteFacts) -> Finding:
    check = f"directory-prefix-list-{planned.name}"
    expected = f"a prefix list with the plan's {len(planned.entries)} entries, and room for {planned.max_entries}"
    for unread in (live.lists, live.entries):
        if isinstance(unread, Unread):
            return cannot_tell(check, expected, unread)
    if found is None or isinstance(live.entries, Unread):
        return compared(check, same=False, expected=expected, found="no such list", remedy=wanted.asked.repair)
    ours = {each.cidr: each.description for each in planned.entries}
    theirs = live.entries.get(found.id, {})
    said = [f"missing: {each}" for each in ours if each not in theirs]
    said += [f"foreign: {each}" for each in theirs if each not in ours]
    said += [
        f'{each} is described as "{theirs[each]}"' for each in ours if each in theirs and theirs[each] != ours[each]
    ]
    said += [f"room for {found.max_entries}"] if found.max_entries != planned.max_entries else []
    return compared(
        check,
        same=not said,
        expected=expected,
        found=f"{found.id}: {'; '.join(said)}" if said else found.id,
        remedy=wanted.asked.repair,
    )
