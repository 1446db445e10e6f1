"""Names of IP protocols in EC2 and Terraform: a name and its number are the same protocol."""

from typing import Any, Final

numbers: Final = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
"""Protocols that EC2 returns by name. All others are numbers, `-1` for all protocols."""
_names: Final = {number: name for name, number in numbers.items()}


def protocol_name(given: str) -> str:
    """Return the name or number that EC2 uses for a protocol."""
    lowered = str(given).lower()
    if lowered == "all":
        return "-1"
    return _names.get(lowered, lowered)


def same_protocol(first: str, second: str) -> bool:
    """Return whether two names or numbers are the same protocol in security groups."""
    return protocol_name(first) == protocol_name(second)


_other_numbers: Final = {
    "igmp": "2",
    "ipv4": "4",
    "egp": "8",
    "igp": "9",
    "ipv6": "41",
    "gre": "47",
    "esp": "50",
    "ah": "51",
    "ipv6-icmp": "58",
    "ospf": "89",
    "ospfigp": "89",
    "etherip": "97",
    "pim": "103",
    "vrrp": "112",
    "l2tp": "115",
    "sctp": "132",
    "fc": "133",
    "udplite": "136",
}
"""IANA names of further protocols, which network ACLs accept, too."""
_highest: Final = 255


def protocol_number(given: str) -> str:
    """Return the number of a protocol for network ACLs; `-1` for all protocols, unknown names unchanged."""
    lowered = str(given).lower()
    if lowered == "all":
        return "-1"
    return numbers.get(lowered) or _other_numbers.get(lowered) or lowered


def protocol(value: Any) -> str | None:
    """Validate the IANA name or number of a protocol."""
    number = protocol_number(value)
    known = number == "-1" or (number.isdigit() and int(number) <= _highest)
    return None if known else f"unsupported protocol: {value}"
