"""Route 53 Resolver endpoints and rules, and resource shares of AWS RAM with their associations.

Source: Terraform AWS provider, `internal/service/{route53resolver,ram}`.
"""

import uuid
from collections.abc import Callable
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
    flag,
    name,
    record,
    text,
    texts,
    whole,
)
from local.aws_provider.wire import Values, items_of

_not_found: Final = "ResourceNotFoundException"
_name: Final = validators.length(0, 64)
_tagging: Final = Tagging()


def _sent_addresses(addresses: Any) -> list[Values]:
    names = (("SubnetId", "subnetId"), ("Ip", "ip"))
    return [{key: each[name] for key, name in names if each.get(name)} for each in items_of(addresses)]


def _create(operation: str, result: str) -> Operation:
    return Operation(operation, {"CreatorRequestId": lambda _: str(uuid.uuid4())}, result=result)


def _wait_for_endpoint(aws: Aws, endpoint: Item) -> None:
    def operational() -> bool:
        found = aws.call("GetResolverEndpoint", ResolverEndpointId=endpoint.id)["ResolverEndpoint"]
        if found["Status"] == "ACTION_NEEDED":
            raise AwsError("route53resolver:CreateResolverEndpoint", found["Status"], found.get("StatusMessage", ""))
        return found["Status"] == "OPERATIONAL"

    aws.wait_until(operational, f"{endpoint.id} being operational")


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
        "direction": text(validators.one_of("INBOUND", "OUTBOUND"), required=True, replaces=True),
        "ipAddresses": Property(
            kind="list",
            items=record({"subnetId": text(required=True), "ip": text(computed=True), "ipId": text(computed=True)}),
            required=True,
            replaces=True,
            same=_same_subnets,
            sent_as=_sent_addresses,
        ),
        "name": name(_name, replaces=False, longest=64),
        "securityGroupIds": texts(validators.items_at_most(64), required=True, replaces=True),
    },
    outputs="arn hostVpcId=HostVPCId protocols resolverEndpointType",
    refused="protocols resolverEndpointType rniEnhancedMetricsEnabled targetNameServerMetricsEnabled",
    create=(_create("CreateResolverEndpoint", "ResolverEndpoint.Id"), Code(_wait_for_endpoint, "GetResolverEndpoint")),
    read=(
        Operation("GetResolverEndpoint", {"ResolverEndpointId": "id"}, result="ResolverEndpoint"),
        Code(_read_addresses, "ListResolverEndpointIpAddresses"),
    ),
    update=(Operation("UpdateResolverEndpoint", {"ResolverEndpointId": "id"}),),
    delete=(Operation("DeleteResolverEndpoint", {"ResolverEndpointId": "id"}),),
    deletion_seconds=600,
    tagging=_tagging,
    gone=frozenset({_not_found}),
)


def _without_dot(value: Any) -> str:
    return str(value).rstrip(".")


RESOLVER_RULE = ResourceType(
    name="aws:route53/resolverRule:ResolverRule",
    service="route53resolver",
    properties={
        "domainName": text(
            validators.length(1, 256),
            required=True,
            replaces=True,
            # AWS returns the name with a trailing dot, which the plugin removes.
            read_as=_without_dot,
        ),
        "name": text(_name, computed=True),
        "resolverEndpointId": text(),
        "ruleType": text(validators.one_of("FORWARD", "SYSTEM", "RECURSIVE"), required=True, replaces=True),
        "targetIps": Property(
            kind="list",
            items=record({"ip": text(), "port": whole(validators.between(1, 65535), default=53)}),
            unordered=True,
        ),
    },
    outputs="arn ownerId shareStatus",
    create=(_create("CreateResolverRule", "ResolverRule.Id"),),
    read=(Operation("GetResolverRule", {"ResolverRuleId": "id"}, result="ResolverRule"),),
    update=(Operation("UpdateResolverRule", {"ResolverRuleId": "id"}, within="Config"),),
    delete=(Operation("DeleteResolverRule", {"ResolverRuleId": "id"}),),
    deletion_seconds=600,
    tagging=_tagging,
    gone=frozenset({_not_found}),
)

RESOLVER_RULE_ASSOCIATION = ResourceType(
    name="aws:route53/resolverRuleAssociation:ResolverRuleAssociation",
    service="route53resolver",
    properties={
        "name": text(_name, computed=True, replaces=True),
        "resolverRuleId": text(required=True, replaces=True),
        "vpcId": text(required=True, replaces=True, aws="VPCId"),
    },
    create=(Operation("AssociateResolverRule", result="ResolverRuleAssociation.Id"),),
    read=(
        Operation("GetResolverRuleAssociation", {"ResolverRuleAssociationId": "id"}, result="ResolverRuleAssociation"),
    ),
    delete=(Operation("DisassociateResolverRule", {"ResolverRuleId": "resolverRuleId", "VPCId": "vpcId"}),),
    deletion_seconds=600,
    gone=frozenset({_not_found}),
)


# Resource shares and their associations. Source: `internal/service/ram`.


_unknown: Final = frozenset({"UnknownResourceException"})


def _retag(aws: Aws, arn: str, _old: dict[str, str], added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", resourceShareArn=arn, tagKeys=removed)
    if added:
        aws.call("TagResource", resourceShareArn=arn, tags=_pairs(added))


def _pairs(tags: dict[str, str]) -> list[Values]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _find_share(aws: Aws, share: Item) -> Values | None:
    """Return the share; deleted ones are visible for about an hour."""
    found = aws.call("GetResourceShares", resourceOwner="SELF", resourceShareArns=[share.id])["resourceShares"]
    usable = [each for each in found if each["status"] not in ("DELETED", "DELETING")]
    return {**usable[0], "arn": usable[0]["resourceShareArn"]} if usable else None


RESOURCE_SHARE = ResourceType(
    name="aws:ram/resourceShare:ResourceShare",
    service="ram",
    properties={
        "allowExternalPrincipals": flag(default=False),
        "name": name(validators.length(1, 256), replaces=False),
    },
    outputs="arn permissionArns",
    refused="permissionArns resourceShareConfiguration",
    create=(Operation("CreateResourceShare", result="resourceShare.resourceShareArn"),),
    read=(Code(_find_share, "GetResourceShares"),),
    update=(Operation("UpdateResourceShare", {"resourceShareArn": "id"}),),
    delete=(Operation("DeleteResourceShare", {"resourceShareArn": "id"}),),
    deletion_seconds=300,
    tagging=Tagging(listing="", change=_retag, operations="TagResource UntagResource"),
    gone=_unknown,
)


def _association(kind: str, end: str, argument: str) -> ResourceType:
    """Return the type of an association of a share with a principal or a resource."""

    def found(aws: Aws, item: Item) -> Values | None:
        share = item.values["resourceShareArn"]
        selected = {"principal" if kind == "PRINCIPAL" else "resourceArn": item.values[end]}
        answer = aws.call("GetResourceShareAssociations", associationType=kind, resourceShareArns=[share], **selected)
        usable = [each for each in answer["resourceShareAssociations"] if each["status"] != "DISASSOCIATED"]
        return {"resourceShareArn": share, end: usable[0]["associatedEntity"]} if usable else None

    def changed(operation: str) -> Callable[[Aws, Item], Any]:
        def change(aws: Aws, item: Item) -> None:
            ends: Any = [item.values[end]]
            aws.call(operation, resourceShareArn=item.values["resourceShareArn"], **{argument: ends})

        return change

    token = kind.lower()
    return ResourceType(
        name=f"aws:ram/{token}Association:{token.capitalize()}Association",
        service="ram",
        properties={
            end: text(required=True, replaces=True),
            "resourceShareArn": text(validators.arn, required=True, replaces=True),
        },
        id=f"{{resourceShareArn}},{{{end}}}",
        create=(Code(changed("AssociateResourceShare"), "AssociateResourceShare"),),
        read=(Code(found, "GetResourceShareAssociations"),),
        delete=(Code(changed("DisassociateResourceShare"), "DisassociateResourceShare"),),
        gone=_unknown,
    )


PRINCIPAL_ASSOCIATION = _association("PRINCIPAL", "principal", "principals")
RESOURCE_ASSOCIATION = _association("RESOURCE", "resourceArn", "resourceArns")
