"""Subnets, routes and addresses; the local AWS plugin knows none of these resources, so no engine runs here."""

from typing import Any

import pytest

from policies.domain_controllers.controller_private_network import RULE
from tests.policies.domain_controllers.stacks import INSTANCE, MARKED, NETWORK_INTERFACE, instance
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack

SUBNET = "aws:ec2/subnet:Subnet"
DEFAULT_SUBNET = "aws:ec2/defaultSubnet:DefaultSubnet"


def judged(*resources: Made) -> Judgment:
    """In a stack in which everything exists that the resources come from, if only as resources of no interest."""
    names = {each.name for each in resources}
    wanted = {one for each in resources for several in each.sources.values() for one in several}
    others = [Made(type="pulumi:pulumi:StackReference", name=name) for name in sorted(wanted - names)]
    return judge_stack(RULE, *resources, *others)


def controller(type_: str = INSTANCE, tags: Any = MARKED) -> Made:
    properties = {"id": UNKNOWN, "tags": tags, "subnetId": UNKNOWN}
    return Made(type=type_, name="dc1", properties=properties, sources={"subnetId": ["subnet"]})


def subnet(type_: str = SUBNET, **properties: Any) -> Made:
    return Made(
        type=type_,
        name="subnet",
        properties={"id": UNKNOWN, "vpcId": UNKNOWN, **properties},
        sources={"vpcId": ["vpc"]},
    )


def made(kind: str, name: str, properties: dict[str, Any] | None = None, **sources: str) -> Made:
    unknown = dict.fromkeys(sources, UNKNOWN)
    type_ = f"aws:ec2/{kind[0].lower()}{kind[1:]}:{kind}"
    return Made(
        type=type_,
        name=name,
        properties={"id": UNKNOWN, **unknown, **(properties or {})},
        sources={key: [value] for key, value in sources.items()},
    )


ASSOCIATED = made("RouteTableAssociation", "association", subnetId="subnet", routeTableId="table")
GATEWAY = made("InternetGateway", "gateway")


@pytest.mark.parametrize("type_", [INSTANCE, NETWORK_INTERFACE])
def test_private_subnet_is_fine(type_: str) -> None:
    table = made("RouteTable", "table", {"routes": [{"cidrBlock": "10.0.0.0/8", "gatewayId": "vgw-1"}]})
    assert judged(controller(type_), subnet(), table, ASSOCIATED) == SILENT


@pytest.mark.parametrize("name", ["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"])
def test_subnet_that_gives_public_addresses_is_refused(name: str) -> None:
    (said,) = judged(controller(), subnet(**{name: True})).violations
    assert said.startswith(f'{SUBNET} "subnet": {name}: found true, expected false, as domain controllers stand in it.')
    assert judged(controller(tags={}), subnet(**{name: True})) == SILENT


def test_default_subnet_assigns_public_addresses_by_default() -> None:
    assert len(judged(controller(), subnet(DEFAULT_SUBNET)).violations) == 1
    assert judged(controller(), subnet(DEFAULT_SUBNET, mapPublicIpOnLaunch=False)) == SILENT


def routed() -> list[tuple[str, tuple[Made, ...]]]:
    """Every way to write a route to the internet."""
    unknown_inline = Made(
        type="aws:ec2/routeTable:RouteTable",
        name="table",
        properties={"id": UNKNOWN, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": UNKNOWN}]},
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
    (said,) = judged(controller(), subnet(), *resources).violations
    assert 'found a route to the internet, expected none, as "dc1" stands behind it.' in said


def test_route_of_another_subnets_table_is_left_alone() -> None:
    table = made("RouteTable", "table", {"routes": [{"gatewayId": "igw-1"}]})
    other = made("Subnet", "other")
    association = made("RouteTableAssociation", "association", subnetId="other", routeTableId="table")
    assert judged(controller(), subnet(), other, table, association) == SILENT


@pytest.mark.parametrize(("default", "count"), [("rtb-1", 1), ("rtb-2", 0)])
def test_default_table_is_joined_by_its_id(default: str, count: int) -> None:
    vpc = made("Vpc", "vpc", {"defaultRouteTableId": "rtb-1"})
    table = made("DefaultRouteTable", "table", {"defaultRouteTableId": default, "routes": [{"gatewayId": "igw-1"}]})
    assert len(judged(controller(), subnet(), vpc, table).violations) == count


def test_subnet_of_another_stack_is_joined_by_its_id() -> None:
    table = made("RouteTable", "table", {"routes": [{"gatewayId": "igw-1"}]})
    association = made("RouteTableAssociation", "association", {"subnetId": "subnet-dc1"}, routeTableId="table")
    assert len(judged(instance(), table, association).violations) == 1


def test_route_whose_target_is_not_known_yet_is_said() -> None:
    lost = made("Route", "r", {"gatewayId": UNKNOWN}, routeTableId="table", gatewayId="reference")
    assert judged(controller(), subnet(), made("RouteTable", "table"), ASSOCIATED, lost).unseen


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
    (said,) = judged(controller(), made(kind, "address", **{name: "dc1"})).violations
    assert f'"address": {name}: found "dc1", expected no domain controller.' in said
    assert judged(controller(tags={}), made(kind, "address", **{name: "dc1"})) == SILENT
    assert judged(controller(tags=UNKNOWN), made(kind, "address", **{name: "dc1"})).unseen


@pytest.mark.parametrize("value", ["i-dc1", "eni-dc1"])
def test_elastic_address_is_joined_by_its_id(value: str) -> None:
    name = "instanceId" if value.startswith("i-") else "networkInterfaceId"
    assert len(judged(instance(), made("EipAssociation", "address", {name: value})).violations) == 1
