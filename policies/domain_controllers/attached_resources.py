"""Network interfaces and launch templates of domain controllers.

They need no tag, so they are found from the controller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.json_values import leaves
from policies.domain_controllers import controller_tags as tags
from policies.domain_controllers.references import ReferenceIndex
from policies.findings import UNKNOWN, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from common.iam.truth import Truth
    from policies.stack import Stack

AUTO_SCALING_GROUP: Final = "aws:autoscaling/group:Group"
FLEET: Final = "aws:ec2/fleet:Fleet"
INTERFACE_ATTACHMENT: Final = "aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment"

_INTERFACES: Final = ("networkInterfaces", "primaryNetworkInterface")
_NAMING: Final = {
    tags.INSTANCE: ("launchTemplate", *_INTERFACES),
    tags.SPOT_INSTANCE: ("launchTemplate", *_INTERFACES),
    tags.LAUNCH_TEMPLATE: _INTERFACES,
    AUTO_SCALING_GROUP: ("launchTemplate", "mixedInstancesPolicy", "launchConfiguration"),
    FLEET: ("launchTemplateConfigs",),
    tags.SPOT_FLEET: ("launchTemplateConfigs", "launchSpecifications"),
}
"""Properties by which machines, and resources that launch them, name interfaces, templates and launch configurations."""


def attached_resources(stack: Stack) -> Iterator[tuple[Resource, Resource]]:
    """Return each machine, or what starts machines, with an interface or template that comes with it."""
    brought = ReferenceIndex(stack, tags.NETWORK_INTERFACE, tags.LAUNCH_TEMPLATE, tags.LAUNCH_CONFIGURATION)
    for holder in stack.of(*_NAMING):
        for name in _NAMING[holder.type]:
            for value in texts(holder.given(name)):
                yield from ((holder, each) for each in brought.of(holder, name, value).candidates)
    machines = ReferenceIndex(stack, tags.INSTANCE, tags.SPOT_INSTANCE)
    for attachment in stack.of(INTERFACE_ATTACHMENT):
        interfaces = brought.all_of(attachment, "networkInterfaceId")
        for machine in machines.all_of(attachment, "instanceId"):
            yield from ((one, each) for one in machine.candidates for named in interfaces for each in named.candidates)
    for interface in stack.of(tags.NETWORK_INTERFACE):
        for value in texts(interface.given("attachments")):
            yield from ((one, interface) for one in machines.of(interface, "attachments", value).candidates)


def belonging(stack: Stack) -> dict[str, Truth]:
    """Return how surely machines, and what they bring along, belong to a domain controller, by URN."""
    found = {
        each.urn: tags.belongs(each) for each in stack.of(*_NAMING, tags.NETWORK_INTERFACE, tags.LAUNCH_CONFIGURATION)
    }
    pairs = tuple(attached_resources(stack))
    for _ in range(3):  # from the launching resource to its template to the template's interface
        for holder, brought in pairs:
            found[brought.urn] = max(found[brought.urn], found[holder.urn])
    return found


def texts(value: Any) -> Iterator[Any]:
    """Return all texts, and all that is not known yet, however deep."""
    return (each for each in leaves(value) if each is UNKNOWN or isinstance(each, str))
