"""Lookup functions of networks. Source: Terraform AWS provider, `internal/service/ec2/vpc_*_data_source.go`."""

from typing import Any, Final

from local.aws_provider.aws import Aws
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Function, flag, text
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.wire import Values


def single(found: list[Any], what: str, plural: str) -> Values:
    """Return the only match.

    Raises:
        InvalidInputError: No match, or several.
    """
    if not found:
        raise InvalidInputError(f"no matching EC2 {what} found")
    if len(found) > 1:
        raise InvalidInputError(
            f"multiple EC2 {plural} matched; use additional constraints to reduce matches to a single EC2 {what}"
        )
    return found[0]


def _truth(value: bool | None) -> str | None:  # noqa: FBT001 - a filter's value
    # Terraform sends these filters only if they are true: false is the zero value.
    return "true" if value else None


def _get_vpc(aws: Aws, given: Values) -> Values:
    found = aws.pages(
        "DescribeVpcs",
        "Vpcs",
        VpcIds=[given["id"]] if given.get("id") else None,
        Filters=ec2_common.filters(
            given,
            cidr=given.get("cidrBlock"),
            dhcp_options_id=given.get("dhcpOptionsId"),
            isDefault=_truth(given.get("default")),
            state=given.get("state"),
        ),
    )
    vpc = single(found, "VPC", "VPCs")
    vpc_id = vpc["VpcId"]
    ipv6: list[Values] = vpc.get("Ipv6CidrBlockAssociationSet", [])
    main = aws.pages(
        "DescribeRouteTables",
        "RouteTables",
        Filters=[
            {"Name": "association.main", "Values": ["true"]},
            {"Name": "vpc-id", "Values": [vpc_id]},
        ],
    )

    def attribute(name: str) -> bool:
        answer = aws.call("DescribeVpcAttribute", VpcId=vpc_id, Attribute=name)
        return bool(answer.get(name[0].upper() + name[1:], {}).get("Value", False))

    return {
        "arn": ec2_common.arn(aws, f"vpc/{vpc_id}", vpc.get("OwnerId")),
        "cidrBlock": vpc["CidrBlock"],
        "cidrBlockAssociations": [
            {
                "associationId": item["AssociationId"],
                "cidrBlock": item["CidrBlock"],
                "state": item["CidrBlockState"]["State"],
            }
            for item in vpc.get("CidrBlockAssociationSet", [])
        ],
        "default": vpc.get("IsDefault", False),
        "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
        "enableDnsHostnames": attribute("enableDnsHostnames"),
        "enableDnsSupport": attribute("enableDnsSupport"),
        "enableNetworkAddressUsageMetrics": attribute("enableNetworkAddressUsageMetrics"),
        "filters": given.get("filters"),
        "id": vpc_id,
        "instanceTenancy": vpc.get("InstanceTenancy", "default"),
        "ipv6AssociationId": ipv6[0]["AssociationId"] if ipv6 else "",
        "ipv6CidrBlock": ipv6[0]["Ipv6CidrBlock"] if ipv6 else "",
        "ipv6CidrBlockAssociations": [_ipv6_association(item) for item in ipv6],
        "mainRouteTableId": main[0]["RouteTableId"] if main else "",
        "ownerId": vpc.get("OwnerId", aws.account),
        "state": vpc["State"],
        "tags": from_pairs(vpc.get("Tags")),
    }


def _ipv6_association(item: Values) -> Values:
    return {
        "associationId": item["AssociationId"],
        "ipSource": item.get("IpSource", ""),
        "ipv6AddressAttribute": item.get("Ipv6AddressAttribute", ""),
        "ipv6CidrBlock": item["Ipv6CidrBlock"],
        "ipv6Pool": item.get("Ipv6Pool", ""),
        "networkBorderGroup": item.get("NetworkBorderGroup", ""),
        "state": item.get("Ipv6CidrBlockState", {}).get("State", ""),
    }


_subnet_outputs: Final = {
    # output: (field of the response, default)
    "assignIpv6AddressOnCreation": ("AssignIpv6AddressOnCreation", False),
    "availabilityZone": ("AvailabilityZone", ""),
    "availabilityZoneId": ("AvailabilityZoneId", ""),
    "availableIpAddressCount": ("AvailableIpAddressCount", 0),
    "cidrBlock": ("CidrBlock", ""),
    "customerOwnedIpv4Pool": ("CustomerOwnedIpv4Pool", ""),
    "defaultForAz": ("DefaultForAz", False),
    "enableDns64": ("EnableDns64", False),
    "enableLniAtDeviceIndex": ("EnableLniAtDeviceIndex", 0),
    "id": ("SubnetId", ""),
    "ipv6Native": ("Ipv6Native", False),
    "mapCustomerOwnedIpOnLaunch": ("MapCustomerOwnedIpOnLaunch", False),
    "mapPublicIpOnLaunch": ("MapPublicIpOnLaunch", False),
    "outpostArn": ("OutpostArn", ""),
    "ownerId": ("OwnerId", ""),
    "state": ("State", ""),
    "vpcId": ("VpcId", ""),
}


def _get_subnet(aws: Aws, given: Values) -> Values:
    found = aws.pages(
        "DescribeSubnets",
        "Subnets",
        SubnetIds=[given["id"]] if given.get("id") else None,
        Filters=ec2_common.filters(
            given,
            availabilityZone=given.get("availabilityZone"),
            availabilityZoneId=given.get("availabilityZoneId"),
            cidrBlock=given.get("cidrBlock"),
            defaultForAz=_truth(given.get("defaultForAz")),
            state=given.get("state"),
            vpc_id=given.get("vpcId"),
        ),
    )
    if given.get("ipv6CidrBlock"):
        found = [subnet for subnet in found if given["ipv6CidrBlock"] in _ipv6_blocks(subnet).values()]
    subnet = single(found, "Subnet", "Subnets")
    blocks = _ipv6_blocks(subnet)
    names: Values = subnet.get("PrivateDnsNameOptionsOnLaunch") or {}
    return {
        **{name: subnet.get(field, absent) for name, (field, absent) in _subnet_outputs.items()},
        "arn": subnet.get("SubnetArn") or ec2_common.arn(aws, f"subnet/{subnet['SubnetId']}"),
        "enableResourceNameDnsARecordOnLaunch": names.get("EnableResourceNameDnsARecord", False),
        "enableResourceNameDnsAaaaRecordOnLaunch": names.get("EnableResourceNameDnsAAAARecord", False),
        "filters": given.get("filters"),
        "ipv6CidrBlock": next(iter(blocks.values()), ""),
        "ipv6CidrBlockAssociationId": next(iter(blocks), ""),
        "privateDnsHostnameTypeOnLaunch": names.get("HostnameType", ""),
        "tags": from_pairs(subnet.get("Tags")),
    }


def _ipv6_blocks(subnet: Values) -> dict[str, str]:
    """Map association IDs to CIDR blocks."""
    associations: list[Values] = subnet.get("Ipv6CidrBlockAssociationSet", [])
    return {item["AssociationId"]: item["Ipv6CidrBlock"] for item in associations}


def _get_subnets(aws: Aws, given: Values) -> Values:
    found = aws.pages("DescribeSubnets", "Subnets", Filters=ec2_common.filters(given))
    return {
        "filters": given.get("filters"),
        "id": aws.region,
        "ids": [subnet["SubnetId"] for subnet in found],
        "tags": given.get("tags", {}),
    }


def _get_route_tables(aws: Aws, given: Values) -> Values:
    wanted = ec2_common.filters(given, vpc_id=given.get("vpcId"))
    found = aws.pages("DescribeRouteTables", "RouteTables", Filters=wanted)
    return {
        "filters": given.get("filters"),
        "id": aws.region,
        "ids": [table["RouteTableId"] for table in found],
        "tags": given.get("tags", {}),
        "vpcId": given.get("vpcId"),
    }


_route_outputs: Final = {
    "carrierGatewayId": "CarrierGatewayId",
    "cidrBlock": "DestinationCidrBlock",
    "coreNetworkArn": "CoreNetworkArn",
    "destinationPrefixListId": "DestinationPrefixListId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "instanceId": "InstanceId",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "localGatewayId": "LocalGatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "odbNetworkArn": "OdbNetworkArn",
    "transitGatewayId": "TransitGatewayId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def _get_route_table(aws: Aws, given: Values) -> Values:
    if not any(given.get(name) for name in ("routeTableId", "vpcId", "subnetId", "gatewayId", "filters", "tags")):
        raise InvalidInputError("at least one of routeTableId, vpcId, subnetId, gatewayId, filters, tags is needed")
    wanted = ec2_common.filters(
        given,
        route_table_id=given.get("routeTableId"),
        vpc_id=given.get("vpcId"),
        **{
            "association.subnet_id": given.get("subnetId"),
            "association.gateway_id": given.get("gatewayId"),
        },
    )
    table = single(aws.pages("DescribeRouteTables", "RouteTables", Filters=wanted), "Route Table", "Route Tables")
    table_id = table["RouteTableId"]
    owner = table.get("OwnerId") or aws.account
    return {
        "arn": ec2_common.arn(aws, f"route-table/{table_id}", owner),
        "associations": [_association(item) for item in table.get("Associations", [])],
        "filters": given.get("filters"),
        "gatewayId": given.get("gatewayId"),
        "id": table_id,
        "ownerId": owner,
        "routeTableId": table_id,
        "routes": [_route(item) for item in table.get("Routes", []) if _is_shown(item)],
        "subnetId": given.get("subnetId"),
        "tags": from_pairs(table.get("Tags")),
        "vpcId": table["VpcId"],
    }


def _is_shown(route: Values) -> bool:
    """Return whether a route is reported: not those that AWS maintains (local, propagated, of a gateway endpoint)."""
    gateway = route.get("GatewayId", "")
    propagated = route.get("Origin") == "EnableVgwRoutePropagation"
    return gateway != "local" and not gateway.startswith("vpce-") and not propagated


def _route(item: Values) -> Values:
    return {**{ours: item.get(theirs, "") for ours, theirs in _route_outputs.items()}, "vpcEndpointId": ""}


def _association(item: Values) -> Values:
    return {
        "gatewayId": item.get("GatewayId", ""),
        "main": item.get("Main", False),
        "routeTableAssociationId": item.get("RouteTableAssociationId", ""),
        "routeTableId": item.get("RouteTableId", ""),
        "subnetId": item.get("SubnetId", ""),
    }


_by_filters = ec2_common.filter_inputs

FUNCTIONS = (
    Function(
        name="aws:ec2/getVpc:getVpc",
        service="ec2",
        inputs={
            **_by_filters,
            **{name: text() for name in ("id", "cidrBlock", "dhcpOptionsId", "state")},
            "default": flag(),
        },
        calls=("DescribeVpcs", "DescribeVpcAttribute", "DescribeRouteTables"),
        run=_get_vpc,
    ),
    Function(
        name="aws:ec2/getSubnet:getSubnet",
        service="ec2",
        inputs={
            **_by_filters,
            **{name: text() for name in ("id", "availabilityZone", "availabilityZoneId", "cidrBlock")},
            **{name: text() for name in ("ipv6CidrBlock", "state", "vpcId")},
            "defaultForAz": flag(),
        },
        calls=("DescribeSubnets",),
        run=_get_subnet,
    ),
    Function(
        name="aws:ec2/getSubnets:getSubnets",
        service="ec2",
        inputs=_by_filters,
        calls=("DescribeSubnets",),
        run=_get_subnets,
    ),
    Function(
        name="aws:ec2/getRouteTables:getRouteTables",
        service="ec2",
        inputs={**_by_filters, "vpcId": text()},
        calls=("DescribeRouteTables",),
        run=_get_route_tables,
    ),
    Function(
        name="aws:ec2/getRouteTable:getRouteTable",
        service="ec2",
        inputs={
            **_by_filters,
            **{name: text() for name in ("gatewayId", "routeTableId", "subnetId", "vpcId")},
        },
        calls=("DescribeRouteTables",),
        run=_get_route_table,
    ),
)
