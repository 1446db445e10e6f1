"""Rules of network ACLs, one per resource.

Source: Terraform AWS provider, `internal/service/ec2/vpc_network_acl_rule.go`.
"""

import zlib

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import ResourceType, flag, text, whole
from local.aws_provider.types import ip_protocols
from local.aws_provider.types.network_acls import find, icmp_numbers, not_found, rule_number
from local.aws_provider.wire import Values


def _object_id(acl_id: str, number: int, protocol: str, *, egress: bool) -> str:
    direction = "true" if egress else "false"
    return f"nacl-{zlib.crc32(f'{acl_id}-{number}-{direction}-{protocol}-'.encode())}"


def _entry(aws: Aws, known: Values) -> Values | None:
    acl = find(aws, known["networkAclId"]) or {}
    wanted = (known["ruleNumber"], known["egress"])
    return next((item for item in acl.get("Entries", []) if (item["RuleNumber"], item["Egress"]) == wanted), None)


def _create(aws: Aws, wanted: Values) -> str:
    if _entry(aws, wanted) is not None:
        side = "egress" if wanted["egress"] else "ingress"
        raise InvalidInputError(f"{side} rule {wanted['ruleNumber']} of {wanted['networkAclId']} already exists")
    number = ip_protocols.protocol_number(wanted["protocol"])
    icmp = {"Type": wanted.get("icmpType", 0), "Code": wanted.get("icmpCode", 0)} if number in icmp_numbers else None
    aws.call(
        "CreateNetworkAclEntry",
        NetworkAclId=wanted["networkAclId"],
        RuleNumber=wanted["ruleNumber"],
        Egress=wanted["egress"],
        RuleAction=wanted["ruleAction"].lower(),
        Protocol=number,
        PortRange={"From": wanted.get("fromPort", 0), "To": wanted.get("toPort", 0)},
        CidrBlock=wanted.get("cidrBlock"),
        Ipv6CidrBlock=wanted.get("ipv6CidrBlock"),
        IcmpTypeCode=icmp,
    )
    return _object_id(wanted["networkAclId"], wanted["ruleNumber"], wanted["protocol"], egress=wanted["egress"])


def _read(aws: Aws, _rule_id: str, known: Values) -> Values | None:
    entry = _entry(aws, known)
    if entry is None:
        return None
    ports, icmp = entry.get("PortRange", {}), entry.get("IcmpTypeCode", {})
    return {
        "cidrBlock": entry.get("CidrBlock"),
        "egress": entry["Egress"],
        "fromPort": ports.get("From"),
        "icmpCode": icmp.get("Code"),
        "icmpType": icmp.get("Type"),
        "ipv6CidrBlock": entry.get("Ipv6CidrBlock"),
        "networkAclId": known["networkAclId"],
        "protocol": entry["Protocol"],
        "ruleAction": entry["RuleAction"],
        "ruleNumber": entry["RuleNumber"],
        "toPort": ports.get("To"),
    }


def _delete(aws: Aws, _rule_id: str, known: Values) -> None:
    aws.call(
        "DeleteNetworkAclEntry",
        NetworkAclId=known["networkAclId"],
        RuleNumber=known["ruleNumber"],
        Egress=known["egress"],
    )


def _parts(import_id: str) -> tuple[str, int, str, bool]:
    parts = import_id.split(":")
    match parts:
        case [acl_id, number, protocol, ("true" | "false") as egress] if number.isdigit():
            return acl_id, int(number), protocol, egress == "true"
        case _:
            raise InvalidInputError(
                f"unexpected format of ID ({import_id!r}), expected NETWORK_ACL_ID:RULE_NUMBER:PROTOCOL:EGRESS"
            )


def _import_id(import_id: str) -> str:
    acl_id, number, protocol, egress = _parts(import_id)
    return _object_id(acl_id, number, protocol, egress=egress)


def _import_state(import_id: str) -> Values:
    acl_id, number, protocol, egress = _parts(import_id)
    return {"networkAclId": acl_id, "ruleNumber": number, "protocol": protocol, "egress": egress}


NETWORK_ACL_RULE = ResourceType(
    name="aws:ec2/networkAclRule:NetworkAclRule",
    service="ec2",
    properties={
        "cidrBlock": text(replaces=True, checks=(validators.cidr,)),
        "egress": flag(default=False, replaces=True),
        "fromPort": whole(replaces=True),
        "icmpCode": whole(replaces=True),
        "icmpType": whole(replaces=True),
        "ipv6CidrBlock": text(replaces=True, checks=(validators.cidr,)),
        "networkAclId": text(required=True, replaces=True),
        "protocol": text(
            required=True,
            replaces=True,
            checks=(ip_protocols.protocol,),
            same=ip_protocols.same_number,
            stored_as=ip_protocols.protocol_number,
        ),
        # Unlike the action of an inline rule, in lower case only.
        "ruleAction": text(required=True, replaces=True, checks=(validators.one_of("allow", "deny"),)),
        "ruleNumber": whole(required=True, replaces=True, checks=(rule_number,)),
        "toPort": whole(replaces=True),
    },
    calls={
        "create": ("CreateNetworkAclEntry",),
        "read": ("DescribeNetworkAcls",),
        "delete": ("DeleteNetworkAclEntry",),
    },
    create=_create,
    read=_read,
    delete=_delete,
    gone=frozenset({not_found, "InvalidNetworkAclEntry.NotFound"}),
    exactly_one=(("cidrBlock", "ipv6CidrBlock"),),
    import_id=_import_id,
    import_state=_import_state,
)

RESOURCES = (NETWORK_ACL_RULE,)
