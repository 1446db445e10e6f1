"""Domain controllers of a stack, what is attached to them, and their subnets.

Network interfaces and launch templates need no tag, so they are found from the controller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.iam.truth import Truth
from common.json_values import leaves
from policies.domain_controllers.controller_tags import (
    INSTANCE,
    LAUNCH_CONFIGURATION,
    LAUNCH_TEMPLATE,
    NETWORK_INTERFACE,
    SPOT_FLEET,
    SPOT_INSTANCE,
    belongs,
)
from policies.domain_controllers.references import NOTHING, ReferenceIndex, ResourceReference
from policies.findings import UNKNOWN, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

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


AUTO_SCALING_GROUP: Final = "aws:autoscaling/group:Group"
FLEET: Final = "aws:ec2/fleet:Fleet"
INTERFACE_ATTACHMENT: Final = "aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment"

_INTERFACES: Final = ("networkInterfaces", "primaryNetworkInterface")
_NAMING: Final = {
    INSTANCE: ("launchTemplate", *_INTERFACES),
    SPOT_INSTANCE: ("launchTemplate", *_INTERFACES),
    LAUNCH_TEMPLATE: _INTERFACES,
    AUTO_SCALING_GROUP: ("launchTemplate", "mixedInstancesPolicy", "launchConfiguration"),
    FLEET: ("launchTemplateConfigs",),
    SPOT_FLEET: ("launchTemplateConfigs", "launchSpecifications"),
}
"""Properties by which machines, and resources that launch them, name interfaces, templates and launch configurations."""


def attached_resources(stack: Stack) -> Iterator[tuple[Resource, Resource]]:
    """Return each machine, or what starts machines, with an interface or template that comes with it."""
    brought = ReferenceIndex(stack, NETWORK_INTERFACE, LAUNCH_TEMPLATE, LAUNCH_CONFIGURATION)
    for holder in stack.of(*_NAMING):
        for name in _NAMING[holder.type]:
            for value in texts(holder.given(name)):
                yield from ((holder, each) for each in brought.of(holder, name, value).candidates)
    machines = ReferenceIndex(stack, INSTANCE, SPOT_INSTANCE)
    for attachment in stack.of(INTERFACE_ATTACHMENT):
        interfaces = brought.all_of(attachment, "networkInterfaceId")
        for machine in machines.all_of(attachment, "instanceId"):
            yield from ((one, each) for one in machine.candidates for named in interfaces for each in named.candidates)
    for interface in stack.of(NETWORK_INTERFACE):
        for value in texts(interface.given("attachments")):
            yield from ((one, interface) for one in machines.of(interface, "attachments", value).candidates)


def belonging(stack: Stack) -> dict[str, Truth]:
    """Return how surely machines, and what they bring along, belong to a domain controller, by URN."""
    found = {each.urn: belongs(each) for each in stack.of(*_NAMING, NETWORK_INTERFACE, LAUNCH_CONFIGURATION)}
    pairs = tuple(attached_resources(stack))
    for _ in range(3):  # from the launching resource to its template to the template's interface
        for holder, brought in pairs:
            found[brought.urn] = max(found[brought.urn], found[holder.urn])
    return found


def texts(value: Any) -> Iterator[Any]:
    """Return all texts, and all that is not known yet, however deep."""
    return (each for each in leaves(value) if each is UNKNOWN or isinstance(each, str))
