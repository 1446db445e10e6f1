"""Route 53 Resolver, and AWS Resource Access Manager, which shares its rules, as documented by AWS.

API_… pages: https://docs.aws.amazon.com/Route53/latest/APIReference/ and https://docs.aws.amazon.com/ram/latest/APIReference/.
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.ram.exceptions import UnknownResourceException
from moto.ram.models import ResourceShare
from moto.ram.responses import ResourceAccessManagerResponse
from moto.route53resolver.exceptions import ResourceNotFoundException
from moto.route53resolver.responses import Route53ResolverResponse

from local.emulator.settings import reported


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


# AWS Resource Access Manager.


_TAGS = "local_tags"


class LocalResourceAccessManager(ResourceAccessManagerResponse):
    """moto's Resource Access Manager with associations and tags of shares."""

    further_paths = tuple(
        f"{{0}}/{each}$"
        for each in ("associateresourceshare", "disassociateresourceshare", "tagresource", "untagresource")
    )

    def create_resource_share(self) -> str:
        """API_CreateResourceShare: with tags."""
        answer = json.loads(super().create_resource_share())
        share = self._share(answer["resourceShare"]["resourceShareArn"])
        setattr(share, _TAGS, {each["key"]: each["value"] for each in self._get_param("tags", [])})
        return json.dumps(answer)

    def get_resource_shares(self) -> str:
        """API_GetResourceShares: limited to ARNs and a status, with tags; deleted shares are visible for an hour."""
        arns, status = self._get_param("resourceShareArns", []), self._get_param("resourceShareStatus")
        found = json.loads(super().get_resource_shares())["resourceShares"]
        described = [
            {**each, "tags": [{"key": k, "value": v} for k, v in self._tags(each["resourceShareArn"]).items()]}
            for each in found
            if (not arns or each["resourceShareArn"] in arns) and status in (None, each["status"])
        ]
        if arns and not described:
            raise UnknownResourceException(f"ResourceShare {arns[0]} could not be found.")
        return json.dumps({"resourceShares": described})

    def associate_resource_share(self) -> str:
        """API_AssociateResourceShare: adds principals and resources."""
        share = self._share(self._get_param("resourceShareArn"))
        principals, resources = self._get_param("principals", []), self._get_param("resourceArns", [])
        share.add_principals([each for each in principals if each not in share.principals])
        share.add_resources([each for each in resources if each not in share.resource_arns])
        return json.dumps({"resourceShareAssociations": self._associations(share, principals, resources, "ASSOCIATED")})

    def disassociate_resource_share(self) -> str:
        """API_DisassociateResourceShare: removes principals and resources."""
        share = self._share(self._get_param("resourceShareArn"))
        principals, resources = self._get_param("principals", []), self._get_param("resourceArns", [])
        share.principals = [each for each in share.principals if each not in principals]
        share.resource_arns = [each for each in share.resource_arns if each not in resources]
        associations = self._associations(share, principals, resources, "DISASSOCIATED")
        return json.dumps({"resourceShareAssociations": associations})

    def tag_resource(self) -> str:
        """API_TagResource: of a resource share."""
        added = {each["key"]: each["value"] for each in self._get_param("tags", [])}
        self._tags(self._get_param("resourceShareArn")).update(added)
        return "{}"

    def untag_resource(self) -> str:
        """API_UntagResource: of a resource share."""
        tags = self._tags(self._get_param("resourceShareArn"))
        for key in self._get_param("tagKeys", []):
            tags.pop(key, None)
        return "{}"

    def _share(self, arn: str) -> ResourceShare:
        for each in self.ram_backend.resource_shares:
            if each.arn == arn and each.status == "ACTIVE":
                return each
        raise UnknownResourceException(f"ResourceShare {arn} could not be found.")

    def _tags(self, arn: str) -> dict[str, str]:
        share = next(each for each in self.ram_backend.resource_shares if each.arn == arn)
        if not hasattr(share, _TAGS):
            setattr(share, _TAGS, {})
        return getattr(share, _TAGS)

    @staticmethod
    def _associations(
        share: ResourceShare, principals: list[str], resources: list[str], status: str
    ) -> list[dict[str, Any]]:
        ends = [*((each, "PRINCIPAL") for each in principals), *((each, "RESOURCE") for each in resources)]
        return [
            {
                "resourceShareArn": share.arn,
                "resourceShareName": share.name,
                "associatedEntity": entity,
                "associationType": kind,
                "status": status,
                "external": False,
            }
            for entity, kind in ends
        ]
