"""Network ACLs with inline rules. Source: Terraform AWS provider, `internal/service/ec2/vpc_network_acl.go`."""

from typing import Any, Final, NamedTuple

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Code, Item, Operation, Property, ResourceType, records, same_by, text, texts, whole
from local.aws_provider.types.ec2 import tagging
from local.aws_provider.types.security_groups import protocol, protocol_number
from local.aws_provider.wire import Values, items_of

_icmp: Final = frozenset({"1", "58"})
_last_of_ones_own: Final = 32766
"""Highest number of a custom rule; AWS' own rule after it denies all other traffic."""
_directions: Final = ("egress", "ingress")


class AclEntry(NamedTuple):
    """One rule of an ACL in normal form, for comparisons."""

    number: int
    action: str
    protocol: str
    ports: tuple[int, int]
    cidr: str
    cidr_v6: str
    icmp: tuple[int, int]


def _configured(blocks: Any) -> set[AclEntry]:
    result: set[AclEntry] = set()
    for block in items_of(blocks):
        number = protocol_number(block["protocol"])
        with_icmp = number in _icmp
        result.add(
            AclEntry(
                block["ruleNo"],
                block["action"].lower(),
                number,
                (0, 0) if number == "-1" or with_icmp else (block["fromPort"], block["toPort"]),
                block.get("cidrBlock") or "",
                block.get("ipv6CidrBlock") or "",
                (block.get("icmpType") or 0, block.get("icmpCode") or 0) if with_icmp else (0, 0),
            )
        )
    return result


def _found(entries: list[Values], *, egress: bool) -> list[Values]:
    """Return the custom rules of one direction as the program writes them."""
    own = (item for item in entries if item["Egress"] == egress and item["RuleNumber"] <= _last_of_ones_own)
    return [
        {
            "action": item["RuleAction"],
            "cidrBlock": item.get("CidrBlock", ""),
            "fromPort": item.get("PortRange", {}).get("From", 0),
            "icmpCode": item.get("IcmpTypeCode", {}).get("Code", 0),
            "icmpType": item.get("IcmpTypeCode", {}).get("Type", 0),
            "ipv6CidrBlock": item.get("Ipv6CidrBlock", ""),
            "protocol": item["Protocol"],
            "ruleNo": item["RuleNumber"],
            "toPort": item.get("PortRange", {}).get("To", 0),
        }
        for item in sorted(own, key=lambda item: item["RuleNumber"])
    ]


def _change_entries(aws: Aws, acl: Item) -> None:
    for direction in _directions:
        egress = direction == "egress"
        old, new = _configured(acl.old.get(direction)), _configured(acl.values.get(direction))
        for entry in sorted(old - new) if acl.has(direction) or not acl.old else ():
            aws.call("DeleteNetworkAclEntry", NetworkAclId=acl.id, RuleNumber=entry.number, Egress=egress)
        for entry in sorted(new - old) if acl.has(direction) or not acl.old else ():
            icmp = {"Type": entry.icmp[0], "Code": entry.icmp[1]} if entry.protocol in _icmp else None
            aws.call(
                "CreateNetworkAclEntry",
                NetworkAclId=acl.id,
                RuleNumber=entry.number,
                Egress=egress,
                RuleAction=entry.action,
                Protocol=entry.protocol,
                PortRange={"From": entry.ports[0], "To": entry.ports[1]},
                CidrBlock=entry.cidr or None,
                Ipv6CidrBlock=entry.cidr_v6 or None,
                IcmpTypeCode=icmp,
            )


def _first(aws: Aws, **filters: str) -> Values | None:
    named = [{"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    return next(iter(aws.pages("DescribeNetworkAcls", "NetworkAcls", Filters=named)), None)


def _associate(aws: Aws, subnet_id: str, acl_id: str) -> bool:
    """Associate a subnet with an ACL; return whether the subnet exists."""
    current = _first(aws, association__subnet_id=subnet_id)
    if current is None:
        return False
    association = next(item for item in current["Associations"] if item["SubnetId"] == subnet_id)
    named: str = association["NetworkAclAssociationId"]
    aws.call("ReplaceNetworkAclAssociation", AssociationId=named, NetworkAclId=acl_id)
    return True


def _default_acl(aws: Aws, vpc_id: str) -> str:
    found = _first(aws, default="true", vpc_id=vpc_id)
    if found is None:
        raise InvalidInputError(f"no default network ACL was found in {vpc_id}")
    return found["NetworkAclId"]


def _change_subnets(aws: Aws, acl: Item) -> None:
    before, after = (set(items_of(each.get("subnetIds"))) for each in (acl.old, acl.values))
    for subnet_id in sorted(before - after):
        _associate(aws, subnet_id, _default_acl(aws, acl.values["vpcId"]))
    for subnet_id in sorted(after - before):
        if not _associate(aws, subnet_id, acl.id) and not acl.old:
            raise InvalidInputError(f"no network ACL association of {subnet_id} was found")


def _read_rules(_aws: Aws, acl: Item) -> Values:
    entries = acl.found["Entries"]
    return {direction: _found(entries, egress=direction == "egress") for direction in _directions}


def _release_subnets(aws: Aws, acl: Item) -> None:
    found = aws.call("DescribeNetworkAcls", NetworkAclIds=[acl.id])["NetworkAcls"]
    for association in found[0]["Associations"] if found else ():
        _associate(aws, association["SubnetId"], _default_acl(aws, acl.values["vpcId"]))


def _action(value: Any) -> str | None:
    """Validate a rule's action, which is case-insensitive."""
    return validators.one_of("allow", "deny")(value.lower())


def _rules() -> Property:
    port = whole(validators.between(0, 65535), required=True)
    return records(
        {
            "action": text(_action, required=True),
            "cidrBlock": text(validators.cidr),
            "fromPort": port,
            "icmpCode": whole(),
            "icmpType": whole(),
            "ipv6CidrBlock": text(validators.cidr),
            "protocol": text(protocol, required=True),
            "ruleNo": whole(validators.between(1, _last_of_ones_own), required=True),
            "toPort": port,
        },
        computed=True,
        unordered=True,
        same=same_by(_configured),
    )


_create_entries: Final = "CreateNetworkAclEntry DeleteNetworkAclEntry"

NETWORK_ACL = ResourceType(
    name="aws:ec2/networkAcl:NetworkAcl",
    service="ec2",
    properties={
        "egress": _rules(),
        "ingress": _rules(),
        "subnetIds": texts(computed=True, aws="Associations.SubnetId"),
        "vpcId": text(required=True, replaces=True),
    },
    outputs="arn ownerId",
    arn="network-acl/{id}",
    create=(
        Operation("CreateNetworkAcl", result="NetworkAcl.NetworkAclId"),
        Code(_change_entries, _create_entries),
        Code(_change_subnets, "ReplaceNetworkAclAssociation"),
    ),
    read=(Operation("DescribeNetworkAcls", {"NetworkAclIds": "id"}, result="NetworkAcls"), Code(_read_rules)),
    update=(
        Code(_change_entries, _create_entries, on="egress ingress"),
        Code(_change_subnets, "ReplaceNetworkAclAssociation", on="subnetIds"),
    ),
    delete=(
        Code(_release_subnets, "ReplaceNetworkAclAssociation"),
        Operation("DeleteNetworkAcl", {"NetworkAclId": "id"}),
    ),
    tagging=tagging("network-acl"),
    gone=frozenset({"InvalidNetworkAclID.NotFound"}),
)
