"""Security groups as documented by AWS: descriptions on every kind of rule, identity of rules, their weight in the quota, actions.

Sources, the first three under https://docs.aws.amazon.com/AWSEC2/latest/APIReference/:
    API_SecurityGroupRule
    API_IpRange ("AWS canonicalizes IPv4 and IPv6 CIDRs")
    API_AuthorizeSecurityGroupIngress (errors: a rule that exists, whatever its description)
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (error codes)
    https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
    https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html (weights)
"""

import copy
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidPermissionDuplicateError,
    InvalidSecurityGroupNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
    RulesPerSecurityGroupLimitExceededError,
)
from moto.ec2.models import security_groups as moto_module
from moto.ec2.models.security_groups import (
    GroupedSecurityRuleView,
    SecurityGroup,
    SecurityGroupBackend,
    SecurityGroupRule,
)
from moto.ec2.responses.security_groups import SecurityGroups

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


# Actions.


INGRESS = "ingress_rules"
EGRESS = "egress_rules"
TARGETS = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId")


class LocalSecurityGroups(SecurityGroups):
    """moto's security groups with corrected rules and deletion."""

    def authorize_security_group_ingress(self) -> ActionResult:
        """API_AuthorizeSecurityGroupIngress: adds all rules or none, and returns all of them."""
        return self._authorize(INGRESS, self.ec2_backend.authorize_security_group_ingress)

    def authorize_security_group_egress(self) -> ActionResult:
        """API_AuthorizeSecurityGroupEgress: like ingress."""
        return self._authorize(EGRESS, self.ec2_backend.authorize_security_group_egress)

    def revoke_security_group_ingress(self) -> ActionResult:
        """API_RevokeSecurityGroupIngress: an unknown ID is InvalidSecurityGroupRuleId.NotFound."""
        self._check_rule_ids(INGRESS)
        return super().revoke_security_group_ingress()

    def revoke_security_group_egress(self) -> ActionResult:
        """API_RevokeSecurityGroupEgress: like ingress."""
        self._check_rule_ids(EGRESS)
        return super().revoke_security_group_egress()

    def modify_security_group_rules(self) -> ActionResult:
        """API_ModifySecurityGroupRules: replaces all properties, for every kind of rule.

        That an omitted description is removed is inferred: the request is the complete rule.
        """
        self.error_on_dryrun()
        group = self._group()
        for change in self._get_param("SecurityGroupRules", []):
            self._modify(group, change["SecurityGroupRuleId"], change["SecurityGroupRule"])
        return ActionResult({"Return": True})

    def update_security_group_rule_descriptions_ingress(self) -> ActionResult:
        """API_UpdateSecurityGroupRuleDescriptionsIngress: also by rule IDs."""
        return self._describe_by_id() or super().update_security_group_rule_descriptions_ingress()

    def update_security_group_rule_descriptions_egress(self) -> ActionResult:
        """API_UpdateSecurityGroupRuleDescriptionsEgress: also by rule IDs."""
        return self._describe_by_id() or super().update_security_group_rule_descriptions_egress()

    def delete_security_group(self) -> ActionResult:
        """API_DeleteSecurityGroup: refuses the default group and groups in use."""
        group = self._group()
        if group.is_default:
            raise EC2ClientError(
                "CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            )
        if self._in_use(group):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
        return super().delete_security_group()

    def _group(self) -> SecurityGroup:
        """Return the group in the request."""
        name = self._get_param("GroupId") or self._get_param("GroupName")
        group = self.ec2_backend.get_security_group_by_name_or_id(name)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(name)
        return group

    def _authorize(self, direction: str, add: Any) -> ActionResult:
        self.error_on_dryrun()
        group = self._group()
        before = list(getattr(group, direction))
        added: list[SecurityGroupRule] = []
        try:
            for arguments in self._process_rules_from_querystring():
                rules, _ = add(**arguments)
                added.extend(rules)
            check_quota(getattr(group, direction), self.ec2_backend)
        except ServiceException:
            setattr(group, direction, before)
            raise
        return ActionResult({"Return": True, "SecurityGroupRules": [_shown(rule) for rule in added]})

    def _modify(self, group: SecurityGroup, rule_id: str, request: dict[str, Any]) -> None:
        rule: Any = group.get_rule(rule_id)
        if rule is None:
            raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
        new = self._rule_from(group, request, is_egress=rule.is_egress)
        if kind(new) != kind(rule):
            raise InvalidParameterValue(
                f"Invalid rule type for security group rule '{rule_id}'. "
                f"You may not change a rule for a {kind(rule)} to one for a {kind(new)}."
            )
        others = [other for other in getattr(group, EGRESS if rule.is_egress else INGRESS) if other is not rule]
        if new in others:
            raise InvalidPermissionDuplicateError
        check_quota([*others, new], self.ec2_backend)
        rule.become(new)

    def _rule_from(self, group: SecurityGroup, request: dict[str, Any], *, is_egress: bool) -> LocalRule:
        """Return the rule of a SecurityGroupRuleRequest."""
        given = [name for name in TARGETS if request.get(name)]
        if len(given) != 1:
            raise InvalidParameterCombination(
                "Exactly one of cidrIpv4, cidrIpv6, prefixListId and referencedGroupId has to be specified"
            )
        extra = {"Description": request["Description"]} if request.get("Description") else {}
        target, value = given[0], request[given[0]]
        ip_range = source_group = prefix_list = None
        if target == "ReferencedGroupId":
            if self.ec2_backend.get_security_group_from_id(value) is None:
                raise InvalidSecurityGroupNotFoundError(value)
            account = self.current_account
            source_group = {"GroupId": value, "UserId": account, "OwnerId": account, **extra}
        elif target == "PrefixListId":
            prefix_list = {"PrefixListId": value, **extra}
        else:
            ip_range = {"CidrIp" if target == "CidrIpv4" else "CidrIpv6": value, **extra}
        make: Any = LocalRule
        return make(
            self.ec2_backend,
            str(request.get("IpProtocol") or ""),
            group.id,
            request.get("FromPort"),
            request.get("ToPort"),
            ip_range,
            source_group,
            prefix_list,
            is_egress=is_egress,
        )

    def _describe_by_id(self) -> ActionResult | None:
        """Change the descriptions of rules that the request names by ID, if any."""
        changes = self._get_param("SecurityGroupRuleDescriptions", [])
        for change in changes:
            rule: Any = self._group().get_rule(change["SecurityGroupRuleId"])
            if rule is None:
                raise InvalidSecurityGroupRuleIdNotFoundError(change["SecurityGroupRuleId"])
            rule.describe_as(change.get("Description", ""))
        return EmptyResult() if changes else None

    def _check_rule_ids(self, direction: str) -> None:
        known = {rule.id for rule in getattr(self._group(), direction)}
        for rule_id in self._get_param("SecurityGroupRuleIds", []):
            if rule_id not in known:
                raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)

    def _in_use(self, group: SecurityGroup) -> bool:
        """Return whether another group's rule, a network interface or a VPC endpoint refers to the group."""
        backend = self.ec2_backend
        others = [other for of_vpc in backend.groups.values() for other in of_vpc.values() if other is not group]
        rules = [rule for other in others for rule in [*other.ingress_rules, *other.egress_rules]]
        return (
            any(rule.source_group.get("GroupId") == group.id for rule in rules)
            or any(group.id in endpoint.security_group_ids for endpoint in backend.vpc_end_points.values())
            or any(group in interface.group_set for interface in backend.enis.values())
        )


def _shown(rule: SecurityGroupRule) -> SecurityGroupRule:
    """Return the rule as the API shows it: -1 for ports that a rule for all protocols lacks."""
    shown = copy.copy(rule)
    shown.from_port = -1 if rule.from_port is None else rule.from_port
    shown.to_port = -1 if rule.to_port is None else rule.to_port
    return shown
