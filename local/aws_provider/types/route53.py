"""Route 53 Resolver endpoints and rules. Source: Terraform AWS provider, `internal/service/route53resolver`."""

import uuid
from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import (
    Code,
    Item,
    Operation,
    Property,
    ResourceType,
    Tagging,
    name,
    record,
    text,
    texts,
    whole,
)
from local.aws_provider.tags import pairs
from local.aws_provider.wire import Values, items_of

wait_seconds: Final = 600
_not_found: Final = "ResourceNotFoundException"
_name: Final = validators.length(0, 64)
_tagging: Final = Tagging()


def _wait_until_gone(aws: Aws, item: Item, operation: str, argument: str) -> None:
    def gone() -> bool:
        try:
            aws.call(operation, **{argument: item.id})
        except AwsError as failure:
            if failure.code != _not_found:
                raise
            return True
        return False

    aws.wait_until(gone, f"deletion of {item.id}", wait_seconds)


def _addresses(values: Values) -> list[Values]:
    return [
        {key: each[name] for key, name in (("SubnetId", "subnetId"), ("Ip", "ip")) if each.get(name)}
        for each in items_of(values.get("ipAddresses"))
    ]


def _create_endpoint(aws: Aws, endpoint: Item) -> str:
    new = endpoint.values
    answer = aws.call(
        "CreateResolverEndpoint",
        CreatorRequestId=str(uuid.uuid4()),
        Name=new.get("name"),
        Direction=new["direction"],
        SecurityGroupIds=new["securityGroupIds"],
        IpAddresses=_addresses(new),
        Tags=pairs(new["tagsAll"]),
    )
    return answer["ResolverEndpoint"]["Id"]


def _wait_for_endpoint(aws: Aws, endpoint: Item) -> None:
    def operational() -> bool:
        found = aws.call("GetResolverEndpoint", ResolverEndpointId=endpoint.id)["ResolverEndpoint"]
        if found["Status"] == "ACTION_NEEDED":
            raise AwsError("route53resolver:CreateResolverEndpoint", found["Status"], found.get("StatusMessage", ""))
        return found["Status"] == "OPERATIONAL"

    aws.wait_until(operational, f"{endpoint.id} being operational", wait_seconds)


def _read_addresses(aws: Aws, endpoint: Item) -> Values:
    found = aws.call("ListResolverEndpointIpAddresses", ResolverEndpointId=endpoint.id, MaxResults=20)["IpAddresses"]
    return {"ipAddresses": [{"subnetId": each["SubnetId"], "ip": each["Ip"], "ipId": each["IpId"]} for each in found]}


def _same_subnets(one: Any, other: Any) -> bool:
    """Return whether addresses are in the same subnets; AWS chooses those that the program leaves out."""
    return sorted(each["subnetId"] for each in items_of(one)) == sorted(each["subnetId"] for each in items_of(other))


RESOLVER_ENDPOINT = ResourceType(
    name="aws:route53/resolverEndpoint:ResolverEndpoint",
    service="route53resolver",
    properties={
        "direction": text(required=True, replaces=True, checks=(validators.one_of("INBOUND", "OUTBOUND"),)),
        "ipAddresses": Property(
            kind="list",
            items=record({"subnetId": text(required=True), "ip": text(computed=True), "ipId": text(computed=True)}),
            required=True,
            replaces=True,
            same=_same_subnets,
        ),
        "name": name(_name, replaces=False, longest=64),
        "securityGroupIds": texts(required=True, replaces=True, checks=(validators.items_at_most(64),)),
    },
    outputs="arn hostVpcId=HostVPCId protocols resolverEndpointType",
    refused="protocols resolverEndpointType rniEnhancedMetricsEnabled targetNameServerMetricsEnabled",
    create=(Code(_create_endpoint, "CreateResolverEndpoint"), Code(_wait_for_endpoint, "GetResolverEndpoint")),
    read=(
        Operation("GetResolverEndpoint", {"ResolverEndpointId": "id"}, result="ResolverEndpoint"),
        Code(_read_addresses, "ListResolverEndpointIpAddresses"),
    ),
    update=(Operation("UpdateResolverEndpoint", {"ResolverEndpointId": "id"}),),
    delete=(
        Operation("DeleteResolverEndpoint", {"ResolverEndpointId": "id"}),
        Code(
            lambda aws, item: _wait_until_gone(aws, item, "GetResolverEndpoint", "ResolverEndpointId"),
            "GetResolverEndpoint",
        ),
    ),
    tagging=_tagging,
    gone=frozenset({_not_found}),
)


def _without_dot(value: Any) -> str:
    return str(value).rstrip(".")


def _targets(values: Values) -> list[Values]:
    return [{"Ip": each["ip"], "Port": each.get("port", 53)} for each in items_of(values.get("targetIps"))]


def _create_rule(aws: Aws, rule: Item) -> str:
    new = rule.values
    answer = aws.call(
        "CreateResolverRule",
        CreatorRequestId=str(uuid.uuid4()),
        Name=new.get("name"),
        RuleType=new["ruleType"],
        DomainName=new["domainName"],
        ResolverEndpointId=new.get("resolverEndpointId"),
        TargetIps=_targets(new),
        Tags=pairs(new["tagsAll"]),
    )
    return answer["ResolverRule"]["Id"]


def _update_rule(aws: Aws, rule: Item) -> None:
    new = rule.values
    config: Values = {"Name": new.get("name"), "ResolverEndpointId": new.get("resolverEndpointId")}
    aws.call("UpdateResolverRule", ResolverRuleId=rule.id, Config={**config, "TargetIps": _targets(new)})


RESOLVER_RULE = ResourceType(
    name="aws:route53/resolverRule:ResolverRule",
    service="route53resolver",
    properties={
        "domainName": text(
            required=True,
            replaces=True,
            checks=(validators.length(1, 256),),
            # AWS returns the name with a trailing dot, which the plugin removes.
            read_as=_without_dot,
        ),
        "name": text(computed=True, checks=(_name,)),
        "resolverEndpointId": text(),
        "ruleType": text(required=True, replaces=True, checks=(validators.one_of("FORWARD", "SYSTEM", "RECURSIVE"),)),
        "targetIps": Property(
            kind="list",
            items=record({"ip": text(), "port": whole(default=53, checks=(validators.between(1, 65535),))}),
            unordered=True,
        ),
    },
    outputs="arn ownerId shareStatus",
    create=(Code(_create_rule, "CreateResolverRule"),),
    read=(Operation("GetResolverRule", {"ResolverRuleId": "id"}, result="ResolverRule"),),
    update=(Code(_update_rule, "UpdateResolverRule", on="name resolverEndpointId targetIps"),),
    delete=(
        Operation("DeleteResolverRule", {"ResolverRuleId": "id"}),
        Code(lambda aws, item: _wait_until_gone(aws, item, "GetResolverRule", "ResolverRuleId"), "GetResolverRule"),
    ),
    tagging=_tagging,
    gone=frozenset({_not_found}),
)

RESOLVER_RULE_ASSOCIATION = ResourceType(
    name="aws:route53/resolverRuleAssociation:ResolverRuleAssociation",
    service="route53resolver",
    properties={
        "name": text(computed=True, replaces=True, checks=(_name,)),
        "resolverRuleId": text(required=True, replaces=True),
        "vpcId": text(required=True, replaces=True, aws="VPCId"),
    },
    create=(Operation("AssociateResolverRule", result="ResolverRuleAssociation.Id"),),
    read=(
        Operation("GetResolverRuleAssociation", {"ResolverRuleAssociationId": "id"}, result="ResolverRuleAssociation"),
    ),
    delete=(
        Operation("DisassociateResolverRule", {"ResolverRuleId": "resolverRuleId", "VPCId": "vpcId"}),
        Code(
            lambda aws, item: _wait_until_gone(aws, item, "GetResolverRuleAssociation", "ResolverRuleAssociationId"),
            "GetResolverRuleAssociation",
        ),
    ),
    gone=frozenset({_not_found}),
)

RESOURCES = (RESOLVER_ENDPOINT, RESOLVER_RULE, RESOLVER_RULE_ASSOCIATION)
