"""Evaluation of a packet: whether it is allowed, by which rule, and from which row of the port tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from components.domain_controllers.packet_evaluation import admitting, packet, permissions
from components.domain_controllers.port_tables import ECHO_REQUEST, HIGHEST_PORT
from components.domain_controllers.security_group_rules import ECHO_REQUEST_V6, PlannedRule
from components.domain_controllers.traffic_requirements import Direction, PeerKind
from operations.errors import UnusableError

if TYPE_CHECKING:
    from components.domain_controllers.planner import GroupPlan
    from operations.ports.matrix import SiteMatrix

_PORT = re.compile(r"(?:(tcp|udp)/)?([0-9]{1,5})|icmp", re.IGNORECASE)
_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")
_NOBODY = "192.0.2.1"
"""Address outside every organization's networks (RFC 5737), for packets from a security group."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Packet to evaluate.

    Attributes:
        client: Source address or security group ID.
        protocol: Protocol: `tcp`, `udp`, `icmp` or `icmpv6`.
        port: Destination port, or ICMP type.
    """

    client: str
    protocol: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Result for a packet.

    Attributes:
        region: Region of the site.
        question: Packet.
        rule: PlannedRule that allows the packet. None: it is dropped.
        group: Security group with the rule.
        who: Names of the client in the configuration.
    """

    region: str
    question: Question
    rule: PlannedRule | None
    group: str = ""
    who: tuple[str, ...] = ()


def questions(client: str, port: str) -> tuple[Question, ...]:
    """Return the packets to evaluate; a port without a protocol means both TCP and UDP.

    Args:
        client: Source address or security group ID.
        port: Port: `389`, `tcp/389`, `udp/389` or `icmp`.

    Raises:
        UnusableError: The client or port is invalid.
    """
    if not _GROUP.fullmatch(client):
        try:
            ip_address(client)
        except ValueError:
            raise UnusableError(
                f"{client!r} is no address such as 10.10.3.4 and no group such as sg-0123abcd."
            ) from None
    match = _PORT.fullmatch(port)
    if not match or int(match[2] or 0) > HIGHEST_PORT:
        raise UnusableError(f"{port!r} is no port: 389, tcp/389, udp/389 (0 to {HIGHEST_PORT}) or icmp.")
    if match[2] is None:
        v6 = ":" in client
        kind = ("icmpv6", ECHO_REQUEST_V6) if v6 else ("icmp", ECHO_REQUEST)
        return (Question(client=client, protocol=kind[0], port=kind[1]),)
    protocols = (match[1].lower(),) if match[1] else ("tcp", "udp")
    return tuple(Question(client=client, protocol=each, port=int(match[2])) for each in protocols)


def answer(site: SiteMatrix, question: Question) -> Answer:
    """Evaluate a packet with a site's security groups.

    Args:
        site: Site with its plan.
        question: Packet.

    Raises:
        UnusableError: The site has no plan.
    """
    if site.plan is None:
        raise UnusableError(site.refusal)
    by_group = question.client.startswith("sg-")
    address, groups = (_NOBODY, (question.client,)) if by_group else (question.client, ())
    one = packet(Direction.INGRESS, question.protocol, question.port, address, *groups)
    found = admitting(permissions(site.plan), one)
    if found is None or not isinstance(found.rule, PlannedRule):
        return Answer(region=site.region, question=question, rule=None)
    rule = found.rule
    group = next(each.name for each in site.plan.groups if rule in each.rules)
    return Answer(region=site.region, question=question, rule=rule, group=group, who=_who(site.plan, rule, address))


def _who(plan: GroupPlan, rule: PlannedRule, address: str) -> tuple[str, ...]:
    """Return the client's names: for a prefix list, the descriptions of its matching entries."""
    if rule.peer.kind is not PeerKind.PLANNED_LIST:
        return rule.names
    entries = next(each.entries for each in plan.prefix_lists if each.name == rule.peer.value)
    return tuple(
        f"{each.description} ({each.cidr})" for each in entries if ip_address(address) in ip_network(each.cidr)
    )
