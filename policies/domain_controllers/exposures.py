"""Security group rules of domain controllers, in one form.

A program can declare rules as `ingress` and `egress` of a security group or default security group, as
`ec2.SecurityGroupRule`, `vpc.SecurityGroupIngressRule` or `vpc.SecurityGroupEgressRule`. Rules name their group by an ID that
is not known in preview, so they are evaluated with the whole stack, where the resource of the ID is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast

from common.iam.truth import Truth
from common.json_values import listed
from components.domain_controllers.traffic_requirements import Direction
from policies.domain_controllers.addresses import is_admissible, is_unreachable, is_within, parsed
from policies.domain_controllers.groups import ControllersGroups
from policies.domain_controllers.port_ranges import PortRange, port_range, spelled, uncovered
from policies.domain_controllers.references import NOTHING, ReferenceIndex, ResourceReference
from policies.findings import UNKNOWN, Finding, Findings, Resource, Unseen, described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from policies.stack import Stack

PREFIX_LIST: Final = "aws:ec2/managedPrefixList:ManagedPrefixList"
PREFIX_LIST_ENTRY: Final = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"
OLD_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

_PORTS: Final = ("protocol", "fromPort", "toPort")
_NEW_RULES: Final = {INGRESS_RULE: Direction.INGRESS, EGRESS_RULE: Direction.EGRESS}


class ExposurePeerKind(Enum):
    """Kind of a peer."""

    NETWORK = "network"
    GROUP = "security group"
    PREFIX_LIST = "prefix list"
    ITSELF = "the group itself"
    UNKNOWN = "not known yet"


_PEERS: Final = {
    "cidrBlocks": ExposurePeerKind.NETWORK,
    "ipv6CidrBlocks": ExposurePeerKind.NETWORK,
    "prefixListIds": ExposurePeerKind.PREFIX_LIST,
    "securityGroups": ExposurePeerKind.GROUP,
    "cidrIpv4": ExposurePeerKind.NETWORK,
    "cidrIpv6": ExposurePeerKind.NETWORK,
    "prefixListId": ExposurePeerKind.PREFIX_LIST,
    "referencedSecurityGroupId": ExposurePeerKind.GROUP,
    "sourceSecurityGroupId": ExposurePeerKind.GROUP,
}
"""Properties that name peers, with one value or several."""


@dataclass(frozen=True, kw_only=True)
class ExposurePeer:
    """A peer of a rule.

    The value is a CIDR or ID as written, or `UNKNOWN`; groups and prefix lists of the stack are in `named`.
    """

    kind: ExposurePeerKind
    property: str
    value: Any = None
    named: ResourceReference = NOTHING


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """A rule of a controller's security group.

    Attributes:
        carrier: Resource of the rule.
        direction: Ingress or egress.
        port_range: Protocol and ports; None where they are not known yet.
        unseen: Property of protocol and ports that is not known yet.
        ports_property: Property of the ports, for messages.
        peers: Peers.
        undecided: Property that decides whether the group is a controller's; empty where it certainly is.
    """

    carrier: Resource
    direction: Direction
    port_range: PortRange | None
    unseen: str
    ports_property: str
    peers: tuple[ExposurePeer, ...]
    undecided: str = ""

    def finding(self, name: str, found: str, expected: str) -> Finding:
        """Return a violation, or the unknown property that decides whether it is one."""
        if self.undecided:
            return self.not_seen(self.undecided)
        return self.carrier.violation(name, expected, found=found)

    def not_seen(self, name: str) -> Unseen:
        """Return the finding about an unknown property that decides."""
        return self.carrier.unseen(self.undecided or name)


class Exposures:
    """Rules of the controllers' security groups of a stack, with the resources that they refer to."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.groups = ControllersGroups(stack)
        self._lists = ReferenceIndex(stack, PREFIX_LIST)

    def each(self, direction: Direction) -> Iterator[Exposure]:
        """Return the rules of a direction that allow traffic."""
        for exposure in self._written(direction):
            peers = tuple(each for each in exposure.peers if not _is_unreachable(each))
            if peers or not exposure.peers:
                yield replace(exposure, peers=peers)

    def _written(self, direction: Direction) -> Iterator[Exposure]:
        apart: set[tuple[str, PortRange | None, ExposurePeerKind, Any]] = set()
        for rule in self._rules(direction):
            for exposure in self._of_rule(rule, direction):
                apart.update(self._as_a_group_shows_it(rule, exposure))
                yield exposure
        for group, is_one in self.groups.marked():
            for exposure in self._of_group(group, is_one, direction):
                own = tuple(
                    each
                    for each in exposure.peers
                    if (group.urn, exposure.port_range, each.kind, each.value) not in apart
                )
                if own:
                    yield replace(exposure, peers=own)

    def _as_a_group_shows_it(
        self, rule: Resource, exposure: Exposure
    ) -> Iterator[tuple[str, PortRange | None, ExposurePeerKind, Any]]:
        """Return the group's rules without separate rule resources, which a refresh adds to the group's properties."""
        if exposure.port_range is None:
            return
        for named in self.groups.named_by(rule):
            for group in named.candidates:
                for peer in exposure.peers:
                    if peer.value is not UNKNOWN:
                        yield group.urn, exposure.port_range, peer.kind, peer.value
                    if group in peer.named.candidates:
                        yield group.urn, exposure.port_range, ExposurePeerKind.ITSELF, True

    def entries(self, peer: ExposurePeer) -> list[Any]:
        """Return the CIDRs of a prefix list of the stack, with `UNKNOWN` for unknown entries."""
        found: list[Any] = []
        for prefix_list in peer.named.candidates:
            entries = prefix_list.given("entries")
            several = cast("list[Any]", entries) if isinstance(entries, list) else [entries] if entries else []
            found += [
                cast("dict[str, Any]", each).get("cidr") if isinstance(each, dict) else UNKNOWN for each in several
            ]
            for entry in self._stack.of(PREFIX_LIST_ENTRY):
                if any(prefix_list in named.candidates for named in self._lists.all_of(entry, "prefixListId")):
                    found.append(entry.value("cidr"))
        return found

    def _rules(self, direction: Direction) -> Iterator[Resource]:
        for type_, way in _NEW_RULES.items():
            if way is direction:
                yield from self._stack.of(type_)
        for rule in self._stack.of(OLD_RULE):
            if rule.value("type") in (str(direction), UNKNOWN):
                yield rule

    def _of_rule(self, rule: Resource, direction: Direction) -> Iterator[Exposure]:
        is_one = self.groups.of_a_rule(rule)
        if is_one is Truth.NO:
            return
        undecided = self._why_undecided(rule, is_one) or ("type" if rule.value("type") is UNKNOWN else "")
        names = ("protocol" if rule.type == OLD_RULE else "ipProtocol", "fromPort", "toPort")
        peers = tuple(self._ends(rule, {name: rule.given(name) for name in (*_PEERS, "self")}, "", None))
        made = _opening(rule, direction, {name: rule.value(name) for name in names}, "", peers)
        yield replace(made, undecided=undecided)

    def _why_undecided(self, rule: Resource, is_one: Truth) -> str:
        if is_one is Truth.YES:
            return ""
        lost = any(named.is_lost for named in self.groups.named_by(rule))
        return "securityGroupId" if lost else "securityGroupId (the tags of the group)"

    def _of_group(self, group: Resource, is_one: Truth, direction: Direction) -> Iterator[Exposure]:
        name, undecided = str(direction), "" if is_one is Truth.YES else "tags"
        blocks = group.given(name)
        several = listed(blocks)
        for index, block in enumerate(several):
            path = f"{name}[{index}]."
            if isinstance(block, dict):
                properties = cast("dict[str, Any]", block)
                peers = tuple(self._ends(group, properties, path, name))
            else:
                properties, path = dict.fromkeys(_PORTS, UNKNOWN), ""
                peers = (ExposurePeer(kind=ExposurePeerKind.UNKNOWN, property=name, value=UNKNOWN),)
            made = _opening(group, direction, {each: properties.get(each) for each in _PORTS}, path, peers)
            yield replace(made, undecided=undecided, unseen=made.unseen if path else name)

    def _ends(
        self, holder: Resource, properties: dict[str, Any], path: str, inside: str | None
    ) -> Iterator[ExposurePeer]:
        for name, kind in _PEERS.items():
            value = properties.get(name)
            listed = cast("list[Any]", value) if isinstance(value, list) else [value]
            for index, each in enumerate(listed):
                if each is None or each == "":
                    continue
                place = f"{path}{name}[{index}]" if isinstance(value, list) else f"{path}{name}"
                yield ExposurePeer(
                    kind=kind, property=place, value=each, named=self._named(kind, holder, inside or name, each)
                )
        if properties.get("self") in (True, UNKNOWN):
            yield ExposurePeer(kind=ExposurePeerKind.ITSELF, property=f"{path}self", value=True)

    def _named(self, kind: ExposurePeerKind, holder: Resource, name: str, value: Any) -> ResourceReference:
        if kind is ExposurePeerKind.GROUP:
            return self.groups.named(holder, name, value)
        return self._lists.of(holder, name, value) if kind is ExposurePeerKind.PREFIX_LIST else NOTHING


def _is_unreachable(peer: ExposurePeer) -> bool:
    network = parsed(peer.value) if peer.kind is ExposurePeerKind.NETWORK and isinstance(peer.value, str) else None
    return network is not None and is_unreachable(network)


def _opening(
    carrier: Resource, direction: Direction, ports: dict[str, Any], path: str, peers: tuple[ExposurePeer, ...]
) -> Exposure:
    protocol, first, last = ports.values()
    unknown = [f"{path}{name}" for name, value in ports.items() if value is UNKNOWN]
    names = list(ports)
    return Exposure(
        carrier=carrier,
        direction=direction,
        port_range=port_range(protocol, first, last),
        unseen=", ".join(unknown),
        ports_property=f"{path}{names[0]}, {path}{names[1]} and {path}{names[2]}",
        peers=peers,
    )


def findings(stack: Stack, direction: Direction, judge: Callable[[Exposures, Exposure], Iterator[Finding]]) -> Findings:
    """Check of an exposure by a policy rule."""
    exposures = Exposures(stack)
    for exposure in exposures.each(direction):
        yield from judge(exposures, exposure)


_SHOWN = 3


def of_network(exposure: Exposure, name: str, cidr: Any, allowed: Iterable[str]) -> Iterator[Finding]:
    """Check that a network is allowed; an invalid network is not."""
    if cidr is UNKNOWN:
        yield exposure.not_seen(name)
        return
    network = parsed(str(cidr))
    if network is None or not is_admissible(network, allowed):
        yield exposure.finding(name, described(cidr), f"a network within {', '.join(allowed)}")


def of_end(exposures: Exposures, exposure: Exposure, peer: ExposurePeer, allowed: Iterable[str]) -> Iterator[Finding]:
    """Check a peer: a network, or the entries of a prefix list; groups are allowed."""
    if peer.kind is ExposurePeerKind.UNKNOWN:
        yield exposure.not_seen(peer.property)
    elif peer.kind is ExposurePeerKind.NETWORK:
        yield from of_network(exposure, peer.property, peer.value, allowed)
    elif peer.kind is ExposurePeerKind.PREFIX_LIST:
        for cidr in exposures.entries(peer):
            yield from of_network(exposure, f"{peer.property} (a prefix list of the stack)", cidr, allowed)


def ports_of_named_peers(exposure: Exposure, several: Iterable[Mapping[str, Any]]) -> Iterator[PortRange]:
    """Yield the ports that are allowed to all peers of a rule."""
    networks = [
        parsed(peer.value) if peer.kind is ExposurePeerKind.NETWORK and isinstance(peer.value, str) else None
        for peer in exposure.peers
    ]
    for each in several:
        if networks and all(own is not None and is_within(own, each["networks"]) for own in networks):
            yield from spelled(each["ports"])


def of_ports(exposure: Exposure, allowed: Iterable[PortRange]) -> Iterator[Finding]:
    """Check that only allowed ports are open."""
    if exposure.port_range is None:
        yield exposure.not_seen(exposure.unseen)
    elif surplus := uncovered(exposure.port_range, allowed):
        beyond = ", ".join(map(str, surplus[:_SHOWN])) + ", ..." * (len(surplus) > _SHOWN)
        expected = f"ports of the tables only, so not {beyond}"
        yield exposure.finding(exposure.ports_property, str(exposure.port_range), expected)
