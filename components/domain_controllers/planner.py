"""Plan of security groups for required traffic, within the account's quotas.

One group, `controllers`, has all rules while they fit. Otherwise clients and other controllers leave it together: the
networks of each become a managed prefix list, and their rules move to groups of their own. Names depend on content,
never on positions, and a list's name includes its size. An additional network is therefore additional rules or an
additional entry; where a list exceeds its size, a new list and new groups are complete before the interfaces change to
them at once. Where that does not fit either, as with large prefix lists that exist, rules are distributed over as many
groups as there may be, all of them with names of their content.

New rules are created before old ones are deleted, so that a group can temporarily have both, and AWS counts both. An
added or removed network never exceeds a group's quota on the way: therefore both leave together, `controllers` keeps
spare rules, and other groups are replaced instead of filled differently.

Sources: Amazon VPC User Guide, "Amazon VPC quotas" and "Reference prefix lists" (a reference counts as many rules as
the list has *maximum* entries; a rule to a security group counts for IPv4 and for IPv6).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from common.network import Family
from common.problems import Problem, SettingsError
from components.domain_controllers.port_tables import ECHO_REQUEST, Protocol
from components.domain_controllers.security_group_rules import (
    Entry,
    Group,
    PlannedRule,
    PrefixList,
    entries,
    planned_list_peer,
    port_ranges,
    rules_of,
    step,
    without_contained,
)
from components.domain_controllers.traffic_requirements import Direction, PeerGroup, PeerKind, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from components.domain_controllers.security_group_rules import ProtocolPorts
    from components.domain_controllers.traffic_requirements import TrafficRequirement

RULES_PER_INTERFACE = 1000
"""Maximum of rules per group times groups per interface: AWS raises neither quota beyond this product."""

SPARE = 4
"""Rules that the shared group keeps free, because a replaced rule and its successor temporarily coexist."""

SHARED = "controllers"
"""Name of the group that every controller has, and that rules between controllers refer to."""

_BLOCKS = {PeerGroup.CLIENTS: "clients", PeerGroup.CONTROLLERS: "other-controllers"}
_KEYS = {PeerGroup.CLIENTS: "clients", PeerGroup.CONTROLLERS: "onPremisesDomainControllers"}
_HEADROOM = {PeerGroup.CLIENTS: "clientNetworks", PeerGroup.CONTROLLERS: "controllerNetworks"}


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """Quotas of the account, with AWS' defaults.

    Attributes:
        rules_per_group: Rules per direction and address family (L-0EA8095F).
        groups_per_interface: Security groups per interface (L-2AFB9258).
    """

    rules_per_group: int = 60
    groups_per_interface: int = 5


@dataclass(frozen=True, kw_only=True)
class GroupPlan:
    """Security groups of every controller of a site, all of them on each interface.

    Attributes:
        groups: Groups; rules refer to the first one as `itself`.
        prefix_lists: Prefix lists that rules refer to by name.
        quotas: Quotas that the plan is for.
        further: Number of further networks that are additional rules or entries, and replace nothing: IPv4 networks by
            kind of peer, and entries by prefix list.
    """

    groups: tuple[Group, ...]
    prefix_lists: tuple[PrefixList, ...]
    quotas: Quotas
    further: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def rule_counts(self) -> dict[str, dict[str, int]]:
        """Return rules by group and direction, as AWS counts them, of the fuller address family."""
        return {group.name: {each.value: group.weight(each) for each in Direction} for group in self.groups}

    @property
    def headroom(self) -> dict[str, int]:
        """Return the unused quotas (rules in the fullest group, groups on the interface), and the further networks."""
        fullest = max((group.weight(each) for group in self.groups for each in Direction), default=0)
        return {
            "rulesInFullestGroup": self.quotas.rules_per_group - fullest,
            "securityGroups": self.quotas.groups_per_interface - len(self.groups),
            **self.further,
        }


def plan_groups(requirements: Sequence[TrafficRequirement], quotas: Quotas | None = None) -> GroupPlan:
    """Plan the groups, by default for AWS' default quotas; the plan does not depend on the order of the requirements.

    Raises:
        SettingsError: The rules cannot fit; the message has the excess, and the quota to request from AWS.
    """
    quotas = quotas or Quotas()
    facts = _Facts(requirements)
    layout = _layout(facts, quotas)
    if layout is None:
        packed = _packed(facts, quotas)
        if packed is None:
            raise SettingsError([_refusal(facts, quotas)])
        return packed
    listed = [each for each in _BLOCKS if each in layout]
    shared = facts.shared_rules(frozenset(listed))
    groups = [Group(name=SHARED, description="Active Directory domain controllers", rules=tuple(shared))]
    lists: list[PrefixList] = []
    for peer_group in listed:
        block_lists, block_groups = _block(facts, peer_group, layout[peer_group])
        lists += block_lists
        groups += block_groups
    return GroupPlan(
        groups=tuple(groups),
        prefix_lists=tuple(lists),
        quotas=quotas,
        further=_further(facts, quotas, layout, groups[0]),
    )


def _further(facts: _Facts, quotas: Quotas, layout: dict[PeerGroup, _Size], shared: Group) -> dict[str, int]:
    found: dict[str, int] = {}
    for peer_group in facts.of:
        if peer_group not in layout:
            found[_HEADROOM[peer_group]] = _networks_left(facts, peer_group, shared, quotas)
            continue
        left = {family: _entries_left(facts, quotas, layout, (peer_group, family)) for family in Family}
        found[_HEADROOM[peer_group]] = left[Family.IPV4]
        sizes = layout[peer_group].max_entries
        found |= {_list_name(peer_group, family, maximum): left[family] for family, maximum in sizes.items()}
    return found


def _entries_left(facts: _Facts, quotas: Quotas, layout: dict[PeerGroup, _Size], of: tuple[PeerGroup, Family]) -> int:
    """Return the number of further entries of a prefix list; the last one counts where the list may be full."""
    peer_group, family = of
    free = layout[peer_group].max_entries.get(family, 0) - len(facts.entries[peer_group][family])
    if free <= 0 or _layout(facts, quotas, {of: free}) == layout:
        return max(free, 0)
    return free - 1


def _networks_left(facts: _Facts, peer_group: PeerGroup, shared: Group, quotas: Quotas) -> int:
    """Return the number of further IPv4 networks of a peer group whose rules are in the shared group."""
    return min(
        (quotas.rules_per_group - SPARE - shared.weight(direction, Family.IPV4)) // len(ranges)
        for direction, ranges in facts.port_ranges[peer_group].items()
    )


@dataclass(frozen=True, kw_only=True)
class _Size:
    """Sizes of an peer_group's prefix lists and groups."""

    groups: int
    ranges_per_group: int
    max_entries: dict[Family, int]


@dataclass(frozen=True, kw_only=True)
class _Items:
    """All rules of a plan, the largest first.

    The weight is the number of rules as AWS counts them, in the fuller direction and family.
    """

    rules: tuple[PlannedRule, ...]
    lists: tuple[PrefixList, ...]
    weight: int


class _Facts:
    """Properties of the requirements that do not depend on quotas."""

    def __init__(self, requirements: Sequence[TrafficRequirement]) -> None:
        self.requirements = tuple(requirements)
        self.of: dict[PeerGroup, tuple[TrafficRequirement, ...]] = {}
        self.entries: dict[PeerGroup, dict[Family, tuple[Entry, ...]]] = {}
        self.lists_given: dict[PeerGroup, dict[Family, int]] = {}
        self.port_ranges: dict[PeerGroup, dict[Direction, tuple[ProtocolPorts, ...]]] = {}
        for peer_group in _BLOCKS:
            own = tuple(each for each in requirements if each.peer_group is peer_group)
            if own:
                self._peer_group(peer_group, own)
        self._shared: dict[frozenset[PeerGroup], list[PlannedRule] | None] = {}
        self._weights: dict[frozenset[PeerGroup], int] = {}
        self._items: dict[int, _Items | None] = {}

    def _peer_group(self, peer_group: PeerGroup, own: tuple[TrafficRequirement, ...]) -> None:
        by_requirement = [{(*s.peer.key, s.name): s for s in each.sources} for each in own]
        if any(each.keys() != by_requirement[0].keys() for each in by_requirement):
            raise ValueError(
                f"requirements of {peer_group} are to have the same sources: they would share prefix lists"
            )
        sources = by_requirement[0].values()
        given = {s.peer.key: s.peer for s in sources if s.peer.kind is not PeerKind.NETWORK}.values()
        ports = {way: [p for each in own if each.direction is way for p in each.ports] for way in Direction}
        self.of[peer_group] = own
        self.entries[peer_group] = {family: entries(sources, family) for family in Family}
        self.lists_given[peer_group] = {family: sum(peer.weight(family) for peer in given) for family in Family}
        self.port_ranges[peer_group] = {way: port_ranges(each) for way, each in ports.items() if each}

    def range_count(self, peer_group: PeerGroup) -> int:
        """Return the number of port ranges, in the direction that has more."""
        return max(map(len, self.port_ranges[peer_group].values()))

    def shared_rules(self, listed: frozenset[PeerGroup]) -> list[PlannedRule]:
        """Return the rules of the shared group, where some peer groups have groups of their own."""
        found = self._fitting(listed)
        if found is None:
            raise AssertionError(listed)
        return found

    def shared_weight(self, listed: frozenset[PeerGroup]) -> int:
        """Return the number of rules of the shared group, in the fuller direction and family."""
        if listed not in self._weights:
            rules = self._fitting(listed)
            group = Group(name="", description="", rules=tuple(rules or ()))
            fullest = max(group.weight(direction) for direction in Direction)
            self._weights[listed] = RULES_PER_INTERFACE + 1 if rules is None else fullest
        return self._weights[listed]

    def items(self, headroom: int) -> _Items | None:
        """Return all rules and lists, for groups that are filled one by one; None where no quota could suffice.

        Each list keeps `headroom` entries free.
        """
        if headroom not in self._items:
            self._items[headroom] = self._all_rules(headroom)
        return self._items[headroom]

    def _all_rules(self, headroom: int) -> _Items | None:
        present = [each for each in _BLOCKS if each in self.of]
        rules = self._fitting(frozenset(present))
        if rules is None:
            return None
        rules, lists = list(rules), list[PrefixList]()
        for peer_group in present:
            entries = self.entries[peer_group]
            needed = {family: len(own) + headroom for family, own in entries.items() if own}
            if max(needed.values(), default=0) > RULES_PER_INTERFACE:
                return None
            size = _Size(groups=1, ranges_per_group=self.range_count(peer_group), max_entries=needed)
            block_lists, (block,) = _block(self, peer_group, size)
            lists += block_lists
            rules += block.rules
        whole = Group(name="", description="", rules=tuple(rules))
        return _Items(
            rules=tuple(sorted(rules, key=lambda each: (-each.peer.entries, each.key))),
            lists=tuple(lists),
            weight=max(whole.weight(direction) for direction in Direction),
        )

    def _fitting(self, listed: frozenset[PeerGroup]) -> list[PlannedRule] | None:
        """Return the rules; None where no quota could suffice: they are not created, as there may be very many."""
        if listed not in self._shared:
            unlisted = [each for each in self.requirements if each.peer_group not in listed]
            direct = [replace(each, sources=without_contained(each.sources)) for each in unlisted]
            least = max((len(each.sources) * len(port_ranges(each.ports)) for each in direct), default=0)
            self._shared[listed] = None if least > RULES_PER_INTERFACE else rules_of(direct)
        return self._shared[listed]


_Further = Mapping[tuple[PeerGroup, Family], int]
"""Numbers of networks in addition to those of the requirements."""


def _layout(facts: _Facts, quotas: Quotas, further: _Further = MappingProxyType({})) -> dict[PeerGroup, _Size] | None:
    """Return the peer groups with prefix lists and groups of their own: none, all, or one where groups are few.

    Each list keeps an entry free where possible, as a replaced network and its successor temporarily coexist.
    """
    present = [each for each in _BLOCKS if each in facts.of]
    choices = [frozenset[PeerGroup](), frozenset(present), *(frozenset([each]) for each in present)]
    for spare_entries in (1, 0):
        for listed in dict.fromkeys(choices):
            if facts.shared_weight(listed) > quotas.rules_per_group - SPARE:
                continue
            sizes = {peer_group: _size(facts, peer_group, quotas, further, spare_entries) for peer_group in listed}
            found = {peer_group: size for peer_group, size in sizes.items() if size is not None}
            if len(found) == len(sizes) and 1 + sum(s.groups for s in found.values()) <= quotas.groups_per_interface:
                return found
    return None


def _size(facts: _Facts, peer_group: PeerGroup, quotas: Quotas, further: _Further, spare_entries: int) -> _Size | None:
    """Return the fewest groups that hold the lists, and the largest lists that those groups hold."""
    given, count = facts.lists_given[peer_group], facts.range_count(peer_group)
    needed = {
        family: len(own) + further.get((peer_group, family), 0) + spare_entries
        for family, own in facts.entries[peer_group].items()
        if own
    }
    weights = [given[family] + needed.get(family, 0) for family in Family]
    per_group = quotas.rules_per_group // max(weights)
    if per_group == 0:
        return None
    groups = -(-count // per_group)
    per_group = -(-count // groups)
    room = quotas.rules_per_group // per_group
    return _Size(
        groups=groups,
        ranges_per_group=per_group,
        max_entries={family: step(least, room - given[family]) for family, least in needed.items()},
    )


def _block(facts: _Facts, peer_group: PeerGroup, size: _Size) -> tuple[list[PrefixList], list[Group]]:
    """Return the lists and groups of one peer_group."""
    block = _BLOCKS[peer_group]
    lists = [
        PrefixList(
            name=_list_name(peer_group, family, maximum),
            family=family,
            max_entries=maximum,
            entries=facts.entries[peer_group][family],
        )
        for family, maximum in size.max_entries.items()
    ]
    peers = tuple(
        Source(name=block, peer=planned_list_peer(each.name, each.family, each.max_entries)) for each in lists
    )
    kept = tuple(each for each in facts.of[peer_group][0].sources if each.peer.kind is not PeerKind.NETWORK)
    whole = [replace(each, sources=(*peers, *kept)) for each in facts.of[peer_group]]
    place = {
        (direction, *ports[:2]): index // size.ranges_per_group
        for direction, found in facts.port_ranges[peer_group].items()
        for index, ports in enumerate(found)
    }
    rules: list[list[PlannedRule]] = [[] for _ in range(size.groups)]
    for rule in rules_of(whole):
        rules[place[_place(rule)]].append(rule)
    return lists, [
        Group(name=name, description=f"Active Directory: {peer_group}", rules=tuple(sorted(own, key=lambda r: r.key)))
        for name, own in zip(_names(facts, peer_group, size), rules, strict=True)
    ]


def _list_name(peer_group: PeerGroup, family: Family, maximum: int) -> str:
    return f"{_BLOCKS[peer_group]}-{family.lower()}-{maximum}"


def _fits(facts: _Facts, quotas: Quotas) -> bool:
    return _layout(facts, quotas) is not None or any(_distributed(facts.items(each), quotas) for each in (1, 0))


def _packed(facts: _Facts, quotas: Quotas) -> GroupPlan | None:
    """Return a plan that fills every group, where no layout with a shared group fits; None: none is found.

    Another distribution is other groups, the first one included, so that all of them are complete before the interfaces
    change over.
    """
    for headroom in (1, 0):
        items = facts.items(headroom)
        placed = _distributed(items, quotas)
        if items is None or placed is None:
            continue
        content = "\n".join(f"{number} {rule.name}" for number, own in enumerate(placed) for rule in own)
        digest = hashlib.sha256(content.encode()).hexdigest()[:6]
        groups = [
            Group(
                name=f"{SHARED}-{digest}-{number}",
                description="Active Directory domain controllers",
                rules=tuple(sorted(own, key=lambda each: each.key)),
            )
            for number, own in enumerate(placed, 1)
        ]
        free = {each.name: each.max_entries - len(each.entries) for each in items.lists}
        none = dict.fromkeys((_HEADROOM[each] for each in facts.of), 0)
        return GroupPlan(groups=tuple(groups), prefix_lists=items.lists, quotas=quotas, further=none | free)
    return None


def _distributed(items: _Items | None, quotas: Quotas) -> list[list[PlannedRule]] | None:
    """Return the rules by group, the largest first, each in the first group with room; None: some have none."""
    if items is None or items.weight > quotas.groups_per_interface * quotas.rules_per_group:
        return None
    used = [Counter[tuple[Direction, Family]]() for _ in range(quotas.groups_per_interface)]
    placed: list[list[PlannedRule]] = [[] for _ in used]
    for rule in items.rules:
        weights = {(rule.direction, family): rule.peer.weight(family) for family in Family}
        number = next(
            (
                index
                for index, own in enumerate(used)
                if all(own[key] + weight <= quotas.rules_per_group for key, weight in weights.items())
            ),
            None,
        )
        if number is None:
            return None
        placed[number].append(rule)
        used[number].update(weights)
    return [own for own in placed if own]


def _place(rule: PlannedRule) -> tuple[Direction, Protocol, int]:
    """Return the position of a rule; ICMP has other numbers for IPv6, and shares the position of IPv4."""
    if rule.protocol is Protocol.ICMPV6:
        return rule.direction, Protocol.ICMP, ECHO_REQUEST
    return rule.direction, rule.protocol, rule.from_port


def _names(facts: _Facts, peer_group: PeerGroup, size: _Size) -> Iterator[str]:
    """Yield names of groups from the lists' sizes and the ports' distribution: another distribution is other groups."""
    sizes = "-".join(f"{family.lower()}-{maximum}" for family, maximum in size.max_entries.items()) or "lists"
    ranges = [f"{way} {size.ranges_per_group} {found}" for way, found in sorted(facts.port_ranges[peer_group].items())]
    digest = hashlib.sha256("\n".join(ranges).encode()).hexdigest()[:6]
    for number in range(1, size.groups + 1):
        yield f"{_BLOCKS[peer_group]}-{sizes}-{digest}-{number}"


def _refusal(facts: _Facts, quotas: Quotas) -> Problem:
    """Return the reason why nothing fits, with the arithmetic and a remedy."""
    present = frozenset(facts.of)
    weight = facts.shared_weight(present)
    capacity = f"{quotas.groups_per_interface} groups per interface with {quotas.rules_per_group} rules each"
    if weight > quotas.rules_per_group - SPARE:
        rules = f"rules among this site's controllers, from bastion hosts and to services make {weight}"
        key, text = "quotas", f"{rules}, with {SPARE} to spare for changes {weight + SPARE}"
    else:
        peer_group = max(present, key=lambda each: _least_rules(facts, each))
        key = _KEYS[peer_group]
        text = "; ".join(_arithmetic(facts, each) for each in _BLOCKS if each in present)
    return Problem(
        path=("domainControllers", key),
        message=f"cannot fit: {text}; there are {capacity}, and a reference to a prefix list counts whole in one of them. "
        f"{_remedy(facts, quotas)}",
    )


def _least_rules(facts: _Facts, peer_group: PeerGroup) -> int:
    given, own = facts.lists_given[peer_group], facts.entries[peer_group]
    return facts.range_count(peer_group) * max(given[family] + len(own[family]) for family in Family)


def _arithmetic(facts: _Facts, peer_group: PeerGroup) -> str:
    given, own = facts.lists_given[peer_group], facts.entries[peer_group]
    family = max(Family, key=lambda each: given[each] + len(own[each]))
    lists = f" and {given[family]} entries of existing prefix lists" if given[family] else ""
    return (
        f"{peer_group}: {len(own[family])} {family} networks after merging neighbors{lists}, times "
        f"{facts.range_count(peer_group)} port ranges, make {_least_rules(facts, peer_group)} rules"
    )


def _remedy(facts: _Facts, quotas: Quotas) -> str:
    fewer = "name fewer, larger networks"
    # One group per interface is no advice: the quota is the account's, and other instances have several groups.
    for groups in range(quotas.groups_per_interface, 1, -1):
        for rules in range(quotas.rules_per_group, RULES_PER_INTERFACE // groups + 1):
            if _fits(facts, Quotas(rules_per_group=rules, groups_per_interface=groups)):
                fitting = f"Inbound or outbound rules per security group (L-0EA8095F) of {rules}"
                lower = f" together with Security groups per network interface (L-2AFB9258) of {groups}"
                return f"Ask AWS for the quota {fitting}{lower * (groups < quotas.groups_per_interface)}, or {fewer}"
    return f"No quota increase helps, as AWS allows at most {RULES_PER_INTERFACE} rules per interface; {fewer}"
