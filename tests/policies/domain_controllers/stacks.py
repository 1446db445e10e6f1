"""Stacks with domain controllers; a test starts from a good one and changes one thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.policies.judging import UNKNOWN, Made

GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
PREFIX_LIST = "aws:ec2/managedPrefixList:ManagedPrefixList"
PREFIX_LIST_ENTRY = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"
INSTANCE = "aws:ec2/instance:Instance"
SPOT_INSTANCE = "aws:ec2/spotInstanceRequest:SpotInstanceRequest"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NETWORK_INTERFACE = "aws:ec2/networkInterface:NetworkInterface"
VOLUME = "aws:ebs/volume:Volume"

MARKED = {"Role": "DomainController"}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of a group, whatever form it takes.

    Attributes:
        protocol: as written.
        first: port.
        last: port.
        end: by which property the new form of rules names the other end, `cidrIpv4`, or `self`.
        value: of it.
        direction: ingress or egress.
        sources: names of the resources that the value comes from.
    """

    protocol: Any = "tcp"
    first: Any = 389
    last: Any = 389
    peer: str = "cidrIpv4"
    value: Any = "10.10.0.0/16"
    direction: str = "ingress"
    sources: tuple[str, ...] = ()


_INLINE = {
    "cidrIpv4": "cidrBlocks",
    "cidrIpv6": "ipv6CidrBlocks",
    "prefixListId": "prefixListIds",
    "referencedSecurityGroupId": "securityGroups",
}
_OLD = {**_INLINE, "referencedSecurityGroupId": "sourceSecurityGroupId"}
_LISTS = {"cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups"}


def group(name: str = "dc", **properties: Any) -> Made:
    """A controllers' group, as preview sees it: its rules are filled in by the provider."""
    return Made(GROUP, name, {"id": UNKNOWN, "ingress": UNKNOWN, "egress": UNKNOWN, "tags": MARKED, **properties})


def _block(rule: Rule) -> dict[str, Any]:
    ports = {"protocol": rule.protocol, "fromPort": rule.first, "toPort": rule.last}
    if rule.peer == "self":
        return ports | {"self": True, "cidrBlocks": []}
    return ports | {_INLINE[rule.peer]: [rule.value], "self": False}


def _inline(rule: Rule, tags: Any, type_: str = GROUP) -> tuple[Made, ...]:
    sources = {rule.direction: rule.sources} if rule.sources else {}
    blocks = {"ingress": [], "egress": [], rule.direction: [_block(rule)]}
    return (Made(type_, "dc", {"id": UNKNOWN, "tags": tags, **blocks}, sources=sources),)


def _default_group(rule: Rule, tags: Any) -> tuple[Made, ...]:
    return _inline(rule, tags, DEFAULT_GROUP)


def _old(rule: Rule, tags: Any) -> tuple[Made, ...]:
    name = _OLD.get(rule.peer, "self")
    value = True if rule.peer == "self" else [rule.value] if name in _LISTS else rule.value
    peers = {"self": False, "sourceSecurityGroupId": UNKNOWN, name: value}
    properties = {
        "type": rule.direction,
        "protocol": rule.protocol,
        "fromPort": rule.first,
        "toPort": rule.last,
        "securityGroupId": UNKNOWN,
        **peers,
    }
    sources = {"securityGroupId": ("dc",)} | ({name: rule.sources} if rule.sources else {})
    return (group(tags=tags), Made(OLD_RULE, "rule", properties, sources=sources))


def _new(rule: Rule, tags: Any) -> tuple[Made, ...]:
    peers = {"referencedSecurityGroupId": UNKNOWN} if rule.peer == "self" else {rule.peer: rule.value}
    end_sources = {"referencedSecurityGroupId": ("dc",)} if rule.peer == "self" else {}
    if rule.sources:
        end_sources = {rule.peer: rule.sources}
    properties = {
        "ipProtocol": rule.protocol,
        "fromPort": rule.first,
        "toPort": rule.last,
        "securityGroupId": UNKNOWN,
        **peers,
    }
    type_ = INGRESS_RULE if rule.direction == "ingress" else EGRESS_RULE
    sources = {"securityGroupId": ("dc",), **end_sources}
    return (group(tags=tags), Made(type_, "rule", properties, sources=sources))


@dataclass(frozen=True)
class Form:
    """A way of writing a rule of a group.

    Attributes:
        write: makes the group and the rule, with the group's tags.
        carrier: name of the resource that has the rule.
    """

    write: Callable[[Rule, Any], tuple[Made, ...]]
    carrier: str

    def __call__(self, rule: Rule, tags: Any = None) -> tuple[Made, ...]:
        """The resources."""
        return self.write(rule, MARKED if tags is None else tags)


FORMS = {
    "in the group": Form(_inline, "dc"),
    "in the default group": Form(_default_group, "dc"),
    "an ec2 rule": Form(_old, "rule"),
    "a vpc rule": Form(_new, "rule"),
}


def instance(name: str = "dc1", **properties: Any) -> Made:
    """A good controller, as the update leaves it."""
    good = {
        "id": f"i-{name}",
        "tags": MARKED,
        "subnetId": f"subnet-{name}",
        "availabilityZone": "eu-west-1a",
        "primaryNetworkInterfaceId": f"eni-{name}",
        "vpcSecurityGroupIds": [],
    }
    return Made(INSTANCE, name, good | properties)
