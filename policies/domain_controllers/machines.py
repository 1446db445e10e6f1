"""Domain controllers of a stack, and their subnets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.truth import Truth
from policies.domain_controllers.controller_tags import INSTANCE, NETWORK_INTERFACE, SPOT_INSTANCE, belongs
from policies.domain_controllers.references import NOTHING, ReferenceIndex, ResourceReference

if TYPE_CHECKING:
    from policies.findings import Resource
    from policies.stack import Stack

SUBNET: Final = "aws:ec2/subnet:Subnet"
DEFAULT_SUBNET: Final = "aws:ec2/defaultSubnet:DefaultSubnet"
SUBNETS: Final = (SUBNET, DEFAULT_SUBNET)

_ON_A_NETWORK: Final = (INSTANCE, SPOT_INSTANCE, NETWORK_INTERFACE)


class Machines:
    """Domain controllers that a stack creates."""

    def __init__(self, stack: Stack) -> None:
        self._subnets = ReferenceIndex(stack, *SUBNETS)
        self._references = ReferenceIndex(stack, *_ON_A_NETWORK)
        # The engine lists resources in order of creation, which varies.
        machines = sorted(stack.of(*_ON_A_NETWORK), key=lambda each: each.urn)
        self.all = tuple(each for each in machines if belongs(each) is Truth.YES)
        self.undecided = tuple(each for each in machines if belongs(each) is Truth.UNKNOWN)

    @property
    def instances(self) -> tuple[Resource, ...]:
        """Return the controllers that are instances."""
        return tuple(each for each in self.all if each.type != NETWORK_INTERFACE)

    def subnet_of(self, machine: Resource) -> ResourceReference:
        """Return the subnet of a machine."""
        return next(iter(self._subnets.all_of(machine, "subnetId")), NOTHING)

    def place_of(self, machine: Resource) -> str:
        """Return a value that is the same for machines in one subnet."""
        subnet = self.subnet_of(machine)
        return subnet.value or next((each.urn for each in subnet.candidates), machine.urn)

    def named_by(self, holder: Resource, name: str) -> tuple[Resource, ...]:
        """Return the controllers that a property names, by instance ID or by the ID of the primary interface."""
        named = self._references.all_of(holder, name)
        return tuple(each for one in named for each in one.candidates if each in self.all)

    def subnets_named_by(self, holder: Resource, name: str) -> tuple[ResourceReference, ...]:
        """Return the subnets that a property names."""
        return self._subnets.all_of(holder, name)


def same(one: ResourceReference, other: ResourceReference) -> bool:
    """Return whether two values are known to name the same resource."""
    by_value = bool(one.value) and one.value == other.value
    return by_value or any(each in other.candidates for each in one.candidates)
