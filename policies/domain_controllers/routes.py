"""Subnets of a stack with a route to the internet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from common.iam.truth import Truth, any_of, truth
from policies.domain_controllers.machines import same
from policies.domain_controllers.references import ReferenceIndex, ResourceReference
from policies.findings import UNKNOWN, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

GATEWAYS: Final = (
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
)
TABLE: Final = "aws:ec2/routeTable:RouteTable"
DEFAULT_TABLE: Final = "aws:ec2/defaultRouteTable:DefaultRouteTable"
ROUTE: Final = "aws:ec2/route:Route"
ASSOCIATION: Final = "aws:ec2/routeTableAssociation:RouteTableAssociation"
MAIN_ASSOCIATION: Final = "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation"
VPC: Final = "aws:ec2/vpc:Vpc"

_TARGETS: Final = ("gatewayId", "egressOnlyGatewayId")
_PREFIXES: Final = ("igw-", "eigw-")


class Routes:
    """Route tables of a stack and their subnets."""

    def __init__(self, stack: Stack, subnets: ReferenceIndex) -> None:
        self._stack, self._subnets = stack, subnets
        self._gateways = ReferenceIndex(stack, *GATEWAYS)
        self._tables = ReferenceIndex(stack, TABLE, DEFAULT_TABLE)
        self._vpcs = ReferenceIndex(stack, VPC)

    def to_the_internet(self, subnet: ResourceReference) -> Iterator[tuple[Resource, str, Truth]]:
        """Return routes to an internet gateway: resource, property, certainty."""
        for table in self._tables_of(subnet):
            routes = table.given("routes")
            several = cast("list[Any]", routes) if isinstance(routes, list) else [] if routes is None else [UNKNOWN]
            for index, route in enumerate(several):
                found = self._leads_out(table, "routes", route)
                if found is not Truth.NO:
                    yield table, f"routes[{index}]", found
            for route in self._stack.of(ROUTE):
                if any(table in named.candidates for named in self._tables.all_of(route, "routeTableId")):
                    for name in _TARGETS:
                        found = self._target(route, name, route.given(name))
                        if found is not Truth.NO:
                            yield route, name, found

    def _tables_of(self, subnet: ResourceReference) -> list[Resource]:
        explicit = [
            table
            for each in self._stack.of(ASSOCIATION)
            if any(same(one, subnet) for one in self._subnets.all_of(each, "subnetId"))
            for named in self._tables.all_of(each, "routeTableId")
            for table in named.candidates
        ]
        return explicit or self._main_tables(subnet)

    def _main_tables(self, subnet: ResourceReference) -> list[Resource]:
        """Return the main tables of the subnet's VPC, for a subnet without an association."""
        vpcs = [named for each in subnet.candidates for named in self._vpcs.all_of(each, "vpcId")]
        chosen = [
            table
            for each in self._stack.of(MAIN_ASSOCIATION)
            if any(same(one, vpc) for one in self._vpcs.all_of(each, "vpcId") for vpc in vpcs)
            for named in self._tables.all_of(each, "routeTableId")
            for table in named.candidates
        ]
        return chosen or [
            table
            for table in self._stack.of(DEFAULT_TABLE)
            if any(self._is_the_default(table, vpc) for named in vpcs for vpc in named.candidates)
        ]

    def _is_the_default(self, table: Resource, vpc: Resource) -> bool:
        return vpc.urn in table.sources.get("defaultRouteTableId", ()) or (
            isinstance(table.value("defaultRouteTableId"), str)
            and table.value("defaultRouteTableId") == vpc.value("defaultRouteTableId")
        )

    def _leads_out(self, table: Resource, name: str, route: Any) -> Truth:
        if not isinstance(route, dict):
            return Truth.UNKNOWN
        targets = cast("dict[str, Any]", route)
        return any_of(self._target(table, name, targets.get(each)) for each in _TARGETS)

    def _target(self, holder: Resource, name: str, value: Any) -> Truth:
        if value is None or value == "":
            return Truth.NO
        named = self._gateways.of(holder, name, value)
        if value is UNKNOWN and not named.candidates:
            # A target that is another AWS resource is no internet gateway; targets of other providers are unknown.
            coming = holder.sources.get(name, ())
            return Truth.NO if coming and all(map(_is_of_aws, coming)) else Truth.UNKNOWN
        return truth(str(value).startswith(_PREFIXES) or bool(named.candidates))


def _is_of_aws(urn: str) -> bool:
    """Return whether a URN is of a resource of the AWS provider, with any parents."""
    _, _, *rest = urn.split("::")
    return bool(rest) and rest[0].rpartition("$")[2].startswith("aws:")
