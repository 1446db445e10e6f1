"""Security groups with inline rules, and rules with a resource of their own.

Source: Terraform AWS provider, `internal/service/ec2/vpc_security_group*.go`.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import (
    Code,
    Item,
    Operation,
    Property,
    ResourceType,
    Retry,
    fixed,
    flag,
    name,
    records,
    text,
    texts,
    whole,
)
from local.aws_provider.shapes import tag_list
from local.aws_provider.types.ec2 import tagging
from local.aws_provider.wire import Values, items_of

numbers: Final = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
"""Protocols that EC2 returns by name. All others are numbers, `-1` for all protocols."""
_names: Final = {number: name for name, number in numbers.items()}


def protocol_name(given: str) -> str:
    """Return the name or number that EC2 uses for a protocol."""
    lowered = str(given).lower()
    if lowered == "all":
        return "-1"
    return _names.get(lowered, lowered)


def same_protocol(first: str, second: str) -> bool:
    """Return whether two names or numbers are the same protocol in security groups."""
    return protocol_name(first) == protocol_name(second)


_other_numbers: Final = {
    "igmp": "2",
    "ipv4": "4",
    "egp": "8",
    "igp": "9",
    "ipv6": "41",
    "gre": "47",
    "esp": "50",
    "ah": "51",
    "ipv6-icmp": "58",
    "ospf": "89",
    "ospfigp": "89",
    "etherip": "97",
    "pim": "103",
    "vrrp": "112",
    "l2tp": "115",
    "sctp": "132",
    "fc": "133",
    "udplite": "136",
}
"""IANA names of further protocols, which network ACLs accept, too."""
_highest: Final = 255


def protocol_number(given: str) -> str:
    """Return the number of a protocol for network ACLs; `-1` for all protocols, unknown names unchanged."""
    lowered = str(given).lower()
    if lowered == "all":
        return "-1"
    return numbers.get(lowered) or _other_numbers.get(lowered) or lowered


def protocol(value: Any) -> str | None:
    """Validate the IANA name or number of a protocol."""
    number = protocol_number(value)
    known = number == "-1" or (number.isdigit() and int(number) <= _highest)
    return None if known else f"unsupported protocol: {value}"


# Protocols.


_missing_rule: Final = "InvalidPermission.NotFound"


# Groups.


class CountedRule(NamedTuple):
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


def _configured_rules(blocks: Any, own_id: str) -> set[CountedRule]:
    rules: set[CountedRule] = set()
    for block in items_of(blocks):
        protocol = protocol_name(block["protocol"])
        # There are no ports when the protocol is "all".
        ports = (0, 0) if protocol == "-1" else (block["fromPort"], block["toPort"])
        listings: dict[str, list[str]] = {kind: block.get(kind) or [] for kind in _kinds}
        sources = [(kind, source) for kind, listing in listings.items() for source in listing]
        sources += [("securityGroups", own_id)] if block.get("self") else []
        rules |= {
            CountedRule(protocol, *ports, kind, source, block.get("description") or "") for kind, source in sources
        }
    return rules


def _found_rules(permissions: Iterable[Values]) -> set[CountedRule]:
    rules: set[CountedRule] = set()
    for permission in permissions:
        protocol = protocol_name(permission["IpProtocol"])
        ports = (0, 0) if protocol == "-1" else (permission.get("FromPort", -1), permission.get("ToPort", -1))
        for kind, (listing, key) in _kinds.items():
            rules |= {
                CountedRule(protocol, *ports, kind, item[key], item.get("Description", ""))
                for item in permission.get(listing, [])
            }
    return rules


def _permissions(rules: Iterable[CountedRule]) -> list[Values]:
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


def _blocks(rules: Iterable[CountedRule], own_id: str) -> list[Values]:
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
    return _configured_rules(old, "self") == _configured_rules(new, "self")


def _revoke_default_egress(aws: Aws, group: Item) -> None:
    # AWS permits all egress of a new group; this provider does only if the program sets it.
    for source in ({"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}):
        everything: Values = {"IpProtocol": "-1", **source}
        aws.attempt({_missing_rule}, "RevokeSecurityGroupEgress", GroupId=group.id, IpPermissions=[everything])


def _change_rules(aws: Aws, group: Item) -> None:
    """Authorize and revoke rules so that the group has those of the program."""
    found: Values = aws.call("DescribeSecurityGroups", GroupIds=[group.id])["SecurityGroups"][0]
    for direction, listing in (("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")):
        if group.has(direction.lower()) or not group.old:
            old = _found_rules(found.get(listing, []))
            new = _configured_rules(group.values.get(direction.lower()), group.id)
            if old - new:
                aws.call(f"RevokeSecurityGroup{direction}", GroupId=group.id, IpPermissions=_permissions(old - new))
            if new - old:
                aws.call(f"AuthorizeSecurityGroup{direction}", GroupId=group.id, IpPermissions=_permissions(new - old))


def _read_rules(_aws: Aws, group: Item) -> Values:
    return {
        "egress": _blocks(_found_rules(group.found.get("IpPermissionsEgress", [])), group.id),
        "ingress": _blocks(_found_rules(group.found.get("IpPermissions", [])), group.id),
    }


def _describe_interfaces(aws: Aws, group: Item) -> None:
    # The real plugin also deletes interfaces that Lambda functions left in the group. Here there are none.
    aws.call("DescribeNetworkInterfaces", Filters=[{"Name": "group-id", "Values": [group.id]}])


_description_form: Final = validators.matches(
    r"[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]*", "holds a character that AWS does not take"
)
_port: Final = whole(required=True)


def _rules() -> Property:
    return records(
        {
            "cidrBlocks": texts(validators.each(validators.network_address(4))),
            "description": text(validators.length(0, 255), _description_form),
            "fromPort": _port,
            "ipv6CidrBlocks": texts(validators.each(validators.network_address(6))),
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


_change: Final = Code(
    _change_rules,
    "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress",
    on="egress ingress",
)

SECURITY_GROUP = ResourceType(
    name="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    properties={
        "description": text(validators.length(0, 255), _description_form, default="Managed by Pulumi", replaces=True),
        "egress": _rules(),
        "ingress": _rules(),
        "name": name(validators.length(0, 255), validators.unlike("^sg-", "must not begin with sg-"), aws="GroupName"),
        "revokeRulesOnDelete": fixed(False, local=True),
        "vpcId": text(replaces=True, computed=True),
    },
    outputs="arn ownerId",
    refused="namePrefix",
    arn="security-group/{id}",
    create=(
        Operation("CreateSecurityGroup", result="GroupId"),
        Code(_revoke_default_egress, "RevokeSecurityGroupEgress"),
        _change,
    ),
    read=(Operation("DescribeSecurityGroups", {"GroupIds": "id"}, result="SecurityGroups"), Code(_read_rules)),
    update=(_change,),
    # The real plugin repeats for 15 minutes while the group is in use.
    delete=(
        Code(_describe_interfaces, "DescribeNetworkInterfaces"),
        Operation(
            "DeleteSecurityGroup",
            {"GroupId": "id"},
            retry=Retry(codes=frozenset({"DependencyViolation", "InvalidGroup.InUse"}), seconds=120),
        ),
    ),
    tagging=tagging("security-group"),
    gone=frozenset({"InvalidGroup.NotFound", "InvalidGroupId.NotFound"}),
)


# Rules.

_sources: Final = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def _permission(new: Values) -> Values:
    description: Values = {"Description": new["description"]} if new.get("description") else {}
    permission: Values = {"IpProtocol": protocol_name(new["ipProtocol"])}
    permission |= {key: new[port] for key, port in (("FromPort", "fromPort"), ("ToPort", "toPort")) if port in new}
    if "cidrIpv4" in new:
        permission["IpRanges"] = [{"CidrIp": new["cidrIpv4"], **description}]
    elif "cidrIpv6" in new:
        permission["Ipv6Ranges"] = [{"CidrIpv6": new["cidrIpv6"], **description}]
    elif "prefixListId" in new:
        permission["PrefixListIds"] = [{"PrefixListId": new["prefixListId"], **description}]
    else:
        owner, group = _split_group(new["referencedSecurityGroupId"])
        pair: Values = {"GroupId": group, **description}
        permission["UserIdGroupPairs"] = [{**pair, "UserId": owner} if owner else pair]
    return permission


def _split_group(reference: str) -> tuple[str, str]:
    """Split `<account>/sg-…`, a reference to a group of another account."""
    owner, _, group = reference.rpartition("/")
    return owner, group


def _tag_rule(aws: Aws, rule: Item) -> None:
    if rule.values["tagsAll"]:
        aws.call("CreateTags", Resources=[rule.id], Tags=tag_list(rule.values["tagsAll"]))


def _read_ends(aws: Aws, rule: Item) -> Values:
    info: Values = rule.found.get("ReferencedGroupInfo") or {}
    group, owner = info.get("GroupId"), info.get("UserId")
    # For protocols without ports AWS returns ports of -1, which the program did not set.
    ports = {"fromPort": "FromPort", "toPort": "ToPort"}
    unset = [each for each, aws in ports.items() if each not in rule.values and rule.found.get(aws, -1) == -1]
    return {
        **dict.fromkeys(unset),
        "referencedSecurityGroupId": f"{owner}/{group}" if owner and owner != aws.account else group,
    }


def _modify_rule(aws: Aws, rule: Item) -> None:
    new = rule.values
    names = ("fromPort", "toPort", "cidrIpv4", "cidrIpv6", "prefixListId", "description")
    changed: Values = {each[0].upper() + each[1:]: new[each] for each in names if each in new}
    if "referencedSecurityGroupId" in new:
        changed["ReferencedGroupId"] = _split_group(new["referencedSecurityGroupId"])[1]
    changed["IpProtocol"] = protocol_name(new["ipProtocol"])
    described = {"SecurityGroupRuleId": rule.id, "SecurityGroupRule": changed}
    aws.call("ModifySecurityGroupRules", GroupId=new["securityGroupId"], SecurityGroupRules=[described])


def _replaces_when(old: Values, new: Values) -> set[str]:
    """Return the changed kinds of source: another kind replaces the rule, another value of the same kind does not."""
    before = {each for each in _sources if old.get(each)}
    after = {each for each in _sources if new.get(each)}
    return before ^ after


def _rule_type(direction: str) -> ResourceType:
    port = whole(validators.between(-1, 65535))
    is_egress = direction == "Egress"

    def authorize(aws: Aws, rule: Item) -> str:
        group: str = rule.values["securityGroupId"]
        permission = _permission(rule.values)
        answer = aws.call(f"AuthorizeSecurityGroup{direction}", GroupId=group, IpPermissions=[permission])
        return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    return ResourceType(
        name=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        service="ec2",
        framework=True,
        properties={
            "cidrIpv4": text(validators.network_address(4)),
            "cidrIpv6": text(validators.network_address(6)),
            "description": text(),
            "fromPort": port,
            "ipProtocol": text(required=True, same=same_protocol),
            "prefixListId": text(),
            "referencedSecurityGroupId": text(),
            "securityGroupId": text(required=True, replaces=True, aws="GroupId"),
            "toPort": port,
        },
        outputs="arn securityGroupRuleId",
        arn="security-group-rule/{id}",
        create=(Code(authorize, f"AuthorizeSecurityGroup{direction}"), Code(_tag_rule, "CreateTags")),
        read=(
            Operation("DescribeSecurityGroupRules", {"SecurityGroupRuleIds": "id"}, result="SecurityGroupRules"),
            Code(_read_ends),
        ),
        update=(
            Code(
                _modify_rule,
                "ModifySecurityGroupRules",
                on="cidrIpv4 cidrIpv6 description fromPort ipProtocol prefixListId referencedSecurityGroupId toPort",
            ),
        ),
        delete=(
            Operation(f"RevokeSecurityGroup{direction}", {"GroupId": "securityGroupId", "SecurityGroupRuleIds": "id"}),
        ),
        tagging=tagging("security-group-rule"),
        gone=frozenset(
            {
                *("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound", "InvalidGroupId.NotFound"),
                _missing_rule,
            }
        ),
        is_gone=lambda rule: rule["IsEgress"] != is_egress,
        exactly_one=(_sources,),
        replaces_when=_replaces_when,
    )


INGRESS_RULE, EGRESS_RULE = _rule_type("Ingress"), _rule_type("Egress")
