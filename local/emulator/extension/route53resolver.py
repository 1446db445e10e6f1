"""Route 53 Resolver as documented by AWS.

API_… pages: https://docs.aws.amazon.com/Route53/latest/APIReference/.
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.route53resolver.exceptions import ResourceNotFoundException
from moto.route53resolver.responses import Route53ResolverResponse

from local.emulator.extension.reported_states import reported


class LocalResolver(Route53ResolverResponse):
    """moto's Route 53 Resolver with changes of rules, and with resources that have no name."""

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        """Return a parameter; a name that is not set is empty, as moto sorts its lists by name."""
        return super()._get_param(param_name, "" if param_name == "Name" else if_none)

    def list_resolver_endpoints(self) -> str:
        """API_route53resolver_ListResolverEndpoints: with reported states."""
        return self._reported(super().list_resolver_endpoints(), "ResolverEndpoints")

    def list_resolver_rules(self) -> str:
        """API_route53resolver_ListResolverRules: with reported states."""
        return self._reported(super().list_resolver_rules(), "ResolverRules")

    @staticmethod
    def _reported(answer: str, key: str) -> str:
        found = json.loads(answer)
        return json.dumps({**found, key: [{**each, **reported(each["Id"])} for each in found[key]]})

    def update_resolver_rule(self) -> str:
        """API_route53resolver_UpdateResolverRule: changes what `Config` has."""
        rule_id = self._get_param("ResolverRuleId")
        rule = self.route53resolver_backend.resolver_rules.get(rule_id)
        if rule is None:
            raise ResourceNotFoundException(f"Resolver rule with ID '{rule_id}' does not exist")
        changed = self._get_param("Config", {})
        rule.name = changed.get("Name", rule.name)
        rule.target_ips = changed.get("TargetIps", rule.target_ips)
        rule.resolver_endpoint_id = changed.get("ResolverEndpointId", rule.resolver_endpoint_id)
        rule.modification_time = datetime.now(UTC).isoformat()
        return json.dumps({"ResolverRule": rule.description()})
