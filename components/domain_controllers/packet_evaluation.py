"""Evaluation of packets: by the groups of a plan, by rules read from AWS, and by a network ACL.

The evaluator is independent: it does not use tables, profiles or the planner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from components.domain_controllers.network_acl import AclRule
from components.domain_controllers.traffic_requirements import Direction, PeerKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from common.network import Network
    from components.domain_controllers.planner import GroupPlan
    from components.domain_controllers.security_group_rules import PlannedRule

Address = IPv4Address | IPv6Address

PROTOCOL_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "esp": 50}
"""IANA, "Assigned Internet Protocol Numbers"; AWS uses numbers for all others, and `-1` for all protocols."""

_ICMP = (1, 58)
_WITH_PORTS = (6, 17)
ECHO_REPLIES = {1: 0, 58: 129}
"""ICMP types (RFC 792, RFC 4443)."""


@dataclass(frozen=True, kw_only=True)
class Packet:
    """The first packet of a connection at a controller's interface.

    Attributes:
        direction: To or from the controller.
        protocol: IANA protocol number.
        port: Destination port; for ICMP the type; ignored for other protocols.
        address: Address of the peer.
        groups: Names or IDs of the groups of the peer's interface; `itself` for a plan's first group.
        code: ICMP code; ignored for other protocols.
    """

    direction: Direction
    protocol: int
    port: int
    address: Address
    groups: frozenset[str] = frozenset()
    code: int = 0


@dataclass(frozen=True, kw_only=True)
class Permission:
    """A rule of a group, from a plan or from AWS.

    Attributes:
        direction: Ingress or egress.
        protocol: IANA protocol number; None: all.
        from_port: First port or ICMP type; -1: any.
        to_port: Last port or ICMP code; -1: any.
        networks: Networks that it names, directly or through a prefix list.
        group: Group that it names; empty: none.
        rule: PlannedRule that it was created from, for display.
    """

    direction: Direction
    protocol: int | None
    from_port: int
    to_port: int
    networks: tuple[Network, ...] = ()
    group: str = ""
    rule: PlannedRule | Mapping[str, Any] | None = field(default=None, compare=False)

    def lets_pass(self, packet: Packet) -> bool:
        """Return whether the rule allows the packet."""
        is_any = self.protocol is None
        is_same = packet.protocol == self.protocol and _port_matches(self.from_port, self.to_port, packet)
        return (is_any or is_same) and self.concerns(packet)

    def concerns(self, packet: Packet) -> bool:
        """Return whether the packet has the rule's direction and peer, regardless of protocol and port."""
        if packet.direction != self.direction:
            return False
        return self.group in packet.groups if self.group else any(packet.address in each for each in self.networks)


def permissions(plan: GroupPlan) -> tuple[Permission, ...]:
    """Return the permissions of a plan's groups; all of them are on each interface."""
    lists = {each.name: tuple(ip_network(entry.cidr) for entry in each.entries) for each in plan.prefix_lists}
    return tuple(_planned(rule, lists) for group in plan.groups for rule in group.rules)


def _planned(rule: PlannedRule, lists: Mapping[str, tuple[Network, ...]]) -> Permission:
    kind, value = rule.peer.kind, rule.peer.value
    networks: tuple[Network, ...] = ()
    group = ""
    if kind is PeerKind.NETWORK:
        networks = (_network(value),)
    elif kind is PeerKind.PLANNED_LIST:
        networks = lists[value]
    else:
        # A plan does not know the entries of an existing list: the list's ID represents an address in it.
        group = value
    return Permission(
        direction=rule.direction,
        protocol=_number(rule.protocol),
        from_port=rule.from_port,
        to_port=rule.to_port,
        networks=networks,
        group=group,
        rule=rule,
    )


def permissions_from_aws(
    rules: Iterable[Mapping[str, Any]], prefix_lists: Mapping[str, Sequence[str]]
) -> tuple[Permission, ...]:
    """Return the permissions of rules of DescribeSecurityGroupRules; `prefix_lists` has the CIDRs of each list by ID."""
    return tuple(_read(rule, prefix_lists) for rule in rules)


def _read(rule: Mapping[str, Any], prefix_lists: Mapping[str, Sequence[str]]) -> Permission:
    cidrs: list[str] = [rule[key] for key in ("CidrIpv4", "CidrIpv6") if rule.get(key)]
    if rule.get("PrefixListId"):
        cidrs += prefix_lists[rule["PrefixListId"]]
    return Permission(
        direction=Direction.EGRESS if rule["IsEgress"] else Direction.INGRESS,
        protocol=_number(rule["IpProtocol"]),
        from_port=rule.get("FromPort", -1),
        to_port=rule.get("ToPort", -1),
        networks=tuple(_network(cidr) for cidr in cidrs),
        group=rule.get("ReferencedGroupInfo", {}).get("GroupId", ""),
        rule=rule,
    )


def admitting(granted: Iterable[Permission], packet: Packet) -> Permission | None:
    """Return the first permission that allows the packet; None: it is dropped."""
    return next((each for each in granted if each.lets_pass(packet)), None)


def acl_rules_from_aws(entries: Iterable[Mapping[str, Any]]) -> tuple[AclRule, ...]:
    """Return the rules of DescribeNetworkAcls' `Entries` in order of evaluation, without the default denials."""
    rules = [
        AclRule(
            number=entry["RuleNumber"],
            direction=Direction.EGRESS if entry["Egress"] else Direction.INGRESS,
            protocol=int(entry["Protocol"]),
            from_port=entry.get("PortRange", {}).get("From", entry.get("IcmpTypeCode", {}).get("Type", -1)),
            to_port=entry.get("PortRange", {}).get("To", entry.get("IcmpTypeCode", {}).get("Code", -1)),
            network=_network(entry.get("CidrBlock") or entry["Ipv6CidrBlock"]),
            allows=entry["RuleAction"] == "allow",
        )
        for entry in entries
        if entry["RuleNumber"] < 32767  # noqa: PLR2004 -- where the default denials begin
    ]
    return tuple(sorted(rules, key=lambda rule: rule.number))


def acl_lets_pass(acl: Iterable[AclRule], packet: Packet) -> bool:
    """Return whether a network ACL allows one packet of either side: the first matching rule decides."""
    for rule in sorted(acl, key=lambda each: each.number):
        if rule.direction == packet.direction and _acl_matches(rule, packet):
            return rule.allows
    return False


def _acl_matches(rule: AclRule, packet: Packet) -> bool:
    if packet.address not in rule.network:
        return False
    if rule.protocol == -1:
        return True
    return rule.protocol == packet.protocol and _port_matches(rule.from_port, rule.to_port, packet)


def passes(
    granted: Sequence[Permission], acl: Sequence[AclRule], packet: Packet, *, reply_port: int
) -> Permission | None:
    """Return the permission that allows a connection; None: the connection fails.

    Groups track connections; a network ACL evaluates request and reply separately.
    `reply_port` is the source port of the connection, which replies go to; ignored for ICMP.
    """
    found = admitting(granted, packet)
    back = Direction.EGRESS if packet.direction is Direction.INGRESS else Direction.INGRESS
    port = ECHO_REPLIES.get(packet.protocol, reply_port)
    answer = Packet(direction=back, protocol=packet.protocol, port=port, address=packet.address)
    return found if found and acl_lets_pass(acl, packet) and acl_lets_pass(acl, answer) else None


def packet(direction: Direction, protocol: str, port: int, address: str, *groups: str) -> Packet:
    """Return a packet, such as `packet(Direction.INGRESS, "tcp", 389, "10.10.0.1")`."""
    number = _number(protocol)
    if number is None:
        raise ValueError(protocol)
    return Packet(
        direction=direction, protocol=number, port=port, address=ip_address(address), groups=frozenset(groups)
    )


@cache
def _network(cidr: str) -> Network:
    return ip_network(cidr)


def _number(protocol: str) -> int | None:
    number = PROTOCOL_NUMBERS.get(protocol)
    number = int(protocol) if number is None else number
    return None if number == -1 else number


def _port_matches(first: int, last: int, packet: Packet) -> bool:
    """Return whether ports of TCP and UDP match, or types and codes of ICMP; other protocols have neither."""
    if packet.protocol in _ICMP:
        return first in (-1, packet.port) and last in (-1, packet.code)
    return packet.protocol not in _WITH_PORTS or first == -1 or first <= packet.port <= last
