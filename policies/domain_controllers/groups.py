"""Security groups of domain controllers: tagged groups, and groups that a controller has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from common.iam.truth import Truth, any_of
from common.json_values import listed
from policies.domain_controllers.controller_tags import (
    ALSO,
    DEFAULT_SECURITY_GROUP,
    INSTANCE,
    LAUNCH_CONFIGURATION,
    LAUNCH_TEMPLATE,
    NETWORK_INTERFACE,
    SECURITY_GROUP,
    SPOT_FLEET,
    SPOT_INSTANCE,
    belongs,
)
from policies.domain_controllers.machines import belonging
from policies.domain_controllers.references import ReferenceIndex, ResourceReference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Resource
    from policies.stack import Stack

ATTACHMENT: Final = "aws:ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment"

MACHINES: Final = (INSTANCE, SPOT_INSTANCE, NETWORK_INTERFACE, LAUNCH_TEMPLATE, SPOT_FLEET, LAUNCH_CONFIGURATION)
"""Resource types with security groups on their interfaces."""

_LISTS: Final = ("vpcSecurityGroupIds", "securityGroups", "securityGroupNames")
_NESTING: Final = ("networkInterfaces", "launchSpecifications")


class ControllersGroups:
    """The groups of a stack, with the certainty that they are a controller's."""

    def __init__(self, stack: Stack) -> None:
        self._groups = ReferenceIndex(stack, SECURITY_GROUP, DEFAULT_SECURITY_GROUP)
        self._known = {each.urn: belongs(each) for each in self._groups.resources}
        self._ids: dict[str, Truth] = dict.fromkeys(stack.settings[ALSO.name], Truth.YES)
        known = belonging(stack)
        for machine in stack.of(*MACHINES):
            is_one = known[machine.urn]
            for named in self.on(machine):
                self._mark(named, is_one)
        machines = ReferenceIndex(stack, INSTANCE, SPOT_INSTANCE, NETWORK_INTERFACE)
        for attachment in stack.of(ATTACHMENT):
            peers = machines.all_of(attachment, "networkInterfaceId")
            is_one = any_of(known[machine.urn] for peer in peers for machine in peer.candidates)
            for named in self._groups.all_of(attachment, "securityGroupId"):
                self._mark(named, is_one)

    def _mark(self, named: ResourceReference, is_one: Truth) -> None:
        for group in named.candidates:
            self._known[group.urn] = max(self._known[group.urn], is_one)
        if named.value:
            self._ids[named.value] = max(self._ids.get(named.value, Truth.NO), is_one)

    def on(self, machine: Resource) -> Iterator[ResourceReference]:
        """Return the groups of a machine."""
        for name in _LISTS:
            yield from self._groups.all_of(machine, name)
        for name in _NESTING:
            yield from (self._groups.of(machine, name, each) for each in _groups_in(machine.given(name)))

    def certainty(self, named: ResourceReference) -> Truth:
        """Return the certainty that a value names a controller's group."""
        if named.is_lost:
            return Truth.UNKNOWN
        listed = self._ids.get(named.value, Truth.NO) if named.value else Truth.NO
        return max([listed, *(self._known[group.urn] for group in named.candidates)])

    def of_a_rule(self, rule: Resource) -> Truth:
        """Return the certainty that a separate rule resource is of a controller's group, by the group or by its own tags."""
        if belongs(rule) is Truth.YES:
            return Truth.YES
        return any_of([self.certainty(each) for each in self._groups.all_of(rule, "securityGroupId")])

    def named_by(self, rule: Resource) -> tuple[ResourceReference, ...]:
        """Return the group of a rule."""
        return self._groups.all_of(rule, "securityGroupId")

    def marked(self) -> Iterator[tuple[Resource, Truth]]:
        """Return the groups of the stack that are, or may be, a controller's."""
        for group in self._groups.resources:
            by_id = self._ids.get(str(group.value("id")), Truth.NO)
            is_one = max(self._known[group.urn], by_id)
            if is_one is not Truth.NO:
                yield group, is_one

    def named(self, holder: Resource, name: str, value: Any) -> ResourceReference:
        """Return the group that a property's value names."""
        return self._groups.of(holder, name, value)


def _groups_in(value: Any) -> Iterator[Any]:
    """Return the group values of a nested property."""
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _groups_in(each)
    elif isinstance(value, dict):
        for key, each in cast("dict[str, Any]", value).items():
            if key in _LISTS:
                yield from listed(each)
            else:
                yield from _groups_in(each)
