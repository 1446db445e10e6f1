"""Domain controllers have a security group of their own instead of the VPC's default group.

The default group allows all traffic between its members and all outbound traffic, and EC2 uses it where no group is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.truth import Truth
from policies.domain_controllers.attached_resources import belonging
from policies.domain_controllers.controller_tags import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKS,
    NETWORK_INTERFACE,
    SPOT_INSTANCE,
)
from policies.domain_controllers.references import given
from policies.findings import Unseen, Violation
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

RULE = Rule(
    id="controller-own-group",
    title="Domain controllers have security groups of their own instead of the VPC's default group",
    severity=Severity.HIGH,
    risk="every member of the default group reaches every port of the controller, and the controller the internet",
    remedy="Name a security group with the controllers' tag",
    source="AWS Security Hub EC2.2; CIS AWS Foundations Benchmark 5.0, 5.5; NIST SP 800-53 r5 AC-4, SC-7",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    parameters=MARKS,
)

_VPCS: Final = ("aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc")
_OUTPUT: Final = "defaultSecurityGroupId"
_LISTS: Final = ("vpcSecurityGroupIds", "securityGroups", "securityGroupNames")
_ELSEWHERE: Final = ("launchTemplate", "networkInterfaces", "primaryNetworkInterface")
"""Properties by which an instance has groups, other than its own lists."""


@RULE.on_stack
def _have_their_own(stack: Stack) -> Findings:
    vpcs, certainty = stack.of(*_VPCS), belonging(stack)
    for machine in stack.of(INSTANCE, SPOT_INSTANCE, NETWORK_INTERFACE, LAUNCH_TEMPLATE):
        if certainty[machine.urn] is not Truth.NO:
            for finding in _groups_of(machine, vpcs):
                yield finding if certainty[machine.urn] is Truth.YES else Unseen("tags", about=machine)


def _groups_of(machine: Resource, vpcs: tuple[Resource, ...]) -> Iterator[Finding]:
    names = [name for name in (*_LISTS, "networkInterfaces") if given(machine, name)]
    if machine.type != LAUNCH_TEMPLATE and not any(given(machine, name) for name in (*_LISTS, *_ELSEWHERE)):
        yield Violation(_LISTS[1 if machine.type == NETWORK_INTERFACE else 0], "no value", _EXPECTED, about=machine)
    for name in names:
        for vpc in vpcs:
            if vpc.urn in machine.sources.get(name, ()) or vpc.value(_OUTPUT) in _values(given(machine, name)):
                yield Violation(name, f'the default group of "{vpc.name}"', _EXPECTED, about=machine)


_EXPECTED: Final = "a group of domain controllers"


def _values(value: Any) -> set[str]:
    if isinstance(value, dict):
        value = list(cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return {one for each in cast("list[Any]", value) for one in _values(each)}
    return {value} if isinstance(value, str) else set()
