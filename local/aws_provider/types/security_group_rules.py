"""Rules of security groups, one per resource. Source: Terraform AWS provider, `vpc_security_group_ingress_rule.go`."""

from typing import Final, Literal

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, ResourceType, output, text, whole
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.types.ip_protocols import protocol_name, same_protocol
from local.aws_provider.wire import Values

Direction = Literal["Ingress", "Egress"]
_sources: Final = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def _permission(wanted: Values) -> Values:
    description: Values = {"Description": wanted["description"]} if wanted.get("description") else {}
    permission: Values = {"IpProtocol": protocol_name(wanted["ipProtocol"])}
    permission |= {
        key: wanted[name] for key, name in (("FromPort", "fromPort"), ("ToPort", "toPort")) if name in wanted
    }
    if "cidrIpv4" in wanted:
        permission["IpRanges"] = [{"CidrIp": wanted["cidrIpv4"], **description}]
    elif "cidrIpv6" in wanted:
        permission["Ipv6Ranges"] = [{"CidrIpv6": wanted["cidrIpv6"], **description}]
    elif "prefixListId" in wanted:
        permission["PrefixListIds"] = [{"PrefixListId": wanted["prefixListId"], **description}]
    else:
        owner, group = _split_group(wanted["referencedSecurityGroupId"])
        pair: Values = {"GroupId": group, **description}
        permission["UserIdGroupPairs"] = [{**pair, "UserId": owner} if owner else pair]
    return permission


def _split_group(reference: str) -> tuple[str, str]:
    """Split `<account>/sg-…`, a reference to a group of another account."""
    owner, _, group = reference.rpartition("/")
    return owner, group


def _create(aws: Aws, wanted: Values, direction: Direction) -> str:
    answer = aws.call(
        f"AuthorizeSecurityGroup{direction}",
        GroupId=wanted["securityGroupId"],
        IpPermissions=[_permission(wanted)],
    )
    return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]


def _settle(aws: Aws, rule_id: str, wanted: Values) -> None:
    if wanted["tagsAll"]:
        ec2_common.retag(aws, rule_id, wanted, wanted["tagsAll"], [])


def _read(aws: Aws, rule_id: str, known: Values, direction: Direction) -> Values | None:
    rules = aws.call("DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule_id])["SecurityGroupRules"]
    if not rules or rules[0]["IsEgress"] != (direction == "Egress"):
        return None
    rule = rules[0]
    everything = rule["IpProtocol"] == "-1"
    # For "all" AWS returns ports of -1, which the program did not set.
    ports = {
        name: rule.get(key)
        for name, key in (("fromPort", "FromPort"), ("toPort", "ToPort"))
        if not everything or name in known
    }
    return {
        **ports,
        "arn": ec2_common.arn(aws, f"security-group-rule/{rule_id}"),
        "cidrIpv4": rule.get("CidrIpv4"),
        "cidrIpv6": rule.get("CidrIpv6"),
        "description": rule.get("Description"),
        "ipProtocol": rule["IpProtocol"],
        "prefixListId": rule.get("PrefixListId"),
        "referencedSecurityGroupId": _reference(aws, rule.get("ReferencedGroupInfo") or {}),
        "securityGroupId": rule["GroupId"],
        "securityGroupRuleId": rule_id,
        "tags": from_pairs(rule.get("Tags")),
    }


def _reference(aws: Aws, info: Values) -> str | None:
    group, owner = info.get("GroupId"), info.get("UserId")
    return f"{owner}/{group}" if owner and owner != aws.account else group


def _update(aws: Aws, change: Change) -> None:
    new = change.new
    rule: Values = {"IpProtocol": protocol_name(new["ipProtocol"])}
    names = {
        "FromPort": "fromPort",
        "ToPort": "toPort",
        "CidrIpv4": "cidrIpv4",
        "CidrIpv6": "cidrIpv6",
        "PrefixListId": "prefixListId",
        "Description": "description",
    }
    rule |= {key: new[name] for key, name in names.items() if name in new}
    if "referencedSecurityGroupId" in new:
        rule["ReferencedGroupId"] = _split_group(new["referencedSecurityGroupId"])[1]
    aws.call(
        "ModifySecurityGroupRules",
        GroupId=new["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": change.object_id, "SecurityGroupRule": rule}],
    )


def _delete(aws: Aws, rule_id: str, known: Values, direction: Direction) -> None:
    aws.call(
        f"RevokeSecurityGroup{direction}",
        GroupId=known["securityGroupId"],
        SecurityGroupRuleIds=[rule_id],
    )


def _replaces_when(old: Values, new: Values) -> set[str]:
    """Return the changed kinds of source: another kind replaces the rule, another value of the same kind does not."""
    before = {name for name in _sources if old.get(name)}
    after = {name for name in _sources if new.get(name)}
    return before ^ after


def _rule_type(direction: Direction) -> ResourceType:
    port = whole(checks=(validators.between(-1, 65535),))
    return ResourceType(
        name=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        service="ec2",
        framework=True,
        properties={
            "arn": output(),
            "cidrIpv4": text(checks=(validators.network_address(4),)),
            "cidrIpv6": text(checks=(validators.network_address(6),)),
            "description": text(),
            "fromPort": port,
            "ipProtocol": text(required=True, same=same_protocol),
            "prefixListId": text(),
            "referencedSecurityGroupId": text(),
            "securityGroupId": text(required=True, replaces=True),
            "securityGroupRuleId": output(),
            "toPort": port,
        },
        calls={
            "create": (f"AuthorizeSecurityGroup{direction}", "CreateTags"),
            "read": ("DescribeSecurityGroupRules",),
            "update": ("ModifySecurityGroupRules", "CreateTags", "DeleteTags"),
            "delete": (f"RevokeSecurityGroup{direction}",),
        },
        create=lambda aws, wanted: _create(aws, wanted, direction),
        settle=_settle,
        read=lambda aws, rule_id, known: _read(aws, rule_id, known, direction),
        update=_update,
        delete=lambda aws, rule_id, known: _delete(aws, rule_id, known, direction),
        retag=ec2_common.retag,
        gone=frozenset(
            {
                "InvalidSecurityGroupRuleId.NotFound",
                "InvalidGroup.NotFound",
                "InvalidGroupId.NotFound",
                "InvalidPermission.NotFound",
            }
        ),
        exactly_one=(_sources,),
        replaces_when=_replaces_when,
    )


RESOURCES = (_rule_type("Ingress"), _rule_type("Egress"))
