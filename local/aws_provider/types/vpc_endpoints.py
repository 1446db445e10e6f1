"""VPC endpoints. Source: Terraform AWS provider, `internal/service/ec2/vpc_endpoint.go`."""

from typing import Any, Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Change, ResourceType, flag, output, record, records, text, texts
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.wire import Values

wait_seconds: Final = 600
_gone_code = "InvalidVpcEndpointId.NotFound"
_kinds = ("Gateway", "Interface", "GatewayLoadBalancer", "Resource", "ServiceNetwork")
_dns_keys: Final = {
    "dnsRecordIpType": "DnsRecordIpType",
    "privateDnsOnlyForInboundResolverEndpoint": "PrivateDnsOnlyForInboundResolverEndpoint",
    "privateDnsPreference": "PrivateDnsPreference",
    "privateDnsSpecifiedDomains": "PrivateDnsSpecifiedDomains",
}
_subnet_keys: Final = {"ipv4": "Ipv4", "ipv6": "Ipv6", "subnetId": "SubnetId"}


def _translated(value: Values | None, names: dict[str, str]) -> Values | None:
    """Return an object with AWS' names for its keys."""
    return {names[key]: item for key, item in value.items()} if value else None


def _create(aws: Aws, wanted: Values) -> str:
    answer = aws.call(
        "CreateVpcEndpoint",
        VpcId=wanted["vpcId"],
        VpcEndpointType=wanted["vpcEndpointType"],
        ServiceName=wanted.get("serviceName"),
        ServiceRegion=wanted.get("serviceRegion"),
        ResourceConfigurationArn=wanted.get("resourceConfigurationArn"),
        ServiceNetworkArn=wanted.get("serviceNetworkArn"),
        PolicyDocument=wanted.get("policy"),
        PrivateDnsEnabled=wanted.get("privateDnsEnabled"),
        DnsOptions=_translated(wanted.get("dnsOptions"), _dns_keys),
        IpAddressType=wanted.get("ipAddressType"),
        RouteTableIds=wanted.get("routeTableIds") or None,
        SecurityGroupIds=wanted.get("securityGroupIds") or None,
        SubnetIds=wanted.get("subnetIds") or None,
        SubnetConfigurations=_subnets(wanted),
        TagSpecifications=ec2_common.tag_specification("vpc-endpoint", wanted["tagsAll"]),
    )
    return answer["VpcEndpoint"]["VpcEndpointId"]


def _subnets(wanted: Values) -> list[Values | None] | None:
    return [_translated(item, _subnet_keys) for item in wanted.get("subnetConfigurations", [])] or None


def _settle(aws: Aws, endpoint_id: str, wanted: Values) -> None:
    if wanted.get("autoAccept"):
        found = _find(aws, endpoint_id)
        if found is not None and found.get("State", "").lower() == "pendingacceptance":
            aws.call("AcceptVpcEndpointConnections", ServiceId=found["ServiceName"], VpcEndpointIds=[endpoint_id])
    aws.wait_until(lambda: _settled(aws, endpoint_id), f"{endpoint_id} becoming available", wait_seconds)


def _settled(aws: Aws, endpoint_id: str) -> bool:
    found = _find(aws, endpoint_id)
    state = "available" if found is None else found.get("State", "available").lower()
    if state in {"failed", "rejected"}:
        raise AwsError("ec2:CreateVpcEndpoint", state, f"{endpoint_id} is {state}")
    return state in {"available", "pendingacceptance"}


def _find(aws: Aws, endpoint_id: str) -> Values | None:
    found = aws.call("DescribeVpcEndpoints", VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    return None if not found or found[0].get("State", "").lower() == "deleted" else found[0]


def _read(aws: Aws, endpoint_id: str, known: Values) -> Values | None:
    found = _find(aws, endpoint_id)
    if found is None:
        return None
    owner = found.get("OwnerId") or aws.account
    dns: Values = found.get("DnsOptions") or {}
    return {
        "arn": ec2_common.arn(aws, f"vpc-endpoint/{endpoint_id}", owner),
        "dnsEntries": [
            {"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")}
            for entry in found.get("DnsEntries", [])
        ],
        "dnsOptions": {ours: dns[theirs] for ours, theirs in _dns_keys.items() if theirs in dns} or None,
        "ipAddressType": found.get("IpAddressType"),
        "networkInterfaceIds": found.get("NetworkInterfaceIds", []),
        "ownerId": owner,
        "policy": found.get("PolicyDocument"),
        "privateDnsEnabled": found.get("PrivateDnsEnabled", False),
        "requesterManaged": found.get("RequesterManaged", False),
        "resourceConfigurationArn": found.get("ResourceConfigurationArn"),
        "routeTableIds": found.get("RouteTableIds", []),
        "securityGroupIds": [group["GroupId"] for group in found.get("Groups", [])],
        "serviceName": found.get("ServiceName"),
        "serviceNetworkArn": found.get("ServiceNetworkArn"),
        "serviceRegion": found.get("ServiceRegion") or known.get("serviceRegion"),
        "state": found.get("State", "").lower(),
        "subnetConfigurations": known.get("subnetConfigurations"),
        "subnetIds": found.get("SubnetIds", []),
        "tags": from_pairs(found.get("Tags")),
        "vpcEndpointType": found.get("VpcEndpointType"),
        "vpcId": found["VpcId"],
        **_prefix_list(aws, found),
    }


def _prefix_list(aws: Aws, found: Values) -> Values:
    """Return the prefix list of a gateway endpoint, with the addresses of its service."""
    if found.get("VpcEndpointType") != "Gateway":
        return {"cidrBlocks": []}
    wanted = [{"Name": "prefix-list-name", "Values": [found["ServiceName"]]}]
    lists = aws.call("DescribePrefixLists", Filters=wanted).get("PrefixLists", [])
    if not lists:
        return {"cidrBlocks": []}
    return {"cidrBlocks": lists[0].get("Cidrs", []), "prefixListId": lists[0]["PrefixListId"]}


_members: Final = {
    # property: arguments that add and remove members
    "routeTableIds": ("AddRouteTableIds", "RemoveRouteTableIds"),
    "securityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds"),
    "subnetIds": ("AddSubnetIds", "RemoveSubnetIds"),
}


def _update(aws: Aws, change: Change) -> None:
    old, new = change.old, change.new
    arguments: Values = {}
    if change.has("policy"):
        arguments |= {"PolicyDocument": new["policy"]} if new.get("policy") else {"ResetPolicy": True}
    if change.has("privateDnsEnabled"):
        arguments["PrivateDnsEnabled"] = new["privateDnsEnabled"]
    if change.has("ipAddressType"):
        arguments["IpAddressType"] = new["ipAddressType"]
    if change.has("dnsOptions"):
        arguments["DnsOptions"] = _translated(new["dnsOptions"], _dns_keys)
    if change.has("subnetConfigurations"):
        arguments["SubnetConfigurations"] = _subnets(new)
    for name, (add, remove) in _members.items():
        if change.has(name):
            before: set[Any] = set(old.get(name) or [])
            after: set[Any] = set(new.get(name) or [])
            arguments |= {add: sorted(after - before) or None, remove: sorted(before - after) or None}
    if arguments:
        aws.call("ModifyVpcEndpoint", VpcEndpointId=change.object_id, **arguments)
        aws.wait_until(lambda: _settled(aws, change.object_id), f"{change.object_id} being available", wait_seconds)


def _delete(aws: Aws, endpoint_id: str, _known: Values) -> None:
    answer = aws.call("DeleteVpcEndpoints", VpcEndpointIds=[endpoint_id])
    for item in answer.get("Unsuccessful", []):
        raise AwsError("ec2:DeleteVpcEndpoints", item["Error"]["Code"], item["Error"].get("Message", ""))

    def absent() -> bool:
        try:
            return _find(aws, endpoint_id) is None
        except AwsError as failure:
            if failure.code != _gone_code:
                raise
            return True

    aws.wait_until(absent, f"deletion of {endpoint_id}", wait_seconds)


VPC_ENDPOINT = ResourceType(
    name="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    properties={
        "arn": output(),
        "autoAccept": flag(local=True),
        "cidrBlocks": output("list"),
        "dnsEntries": output("list"),
        "dnsOptions": record(
            {
                "dnsRecordIpType": text(computed=True),
                "privateDnsOnlyForInboundResolverEndpoint": flag(computed=True),
                "privateDnsPreference": text(computed=True),
                "privateDnsSpecifiedDomains": texts(computed=True),
            },
            computed=True,
        ),
        "ipAddressType": text(computed=True, checks=(validators.one_of("ipv4", "dualstack", "ipv6"),)),
        "networkInterfaceIds": output("list"),
        "ownerId": output(),
        "policy": text(
            computed=True,
            checks=(validators.json_text,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
        "prefixListId": output(),
        "privateDnsEnabled": flag(computed=True),
        "requesterManaged": output("boolean"),
        "resourceConfigurationArn": text(replaces=True, checks=(validators.arn,)),
        "routeTableIds": texts(computed=True),
        "securityGroupIds": texts(computed=True),
        "serviceName": text(replaces=True),
        "serviceNetworkArn": text(replaces=True, checks=(validators.arn,)),
        "serviceRegion": text(replaces=True, computed=True),
        "state": output(),
        "subnetConfigurations": records(
            {"ipv4": text(), "ipv6": text(), "subnetId": text()}, computed=True, unordered=True
        ),
        "subnetIds": texts(computed=True),
        "vpcEndpointType": text(default="Gateway", replaces=True, checks=(validators.one_of(*_kinds),)),
        "vpcId": text(required=True, replaces=True),
    },
    calls={
        "create": ("CreateVpcEndpoint", "AcceptVpcEndpointConnections"),
        "read": ("DescribeVpcEndpoints", "DescribePrefixLists"),
        "update": ("ModifyVpcEndpoint", "CreateTags", "DeleteTags"),
        "delete": ("DeleteVpcEndpoints",),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=ec2_common.retag,
    gone=frozenset({_gone_code}),
    exactly_one=(("serviceName", "resourceConfigurationArn", "serviceNetworkArn"),),
)

RESOURCES = (VPC_ENDPOINT,)
