"""Placement of a node in its network."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from operations.inventory.reader import ReadFailure

if TYPE_CHECKING:
    from common.iam.principals import Principal
    from components.domain_controllers.packet_evaluation import Permission
    from operations.doctor.facts import NodeFacts, NodeInstance
    from operations.inventory.network import VpcEndpoint, VpcFacts


@dataclass(frozen=True)
class Placement:
    """Node in its network.

    Attributes:
        role: Role that the node assumes. None: none, or not known.
    """

    node: NodeFacts
    instance: NodeInstance
    network: VpcFacts
    role: Principal | None
    services: tuple[str, ...]
    granted: tuple[Permission, ...] = field(init=False)

    def __post_init__(self) -> None:
        groups = (self.network.groups.get(each, ()) for each in self.instance.group_ids)
        object.__setattr__(self, "granted", tuple(rule for group in groups for rule in group))

    @property
    def address(self) -> IPv4Address:
        """Private address of the node."""
        return IPv4Address(self.instance.address)

    @property
    def platform(self) -> str:
        """Platform as reported by Systems Manager. Empty: not known."""
        managed = self.node.managed
        return managed.platform if managed is not None and not isinstance(managed, ReadFailure) else ""


def modify(placement: Placement, endpoint: VpcEndpoint, change: str) -> str:
    """Return the command that modifies an endpoint."""
    region = placement.node.deployment.region
    return f"aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {endpoint.id} {change}"
