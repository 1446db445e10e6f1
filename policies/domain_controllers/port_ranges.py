"""Protocols and ports of security group rules, and those of the port tables. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from components.domain_controllers.packet_evaluation import PROTOCOL_NUMBERS
from components.domain_controllers.port_tables import HIGHEST_PORT, Options, Profile, load_tables, ports
from policies.findings import UNKNOWN
from policies.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY: Final = -1
TCP, UDP, ICMP, ICMPV6 = (PROTOCOL_NUMBERS[name] for name in ("tcp", "udp", "icmp", "icmpv6"))
_NAMES: Final = {number: name for name, number in PROTOCOL_NUMBERS.items()}
_HIGHEST_NUMBER: Final = 255
_SPELLED: Final = re.compile(r"(tcp|udp|icmp|icmpv6)/([0-9]+)(?:-([0-9]+))?|(esp)")

PORTS_SCHEMA: Final = {
    "type": "array",
    "items": {"type": "string", "pattern": "^((tcp|udp|icmp|icmpv6)/[0-9]{1,5}(-[0-9]{1,5})?|esp)$"},
}

PROFILES: Final = Parameter(
    name="profiles",
    description="The profiles of the port tables whose ports may be open.",
    default=[str(each) for each in Profile],
    schema={"type": "array", "items": {"enum": [str(each) for each in Profile]}, "minItems": 1},
)
RPC_PORTS: Final = Parameter(
    name="rpcPorts",
    description="Fixed RPC ports (KB 224196) in place of the dynamic range; none: the dynamic range may be open.",
    default=[],
    schema={"type": "array", "items": {"type": "integer", "minimum": 1024, "maximum": HIGHEST_PORT}},
)
ADDITIONAL: Final = Parameter(
    name="additionalPorts",
    description="Ports besides those of the tables, such as tcp/8530 or udp/5000-5010; of ICMP the types; esp for "
    "IPsec.",
    default=[],
    schema=PORTS_SCHEMA,
)

NAMED_PEERS_SCHEMA: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "networks": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            "ports": {**PORTS_SCHEMA, "minItems": 1},
        },
        "required": ["networks", "ports"],
        "additionalProperties": False,
    },
}

TABLES: Final = (PROFILES, RPC_PORTS, ADDITIONAL)
"""Parameters of the rules that use the port tables."""


@dataclass(frozen=True)
class PortRange:
    """Protocol and ports that a rule allows.

    The protocol is an IANA number, -1 for every protocol with all ports. The first port of ICMP is its type, and 0 for
    protocols that have neither.
    """

    protocol: int
    first: int
    last: int

    def includes(self, other: PortRange) -> bool:
        """Return whether the range includes another."""
        return self.protocol in (ANY, other.protocol) and self.first <= other.first and other.last <= self.last

    def meets(self, other: PortRange) -> bool:
        """Return whether two ranges overlap."""
        same = ANY in (self.protocol, other.protocol) or self.protocol == other.protocol
        return same and self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        if self.protocol == ANY:
            return "every protocol and port"
        name = _NAMES.get(self.protocol, f"protocol {self.protocol}")
        if (self.first, self.last) == (0, HIGHEST_PORT):
            return f"{name}, all ports"
        return f"{name}/{self.first}" + (f"-{self.last}" if self.last != self.first else "")


EVERYTHING: Final = PortRange(ANY, 0, HIGHEST_PORT)


def port_range(protocol: Any, first: Any, last: Any) -> PortRange | None:
    """Parse protocol and ports; an unknown protocol counts as every protocol.

    A protocol is a name or number, as text or not; `-1` and `all` mean every protocol. A port (type or code of ICMP) of
    -1 or None means all. The result is None where a deciding one is not known.
    """
    number = UNKNOWN if protocol is UNKNOWN else _number(protocol)
    if number == ANY:
        return EVERYTHING
    if number is UNKNOWN or first is UNKNOWN or last is UNKNOWN:
        return None
    if number in (ICMP, ICMPV6):
        kind = _whole(first)
        return PortRange(number, 0, HIGHEST_PORT) if kind in (None, ANY) else PortRange(number, kind, kind)
    if number not in (TCP, UDP):
        return PortRange(number, 0, HIGHEST_PORT)
    low, high = _whole(first), _whole(last)
    if low in (None, ANY) or high in (None, ANY):
        return PortRange(number, 0, HIGHEST_PORT)
    return PortRange(number, min(low, high), max(low, high))


def spelled(texts: Iterable[str]) -> tuple[PortRange, ...]:
    """Parse ports of the configuration."""
    found = (_SPELLED.fullmatch(text) for text in texts)
    return tuple(
        PortRange(PROTOCOL_NUMBERS[each[4]], 0, HIGHEST_PORT)
        if each[4]
        else PortRange(PROTOCOL_NUMBERS[each[1]], int(each[2]), int(each[3] or each[2]))
        for each in found
        if each is not None
    )


def uncovered(wanted: PortRange, allowed: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Return the parts of a range that no other covers; the range of every protocol is never covered."""
    if wanted.protocol == ANY:
        return (wanted,)
    rest: list[PortRange] = []
    at = wanted.first
    for each in sorted((one for one in allowed if one.protocol == wanted.protocol), key=lambda one: one.first):
        if each.first > at:
            rest.append(PortRange(wanted.protocol, at, min(each.first - 1, wanted.last)))
        at = max(at, each.last + 1)
        if at > wanted.last:
            break
    if at <= wanted.last:
        rest.append(PortRange(wanted.protocol, at, wanted.last))
    return tuple(one for one in rest if one.first <= one.last)


def inbound(settings: Mapping[str, Any]) -> tuple[PortRange, ...]:
    """Return the ports that clients and other controllers may connect to, from the tables and the configuration."""
    return (*_of_tables(*_chosen(settings), ("clients", "controllers")), *spelled(settings[ADDITIONAL.name]))


def from_bastions(settings: Mapping[str, Any]) -> tuple[PortRange, ...]:
    """Return the ports that bastion hosts may connect to."""
    return _of_tables(*_chosen(settings), ("bastions",))


def outbound(settings: Mapping[str, Any]) -> tuple[PortRange, ...]:
    """Return the ports that controllers may connect to."""
    return (*_of_tables(*_chosen(settings), ("controllers", "services")), *spelled(settings[ADDITIONAL.name]))


def _chosen(settings: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    return tuple(settings[PROFILES.name]), tuple(int(port) for port in settings[RPC_PORTS.name])


@lru_cache(maxsize=32)
def _of_tables(profiles: tuple[str, ...], rpc_ports: tuple[int, ...], names: tuple[str, ...]) -> tuple[PortRange, ...]:
    tables = load_tables()
    found = {
        PortRange(number, kinds.get(number, port.first), kinds.get(number, port.last))
        for profile in profiles
        for name in names
        for to in ("controllers", "endpoints", "resolvers", "timeSources")
        for port in ports(
            name, getattr(tables, name), Options(profile=Profile(profile), icmp_echo=True, rpc_ports=rpc_ports), to=to
        )
        for number, kinds in _numbers(PROTOCOL_NUMBERS[port.protocol])
    }
    return tuple(sorted(found, key=lambda each: (each.protocol, each.first, each.last)))


def _numbers(number: int) -> tuple[tuple[int, dict[int, int]], ...]:
    """Return the ranges of a row; ICMP is two protocols, with different types for the echo request."""
    return ((ICMP, {}), (ICMPV6, {ICMPV6: 128})) if number == ICMP else ((number, {}),)


def _number(protocol: Any) -> int:
    text = str(protocol).strip().lower()
    if text in PROTOCOL_NUMBERS:
        return PROTOCOL_NUMBERS[text]
    return int(text) if text.isascii() and text.isdigit() and int(text) <= _HIGHEST_NUMBER else ANY


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
