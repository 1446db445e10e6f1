"""Whether a subnet has a way to the services' public addresses. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.iam.truth import Truth

if TYPE_CHECKING:
    from operations.doctor.facts import Network

_EVERYWHERE: Final = "0.0.0.0/0"
_AVAILABLE: Final = "available"


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to the internet.

    Attributes:
        there: whether it is; UNKNOWN where it leads out of sight.
        said: what is in the way, or where it leads.
    """

    there: Truth
    said: str = ""


def way_out(network: Network, subnet_id: str, *, has_public_address: bool) -> Way:
    """The way that a node has.

    Args:
        network: of the node.
        subnet_id: where it stands.
        has_public_address: whether it has a public IPv4 address.
    """
    table = network.table_of(subnet_id)
    if table is None:
        return Way(there=Truth.NO, said=f"{subnet_id} has no route table")
    routes = [each for each in table.routes if each.destination == _EVERYWHERE]
    if not routes:
        return Way(there=Truth.NO, said=f"{table.id} has no default route")
    if not routes[0].active:
        return Way(there=Truth.NO, said=f"the default route of {table.id} leads to {routes[0].target}, which is gone")
    return _through(network, table.id, routes[0].target, has_public_address=has_public_address)


def _through(network: Network, table_id: str, target: str, *, has_public_address: bool) -> Way:
    if target.startswith("igw-"):
        if has_public_address:
            return Way(there=Truth.YES)
        return Way(there=Truth.NO, said=f"the default route leads to {target}, and the node has no public address")
    if target.startswith("nat-"):
        return _through_nat(network, target)
    said = f"the default route of {table_id} leads to {target}; what lies behind it is not seen"
    return Way(there=Truth.UNKNOWN, said=said)


def _through_nat(network: Network, nat_id: str) -> Way:
    nat = network.nats.get(nat_id)
    if nat is None:
        return Way(there=Truth.UNKNOWN, said=f"the default route leads to {nat_id}, which is not in {network.vpc_id}")
    if nat.state != _AVAILABLE:
        return Way(there=Truth.NO, said=f"the default route leads to {nat_id}, which is {nat.state}")
    if not nat.public:
        return Way(there=Truth.UNKNOWN, said=f"the default route leads to {nat_id}, a private NAT gateway")
    table = network.table_of(nat.subnet_id)
    routes = [each for each in table.routes if each.destination == _EVERYWHERE and each.active] if table else []
    if any(each.target.startswith("igw-") for each in routes):
        return Way(there=Truth.YES)
    if routes:
        return Way(
            there=Truth.UNKNOWN,
            said=f"{nat_id} stands in {nat.subnet_id}, whose default route leads to {routes[0].target}",
        )
    return Way(there=Truth.NO, said=f"{nat_id} stands in {nat.subnet_id}, which has no route to the internet")
