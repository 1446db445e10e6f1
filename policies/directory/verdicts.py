"""What rules about inbound and outbound traffic say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.directory.addresses import is_admissible, parsed
from policies.directory.openings import Kind
from policies.directory.spans import uncovered
from policies.findings import UNKNOWN, described

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.directory.openings import End, Opening, Openings
    from policies.directory.spans import Span
    from policies.findings import Finding

_SHOWN = 3


def of_network(opening: Opening, name: str, cidr: Any, allowed: Iterable[str]) -> Iterator[Finding]:
    """The network has to be one of those allowed; what is no network in any spelling never is."""
    if cidr is UNKNOWN:
        yield opening.not_seen(name)
        return
    network = parsed(str(cidr))
    if network is None or not is_admissible(network, allowed):
        yield opening.finding(name, described(cidr), f"a network within {', '.join(allowed)}")


def of_end(openings: Openings, opening: Opening, end: End, allowed: Iterable[str]) -> Iterator[Finding]:
    """The same of a network, and of all that a prefix list of the stack holds; groups are fine."""
    if end.kind is Kind.UNKNOWN:
        yield opening.not_seen(end.property)
    elif end.kind is Kind.NETWORK:
        yield from of_network(opening, end.property, end.value, allowed)
    elif end.kind is Kind.PREFIX_LIST:
        for cidr in openings.entries(end):
            yield from of_network(opening, f"{end.property} (a prefix list of the stack)", cidr, allowed)


def of_ports(opening: Opening, allowed: Iterable[Span]) -> Iterator[Finding]:
    """Nothing but the ports allowed."""
    if opening.span is None:
        yield opening.not_seen(opening.unseen)
    elif surplus := uncovered(opening.span, allowed):
        beyond = ", ".join(map(str, surplus[:_SHOWN])) + ", ..." * (len(surplus) > _SHOWN)
        expected = f"ports of the tables only, so not {beyond}"
        yield opening.finding(opening.ports_property, str(opening.span), expected)
