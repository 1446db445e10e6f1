"""Placement of domain controllers: private subnets, Availability Zones, addresses, security groups."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.truth import Truth
from common.json_values import listed
from policies.domain_controllers.controller_tags import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKS,
    NETWORK_INTERFACE,
    SPOT_INSTANCE,
    on_controllers,
)
from policies.domain_controllers.machines import DEFAULT_SUBNET, SUBNETS, Machines, belonging
from policies.domain_controllers.references import ReferenceIndex
from policies.domain_controllers.routes import Routes
from policies.findings import UNKNOWN, Finding, Findings, Resource
from policies.parameters import Parameter
from policies.rule import CONTROLLERS_POST, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

CONTROLLER_NO_PUBLIC_ADDRESS = Rule(
    id="controller-no-public-address",
    title="Domain controllers launch without a public address",
    severity=Severity.HIGH,
    risk="the directory is on the internet as soon as a group or an ACL is opened by mistake",
    remedy="Set associatePublicIpAddress to false, on the interfaces of launch templates, too",
    source="AWS Security Hub EC2.9, EC2.25; Control Tower CT.EC2.PR.8, CT.EC2.PR.9; "
    f"NIST SP 800-53 r5 AC-3, SC-7; {CONTROLLERS_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9",
    parameters=MARKS,
)
"""Addresses that the subnet assigns, or that are associated later, are checked by controller-private-network."""

_SWITCHES: Final = ("associatePublicIpAddress", "associateCarrierIpAddress")


@on_controllers(CONTROLLER_NO_PUBLIC_ADDRESS, INSTANCE, SPOT_INSTANCE)
def _asks_for_none(instance: Resource) -> Findings:
    # Without the option, the subnet's setting applies.
    yield from _is_not_on(instance, "associatePublicIpAddress", "false")


@on_controllers(CONTROLLER_NO_PUBLIC_ADDRESS, LAUNCH_TEMPLATE)
def _template_asks_for_none(template: Resource) -> Findings:
    given = template.value("networkInterfaces")
    interfaces = listed(given)
    for index, interface in enumerate(interfaces):
        if interface is UNKNOWN:
            yield template.unseen("networkInterfaces")
            continue
        part = template.part(f"networkInterfaces[{index}]", interface)
        for name in _SWITCHES:
            yield from _is_not_on(part, name, '"false"')


def _is_not_on(resource: Resource, name: str, expected: str) -> Findings:
    yield from resource.require(name, lambda value: str(value).lower() not in ("true", "1"), expected)


CONTROLLER_PRIVATE_NETWORK = Rule(
    id="controller-private-network",
    title="Domain controllers run in private subnets and have no Elastic IP address",
    severity=Severity.HIGH,
    risk="a controller is one rule of a security group away from the internet, or is reached from there already",
    remedy="Use subnets that give no public addresses and have no route to an internet gateway (here: "
    "shell-access:domainControllers.sites.<Region>.subnets), and disassociate the Elastic IP address",
    source="AWS Security Hub EC2.9, EC2.15; "
    "AWS Config no-unrestricted-route-to-igw, subnet-auto-assign-public-ip-disabled; "
    f'NIST SP 800-53 r5 AC-4(21), SC-7; Microsoft "Securing domain controllers against attack"; {CONTROLLERS_POST}',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-15",
    parameters=MARKS,
)
"""Subnets of other stacks are not evaluated."""

_GIVES_ADDRESSES: Final = ("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation", "mapCustomerOwnedIpOnLaunch")
_ADDRESSES: Final = {
    "aws:ec2/eip:Eip": ("instance", "networkInterface"),
    "aws:ec2/eipAssociation:EipAssociation": ("instanceId", "networkInterfaceId"),
}


@CONTROLLER_PRIVATE_NETWORK.on_stack
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
                    carrier.violation(name, f'none, because "{machine.name}" uses it', found="a route to the internet")
                    if leads_out is Truth.YES
                    else carrier.unseen(name)
                )


def _gives_none(subnet: Resource) -> Iterator[Finding]:
    for name in _GIVES_ADDRESSES:
        value = subnet.given(name)
        # A default subnet assigns public addresses unless configured otherwise (Amazon VPC User Guide, "Default subnets").
        by_default = name == "mapPublicIpOnLaunch" and subnet.type == DEFAULT_SUBNET and value is None
        if value is UNKNOWN:
            yield subnet.unseen(name)
        elif value is True or by_default:
            yield subnet.violation(name, "false, because domain controllers run in it")


def _address(machines: Machines, address: Resource, name: str) -> Iterator[Finding]:
    for machine in machines.named_by(address, name):
        yield address.violation(name, "no domain controller", found=f'"{machine.name}"')
    if address.given(name) is not None:
        undecided = [each for each in machines.undecided if address.refers(name, each)]
        if undecided:
            yield address.unseen(f'{name} (the tags of "{undecided[0].name}")')


_ZONES: Final = Parameter(
    name="minimumZones",
    description="In how many Availability Zones of a Region its controllers stand at least; 1 where one is a branch of "
    "others on premises.",
    default=2,
    schema={"type": "integer", "minimum": 1, "maximum": 6},
)

CONTROLLER_TWO_ZONES = Rule(
    id="controller-two-zones",
    title="The domain controllers of a Region run in two Availability Zones",
    severity=Severity.MEDIUM,
    risk="no user can sign in while one zone is down",
    remedy="Build controllers in subnets of two zones (here: shell-access:domainControllers.sites.<Region>.controllers)",
    source=f"{CONTROLLERS_POST}, prerequisites; Well-Architected REL10-BP01; NIST SP 800-53 r5 CP-10, SC-36",
    url="https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/rel_fault_isolation_multiaz_region_system.html",
    parameters=(_ZONES, *MARKS),
)


@CONTROLLER_TWO_ZONES.on_stack
def _are_spread(stack: Stack) -> Findings:
    machines = Machines(stack)
    by_region: dict[str, list[Resource]] = defaultdict(list)
    for instance in machines.instances:
        by_region[str(instance.given("region") or "")].append(instance)
    for region, instances in by_region.items():
        yield from _judged(machines, region, instances, int(stack.settings[_ZONES.name]))


def _judged(machines: Machines, region: str, instances: list[Resource], least: int) -> Iterator[Finding]:
    zones = [_zone(machines, each) for each in instances]
    known = {zone for zone in zones if zone is not UNKNOWN}
    # Two controllers in one subnet are in one zone, even if it is not known yet.
    unknown = {machines.place_of(each) for each, zone in zip(instances, zones, strict=True) if zone is UNKNOWN}
    if len(known) >= least:
        return
    if len(known) + len(unknown) < least:
        where = f" of {region}" if region else ""
        names = ", ".join(sorted(each.name for each in instances))
        found = f"{len(known) + len(unknown)} for {names}"
        yield instances[0].violation("availabilityZone", f"{least} zones{where}", found=found)
    else:
        yield instances[0].unseen("availabilityZone")


def _zone(machines: Machines, instance: Resource) -> Any:
    """Return the zone of an instance, or of its subnet where that is in the stack."""
    zones = [instance.value("availabilityZone")]
    zones += [subnet.value("availabilityZone") for subnet in machines.subnet_of(instance).candidates[:1]]
    return next((zone for zone in zones if isinstance(zone, str)), UNKNOWN)


CONTROLLER_OWN_GROUP = Rule(
    id="controller-own-group",
    title="Domain controllers have security groups of their own instead of the VPC's default group",
    severity=Severity.HIGH,
    risk="every member of the default group reaches every port of the controller, and the controller the internet",
    remedy="Name a security group with the controllers' tag",
    source="AWS Security Hub EC2.2; CIS AWS Foundations Benchmark 5.0, 5.5; NIST SP 800-53 r5 AC-4, SC-7",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    parameters=MARKS,
)
"""The default group allows all traffic between its members and all outbound traffic, and EC2 uses it where no group is set."""

_VPCS: Final = ("aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc")
_OUTPUT: Final = "defaultSecurityGroupId"
_LISTS: Final = ("vpcSecurityGroupIds", "securityGroups", "securityGroupNames")
_ELSEWHERE: Final = ("launchTemplate", "networkInterfaces", "primaryNetworkInterface")
"""Properties by which an instance has groups, other than its own lists."""


@CONTROLLER_OWN_GROUP.on_stack
def _have_their_own(stack: Stack) -> Findings:
    vpcs, certainty = stack.of(*_VPCS), belonging(stack)
    for machine in stack.of(INSTANCE, SPOT_INSTANCE, NETWORK_INTERFACE, LAUNCH_TEMPLATE):
        if certainty[machine.urn] is not Truth.NO:
            for finding in _groups_of(machine, vpcs):
                yield finding if certainty[machine.urn] is Truth.YES else machine.unseen("tags")


def _groups_of(machine: Resource, vpcs: tuple[Resource, ...]) -> Iterator[Finding]:
    names = [name for name in (*_LISTS, "networkInterfaces") if machine.given(name)]
    if machine.type != LAUNCH_TEMPLATE and not any(machine.given(name) for name in (*_LISTS, *_ELSEWHERE)):
        yield machine.violation(_LISTS[1 if machine.type == NETWORK_INTERFACE else 0], _EXPECTED, found="no value")
    for name in names:
        for vpc in vpcs:
            if vpc.urn in machine.sources.get(name, ()) or vpc.value(_OUTPUT) in _values(machine.given(name)):
                yield machine.violation(name, _EXPECTED, found=f'the default group of "{vpc.name}"')


_EXPECTED: Final = "a group of domain controllers"


def _values(value: Any) -> set[str]:
    if isinstance(value, dict):
        value = list(cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return {one for each in cast("list[Any]", value) for one in _values(each)}
    return {value} if isinstance(value, str) else set()
