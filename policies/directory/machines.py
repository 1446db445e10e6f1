"""The machines of a stack that are domain controllers, and the subnets that they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.iam.truth import Truth
from policies.directory.marks import INSTANCE, NETWORK_INTERFACE, SPOT_INSTANCE, belongs
from policies.directory.references import NOTHING, Named, References

if TYPE_CHECKING:
    from policies.findings import Resource
    from policies.stack import Stack

SUBNET: Final = "aws:ec2/subnet:Subnet"
DEFAULT_SUBNET: Final = "aws:ec2/defaultSubnet:DefaultSubnet"
SUBNETS: Final = (SUBNET, DEFAULT_SUBNET)

_ON_A_NETWORK: Final = (INSTANCE, SPOT_INSTANCE, NETWORK_INTERFACE)


class Machines:
    """Controllers that a stack builds.

    Args:
        stack: to look in.
    """

    def __init__(self, stack: Stack) -> None:
        self._subnets = References(stack, *SUBNETS)
        self._references = References(stack, *_ON_A_NETWORK)
        # The engine tells of resources in the order in which they came to be, which is not always the same.
        machines = sorted(stack.of(*_ON_A_NETWORK), key=lambda each: each.urn)
        self.all = tuple(each for each in machines if belongs(each) is Truth.YES)
        self.undecided = tuple(each for each in machines if belongs(each) is Truth.UNKNOWN)

    @property
    def instances(self) -> tuple[Resource, ...]:
        """Those that are instances."""
        return tuple(each for each in self.all if each.type != NETWORK_INTERFACE)

    def subnet_of(self, machine: Resource) -> Named:
        """Where a machine stands."""
        return next(iter(self._subnets.all_of(machine, "subnetId")), NOTHING)

    def place_of(self, machine: Resource) -> str:
        """The same for two machines in one subnet."""
        subnet = self.subnet_of(machine)
        return subnet.value or next((each.urn for each in subnet.candidates), machine.urn)

    def named_by(self, holder: Resource, name: str) -> tuple[Resource, ...]:
        """The controllers that a property names: by their own ID, or by that of their first interface."""
        named = self._references.all_of(holder, name)
        return tuple(each for one in named for each in one.candidates if each in self.all)

    def subnets_named_by(self, holder: Resource, name: str) -> tuple[Named, ...]:
        """Subnets that a property names."""
        return self._subnets.all_of(holder, name)


def same(one: Named, other: Named) -> bool:
    """Whether two values name the same, as far as can be told."""
    by_value = bool(one.value) and one.value == other.value
    return by_value or any(each in other.candidates for each in one.candidates)
