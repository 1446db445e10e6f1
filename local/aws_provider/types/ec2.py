"""VPC endpoints, prefix lists and flow logs. Source: Terraform AWS provider, `internal/service/ec2/vpc_*.go`."""

from typing import Any, Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import (
    Code,
    Item,
    Operation,
    ResourceType,
    Tagging,
    fixed,
    flag,
    name,
    records,
    text,
    texts,
    whole,
)
from local.aws_provider.wire import Values, items_of


def tagging(kind: str) -> Tagging:
    """Return the operations for tags of a type of EC2 resource."""
    return Tagging("CreateTags", "DeleteTags", listing="", kind=kind)


# Endpoints.


def _find_endpoint(aws: Aws, endpoint: Item) -> Values | None:
    found = aws.call("DescribeVpcEndpoints", VpcEndpointIds=[endpoint.id])["VpcEndpoints"]
    if not found or found[0].get("State", "").lower() == "deleted":
        return None
    return {**found[0], "State": found[0].get("State", "").lower()}


def _wait_for_endpoint(aws: Aws, endpoint: Item) -> None:
    def settled() -> bool:
        found = _find_endpoint(aws, endpoint)
        state = "available" if found is None else found["State"] or "available"
        if state in {"failed", "rejected"}:
            raise AwsError("ec2:CreateVpcEndpoint", state, f"{endpoint.id} is {state}")
        return state in {"available", "pendingacceptance"}

    aws.wait_until(settled, f"{endpoint.id} being available")


def _read_prefix_list(aws: Aws, endpoint: Item) -> Values:
    """Return the prefix list of a gateway endpoint, with the addresses of its service."""
    if endpoint.found.get("VpcEndpointType") != "Gateway":
        return {"cidrBlocks": []}
    by_name = [{"Name": "prefix-list-name", "Values": [endpoint.found["ServiceName"]]}]
    lists = aws.call("DescribePrefixLists", Filters=by_name).get("PrefixLists", [])
    return {"cidrBlocks": lists[0].get("Cidrs", []), "prefixListId": lists[0]["PrefixListId"]} if lists else {}


def _update_endpoint(aws: Aws, endpoint: Item) -> None:
    old, new = endpoint.old, endpoint.values
    arguments: Values = {}
    if endpoint.has("policy"):
        arguments |= {"PolicyDocument": new["policy"]} if new.get("policy") else {"ResetPolicy": True}
    if endpoint.has("privateDnsEnabled"):
        arguments["PrivateDnsEnabled"] = new["privateDnsEnabled"]
    for members in ("RouteTableIds", "SecurityGroupIds", "SubnetIds"):
        listed = members[0].lower() + members[1:]
        if endpoint.has(listed):
            before, after = set(items_of(old.get(listed))), set(items_of(new.get(listed)))
            arguments |= {f"Add{members}": sorted(after - before) or None}
            arguments |= {f"Remove{members}": sorted(before - after) or None}
    aws.call("ModifyVpcEndpoint", VpcEndpointId=endpoint.id, **arguments)
    _wait_for_endpoint(aws, endpoint)


_endpoint_gone: Final = "InvalidVpcEndpointId.NotFound"

VPC_ENDPOINT = ResourceType(
    name="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    properties={
        "policy": policy_json.policy(computed=True, aws="PolicyDocument"),
        "privateDnsEnabled": flag(computed=True),
        "routeTableIds": texts(computed=True),
        "securityGroupIds": texts(computed=True, aws="SecurityGroupIds Groups.GroupId"),
        "serviceName": text(replaces=True),
        "subnetIds": texts(computed=True),
        "vpcEndpointType": text(
            validators.one_of("Gateway", "Interface", "GatewayLoadBalancer", "Resource", "ServiceNetwork"),
            default="Gateway",
            replaces=True,
        ),
        "vpcId": text(required=True, replaces=True),
    },
    outputs=(
        "arn cidrBlocks dnsEntries dnsOptions ipAddressType networkInterfaceIds ownerId prefixListId requesterManaged "
        "serviceRegion state"
    ),
    refused=(
        "autoAccept dnsOptions ipAddressType resourceConfigurationArn serviceNetworkArn serviceRegion "
        "subnetConfigurations"
    ),
    arn="vpc-endpoint/{id}",
    create=(Operation("CreateVpcEndpoint", result="VpcEndpoint.VpcEndpointId"), Code(_wait_for_endpoint)),
    read=(Code(_find_endpoint, "DescribeVpcEndpoints"), Code(_read_prefix_list, "DescribePrefixLists")),
    update=(
        Code(
            _update_endpoint,
            "ModifyVpcEndpoint",
            on="policy privateDnsEnabled routeTableIds securityGroupIds subnetIds",
        ),
    ),
    delete=(Operation("DeleteVpcEndpoints", {"VpcEndpointIds": "id"}),),
    deletion_seconds=600,
    tagging=tagging("vpc-endpoint"),
    gone=frozenset({_endpoint_gone}),
    exactly_one=(("serviceName", "resourceConfigurationArn", "serviceNetworkArn"),),
)


# Prefix lists.


def _entries(items: Any) -> dict[str, str]:
    """Map addresses to descriptions."""
    return {item["cidr"]: item.get("description") or "" for item in items_of(items)}


def _find_list(aws: Aws, prefix_list: Item) -> Values | None:
    found = aws.call("DescribeManagedPrefixLists", PrefixListIds=[prefix_list.id])["PrefixLists"]
    return None if not found or found[0].get("State") == "delete-complete" else found[0]


def _find_settled(aws: Aws, prefix_list: Item) -> Values | None:
    """Return a prefix list; raise an error if its last change or its deletion failed."""
    found = _find_list(aws, prefix_list)
    state: str = (found or {}).get("State", "")
    if found and state.endswith("-failed"):
        raise AwsError("ec2:ModifyManagedPrefixList", state, found.get("StateMessage", ""))
    return found


def _wait_for_list(aws: Aws, prefix_list: Item) -> None:
    def settled() -> bool:
        return (_find_settled(aws, prefix_list) or {}).get("State", "").endswith("-complete")

    aws.wait_until(settled, f"{prefix_list.id} being ready")


def _read_entries(aws: Aws, prefix_list: Item) -> Values:
    return {"entries": aws.pages("GetManagedPrefixListEntries", "Entries", PrefixListId=prefix_list.id)}


def _update_list(aws: Aws, prefix_list: Item) -> None:
    old_size, new_size = prefix_list.old["maxEntries"], prefix_list.values["maxEntries"]
    # AWS does not accept a new size together with new entries: grow before, shrink after.
    if new_size > old_size:
        _modify(aws, prefix_list, MaxEntries=new_size)
    if prefix_list.has("name", "entries"):
        _change_entries(aws, prefix_list)
    if new_size < old_size:
        _modify(aws, prefix_list, MaxEntries=new_size)


def _change_entries(aws: Aws, prefix_list: Item) -> None:
    title: str | None = prefix_list.values["name"] if prefix_list.has("name") else None
    if not prefix_list.has("entries"):
        _modify(aws, prefix_list, PrefixListName=title)
        return
    old, new = _entries(prefix_list.old.get("entries")), _entries(prefix_list.values.get("entries"))
    added = {cidr: about for cidr, about in new.items() if old.get(cidr) != about}
    removed = {cidr for cidr in old if cidr not in new or cidr in added}
    redescribed = [{"Cidr": cidr} for cidr in sorted(removed & set(added))]
    if redescribed:
        # AWS rejects an address that is both added and removed in one request.
        _modify(aws, prefix_list, RemoveEntries=redescribed, CurrentVersion=_version(aws, prefix_list))
    _modify(
        aws,
        prefix_list,
        PrefixListName=title,
        AddEntries=[{"Cidr": cidr, "Description": about} for cidr, about in sorted(added.items())] or None,
        RemoveEntries=[{"Cidr": cidr} for cidr in sorted(removed - set(added))] or None,
        CurrentVersion=_version(aws, prefix_list),
    )


def _version(aws: Aws, prefix_list: Item) -> int | None:
    return (_find_list(aws, prefix_list) or {}).get("Version")


def _modify(aws: Aws, prefix_list: Item, **arguments: Any) -> None:
    aws.call("ModifyManagedPrefixList", PrefixListId=prefix_list.id, **arguments)
    _wait_for_list(aws, prefix_list)


_list_gone: Final = "InvalidPrefixListID.NotFound"

MANAGED_PREFIX_LIST = ResourceType(
    name="aws:ec2/managedPrefixList:ManagedPrefixList",
    service="ec2",
    properties={
        "addressFamily": text(validators.one_of("IPv4", "IPv6"), required=True, replaces=True),
        "entries": records(
            {
                "cidr": text(validators.cidr, required=True),
                "description": text(validators.length(0, 255)),
            },
            computed=True,
            unordered=True,
        ),
        "maxEntries": whole(validators.between(1, 1000), required=True),
        "name": name(validators.length(1, 255), replaces=False, aws="PrefixListName"),
    },
    outputs="arn=PrefixListArn ownerId version",
    create=(Operation("CreateManagedPrefixList", result="PrefixList.PrefixListId"), Code(_wait_for_list)),
    read=(Code(_find_list, "DescribeManagedPrefixLists"), Code(_read_entries, "GetManagedPrefixListEntries")),
    update=(Code(_update_list, "ModifyManagedPrefixList", on="name entries maxEntries"),),
    delete=(
        Operation("DeleteManagedPrefixList", {"PrefixListId": "id"}),
        Code(
            lambda aws, prefix_list: aws.wait_until_gone(
                lambda: _find_settled(aws, prefix_list), {_list_gone}, prefix_list.id
            )
        ),
    ),
    tagging=tagging("prefix-list"),
    gone=frozenset({_list_gone}),
    moves={"version": ("entries",)},
)


# Flow logs.

_sources: Final = ("vpcId", "subnetId")


def _without_stars(arn: str) -> str:
    return arn.removesuffix(":*")


def _read_source(aws: Aws, log: Item) -> Values:
    """Return the resource that is logged, and the destination of logs that AWS describes by the group's name."""
    source = "subnetId" if log.found["ResourceId"].startswith("subnet-") else "vpcId"
    named = f"arn:{aws.partition}:logs:{aws.region}:{aws.account}:log-group:{log.found.get('LogGroupName')}"
    return {source: log.found["ResourceId"], "LogDestination": log.found.get("LogDestination") or named}


FLOW_LOG = ResourceType(
    name="aws:ec2/flowLog:FlowLog",
    service="ec2",
    properties={
        "iamRoleArn": text(validators.arn, replaces=True, aws="DeliverLogsPermissionArn"),
        # A value with `:*`, which some sources append to the ARN of a log group, differs from AWS' at every preview.
        "logDestination": text(validators.arn, computed=True, replaces=True, sent_as=_without_stars),
        "logDestinationType": text(
            validators.one_of("cloud-watch-logs", "s3", "kinesis-data-firehose"),
            default="cloud-watch-logs",
            replaces=True,
        ),
        "maxAggregationInterval": fixed(600, replaces=True),
        "subnetId": text(replaces=True),
        "trafficType": text(validators.one_of("ACCEPT", "REJECT", "ALL"), replaces=True),
        "vpcId": text(replaces=True),
    },
    outputs="arn destinationOptions logFormat",
    refused=(
        "deliverCrossAccountRole destinationOptions eniId logFormat regionalNatGatewayId tagFieldSpecifications "
        "transitGatewayAttachmentId transitGatewayId"
    ),
    arn="vpc-flow-log/{id}",
    create=(
        Operation(
            "CreateFlowLogs",
            {
                "ResourceIds": lambda log: log.get("vpcId") or log["subnetId"],
                "ResourceType": lambda log: "VPC" if log.get("vpcId") else "Subnet",
            },
            result="FlowLogIds",
            on="subnetId vpcId",
        ),
    ),
    read=(Operation("DescribeFlowLogs", {"FlowLogIds": "id"}, result="FlowLogs"), Code(_read_source)),
    delete=(Operation("DeleteFlowLogs", {"FlowLogIds": "id"}),),
    tagging=tagging("vpc-flow-log"),
    gone=frozenset({"InvalidFlowLogId.NotFound"}),
    exactly_one=((*_sources, "eniId", "transitGatewayId", "transitGatewayAttachmentId", "regionalNatGatewayId"),),
)
