"""Lookups of networks on the local AWS."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.session import AwsClients
from common.problems import SettingsError
from components import network
from components.domain_controllers import site_resources
from components.network import check_private, find_network
from tests.support.recorder import calls, reset_calls

REGION = "eu-west-1"
PATH = ("endpoints", REGION)


class Ec2:
    """A VPC of the test."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.vpc = self.new_vpc("office")

    def new_vpc(self, name: str) -> str:
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": name}]}]
        return self.client.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]

    def subnet(self, name: str, number: int, zone: str = "a") -> str:
        made = self.client.create_subnet(
            VpcId=self.vpc,
            CidrBlock=f"10.9.{number}.0/24",
            AvailabilityZone=f"{REGION}{zone}",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": name}]}],
        )
        return made["Subnet"]["SubnetId"]

    def table(self, subnet: str) -> str:
        table = self.client.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.client.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return table

    def route_to_internet(self, table: str) -> str:
        gateway = self.client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.client.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        return gateway


@pytest.fixture
def ec2(clients: AwsClients, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Ec2:
    monkeypatch.setattr(network, "program_clients", lambda: clients)
    network.find_vpc.cache_clear()
    return Ec2(client("ec2"))


def found(*subnets: str, vpc: str = "office", **more: Any) -> network.Network:
    return find_network(region=REGION, vpc=vpc, subnets=list(subnets), path=PATH, **more)


def refused(*subnets: str, vpc: str = "office") -> str:
    with pytest.raises(SettingsError) as problems:
        found(*subnets, vpc=vpc)
    (problem,) = problems.value.problems
    return str(problem)


def test_network_is_found_by_name_or_id_in_few_calls(ec2: Ec2, endpoint: str) -> None:
    ids = [ec2.subnet("a", 1), ec2.subnet("b", 2, "b")]
    own = ec2.table(ids[0])
    reset_calls(endpoint)
    by_name = found("b", "a")
    assert found("a").subnet_ids == (ids[0],)
    counted = {name: number for name, number in calls(endpoint).items() if name.startswith("ec2:")}
    assert counted == {
        "ec2:DescribeVpcs": 1,
        "ec2:DescribeVpcAttribute": 2,
        "ec2:DescribeSubnets": 1,
        "ec2:DescribeRouteTables": 1,
    }
    assert by_name.vpc_id == ec2.vpc
    assert by_name.subnet_ids == (ids[1], ids[0])
    assert by_name.cidrs == ("10.9.2.0/24", "10.9.1.0/24")
    assert by_name.subnets[1].route_table_ids == (own,)
    (main,) = by_name.subnets[0].route_table_ids
    assert main != own
    assert found(*reversed(ids), vpc=ec2.vpc).route_table_ids == tuple(sorted((main, own)))


def test_network_resolves_private_names_with_both_settings(ec2: Ec2) -> None:
    assert not found().resolves_private_names
    ec2.client.modify_vpc_attribute(VpcId=ec2.vpc, EnableDnsHostnames={"Value": True})
    network.find_vpc.cache_clear()
    assert found().resolves_private_names


def test_network_with_ambiguous_or_missing_names_is_refused(ec2: Ec2) -> None:
    ec2.subnet("twice", 1)
    ec2.subnet("twice", 2, "b")
    other = ec2.new_vpc("branch")
    assert refused("twice").endswith(f'expected the id or the Name tag of just one subnet of {ec2.vpc}, got "twice".')
    assert "endpoints.eu-west-1.subnets[0]" in refused("off*")
    for vpc in ("offic?", "off*", "vpc-00000000", "Office"):
        assert refused(vpc=vpc).endswith(f', got "{vpc}".')
    ec2.client.create_tags(Resources=[other], Tags=[{"Key": "Name", "Value": "office"}])
    network.find_vpc.cache_clear()
    assert "just one VPC that exists in eu-west-1" in refused()


def test_network_with_two_subnets_in_a_zone_is_refused(ec2: Ec2) -> None:
    ec2.subnet("a", 1)
    ec2.subnet("a2", 2)
    assert "a subnet in another zone than a (eu-west-1a)" in refused("a", "a2")
    assert len(found("a", "a2", one_subnet_a_zone=False).subnets) == 2


def test_private_subnets_have_no_route_to_internet(ec2: Ec2) -> None:
    public, private = ec2.subnet("public", 1), ec2.subnet("private", 2, "b")
    table = ec2.table(public)
    ec2.table(private)
    gateway = ec2.route_to_internet(table)
    check_private(found("private"), PATH)
    with pytest.raises(SettingsError, match=f"whose route table {table} has a route to the internet gateway {gateway}"):
        check_private(found("private", "public"), PATH)


class Denied:
    """Clients of a principal that may call nothing."""

    def client(self, _service: str, _region: str) -> Denied:
        return self

    def caller_arn(self, _region: str) -> str:
        return "arn:aws:iam::111122223333:role/Caller"

    def get_paginator(self, _operation: str) -> Any:
        answer: Any = {"Error": {"Code": "UnauthorizedOperation", "Message": "You are not authorized"}}
        raise ClientError(answer, "DescribeVpcs")


def test_network_that_cannot_be_read_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "program_clients", Denied)
    network.find_vpc.cache_clear()
    said = refused()
    assert "shell-access:endpoints.eu-west-1.vpc: VPC office in eu-west-1:" in said
    assert "ec2:DescribeVpcs" in said


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("RouteTables", "no route table of subnet-"),
        ("Routes", "no Routes"),
        ("CidrBlock", "no CIDR block of subnet-"),
    ],
)
def test_vpc_without_its_parts_is_no_answer(
    ec2: Ec2, monkeypatch: pytest.MonkeyPatch, left_out: str, missing: str
) -> None:
    """A subnet whose routes are not known would count as private, and one without networks would admit no traffic."""
    ec2.subnet("a", 1)
    pages = network._pages

    def without(client: Any, operation: str, items: str, filters: Any) -> Any:
        listed = pages(client, operation, items, filters)
        if items == left_out:
            return []
        for each in listed:
            each.pop(left_out, None)
        return listed

    monkeypatch.setattr(network, "_pages", without)
    assert missing in refused("a")


def test_prefix_list_without_entries_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network ACL without the networks of S3 would block it."""
    pages = SimpleNamespace(paginate=lambda **_: [{"Entries": []}])
    ec2 = SimpleNamespace(
        describe_managed_prefix_lists=lambda **_: {"PrefixLists": [{"PrefixListId": "pl-1"}]},
        get_paginator=lambda _: pages,
    )
    monkeypatch.setattr(site_resources, "program_clients", lambda: SimpleNamespace(client=lambda *_: ec2))
    with pytest.raises(SettingsError, match=r"no entries of com\.amazonaws\.eu-west-1\.s3"):
        site_resources._s3_list(REGION, PATH)
