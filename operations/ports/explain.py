"""Is this packet let in, by which rule, from which row?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from components.directory.demands import Direction
from components.directory.oracle import admitting, packet, permissions
from components.directory.peers import PeerKind
from components.directory.port_tables import ECHO_REQUEST, HIGHEST_PORT
from components.directory.rules import ECHO_REQUEST_V6, Rule
from operations.errors import UnusableError

if TYPE_CHECKING:
    from components.directory.planner import GroupPlan
    from operations.ports.matrix import SiteMatrix

_PORT = re.compile(r"(?:(tcp|udp)/)?([0-9]{1,5})|icmp", re.IGNORECASE)
_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")
_NOBODY = "192.0.2.1"
"""An address that no network of an organization has (RFC 5737), for packets that come from a group."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A packet that somebody asks about.

    Attributes:
        client: an address or a group's id.
        protocol: `tcp`, `udp`, `icmp` or `icmpv6`.
        port: destination port, or ICMP's type.
    """

    client: str
    protocol: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What becomes of it.

    Attributes:
        region: of the site.
        question: the packet.
        rule: that lets it in; None: it is dropped.
        group: that has the rule.
        who: what the configuration calls the client.
    """

    region: str
    question: Question
    rule: Rule | None
    group: str = ""
    who: tuple[str, ...] = ()


def questions(client: str, port: str) -> tuple[Question, ...]:
    """What was asked; a port without protocol asks for both.

    Args:
        client: an address or a group's id.
        port: `389`, `tcp/389`, `udp/389` or `icmp`.

    Raises:
        UnusableError: it is neither.
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
    """Looks a packet up in the groups of a site.

    Args:
        site: with a plan.
        question: the packet.

    Raises:
        UnusableError: there is no plan.
    """
    if site.plan is None:
        raise UnusableError(site.refusal)
    by_group = question.client.startswith("sg-")
    address, groups = (_NOBODY, (question.client,)) if by_group else (question.client, ())
    one = packet(Direction.INGRESS, question.protocol, question.port, address, *groups)
    found = admitting(permissions(site.plan), one)
    if found is None or not isinstance(found.rule, Rule):
        return Answer(region=site.region, question=question, rule=None)
    rule = found.rule
    group = next(each.name for each in site.plan.groups if rule in each.rules)
    return Answer(region=site.region, question=question, rule=rule, group=group, who=_who(site.plan, rule, address))


def _who(plan: GroupPlan, rule: Rule, address: str) -> tuple[str, ...]:
    """Behind a prefix list, the entry's own words."""
    if rule.peer.kind is not PeerKind.PLANNED_LIST:
        return rule.names
    entries = next(each.entries for each in plan.prefix_lists if each.name == rule.peer.value)
    return tuple(
        f"{each.description} ({each.cidr})" for each in entries if ip_address(address) in ip_network(each.cidr)
    )
