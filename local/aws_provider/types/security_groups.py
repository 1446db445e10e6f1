"""Security groups with inline rules. Source: Terraform AWS provider, `internal/service/ec2/vpc_security_group.go`."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import (
    Change,
    Naming,
    Property,
    ResourceType,
    flag,
    output,
    records,
    text,
    texts,
    whole,
)
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.types.ip_protocols import protocol_name
from local.aws_provider.wire import Values

delete_seconds: Final = 120
"""Time to retry deleting a group in use. The real plugin takes 15 minutes."""
_missing_rule = "InvalidPermission.NotFound"
_in_use = frozenset({"DependencyViolation", "InvalidGroup.InUse"})


class Rule(NamedTuple):
    """One rule as AWS counts them: one source with one port range."""

    protocol: str
    from_port: int
    to_port: int
    kind: str
    source: str
    description: str


_kinds: Final = {
    # property: (list in IpPermissions, key of the source in it)
    "cidrBlocks": ("IpRanges", "CidrIp"),
    "ipv6CidrBlocks": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListIds": ("PrefixListIds", "PrefixListId"),
    "securityGroups": ("UserIdGroupPairs", "GroupId"),
}


def _wanted_rules(blocks: Any, own_id: str) -> set[Rule]:
    listed: list[Values] = blocks or []
    rules: set[Rule] = set()
    for block in listed:
        protocol = protocol_name(block["protocol"])
        # There are no ports when the protocol is "all".
        ports = (0, 0) if protocol == "-1" else (block["fromPort"], block["toPort"])
        listings: dict[str, list[str]] = {kind: block.get(kind) or [] for kind in _kinds}
        sources = [(kind, source) for kind, listing in listings.items() for source in listing]
        sources += [("securityGroups", own_id)] if block.get("self") else []
        rules |= {Rule(protocol, *ports, kind, source, block.get("description") or "") for kind, source in sources}
    return rules


def _found_rules(permissions: Iterable[Values]) -> set[Rule]:
    rules: set[Rule] = set()
    for permission in permissions:
        protocol = protocol_name(permission["IpProtocol"])
        ports = (0, 0) if protocol == "-1" else (permission.get("FromPort", -1), permission.get("ToPort", -1))
        for kind, (listing, key) in _kinds.items():
            rules |= {
                Rule(protocol, *ports, kind, item[key], item.get("Description", ""))
                for item in permission.get(listing, [])
            }
    return rules


def _permissions(rules: Iterable[Rule]) -> list[Values]:
    result: list[Values] = []
    for rule in sorted(rules):
        listing, key = _kinds[rule.kind]
        source: Values = {key: rule.source}
        if rule.description:
            source["Description"] = rule.description
        permission: Values = {"IpProtocol": rule.protocol, listing: [source]}
        if rule.protocol != "-1":
            permission |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
        result.append(permission)
    return result


def _blocks(rules: Iterable[Rule], own_id: str) -> list[Values]:
    """Return rules in the form of the property: one block per protocol, port range and description."""
    blocks: dict[tuple[str, int, int, str], Values] = {}
    for rule in sorted(rules):
        key = (rule.protocol, rule.from_port, rule.to_port, rule.description)
        block = blocks.setdefault(
            key,
            {
                "protocol": rule.protocol,
                "fromPort": rule.from_port,
                "toPort": rule.to_port,
                "description": rule.description,
                "self": False,
                **{kind: list[str]() for kind in _kinds},
            },
        )
        if rule.kind == "securityGroups" and rule.source == own_id:
            block["self"] = True
        else:
            block[rule.kind].append(rule.source)
    return list(blocks.values())


def _same_rules(old: Any, new: Any) -> bool:
    # The group's own ID only has to be the same on both sides.
    return _wanted_rules(old, "self") == _wanted_rules(new, "self")


def _create(aws: Aws, wanted: Values) -> str:
    answer = aws.call(
        "CreateSecurityGroup",
        GroupName=wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-")),
        Description=wanted["description"],
        VpcId=wanted.get("vpcId"),
        TagSpecifications=ec2_common.tag_specification("security-group", wanted["tagsAll"]),
    )
    return answer["GroupId"]


def _settle(aws: Aws, group_id: str, wanted: Values) -> None:
    # AWS permits all egress of a new group; this provider does only if the program sets it.
    for source in ({"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}):
        try:
            everything: Values = {"IpProtocol": "-1", **source}
            aws.call("RevokeSecurityGroupEgress", GroupId=group_id, IpPermissions=[everything])
        except AwsError as failure:
            if failure.code != _missing_rule:
                raise
    for direction in ("ingress", "egress"):
        _change_rules(aws, group_id, direction, set(), _wanted_rules(wanted.get(direction), group_id))


def _change_rules(aws: Aws, group_id: str, direction: str, old: set[Rule], new: set[Rule]) -> None:
    side = direction.capitalize()
    if old - new:
        aws.call(f"RevokeSecurityGroup{side}", GroupId=group_id, IpPermissions=_permissions(old - new))
    if new - old:
        aws.call(f"AuthorizeSecurityGroup{side}", GroupId=group_id, IpPermissions=_permissions(new - old))


def _find(aws: Aws, group_id: str) -> Values:
    return aws.call("DescribeSecurityGroups", GroupIds=[group_id])["SecurityGroups"][0]


def _read(aws: Aws, group_id: str, known: Values) -> Values | None:
    group = _find(aws, group_id)
    owner = group["OwnerId"]
    return {
        "arn": ec2_common.arn(aws, f"security-group/{group_id}", owner),
        "description": group["Description"],
        "egress": _blocks(_found_rules(group.get("IpPermissionsEgress", [])), group_id),
        "ingress": _blocks(_found_rules(group.get("IpPermissions", [])), group_id),
        "name": group["GroupName"],
        "namePrefix": known.get("namePrefix"),
        "ownerId": owner,
        "tags": from_pairs(group.get("Tags")),
        "vpcId": group.get("VpcId"),
    }


def _update(aws: Aws, change: Change) -> None:
    if not change.has("ingress", "egress"):
        return
    group = _find(aws, change.object_id)
    for direction, listing in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
        if change.has(direction):
            wanted = _wanted_rules(change.new.get(direction), change.object_id)
            _change_rules(aws, change.object_id, direction, _found_rules(group.get(listing, [])), wanted)


def _delete(aws: Aws, group_id: str, known: Values) -> None:
    if known.get("revokeRulesOnDelete"):
        group = _find(aws, group_id)
        _change_rules(aws, group_id, "ingress", _found_rules(group.get("IpPermissions", [])), set())
        _change_rules(aws, group_id, "egress", _found_rules(group.get("IpPermissionsEgress", [])), set())
    # The real plugin also deletes interfaces that Lambda functions left in the group. Here there are none.
    aws.call("DescribeNetworkInterfaces", Filters=[{"Name": "group-id", "Values": [group_id]}])
    aws.retry(_in_use, lambda: aws.call("DeleteSecurityGroup", GroupId=group_id), delete_seconds)


_description_form = validators.matches(
    r"[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]*", "holds a character that AWS does not take"
)
_port = whole(required=True)


def _rules_property() -> Property:
    return records(
        {
            "cidrBlocks": texts(checks=(validators.each(validators.network_address(4)),)),
            "description": text(checks=(validators.length(0, 255), _description_form)),
            "fromPort": _port,
            "ipv6CidrBlocks": texts(checks=(validators.each(validators.network_address(6)),)),
            "prefixListIds": texts(),
            "protocol": text(required=True, stored_as=protocol_name),
            "securityGroups": texts(),
            "self": flag(default=False),
            "toPort": _port,
        },
        computed=True,
        unordered=True,
        same=_same_rules,
    )


SECURITY_GROUP = ResourceType(
    name="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    properties={
        "arn": output(),
        "description": text(
            default="Managed by Pulumi",
            replaces=True,
            checks=(validators.length(0, 255), _description_form),
        ),
        "egress": _rules_property(),
        "ingress": _rules_property(),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(),
            conflicts=("namePrefix",),
            checks=(validators.length(0, 255), validators.unlike("^sg-", "must not begin with sg-")),
        ),
        "namePrefix": text(
            replaces=True,
            computed=True,
            conflicts=("name",),
            checks=(validators.length(0, 229), validators.unlike("^sg-", "must not begin with sg-")),
        ),
        "ownerId": output(),
        "revokeRulesOnDelete": flag(default=False, local=True),
        "vpcId": text(replaces=True, computed=True),
    },
    calls={
        "create": (
            *("CreateSecurityGroup", "RevokeSecurityGroupEgress"),
            *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
        ),
        "read": ("DescribeSecurityGroups",),
        "update": (
            *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
            *("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "CreateTags", "DeleteTags"),
        ),
        "delete": (
            *("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"),
            *("DescribeNetworkInterfaces", "DeleteSecurityGroup"),
        ),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=ec2_common.retag,
    gone=frozenset({"InvalidGroup.NotFound", "InvalidGroupId.NotFound"}),
)

RESOURCES = (SECURITY_GROUP,)
