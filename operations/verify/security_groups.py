"""Security groups and their rules, in the format of EC2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.domain_controllers.traffic_requirements import Direction
from operations.reading import Unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from operations.reading import Reader


@dataclass(frozen=True, kw_only=True)
class RuleFacts:
    """A rule of a security group.

    Attributes:
        id: ID, `sgr-...`.
        direction: Ingress or egress.
        protocol: Protocol, by its name in EC2.
        from_port: First port or ICMP type; -1: any.
        to_port: Last port or ICMP code; -1: any.
        peer: CIDR, `sg-...` or `pl-...`.
        description: Its description; "": none.
        name: Its Name tag, which the stack's own rules have; "": none.
        answer: The original response of EC2.
    """

    id: str
    direction: Direction
    protocol: str
    from_port: int
    to_port: int
    peer: str
    description: str = ""
    name: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)

    def __str__(self) -> str:
        ends = f"{self.from_port}" if self.to_port in (self.from_port, -1) else f"{self.from_port}-{self.to_port}"
        what = "everything" if self.protocol == "-1" else f"{self.protocol} {ends}"
        return f"{self.direction} {what} {'from' if self.direction == 'ingress' else 'to'} {self.peer}"


@dataclass(frozen=True, kw_only=True)
class GroupFacts:
    """A security group.

    Attributes:
        id: ID, `sg-...`.
        name: Its Name tag.
        rules: Ingress and egress rules.
    """

    id: str
    name: str
    rules: tuple[RuleFacts, ...] = ()


def read_groups(reader: Reader, chosen: list[dict[str, Any]]) -> tuple[GroupFacts, ...] | Unread:
    """Read security groups with their rules.

    Args:
        reader: Reader of the Region.
        chosen: Filters of DescribeSecurityGroups.
    """
    answer = reader.read("ec2", "describe_security_groups", Filters=chosen)
    if isinstance(answer, Unread):
        return answer
    found: list[Mapping[str, Any]] = (answer or {}).get("SecurityGroups", [])
    if not found:
        return ()
    ids = [each["GroupId"] for each in found]
    rules = reader.read("ec2", "describe_security_group_rules", Filters=filters(group_id=ids))
    if isinstance(rules, Unread):
        return rules
    read: list[Mapping[str, Any]] = (rules or {}).get("SecurityGroupRules", [])
    return tuple(
        GroupFacts(
            id=each["GroupId"],
            name=tag(each, "Name"),
            rules=tuple(_rule(rule) for rule in read if rule["GroupId"] == each["GroupId"]),
        )
        for each in found
    )


def _rule(answer: Mapping[str, Any]) -> RuleFacts:
    peers = (answer.get(key) for key in ("CidrIpv4", "CidrIpv6", "PrefixListId"))
    return RuleFacts(
        id=answer["SecurityGroupRuleId"],
        direction=Direction.EGRESS if answer["IsEgress"] else Direction.INGRESS,
        protocol=answer["IpProtocol"],
        from_port=answer.get("FromPort", -1),
        to_port=answer.get("ToPort", -1),
        peer=next((each for each in peers if each), answer.get("ReferencedGroupInfo", {}).get("GroupId", "")),
        description=answer.get("Description") or "",
        name=tag(answer, "Name"),
        answer=answer,
    )


def tag(found: Mapping[str, Any], key: str) -> str:
    """Return the value of a tag; "" if there is none."""
    return next((each["Value"] for each in found.get("Tags", ()) if each["Key"] == key), "")


def filters(**values: Sequence[str]) -> list[dict[str, Any]]:
    """Return filters of EC2: `filters(vpc_id=[...])`."""
    return [{"Name": name.replace("_", "-"), "Values": list(each)} for name, each in values.items()]
