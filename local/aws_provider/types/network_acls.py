"""Network ACLs with inline rules, and their associations. Source: Terraform AWS provider, `vpc_network_acl*.go`."""

from typing import Any, Final, NamedTuple

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError
from local.aws_provider.model import Change, Property, ResourceType, output, records, text, texts, whole
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common, ip_protocols
from local.aws_provider.wire import Values

not_found: Final = "InvalidNetworkAclID.NotFound"
icmp_numbers: Final = frozenset({"1", "58"})
_last_of_ones_own: Final = 32766
"""Highest number of a custom rule; AWS' own rule after it denies all other traffic."""


class Entry(NamedTuple):
    """One rule of an ACL in normal form, for comparisons."""

    number: int
    action: str
    protocol: str
    ports: tuple[int, int]
    cidr: str
    cidr_v6: str
    icmp: tuple[int, int]


def _wanted(blocks: Any) -> set[Entry]:
    listed: list[Values] = blocks or []
    result: set[Entry] = set()
    for block in listed:
        number = ip_protocols.protocol_number(block["protocol"])
        with_icmp = number in icmp_numbers
        result.add(
            Entry(
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


def _found(entries: list[Values], *, egress: bool) -> set[Entry]:
    return {
        Entry(
            item["RuleNumber"],
            item["RuleAction"],
            item["Protocol"],
            (item.get("PortRange", {}).get("From", 0), item.get("PortRange", {}).get("To", 0)),
            item.get("CidrBlock", ""),
            item.get("Ipv6CidrBlock", ""),
            (item.get("IcmpTypeCode", {}).get("Type", 0), item.get("IcmpTypeCode", {}).get("Code", 0)),
        )
        for item in entries
        if item["Egress"] == egress and item["RuleNumber"] <= _last_of_ones_own
    }


def _blocks(entries: set[Entry]) -> list[Values]:
    return [
        {
            "action": entry.action,
            "cidrBlock": entry.cidr,
            "fromPort": entry.ports[0],
            "icmpCode": entry.icmp[1],
            "icmpType": entry.icmp[0],
            "ipv6CidrBlock": entry.cidr_v6,
            "protocol": entry.protocol,
            "ruleNo": entry.number,
            "toPort": entry.ports[1],
        }
        for entry in sorted(entries)
    ]


def _same_entries(old: Any, new: Any) -> bool:
    return _wanted(old) == _wanted(new)


def _change_entries(aws: Aws, acl_id: str, old: set[Entry], new: set[Entry], *, egress: bool) -> None:
    for entry in sorted(old - new):
        aws.call("DeleteNetworkAclEntry", NetworkAclId=acl_id, RuleNumber=entry.number, Egress=egress)
    for entry in sorted(new - old):
        with_icmp = entry.protocol in icmp_numbers
        aws.call(
            "CreateNetworkAclEntry",
            NetworkAclId=acl_id,
            RuleNumber=entry.number,
            Egress=egress,
            RuleAction=entry.action,
            Protocol=entry.protocol,
            PortRange={"From": entry.ports[0], "To": entry.ports[1]},
            CidrBlock=entry.cidr or None,
            Ipv6CidrBlock=entry.cidr_v6 or None,
            IcmpTypeCode={"Type": entry.icmp[0], "Code": entry.icmp[1]} if with_icmp else None,
        )


def find(aws: Aws, acl_id: str) -> Values | None:
    """Return an ACL as EC2 describes it."""
    found = aws.call("DescribeNetworkAcls", NetworkAclIds=[acl_id])["NetworkAcls"]
    return found[0] if found else None


def _first(aws: Aws, **filters: str) -> Values | None:
    wanted = [{"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    found = aws.pages("DescribeNetworkAcls", "NetworkAcls", Filters=wanted)
    return found[0] if found else None


def _associate(aws: Aws, subnet_id: str, acl_id: str) -> str | None:
    """Associate a subnet with an ACL; return the ID of the new association, or None if the subnet is gone."""
    current = _first(aws, association__subnet_id=subnet_id)
    if current is None:
        return None
    association = next(item for item in current["Associations"] if item["SubnetId"] == subnet_id)
    answer = aws.call(
        "ReplaceNetworkAclAssociation",
        AssociationId=association["NetworkAclAssociationId"],
        NetworkAclId=acl_id,
    )
    return answer["NewAssociationId"]


def _default_acl(aws: Aws, vpc_id: str) -> str:
    found = _first(aws, default="true", vpc_id=vpc_id)
    if found is None:
        raise InvalidInputError(f"no default network ACL was found in {vpc_id}")
    return found["NetworkAclId"]


def _create(aws: Aws, wanted: Values) -> str:
    answer = aws.call(
        "CreateNetworkAcl",
        VpcId=wanted["vpcId"],
        TagSpecifications=ec2_common.tag_specification("network-acl", wanted["tagsAll"]),
    )
    return answer["NetworkAcl"]["NetworkAclId"]


def _settle(aws: Aws, acl_id: str, wanted: Values) -> None:
    for direction in ("egress", "ingress"):
        _change_entries(aws, acl_id, set(), _wanted(wanted.get(direction)), egress=direction == "egress")
    for subnet_id in wanted.get("subnetIds", []):
        if _associate(aws, subnet_id, acl_id) is None:
            raise InvalidInputError(f"no network ACL association of {subnet_id} was found")


def _read(aws: Aws, acl_id: str, _known: Values) -> Values | None:
    found = find(aws, acl_id)
    if found is None:
        return None
    owner = found.get("OwnerId") or aws.account
    return {
        "arn": ec2_common.arn(aws, f"network-acl/{acl_id}", owner),
        "egress": _blocks(_found(found["Entries"], egress=True)),
        "ingress": _blocks(_found(found["Entries"], egress=False)),
        "ownerId": owner,
        "subnetIds": [item["SubnetId"] for item in found["Associations"]],
        "tags": from_pairs(found.get("Tags")),
        "vpcId": found["VpcId"],
    }


def _update(aws: Aws, change: Change) -> None:
    acl_id, old, new = change.object_id, change.old, change.new
    for direction in ("egress", "ingress"):
        if change.has(direction):
            before, after = _wanted(old.get(direction)), _wanted(new.get(direction))
            _change_entries(aws, acl_id, before, after, egress=direction == "egress")
    if change.has("subnetIds"):
        before, after = set(old.get("subnetIds") or []), set(new.get("subnetIds") or [])
        for subnet_id in sorted(before - after):
            _associate(aws, subnet_id, _default_acl(aws, new["vpcId"]))
        for subnet_id in sorted(after - before):
            _associate(aws, subnet_id, acl_id)


def _delete(aws: Aws, acl_id: str, known: Values) -> None:
    found = find(aws, acl_id)
    if found is None:
        return
    for association in found["Associations"]:
        _associate(aws, association["SubnetId"], _default_acl(aws, known["vpcId"]))
    aws.call("DeleteNetworkAcl", NetworkAclId=acl_id)


def allow_or_deny(value: Any) -> str | None:
    """Validate a rule's action, which is case-insensitive."""
    return validators.one_of("allow", "deny")(value.lower())


rule_number: Final = validators.between(1, _last_of_ones_own)


def _rules_property() -> Property:
    port = whole(required=True, checks=(validators.between(0, 65535),))
    return records(
        {
            "action": text(required=True, checks=(allow_or_deny,)),
            "cidrBlock": text(checks=(validators.cidr,)),
            "fromPort": port,
            "icmpCode": whole(),
            "icmpType": whole(),
            "ipv6CidrBlock": text(checks=(validators.cidr,)),
            "protocol": text(required=True, checks=(ip_protocols.protocol,)),
            "ruleNo": whole(required=True, checks=(rule_number,)),
            "toPort": port,
        },
        computed=True,
        unordered=True,
        same=_same_entries,
    )


NETWORK_ACL = ResourceType(
    name="aws:ec2/networkAcl:NetworkAcl",
    service="ec2",
    properties={
        "arn": output(),
        "egress": _rules_property(),
        "ingress": _rules_property(),
        "ownerId": output(),
        "subnetIds": texts(computed=True),
        "vpcId": text(required=True, replaces=True),
    },
    calls={
        "create": (
            "CreateNetworkAcl",
            "CreateNetworkAclEntry",
            "DeleteNetworkAclEntry",
            "ReplaceNetworkAclAssociation",
        ),
        "read": ("DescribeNetworkAcls",),
        "update": (
            *("CreateNetworkAclEntry", "DeleteNetworkAclEntry", "ReplaceNetworkAclAssociation"),
            *("CreateTags", "DeleteTags"),
        ),
        "delete": ("ReplaceNetworkAclAssociation", "DeleteNetworkAcl"),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=ec2_common.retag,
    gone=frozenset({not_found}),
)


def _create_association(aws: Aws, wanted: Values) -> str:
    made = _associate(aws, wanted["subnetId"], wanted["networkAclId"])
    if made is None:
        raise AwsError("ec2:DescribeNetworkAcls", "NotFound", f"no association of {wanted['subnetId']} was found")
    return made


def _read_association(aws: Aws, association_id: str, _known: Values) -> Values | None:
    found = _first(aws, association__association_id=association_id)
    for item in (found or {}).get("Associations", []):
        if item["NetworkAclAssociationId"] == association_id:
            return {"networkAclId": item["NetworkAclId"], "subnetId": item["SubnetId"]}
    return None


def _delete_association(aws: Aws, association_id: str, known: Values) -> None:
    acl = find(aws, known["networkAclId"]) or {}
    default = _default_acl(aws, acl["VpcId"])
    aws.call("ReplaceNetworkAclAssociation", AssociationId=association_id, NetworkAclId=default)


NETWORK_ACL_ASSOCIATION = ResourceType(
    name="aws:ec2/networkAclAssociation:NetworkAclAssociation",
    service="ec2",
    properties={
        "networkAclId": text(required=True, replaces=True),
        "subnetId": text(required=True, replaces=True),
    },
    calls={
        "create": ("ReplaceNetworkAclAssociation",),
        "read": ("DescribeNetworkAcls",),
        "delete": ("ReplaceNetworkAclAssociation",),
    },
    create=_create_association,
    read=_read_association,
    delete=_delete_association,
    gone=frozenset({"InvalidAssociationID.NotFound"}),
)

RESOURCES = (NETWORK_ACL, NETWORK_ACL_ASSOCIATION)
