from typing import Any

import pytest

from policies.domain_controllers.controller_placement import CONTROLLER_NO_PUBLIC_ADDRESS as NO_ADDRESS
from policies.domain_controllers.controller_placement import CONTROLLER_OWN_GROUP as OWN_GROUP
from policies.domain_controllers.controller_placement import CONTROLLER_PRIVATE_NETWORK as PRIVATE
from policies.domain_controllers.controller_placement import CONTROLLER_TWO_ZONES as TWO_ZONES
from tests.policies.domain_controllers.stacks import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKED,
    NETWORK_INTERFACE,
    SPOT_INSTANCE,
    group,
    instance,
)
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge, judge_stack, violations


def template(*interfaces: Any) -> dict[str, Any]:
    return {"tags": MARKED, "networkInterfaces": list(interfaces)}


@pytest.mark.parametrize("name", ["associatePublicIpAddress", "associateCarrierIpAddress"])
def test_launch_template_asks_for_none(name: str) -> None:
    assert judge(NO_ADDRESS, LAUNCH_TEMPLATE, template({name: "false"}, {})) == SILENT
    for value in ("true", "True", True):
        (said,) = violations(NO_ADDRESS, LAUNCH_TEMPLATE, template({}, {name: value}))
        assert f"networkInterfaces[1].{name}: found " in said
    assert judge(NO_ADDRESS, LAUNCH_TEMPLATE, template({name: UNKNOWN})).unseen


def test_other_instance_may_have_a_public_address() -> None:
    for type_ in (INSTANCE, SPOT_INSTANCE):
        assert judge(NO_ADDRESS, type_, {"tags": {}, "associatePublicIpAddress": True}) == SILENT


def test_interfaces_that_are_not_known_yet_are_said() -> None:
    assert judge(NO_ADDRESS, LAUNCH_TEMPLATE, template(UNKNOWN)).unseen
    assert judge(NO_ADDRESS, LAUNCH_TEMPLATE, {"tags": MARKED, "networkInterfaces": UNKNOWN}).unseen


SUBNET = "aws:ec2/subnet:Subnet"
DEFAULT_SUBNET = "aws:ec2/defaultSubnet:DefaultSubnet"


def network_judged(*resources: Made) -> Judgment:
    """In a stack in which everything exists that the resources come from, if only as resources of no interest."""
    names = {each.name for each in resources}
    wanted = {one for each in resources for several in each.sources.values() for one in several}
    others = [Made("pulumi:pulumi:StackReference", name) for name in sorted(wanted - names)]
    return judge_stack(PRIVATE, *resources, *others)


def controller(type_: str = INSTANCE, tags: Any = MARKED) -> Made:
    properties = {"id": UNKNOWN, "tags": tags, "subnetId": UNKNOWN}
    return Made(type_, "dc1", properties, sources={"subnetId": ["subnet"]})


def subnet(type_: str = SUBNET, **properties: Any) -> Made:
    return Made(type_, "subnet", {"id": UNKNOWN, "vpcId": UNKNOWN, **properties}, sources={"vpcId": ["vpc"]})


def made(kind: str, name: str, properties: dict[str, Any] | None = None, **sources: str) -> Made:
    unknown = dict.fromkeys(sources, UNKNOWN)
    type_ = f"aws:ec2/{kind[0].lower()}{kind[1:]}:{kind}"
    return Made(
        type_,
        name,
        {"id": UNKNOWN, **unknown, **(properties or {})},
        sources={key: [value] for key, value in sources.items()},
    )


ASSOCIATED = made("RouteTableAssociation", "association", subnetId="subnet", routeTableId="table")
GATEWAY = made("InternetGateway", "gateway")


@pytest.mark.parametrize("type_", [INSTANCE, NETWORK_INTERFACE])
def test_private_subnet_is_fine(type_: str) -> None:
    table = made("RouteTable", "table", {"routes": [{"cidrBlock": "10.0.0.0/8", "gatewayId": "vgw-1"}]})
    assert network_judged(controller(type_), subnet(), table, ASSOCIATED) == SILENT


@pytest.mark.parametrize("name", ["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"])
def test_subnet_that_gives_public_addresses_is_refused(name: str) -> None:
    (said,) = network_judged(controller(), subnet(**{name: True})).violations
    assert said.startswith(
        f'{SUBNET} "subnet": {name}: found true, expected false, because domain controllers run in it.'
    )
    assert network_judged(controller(tags={}), subnet(**{name: True})) == SILENT


def test_default_subnet_assigns_public_addresses_by_default() -> None:
    assert len(network_judged(controller(), subnet(DEFAULT_SUBNET)).violations) == 1
    assert network_judged(controller(), subnet(DEFAULT_SUBNET, mapPublicIpOnLaunch=False)) == SILENT


def routed() -> list[tuple[str, tuple[Made, ...]]]:
    """Every way to write a route to the internet."""
    unknown_inline = Made(
        "aws:ec2/routeTable:RouteTable",
        "table",
        {"id": UNKNOWN, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": UNKNOWN}]},
        sources={"routes": ["gateway"]},
    )
    vpc = made("Vpc", "vpc", {"defaultRouteTableId": UNKNOWN})
    default = made("DefaultRouteTable", "table", {"routes": [{"gatewayId": "igw-1"}]}, defaultRouteTableId="vpc")
    main = made("MainRouteTableAssociation", "main", vpcId="vpc", routeTableId="table")
    plain = made("RouteTable", "table")
    return [
        ("inline", (made("RouteTable", "table", {"routes": [{"gatewayId": "igw-1"}]}), ASSOCIATED)),
        ("inline, to be made", (unknown_inline, GATEWAY, ASSOCIATED)),
        ("inline IPv6", (made("RouteTable", "table", {"routes": [{"egressOnlyGatewayId": "eigw-1"}]}), ASSOCIATED)),
        ("a route", (plain, ASSOCIATED, made("Route", "r", {"gatewayId": "igw-1"}, routeTableId="table"))),
        (
            "a route, to be made",
            (plain, ASSOCIATED, GATEWAY, made("Route", "r", gatewayId="gateway", routeTableId="table")),
        ),
        ("the default table", (vpc, default)),
        ("the main table", (vpc, main, made("RouteTable", "table", {"routes": [{"gatewayId": "igw-1"}]}))),
    ]


@pytest.mark.parametrize("resources", [pytest.param(each, id=name) for name, each in routed()])
def test_route_to_the_internet_is_refused(resources: tuple[Made, ...]) -> None:
    (said,) = network_judged(controller(), subnet(), *resources).violations
    assert 'found a route to the internet, expected none, because "dc1" uses it.' in said


def test_route_of_another_subnets_table_is_left_alone() -> None:
    table = made("RouteTable", "table", {"routes": [{"gatewayId": "igw-1"}]})
    other = made("Subnet", "other")
    association = made("RouteTableAssociation", "association", subnetId="other", routeTableId="table")
    assert network_judged(controller(), subnet(), other, table, association) == SILENT


@pytest.mark.parametrize(("default", "count"), [("rtb-1", 1), ("rtb-2", 0)])
def test_default_table_is_joined_by_its_id(default: str, count: int) -> None:
    vpc = made("Vpc", "vpc", {"defaultRouteTableId": "rtb-1"})
    table = made("DefaultRouteTable", "table", {"defaultRouteTableId": default, "routes": [{"gatewayId": "igw-1"}]})
    assert len(network_judged(controller(), subnet(), vpc, table).violations) == count


def test_subnet_of_another_stack_is_joined_by_its_id() -> None:
    table = made("RouteTable", "table", {"routes": [{"gatewayId": "igw-1"}]})
    association = made("RouteTableAssociation", "association", {"subnetId": "subnet-dc1"}, routeTableId="table")
    assert len(network_judged(instance(), table, association).violations) == 1


def test_route_whose_target_is_not_known_yet_is_said() -> None:
    lost = made("Route", "r", {"gatewayId": UNKNOWN}, routeTableId="table", gatewayId="reference")
    assert network_judged(controller(), subnet(), made("RouteTable", "table"), ASSOCIATED, lost).unseen


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Eip", "instance"),
        ("Eip", "networkInterface"),
        ("EipAssociation", "instanceId"),
        ("EipAssociation", "networkInterfaceId"),
    ],
)
def test_elastic_address_of_a_controller_is_refused(kind: str, name: str) -> None:
    (said,) = network_judged(controller(), made(kind, "address", **{name: "dc1"})).violations
    assert f'"address": {name}: found "dc1", expected no domain controller.' in said
    assert network_judged(controller(tags={}), made(kind, "address", **{name: "dc1"})) == SILENT
    assert network_judged(controller(tags=UNKNOWN), made(kind, "address", **{name: "dc1"})).unseen


@pytest.mark.parametrize("value", ["i-dc1", "eni-dc1"])
def test_elastic_address_is_joined_by_its_id(value: str) -> None:
    name = "instanceId" if value.startswith("i-") else "networkInterfaceId"
    assert len(network_judged(instance(), made("EipAssociation", "address", {name: value})).violations) == 1


def test_each_region_counts_by_itself() -> None:
    west = [instance(name, region="eu-west-1", availabilityZone=f"eu-west-1{name[-1]}") for name in ("w1", "w2")]
    east = instance("e1", region="us-east-1", availabilityZone="us-east-1a")
    assert judge_stack(TWO_ZONES, *west) == SILENT
    (said,) = judge_stack(TWO_ZONES, *west, east).violations
    assert "expected 2 zones of us-east-1." in said


def late(name: str, **properties: Any) -> Made:
    return instance(name, availabilityZone=UNKNOWN, **properties)


@pytest.mark.parametrize(
    ("machines", "config", "counts"),
    [
        ([instance("dc1"), instance("dc2", availabilityZone="eu-west-1b")], {}, (0, 0)),
        ([instance()], {}, (1, 0)),
        ([instance()], {"minimumZones": 1}, (0, 0)),
        ([instance(tags={})], {}, (0, 0)),
        ([late("dc1"), late("dc2")], {}, (0, 1)),
        ([late("dc1", subnetId="subnet-1"), late("dc2", subnetId="subnet-1")], {}, (1, 0)),
    ],
)
def test_zones_of_controllers_are_counted(
    machines: list[Made], config: dict[str, Any], counts: tuple[int, int]
) -> None:
    result = judge_stack(TWO_ZONES, *machines, **config)
    assert (len(result.violations), len(result.unseen)) == counts


def test_one_zone_is_refused() -> None:
    (said,) = judge_stack(TWO_ZONES, instance("dc1"), instance("dc2")).violations
    assert "availabilityZone: found 1 for dc1, dc2, expected 2 zones. " in said


def test_subnet_of_the_stack_determines_the_zone() -> None:
    def at(zone: str) -> list[Made]:
        subnet = Made("aws:ec2/subnet:Subnet", f"s{zone}", {"id": UNKNOWN, "availabilityZone": zone})
        properties = {"tags": {"Role": "DomainController"}, "availabilityZone": UNKNOWN, "subnetId": UNKNOWN}
        machine = Made("aws:ec2/instance:Instance", f"dc{zone}", properties, sources={"subnetId": [subnet.name]})
        return [subnet, machine]

    assert judge_stack(TWO_ZONES, *at("a"), *at("b")) == SILENT
    assert len(judge_stack(TWO_ZONES, *at("a")).violations) == 1


VPC = Made("aws:ec2/vpc:Vpc", "vpc", {"id": UNKNOWN, "defaultSecurityGroupId": UNKNOWN})
LATER = Made("aws:ec2/vpc:Vpc", "vpc", {"id": "vpc-1", "defaultSecurityGroupId": "sg-default"})


def own_group_judged(
    type_: str, vpc: Made = VPC, tags: Any = MARKED, sources: Any = None, **properties: Any
) -> Judgment:
    made = Made(type_, "dc1", {"tags": tags, **properties}, sources=sources or {})
    return judge_stack(OWN_GROUP, vpc, group(), made)


@pytest.mark.parametrize(("type_", "name"), [(INSTANCE, "vpcSecurityGroupIds"), (NETWORK_INTERFACE, "securityGroups")])
def test_machine_without_a_group_is_reported(type_: str, name: str) -> None:
    for value in (None, [], UNKNOWN):
        (said,) = own_group_judged(type_, **{name: value}).violations
        assert f"{name}: found no value, expected a group of domain controllers" in said
    assert own_group_judged(type_, tags={}) == SILENT
    assert own_group_judged(type_, tags=UNKNOWN).unseen


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        (INSTANCE, "vpcSecurityGroupIds", [UNKNOWN]),
        (NETWORK_INTERFACE, "securityGroups", [UNKNOWN]),
        (LAUNCH_TEMPLATE, "vpcSecurityGroupIds", [UNKNOWN]),
        (LAUNCH_TEMPLATE, "networkInterfaces", [{"securityGroups": [UNKNOWN]}]),
    ],
)
def test_default_group_is_reported(type_: str, name: str, value: Any) -> None:
    assert len(own_group_judged(type_, sources={name: ["vpc"]}, **{name: value}).violations) == 1
    assert own_group_judged(type_, sources={name: ["dc"]}, **{name: value}) == SILENT


@pytest.mark.parametrize(
    ("type_", "properties", "count"),
    [
        (INSTANCE, {"vpcSecurityGroupIds": ["sg-default"]}, 1),
        (INSTANCE, {"vpcSecurityGroupIds": ["sg-other"]}, 0),
        (INSTANCE, {"networkInterfaces": [{"networkInterfaceId": "eni-1"}]}, 0),
        (INSTANCE, {"launchTemplate": {"id": "lt-1"}}, 0),
        (LAUNCH_TEMPLATE, {}, 0),
    ],
)
def test_groups_are_known_by_id_or_come_from_elsewhere(type_: str, properties: dict[str, Any], count: int) -> None:
    result = own_group_judged(type_, LATER, **properties)
    assert (len(result.violations), result.unseen) == (count, [])
