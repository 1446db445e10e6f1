"""A node in its network, and what keeps it from a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from operations.doctor.findings import Cause, Status
from operations.reading import Unread

if TYPE_CHECKING:
    from components.directory.oracle import Permission
    from components.iam.principals import Principal
    from operations.doctor.facts import Endpoint, Instance, Network, NodeFacts


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """What keeps a node from a service.

    Attributes:
        cause: what it is.
        service: short name.
        status: what it comes to.
        about: an id.
        found: in words.
        remedy: what to do about it.
    """

    cause: Cause
    service: str
    status: Status = Status.PROBLEM
    about: str
    found: str
    remedy: str


@dataclass(frozen=True)
class Place:
    """A node in its network.

    Attributes:
        node: the node.
        instance: its instance.
        network: of its VPC.
        role: that it acts as; None: not known, or none.
        services: that it has to reach.
    """

    node: NodeFacts
    instance: Instance
    network: Network
    role: Principal | None
    services: tuple[str, ...]
    granted: tuple[Permission, ...] = field(init=False)

    def __post_init__(self) -> None:
        groups = (self.network.groups.get(each, ()) for each in self.instance.group_ids)
        object.__setattr__(self, "granted", tuple(rule for group in groups for rule in group))

    @property
    def address(self) -> IPv4Address:
        """The node's own."""
        return IPv4Address(self.instance.address)

    @property
    def platform(self) -> str:
        """As Systems Manager calls it; empty: not known."""
        managed = self.node.managed
        return managed.platform if managed is not None and not isinstance(managed, Unread) else ""


def modify(place: Place, endpoint: Endpoint, change: str) -> str:
    """The command that changes an endpoint."""
    region = place.node.asked.region
    return f"aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {endpoint.id} {change}"
