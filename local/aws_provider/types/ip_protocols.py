"""Names of IP protocols, as EC2 and Terraform treat them: a name and its number are the same protocol."""

from typing import Final

numbers: Final = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
"""Protocols that EC2 writes by name. Every other is written by number, `-1` for all."""
_names: Final = {number: name for name, number in numbers.items()}


def protocol_name(given: str) -> str:
    """The one spelling of a protocol that EC2 uses."""
    lowered = str(given).lower()
    if lowered == "all":
        return "-1"
    return _names.get(lowered, lowered)


def same_protocol(first: str, second: str) -> bool:
    """Whether two spellings mean one protocol."""
    return protocol_name(first) == protocol_name(second)
