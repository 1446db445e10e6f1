"""Network ACLs for the controllers' subnets, from the same required traffic as the security groups.

An ACL is stateless and short: it evaluates requests and replies separately, and has 20 rules per direction and address
family, including the default denial (Amazon VPC User Guide, "Amazon VPC quotas"). So it is usually wider than the
groups: port ranges of one network with the smallest gaps are joined first, then networks. The plan reports what that
allows in addition, and the groups still deny it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from common.network import Family, Network, family_of
from common.problems import Problem, SettingsError
from components.domain_controllers.acl_aggregation import Ranges, Wish, fewest_rules, fitted
from components.domain_controllers.port_tables import ANY_PORT, HIGHEST_PORT, Port, Protocol
from components.domain_controllers.traffic_requirements import Direction, Peer, PeerGroup, PeerKind, TrafficRequirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.domain_controllers.acl_aggregation import Fitted

WINDOWS_EPHEMERAL = (49152, HIGHEST_PORT)
"""Ports that Windows opens connections from (KB 929851)."""
ANY_EPHEMERAL = (1024, HIGHEST_PORT)
"""Ports that any client opens connections from (Amazon VPC User Guide, "Ephemeral ports")."""

DEFAULT_RULES = 20
HIGHEST_QUOTA = 40
"""Highest quota of rules per network ACL (L-2AEEBF1A)."""

_ESP = 50
_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.ICMP: 1, Protocol.ICMPV6: 58, Protocol.ESP: _ESP}
_NAMES = {6: "TCP", 17: "UDP", 1: "ICMP type", 58: "ICMPv6 type", _ESP: "ESP"}
_ECHO = {1: (8, 0), 58: (128, 129)}
"""Types of request and reply (RFC 792, RFC 4443)."""
PACKET_TOO_BIG = {
    Family.IPV4: (1, 3, 4, ip_network("0.0.0.0/0")),
    Family.IPV6: (58, 2, 0, ip_network("::/0")),
}
"""Protocol, type and code of the message that path MTU discovery depends on, from and to any address, because any
router on the path can send it (Amazon VPC User Guide, "Path MTU Discovery": in a network ACL inbound and outbound).
Security groups need no rule for it: they allow replies to a connection (Amazon EC2 User Guide, "Network maximum
transmission unit").
"""
_RESERVED = 2
"""Reserved rules per direction and family: the default denial, which counts, too, and the message above."""
_FIRST_NUMBER, _NUMBERS_USED = 100, 32000
_OTHER_SYSTEMS = (
    PeerGroup.CLIENTS,
    PeerGroup.ADDITIONAL_SOURCES,
    PeerGroup.RESOLVER_ENDPOINTS,
    PeerGroup.RESOLVER_CLIENTS,
)
"""Peers that open connections and may not run Windows."""
_NAMED = 20
"""Maximum of networks that a wider rule names, so that a plan for thousands of networks stays readable."""


@dataclass(frozen=True, kw_only=True)
class AclRule:
    """One rule.

    Attributes:
        number: Number derived from the rule's content, so that it is stable. All of a plan's rules allow, so their
            order has no effect.
        direction: Ingress or egress of the subnet.
        protocol: IANA protocol number; -1: all.
        from_port: First port; for ICMP the type; -1: any.
        to_port: Last port; for ICMP the code, -1 for any.
        network: Source or destination.
        allows: Whether the rule allows; plans have no denials, but AWS may return them.
    """

    number: int
    direction: Direction
    protocol: int
    from_port: int
    to_port: int
    network: Network
    allows: bool = True

    @property
    def name(self) -> str:
        """Return a name of the traffic that the rule allows."""
        slug = str(self.network).replace("/", "-").replace(":", ".")
        return f"{self.direction}-{self.protocol}-{self.port_range}-{slug}"

    @property
    def port_range(self) -> str:
        """Return `53`, `49152-65535`; for ICMP type and code, without the code for any."""
        return f"{self.from_port}" if self.to_port in (self.from_port, -1) else f"{self.from_port}-{self.to_port}"


@dataclass(frozen=True, kw_only=True)
class AclPlan:
    """A network ACL in the order of its numbers, and descriptions of what it allows beyond the required traffic."""

    rules: tuple[AclRule, ...]
    wider: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Return eight characters that change with the rules.

        An ACL is nearly full, so that a new rule cannot be created before an old one is deleted: another plan is
        another ACL, complete before the subnets are associated with it.
        """
        content = "\n".join(f"{rule.number} {rule.name}" for rule in self.rules)
        return hashlib.sha256(content.encode()).hexdigest()[:8]

    def count(self, direction: Direction, family: Family) -> int:
        """Return the number of rules of a direction and family, without the default denial."""
        return sum(rule.direction is direction and family_of(rule.network) is family for rule in self.rules)


def plan_network_acl(
    requirements: Sequence[TrafficRequirement],
    *,
    addresses: Mapping[str, Sequence[Network]],
    quota: int = DEFAULT_RULES,
) -> AclPlan:
    """Plan the ACL; the plan does not depend on the order of the requirements.

    Args:
        requirements: Required traffic, the same as for the groups.
        addresses: Networks of peers that are not networks: `itself` (the controllers' subnets), groups and prefix
            lists, by the peer's value.
        quota: Rules per network ACL in the account; from 20 to 40.

    Raises:
        SettingsError: The rules cannot fit, or a peer's addresses are not known.
    """
    wishes = _wishes(requirements, addresses)
    rules: list[AclRule] = []
    wider: list[str] = []
    problems: list[Problem] = []
    for (direction, family), desired in sorted(wishes.items()):
        found = fitted(desired, quota - _RESERVED)
        if found is None:
            problems.append(_refusal(direction, family, desired, quota))
            continue
        rules += [_rule(direction, protocol, ports, network) for protocol, ports, network in found.rules]
        protocol, kind, code, anywhere = PACKET_TOO_BIG[family]
        rules.append(
            AclRule(number=0, direction=direction, protocol=protocol, from_port=kind, to_port=code, network=anywhere)
        )
        wider += _in_words(direction, found)
    if problems:
        raise SettingsError(problems)
    return AclPlan(rules=_numbered(rules), wider=tuple(wider))


def _wishes(
    requirements: Iterable[TrafficRequirement], addresses: Mapping[str, Sequence[Network]]
) -> dict[tuple[Direction, Family], Wish]:
    """Return the destination ports that packets of each network must reach, for requests and replies."""
    wishes: dict[tuple[Direction, Family], Wish] = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    for requirement in requirements:
        back = Direction.EGRESS if requirement.direction is Direction.INGRESS else Direction.INGRESS
        by_family = {family: _both(requirement, family) for family in Family}
        for source in requirement.sources:
            for network in _networks(source.peer, addresses):
                family = family_of(network)
                there, answers = by_family[family]
                for direction, desired in ((requirement.direction, there), (back, answers)):
                    for protocol, ranges in desired.items():
                        wishes[direction, family][network][protocol] |= ranges
    return wishes


def _both(requirement: TrafficRequirement, family: Family) -> tuple[Ranges, Ranges]:
    """Return requests and replies of a requirement, by protocol."""
    there: Ranges = defaultdict(set)
    answers: Ranges = defaultdict(set)
    ephemeral = ANY_EPHEMERAL if requirement.peer_group in _OTHER_SYSTEMS else WINDOWS_EPHEMERAL
    for port in requirement.ports:
        number = _number(port, family)
        if number in _ECHO:
            request, answer = _ECHO[number]
            there[number].add((request, request))
            answers[number].add((answer, answer))
            continue
        there[number].add((port.first, port.last))
        answers[number].add((port.first, port.last) if number == _ESP else ephemeral)
        if port.row.replies == "same port":
            answers[number].add((port.first, port.last))
    return there, answers


def _number(port: Port, family: Family) -> int:
    icmp_v6 = port.protocol is Protocol.ICMP and family is Family.IPV6
    return _NUMBERS[Protocol.ICMPV6 if icmp_v6 else port.protocol]


def _networks(peer: Peer, addresses: Mapping[str, Sequence[Network]]) -> Sequence[Network]:
    if peer.kind is PeerKind.NETWORK:
        return (peer.network,)
    if peer.value not in addresses:
        known_as = {PeerKind.GROUP: "bastionNetworks", PeerKind.PREFIX_LIST: "clientPrefixLists"}
        raise SettingsError(
            [
                Problem(
                    path=("domainControllers", known_as.get(peer.kind, "sites")),
                    message=f"the networks of {peer.value} are not known; a network ACL can name nothing else",
                )
            ]
        )
    return addresses[peer.value]


def _rule(direction: Direction, protocol: int, ports: tuple[int, int], network: Network) -> AclRule:
    last = -1 if protocol in _ECHO else ports[1]
    return AclRule(number=0, direction=direction, protocol=protocol, from_port=ports[0], to_port=last, network=network)


def _numbered(rules: Iterable[AclRule]) -> tuple[AclRule, ...]:
    """Number rules by their content; a rule whose number is in use gets the next one."""
    taken: dict[Direction, set[int]] = {each: set() for each in Direction}
    numbered: list[AclRule] = []
    for rule in sorted(rules, key=lambda each: each.name):
        offset = zlib.crc32(rule.name.encode()) % _NUMBERS_USED
        while offset in taken[rule.direction]:
            offset = (offset + 1) % _NUMBERS_USED
        taken[rule.direction].add(offset)
        numbered.append(replace(rule, number=_FIRST_NUMBER + offset))
    return tuple(sorted(numbered, key=lambda each: (each.direction, each.number)))


def _in_words(direction: Direction, found: Fitted) -> list[str]:
    lines: list[str] = []
    for protocol, ports, network, covered in found.wider:
        required = [f"{each}: {', '.join(_range(*one) for one in sorted(ranges))}" for each, ranges in covered[:_NAMED]]
        if len(covered) > _NAMED:
            required.append(f"{len(covered) - _NAMED:,} more networks")
        what = _NAMES[protocol] if protocol == _ESP else f"{_NAMES[protocol]} {ports[0]}-{ports[1]}"
        rule = f"{direction} {what} for {network}"
        lines.append(f"{rule}, required for {'; '.join(required)}")
    return lines


def _range(first: int, last: int) -> str:
    if first == ANY_PORT:
        return "all"
    return f"{first}" if first == last else f"{first}-{last}"


def _refusal(direction: Direction, family: Family, desired: Wish, quota: int) -> Problem:
    least = fewest_rules(desired) + _RESERVED
    remedy = (
        f"Ask AWS for the quota Rules per network ACL (L-2AEEBF1A) of {least}, or name"
        if least <= HIGHEST_QUOTA
        else f"Even {HIGHEST_QUOTA} rules, the maximum of AWS, are not enough: set networkAcl: false, or name"
    )
    return Problem(
        path=("domainControllers", "quotas"),
        message=f"the network ACL cannot hold {len(desired)} {family} networks ({direction}) in {quota} rules with the "
        f"default denial and path MTU discovery, even with ports and neighboring networks joined. {remedy} fewer, larger networks",
    )
