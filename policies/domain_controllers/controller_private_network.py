"""Domain controllers run in private subnets: no route to the internet, no public addresses.

Subnets of other stacks are not evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.truth import Truth
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.machines import DEFAULT_SUBNET, SUBNETS, Machines
from policies.domain_controllers.references import ReferenceIndex, given
from policies.domain_controllers.routes import Routes
from policies.findings import UNKNOWN, Unseen, Violation
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

RULE = Rule(
    id="controller-private-network",
    title="Domain controllers run in private subnets and have no Elastic IP address",
    severity=Severity.HIGH,
    risk="a controller is one rule of a security group away from the internet, or is reached from there already",
    remedy="Use subnets that give no public addresses and have no route to an internet gateway, and take the Elastic IP "
    "address away",
    source="AWS Security Hub EC2.9, EC2.15; AWS Config no-unrestricted-route-to-igw, subnet-auto-assign-public-ip-disabled; "
    'NIST SP 800-53 r5 AC-4(21), SC-7; Microsoft "Securing domain controllers against attack"; AWS post "Securely extend '
    'and access on-premises Active Directory domain controllers in AWS"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-15",
    parameters=MARKS,
)

_GIVES_ADDRESSES: Final = ("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation", "mapCustomerOwnedIpOnLaunch")
_ADDRESSES: Final = {
    "aws:ec2/eip:Eip": ("instance", "networkInterface"),
    "aws:ec2/eipAssociation:EipAssociation": ("instanceId", "networkInterfaceId"),
}


@RULE.on_stack
def _are_private(stack: Stack) -> Findings:
    machines = Machines(stack)
    yield from _subnets(stack, machines)
    for type_, names in _ADDRESSES.items():
        for address in stack.of(type_):
            for name in names:
                yield from _address(machines, address, name)


def _subnets(stack: Stack, machines: Machines) -> Iterator[Finding]:
    routes = Routes(stack, ReferenceIndex(stack, *SUBNETS))
    seen: set[tuple[str, str]] = set()
    for machine in machines.all:
        named = machines.subnet_of(machine)
        for subnet in named.candidates:
            if (subnet.urn, "") not in seen:
                seen.add((subnet.urn, ""))
                yield from _gives_none(subnet)
        for carrier, name, leads_out in routes.to_the_internet(named):
            if (carrier.urn, name) not in seen:
                seen.add((carrier.urn, name))
                yield (
                    Violation(name, "a route to the internet", f'none, as "{machine.name}" stands behind it', carrier)
                    if leads_out is Truth.YES
                    else Unseen(name, about=carrier)
                )


def _gives_none(subnet: Resource) -> Iterator[Finding]:
    for name in _GIVES_ADDRESSES:
        value = given(subnet, name)
        # A default subnet assigns public addresses unless configured otherwise (Amazon VPC User Guide, "Default subnets").
        by_default = name == "mapPublicIpOnLaunch" and subnet.type == DEFAULT_SUBNET and value is None
        if value is UNKNOWN:
            yield subnet.unseen(name)
        elif value is True or by_default:
            yield subnet.violation(name, "false, as domain controllers stand in it")


def _address(machines: Machines, address: Resource, name: str) -> Iterator[Finding]:
    for machine in machines.named_by(address, name):
        yield Violation(name, f'"{machine.name}"', "no domain controller", about=address)
    if given(address, name) is not None:
        undecided = [each for each in machines.undecided if address.refers(name, each)]
        if undecided:
            yield Unseen(f'{name} (the tags of "{undecided[0].name}")', about=address)
