"""Comparison of security groups, prefix lists and the network ACL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.domain_controllers.names import acl_name, group_name, resolver_name, site_name
from components.domain_controllers.traffic_requirements import ITSELF, RESOLVER, Direction, PeerKind
from operations.inventory.reader import ReadFailure, known
from operations.verify.findings import Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.domain_controllers.network_acl import AclPlan, AclRule
    from components.domain_controllers.planner import GroupPlan
    from components.domain_controllers.security_group_rules import Group, PlannedRule, PrefixList
    from components.domain_controllers.traffic_requirements import Peer
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.domain_controllers import SiteFacts, SitePlacement
    from operations.inventory.network import NetworkAcl, SecurityGroup, SecurityGroupRule
    from operations.inventory.reader import Answer


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

    missing: tuple[PlannedRule, ...] = ()
    changed: tuple[tuple[PlannedRule, SecurityGroupRule], ...] = ()
    foreign: tuple[SecurityGroupRule, ...] = ()


def group_findings(site: SiteDeployment, plan: GroupPlan, live: SiteFacts) -> list[Finding]:
    """Compare groups, their rules, and the prefix lists that these refer to."""
    name = site_name(site.deployment.region)
    check = Check("directory-groups", f"security groups {', '.join(each.name for each in plan.groups)}")
    if isinstance(live.groups, ReadFailure):
        return [check.report_unread(live.groups)]
    groups, lists = _by_plan(name, plan.groups, live.groups), _lists(name, plan, live)
    findings = [_groups(site, check, plan, live.groups)]
    shared = groups.get(plan.groups[0].name)
    peers = {ITSELF.value: shared.id} if shared else {}
    peers |= {name: facts["PrefixListId"] for name, facts in lists.items()} | resolver_peer(site, live)
    for each in plan.groups:
        if each.name in groups:
            facts, why = groups[each.name], unread_peer((rule.peer for rule in each.rules), live)
            expected = f"{facts.id} has the plan's {len(each.rules)} rules and no others"
            check = Check(f"directory-group-{each.name}", expected)
            findings.append(check.report_unread(why) if why else _rules(site, check, each, facts, peers))
    return findings + [_list(site, each, lists.get(each.name), live) for each in plan.prefix_lists]


def unread_peer(peers: Iterable[Peer], live: SiteFacts) -> ReadFailure | None:
    """Return why the ID of one of these peers is not known: rules that refer to it would count as changed or foreign."""
    sources = {PeerKind.PLANNED_LIST: live.lists, PeerKind.RESOLVER: live.name_resolution}
    unread = (sources.get(each.kind) for each in peers)
    return next((each for each in unread if isinstance(each, ReadFailure)), None)


def resolver_peer(site: SiteDeployment, live: SiteFacts) -> dict[str, str]:
    """Return the ID of the resolver endpoints' group by the name that the plan has for it; empty: there is none."""
    if live.name_resolution is None or isinstance(live.name_resolution, ReadFailure):
        return {}
    id_ = live.name_resolution.group_id(resolver_name(site_name(site.deployment.region), "outbound"))
    return {RESOLVER.value: id_} if id_ else {}


def group_ids(site: SiteDeployment, plan: GroupPlan, groups: Sequence[SecurityGroup]) -> frozenset[str]:
    """Return the IDs of those of the plan's groups that exist."""
    return frozenset(each.id for each in _by_plan(site_name(site.deployment.region), plan.groups, groups).values())


def rule_differences(
    planned: Sequence[PlannedRule], live: Sequence[SecurityGroupRule], peers: Mapping[str, str]
) -> Differences:
    """Compare rules by the traffic that they allow, and then by their descriptions.

    `peers` has IDs by their names in the plan, `itself` or a list's name.
    """
    ours = {_planned_key(each, peers): each for each in planned}
    theirs = {each.key: each for each in live}
    missing = {each.name: each for key, each in ours.items() if key not in theirs}
    changed = [
        (ours[key], each) for key, each in theirs.items() if key in ours and ours[key].description != each.description
    ]
    foreign: list[SecurityGroupRule] = []
    for key, each in theirs.items():
        if key in ours:
            continue
        if each.name in missing:
            changed.append((missing.pop(each.name), each))
        else:
            foreign.append(each)
    return Differences(missing=tuple(missing.values()), changed=tuple(changed), foreign=tuple(foreign))


def _planned_key(rule: PlannedRule, peers: Mapping[str, str]) -> Key:
    by_id = rule.peer.kind in (PeerKind.ITSELF, PeerKind.RESOLVER, PeerKind.PLANNED_LIST)
    peer = peers.get(rule.peer.value, rule.peer.value) if by_id else rule.peer.value
    return (rule.direction, rule.protocol, rule.from_port, rule.to_port, peer)


def _by_plan(site: str, planned: Sequence[Group], live: Sequence[SecurityGroup]) -> dict[str, SecurityGroup]:
    names = {group_name(site, each.name): each.name for each in planned}
    return {names[each.name]: each for each in live if each.name in names}


def _groups(site: SiteDeployment, check: Check, plan: GroupPlan, live: Sequence[SecurityGroup]) -> Finding:
    existing = _by_plan(site_name(site.deployment.region), plan.groups, live)
    missing = [each.name for each in plan.groups if each.name not in existing]
    ids = {each.id for each in existing.values()}
    foreign = [each for each in live if each.id not in ids]
    differences = [f"missing: {', '.join(missing)}"] if missing else []
    differences += [f"not of the plan: {each.id} {each.name}".rstrip() for each in foreign]
    remedies = [site.deployment.repair] if missing else []
    remedies += [
        f"aws ec2 delete-security-group --group-id {each.id} --region {site.deployment.region}, once nothing uses it"
        for each in foreign
    ]
    return replace(check, remedy="; ".join(remedies)).report(differences, ", ".join(sorted(ids)))


def _rules(
    site: SiteDeployment, check: Check, planned: Group, live: SecurityGroup, peers: Mapping[str, str]
) -> Finding:
    found = rule_differences(planned.rules, live.rules, peers)
    differences = [f"missing: {each.name} ({each.description})" for each in found.missing]
    differences += [
        f"changed: {rule.name} is now {each} ({each.id}){_described(rule, each)}" for rule, each in found.changed
    ]
    differences += [f"unexpected: {each} ({each.id})" for each in found.foreign]
    remedies = [
        f"aws ec2 revoke-security-group-{way} --group-id {live.id} --security-group-rule-ids {' '.join(ids)} "
        f"--region {site.deployment.region}"
        for way in Direction
        if (ids := [each.id for each in found.foreign if each.direction is way])
    ]
    remedies += [site.deployment.repair] if found.missing or found.changed else []
    return replace(check, remedy=" && ".join(remedies)).report(differences, f"{len(live.rules)} rules")


def _described(rule: PlannedRule, live: SecurityGroupRule) -> str:
    return f', described as "{live.description}"' if rule.description != live.description else ""


def _lists(site: str, plan: GroupPlan, live: SiteFacts) -> dict[str, Answer]:
    found: Mapping[str, Answer] = {} if isinstance(live.lists, ReadFailure) else live.lists
    names = {each.name: group_name(site, each.name) for each in plan.prefix_lists}
    return {name: found[tag] for name, tag in names.items() if tag in found}


def _list(site: SiteDeployment, planned: PrefixList, found: Answer | None, live: SiteFacts) -> Finding:
    expected = f"a prefix list with the plan's {len(planned.entries)} entries, and room for {planned.max_entries}"
    check = Check(f"directory-prefix-list-{planned.name}", expected, site.deployment.repair)
    for unread in (live.lists, live.entries):
        if isinstance(unread, ReadFailure):
            return check.report_unread(unread)
    if found is None:
        return check.reject("no such list")
    ours = {each.cidr: each.description for each in planned.entries}
    id_, room = found["PrefixListId"], found.get("MaxEntries", 0)
    theirs = known(live.entries).get(id_, {})
    differences = [f"missing: {each}" for each in ours if each not in theirs]
    differences += [f"unexpected: {each}" for each in theirs if each not in ours]
    differences += [
        f'{each} is described as "{theirs[each]}"' for each in ours if each in theirs and theirs[each] != ours[each]
    ]
    differences += [f"room for {room}"] if room != planned.max_entries else []
    return check.judge(f"{id_}: {'; '.join(differences)}" if differences else id_, same=not differences)


def acl_findings(
    site: SiteDeployment, placement: SitePlacement, plan: AclPlan | None, live: SiteFacts
) -> list[Finding]:
    """Compare the ACL; the next refresh shows other rules, too, as the resource includes all its rules."""
    if plan is None:
        return []
    name = acl_name(site_name(site.deployment.region), plan)
    expected = f"network ACL {name} associated with {', '.join(each.given for each in placement.subnets)}"
    check = Check("directory-acl", expected, site.deployment.repair)
    if isinstance(live.acls, ReadFailure):
        return [check.report_unread(live.acls)]
    found = associated_acl(name, placement, live.acls)
    if found is None:
        return [check.reject(f"no such ACL; {_followed(placement, live.acls)}")]
    without = [each for each in placement.subnets if each.id not in found.subnet_ids]
    followed = check.report([_followed(placement, live.acls)] if without else [], found.id)
    return [followed, _acl_rules(site, plan, found)]


def associated_acl(name: str, placement: SitePlacement, acls: Sequence[NetworkAcl]) -> NetworkAcl | None:
    """Return the ACL with a name that most of the controllers' subnets are associated with.

    After a lost state, the AWS provider cannot import one of another Region, and an update creates a second one, to which
    it moves the subnets. The first one filters nothing any more, and is an orphan.
    """
    subnets = {each.id for each in placement.subnets}
    named = [each for each in acls if each.name == name]
    return max(named, key=lambda each: len(each.subnet_ids & subnets), default=None)


def _followed(placement: SitePlacement, acls: Sequence[NetworkAcl]) -> str:
    """Return the ACL that each subnet is associated with."""
    return ", ".join(
        f"{subnet.given} is associated with {next((each.id for each in acls if subnet.id in each.subnet_ids), 'none')}"
        for subnet in placement.subnets
    )


def _acl_rules(site: SiteDeployment, plan: AclPlan, live: NetworkAcl) -> Finding:
    ours = {(each.direction, each.number): each for each in plan.rules}
    theirs = {(each.direction, each.number): each for each in live.rules}
    differences = [f"missing: {_in_words(each)}" for key, each in ours.items() if key not in theirs]
    differences += [f"unexpected: {_in_words(each)}" for key, each in theirs.items() if key not in ours]
    differences += [
        f"changed: {_in_words(each)}, where the plan has {_in_words(ours[key])}"
        for key, each in theirs.items()
        if key in ours and ours[key] != each
    ]
    expected = f"{live.id} has the plan's {len(plan.rules)} rules and no others"
    check = Check("directory-acl-rules", expected, site.deployment.repair)
    return check.report(differences, f"{len(live.rules)} rules")


def _in_words(rule: AclRule) -> str:
    what = "everything" if rule.protocol == -1 else f"protocol {rule.protocol} {rule.port_range}"
    way = "from" if rule.direction == "ingress" else "to"
    return f"rule {rule.number}: {rule.direction} {'' if rule.allows else 'denies '}{what} {way} {rule.network}"
