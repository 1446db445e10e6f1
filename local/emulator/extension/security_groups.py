"""Actions on security groups as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/; error codes:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

import copy
from typing import Any

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
)
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
from moto.ec2.responses.security_groups import SecurityGroups

from local.emulator.extension.security_group_rules import LocalRule, check_quota, kind

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
