"""Security group rules: descriptions on every kind of rule, identity of rules, and their weight in the quota.

Sources, the first three under https://docs.aws.amazon.com/AWSEC2/latest/APIReference/:
    API_SecurityGroupRule
    API_IpRange ("AWS canonicalizes IPv4 and IPv6 CIDRs")
    API_AuthorizeSecurityGroupIngress (errors: a rule that exists, whatever its description)
    https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
    https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html (weights)
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from moto.ec2.exceptions import RulesPerSecurityGroupLimitExceededError
from moto.ec2.models import security_groups as moto_module
from moto.ec2.models.security_groups import (
    GroupedSecurityRuleView,
    SecurityGroup,
    SecurityGroupBackend,
    SecurityGroupRule,
)

from local.emulator.extension.service_quotas import applied_quota

RULES_PER_DIRECTION = 60
"""Quota of inbound or outbound rules per group; IPv4 and IPv6 are counted separately."""

PORT_PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6", "6", "17", "1", "58")
"""Protocols with ports or types; all others have all ports, regardless of those of the request (API_IpPermission)."""

AWS_LIST_WEIGHTS = {"origin-facing": 55, "groundstation": 5, "vpc-lattice": 10}
"""Weights of AWS managed prefix lists, by the last part of their name; the weight of S3 and DynamoDB is 1."""


class Weight(NamedTuple):
    """Weight of a rule in the quota of each address family."""

    ipv4: int
    ipv6: int


class LocalRule(SecurityGroupRule):
    """Rule that keeps its description for every kind of source, and ignores it in comparisons."""

    ip_protocol: str | None
    from_port: Any
    to_port: Any
    ip_range: dict[str, str]
    source_group: dict[str, str]
    prefix_list_id: str | None

    def __init__(  # noqa: PLR0913, PLR0917 (the signature that moto calls)
        self,
        ec2_backend: Any,
        ip_protocol: str,
        group_id: str,
        from_port: str | None,
        to_port: str | None,
        ip_range: dict[str, str] | None,
        source_group: dict[str, str] | None = None,
        prefix_list_id: dict[str, str] | None = None,
        is_egress: bool = True,  # noqa: FBT001, FBT002
        tags: dict[str, str] | None = None,
    ) -> None:
        range_ = canonical(ip_range or {})
        if ip_protocol not in (*PORT_PROTOCOLS, "-1"):
            from_port = to_port = "-1"
        super().__init__(
            ec2_backend,
            ip_protocol,
            group_id,
            from_port,
            to_port,
            range_,
            source_group,
            prefix_list_id,
            is_egress,
            tags,
        )
        self.prefix_list_description = (prefix_list_id or {}).get("Description")

    @property
    def description(self) -> str | None:
        """Return the rule as DescribeSecurityGroupRules shows it."""
        descriptions = (self.ip_range.get("Description"), self.source_group.get("Description"))
        return next((text for text in descriptions if text), self.prefix_list_description)

    def describe_as(self, text: str) -> None:
        """Change the description."""
        if self.prefix_list_id:
            self.prefix_list_description = text
        elif self.source_group:
            self.source_group["Description"] = text
        else:
            self.ip_range["Description"] = text

    def become(self, other: "LocalRule") -> None:
        """Copy the properties of another rule, except for ID, group, direction and tags."""
        self.ip_protocol, self.from_port, self.to_port = other.ip_protocol, other.from_port, other.to_port
        self.ip_range, self.source_group = other.ip_range, other.source_group
        self.prefix_list_id = other.prefix_list_id
        self.prefix_list_description = other.prefix_list_description

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecurityGroupRule) and identity(self) == identity(other)

    __hash__: Any = None


class LocalGroup(SecurityGroup):
    """Group that shows the descriptions of its prefix list rules."""

    def _flattened_rules(self, rules: list[SecurityGroupRule]) -> list[GroupedSecurityRuleView]:
        """Return the rules by protocol and ports, as DescribeSecurityGroups shows them."""
        views: dict[tuple[Any, ...], GroupedSecurityRuleView] = {}
        for rule in rules:
            place = (rule.from_port, rule.to_port, rule.ip_protocol)
            view = views.setdefault(place, GroupedSecurityRuleView(*place))
            if kind(rule) in ("ipv4", "ipv6"):
                view.all_ip_ranges.append(rule.ip_range)
            elif rule.source_group:
                view.source_groups.append(rule.source_group)
            elif rule.prefix_list_id:
                view.prefix_list_ids.append(_prefix_list_entry(rule.prefix_list_id, rule.description))
        return list(views.values())


def replace_in_moto() -> None:
    """Replace moto's rules and groups with the extended ones, and leave the quota to `check_quota`."""
    module: Any = moto_module
    module.SecurityGroupRule = LocalRule
    module.SecurityGroup = LocalGroup
    backend: Any = SecurityGroupBackend
    backend._verify_group_will_respect_rule_count_limit = _count_later  # noqa: SLF001


def identity(rule: SecurityGroupRule) -> tuple[Any, ...]:
    """Return the properties that identify a rule of a group and direction."""
    ports = (None, None) if rule.ip_protocol == "-1" else (rule.from_port, rule.to_port)
    ranges = (rule.ip_range.get("CidrIp"), rule.ip_range.get("CidrIpv6"))
    return (rule.ip_protocol, ports, ranges, rule.source_group.get("GroupId"), rule.prefix_list_id)


def kind(rule: SecurityGroupRule) -> str:
    """Return the kind of source or destination of a rule."""
    if rule.prefix_list_id:
        return "prefix list"
    if rule.source_group:
        return "group"
    return "ipv6" if rule.ip_range.get("CidrIpv6") else "ipv4"


def canonical(ip_range: Mapping[str, str]) -> dict[str, str]:
    """Return the range with the first address of the network."""
    result = dict(ip_range)
    for key in ("CidrIp", "CidrIpv6"):
        if result.get(key):
            result[key] = str(ipaddress.ip_network(result[key], strict=False))
    return result


def weight(rule: SecurityGroupRule, prefix_lists: Mapping[str, Any]) -> Weight:
    """Return the weight of a rule: 1 in each family for a group, the maximum number of entries for a prefix list."""
    found = kind(rule)
    if found == "group":
        return Weight(1, 1)
    if found == "prefix list":
        entries = prefix_lists.get(str(rule.prefix_list_id))
        if entries is None:
            return Weight(1, 1)
        own = AWS_LIST_WEIGHTS.get(str(entries.prefix_list_name).rsplit(".", 1)[-1], 1)
        count = int(entries.max_entries or own)
        return Weight(0, count) if entries.address_family == "IPv6" else Weight(count, 0)
    return Weight(0, 1) if found == "ipv6" else Weight(1, 0)


def check_quota(rules: Iterable[SecurityGroupRule], ec2: Any) -> None:
    """Check the quota of rules in one direction of a group.

    Raises:
        RulesPerSecurityGroupLimitExceededError: An address family exceeds the quota.
    """
    weights = [weight(rule, ec2.managed_prefix_lists) for rule in rules]
    heaviest = max(sum(each.ipv4 for each in weights), sum(each.ipv6 for each in weights))
    if heaviest > applied_quota(ec2.account_id, ec2.region_name, "L-0EA8095F", RULES_PER_DIRECTION):
        raise RulesPerSecurityGroupLimitExceededError


def _prefix_list_entry(prefix_list_id: str, text: str | None) -> dict[str, str]:
    entry = {"PrefixListId": prefix_list_id}
    return {**entry, "Description": text} if text else entry


def _count_later(*_arguments: Any, **_keywords: Any) -> None:
    """Replace moto's count, which omits prefix lists and does not separate the address families."""
