"""Resources with this stack's tags that the state lacks, after a killed run or a lost state.

The engine can import each of them, so that none is created twice. A resource is found by its fixed name, else by the
tags `shell-access:owner` and `shell-access:resource`; a security group rule also by its content, in a group of this
stack. A resource is imported only if it needs no replacement: the engine refuses to replace a resource in the run that
imports it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import jmespath

from common.aws.failures import MalformedAnswerError
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import GLOBAL, NAMED_TYPES, only_one, tags_by_resource, tags_of
from components.adoption.resource_kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from common.aws.arns import Scope
    from components.adoption.inventory import Existing

RESOURCE_TAG: Final = "shell-access:resource"
"""Tag with the name of the resource in its stack. With the owner, it identifies a resource without a fixed name."""

Properties = dict[str, Any]

_CREATED_ONCE: Final = frozenset(token for token, each in NAMED_TYPES.items() if each.input)
"""Types that AWS refuses to create twice under one name."""

_PARENTS: Final = {
    "aws:glue/catalogTable:CatalogTable": ("database_name",),
    "aws:scheduler/schedule:Schedule": ("group_name",),
}
"""Properties with the name of the parent, in which a name is unique."""

_DELETED_ONLY_IF_MADE_HERE: Final = frozenset({"aws:cloudwatch/logGroup:LogGroup", "aws:sns/topic:Topic"})


@dataclass(frozen=True)
class Tagged:
    """A type of EC2 that is found by its tags.

    Attributes:
        prefix: Prefix of its IDs.
        operation: Operation that describes it.
        argument: Argument for its ID.
        path: JMESPath of the resource in the response.
        state: JMESPath of its state in the resource; empty: it has none.
        fixed: Properties whose change requires a replacement, and the JMESPath of each in the resource.
        is_omitted: Whether the response lacks a resource that does not exist, instead of an error.
    """

    prefix: str
    operation: str
    argument: str
    path: str
    state: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    is_omitted: bool = False


TAGGED: Final[Mapping[str, Tagged]] = {
    "aws:ebs/volume:Volume": Tagged(
        *("vol-", "describe_volumes", "VolumeIds", "Volumes[0]"),
        state="State",
        fixed={"availability_zone": "AvailabilityZone", "encrypted": "Encrypted", "kms_key_id": "KmsKeyId"},
    ),
    "aws:ec2/flowLog:FlowLog": Tagged(
        *("fl-", "describe_flow_logs", "FlowLogIds", "FlowLogs[0]"),
        fixed={"subnet_id": "ResourceId", "traffic_type": "TrafficType"},
        is_omitted=True,
    ),
    "aws:ec2/instance:Instance": Tagged(
        *("i-", "describe_instances", "InstanceIds", "Reservations[0].Instances[0]"),
        state="State.Name",
        fixed={"subnet_id": "SubnetId"},
    ),
    "aws:ec2/managedPrefixList:ManagedPrefixList": Tagged(
        *("pl-", "describe_managed_prefix_lists", "PrefixListIds", "PrefixLists[0]"),
        state="State",
        fixed={"address_family": "AddressFamily"},
    ),
    "aws:ec2/networkAcl:NetworkAcl": Tagged(
        *("acl-", "describe_network_acls", "NetworkAclIds", "NetworkAcls[0]"), fixed={"vpc_id": "VpcId"}
    ),
    "aws:ec2/securityGroup:SecurityGroup": Tagged(
        *("sg-", "describe_security_groups", "GroupIds", "SecurityGroups[0]"),
        fixed={"vpc_id": "VpcId", "description": "Description"},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Tagged(
        *("vpce-", "describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints[0]"),
        state="State",
        fixed={"vpc_id": "VpcId", "service_name": "ServiceName", "vpc_endpoint_type": "VpcEndpointType"},
    ),
}
"""Types of EC2 that are found by their tags, by token."""

_ENDING: Final = frozenset(
    {"deleted", "deleting", "delete-complete", "delete-in-progress", "error", "expired", "failed"}
    | {"rejected", "shutting-down", "terminated"}
)
"""States of unusable resources; EC2 lists them, with their tags, for up to an hour."""

_GROUP: Final = "sg-"
_ACL: Final = "acl-"
_RULES: Final[Mapping[str, bool]] = {
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": True,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": False,
}
"""Types of rules, and whether they are egress rules."""
NETWORK_ACL: Final = "aws:ec2/networkAcl:NetworkAcl"
_KEY: Final = "aws:kms/key:Key"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A type whose resources are listed, and their tags read one by one.

    Attributes:
        service: Service of its operations.
        operation: Operation that lists them.
        arguments: Arguments of the operation.
        path: JMESPath of their IDs, or of their ARNs, in a page.
        tagged_as: Type of resource that the operation for tags requires; empty: it requires an ARN.
    """

    service: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    path: str
    tagged_as: str = ""

    def tags(self, client: Any, resource: str) -> dict[str, str]:
        """Return the tags of a resource."""
        if self.tagged_as:
            return tags_of(client.list_tags_for_resource(ResourceType=self.tagged_as, ResourceId=resource)["TagList"])
        return tags_of(client.list_tags_for_resource(ResourceArn=resource)["Tags"])


LISTED: Final[Mapping[str, Listed]] = {
    "aws:route53/resolverEndpoint:ResolverEndpoint": Listed(
        service="route53resolver",
        operation="list_resolver_endpoints",
        path="ResolverEndpoints[?Status!='DELETING'].Arn",
    ),
    "aws:route53/resolverRule:ResolverRule": Listed(
        service="route53resolver",
        operation="list_resolver_rules",
        arguments={"Filters": [{"Name": "TYPE", "Values": ["FORWARD"]}]},
        # A rule that another account shares has no status of this account, and its tags cannot be read.
        path="ResolverRules[?ShareStatus!='SHARED_WITH_ME' && Status!='DELETING'].Arn",
    ),
    "aws:ssm/maintenanceWindow:MaintenanceWindow": Listed(
        service="ssm",
        operation="describe_maintenance_windows",
        path="WindowIdentities[].WindowId",
        tagged_as="MaintenanceWindow",
    ),
    "aws:ssm/patchBaseline:PatchBaseline": Listed(
        service="ssm",
        operation="describe_patch_baselines",
        arguments={"Filters": [{"Key": "OWNER", "Values": ["Self"]}]},
        path="BaselineIdentities[].BaselineId",
        tagged_as="PatchBaseline",
    ),
}
"""Types whose resources are listed, by token."""
_SHARE: Final = "aws:ram/resourceShare:ResourceShare"
_RULE_ASSOCIATION: Final = "aws:route53/resolverRuleAssociation:ResolverRuleAssociation"
_WINDOW_PARTS: Final[Mapping[str, tuple[str, str, str]]] = {
    f"aws:ssm/maintenanceWindow{part}:MaintenanceWindow{part}": (
        f"describe_maintenance_window_{part.lower()}s",
        f"{part}s",
        f"Window{part}Id",
    )
    for part in ("Target", "Task")
}
"""Types of the parts of a maintenance window, which have no tags: operation, key of the list, and key of the ID."""
_SOURCES: Final[Mapping[str, str]] = {
    "cidr_ipv4": "CidrIpv4",
    "cidr_ipv6": "CidrIpv6",
    "prefix_list_id": "PrefixListId",
    "referenced_security_group_id": "ReferencedGroupInfo.GroupId",
}
_RULE_PROPERTIES: Final[Mapping[str, str]] = {
    "from_port": "FromPort",
    "to_port": "ToPort",
    "ip_protocol": "IpProtocol",
    "description": "Description",
    **_SOURCES,
}
"""Properties of a rule, and the JMESPath of each in EC2's description of it."""

RECOVERABLE: Final = frozenset(
    {*_CREATED_ONCE, *TAGGED, *_RULES, *LISTED, *_WINDOW_PARTS, _KEY, _SHARE, _RULE_ASSOCIATION}
)
"""Types whose resources are looked up."""


@dataclass(kw_only=True)
class OwnedResources:
    """Resources with a stack's tags, looked up on first use.

    Attributes:
        client: Function that returns the client of a service in a Region.
        existing: Function that returns the resource with a fixed name, with an owner only if this stack owns it or may
            take it over.
        owner: Name of the stack: `organization/project/stack`.
        scope: Account of the stack, and Region of the AWS provider.
        may_write: Whether it may change resources; False in a preview.
    """

    client: Callable[[str, str], Any]
    existing: Callable[[Kind, str, str], Existing | None]
    owner: str
    scope: Scope
    may_write: bool
    _tagged: dict[str, dict[str, list[str]]] = field(default_factory=dict[str, dict[str, list[str]]])
    _rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    _listings: dict[tuple[str, str], dict[str, dict[str, str]]] = field(
        default_factory=dict[tuple[str, str], dict[str, dict[str, str]]]
    )

    def import_id(self, token: str, name: str, region: str, properties: Properties) -> str | None:
        """Return the import ID of a resource (`name` in its stack) that the state lacks; None: there is none to import."""
        if token in _CREATED_ONCE:
            return self._by_name(token, region, properties)
        if token in _RULES:
            found = self._rule(name, region, properties, egress=_RULES[token])
        elif token == _KEY:
            found = self._key(name, region)
        elif token == _SHARE:
            return self._share(name, region)
        elif token in LISTED:
            found = self._listed(LISTED[token], name, region)
        elif token in _WINDOW_PARTS:
            found = self._window_part(token, region, properties)
        elif token == _RULE_ASSOCIATION:
            found = self._rule_association(region, properties)
        elif token == NETWORK_ACL and region != self.scope.region:
            # Measured with the provider 6.34: it looks for the ACL in its own Region. The next one created replaces it.
            found = None
        else:
            found = self._by_tags(TAGGED[token], name, region, properties)
        return f"{found}@{region}" if found else None

    def is_made_here(self, token: str, region: str, properties: Properties) -> bool:
        """Return whether this program created, or will create, a log group or a topic.

        Its tag is kept: it shows a stack that has lost its state what it may delete and what it must restore.
        """
        if token not in _DELETED_ONLY_IF_MADE_HERE:
            return False
        found = self.existing(*self._fixed_name(token, region, properties))
        return found is None or found.made_here

    def planned_name(self, token: str, region: str, properties: Properties) -> tuple[Kind, str, str] | None:
        """Return kind, Region (empty for `GLOBAL` kinds) and name of a resource of a type that AWS refuses to create twice.

        None: the type is another one, or the name is only known after another resource exists.
        """
        parts = (NAMED_TYPES[token].input, *_PARENTS.get(token, ())) if token in _CREATED_ONCE else ()
        if not parts or not all(isinstance(properties.get(part), str) for part in parts):
            return None
        kind, _, name = self._fixed_name(token, region, properties)
        return kind, "" if kind in GLOBAL else region, name

    def _fixed_name(self, token: str, region: str, properties: Properties) -> tuple[Kind, str, str]:
        kind = NAMED_TYPES[token].kind
        name = str(properties[NAMED_TYPES[token].input])
        if kind is Kind.POLICY:
            name = self.scope.iam(f"policy/{name}")
        elif kind is Kind.TOPIC:
            name = self.scope.arn("sns", name, region)
        elif kind is Kind.WORK_GROUP:
            name = self.scope.arn("athena", f"workgroup/{name}", region)
        elif kind is Kind.SCHEDULE:
            name = f"{properties['group_name']}/{name}"
        elif kind is Kind.TABLE:
            name = f"{properties['database_name']}/{name}"
        return kind, region, name

    def _by_name(self, token: str, region: str, properties: Properties) -> str | None:
        kind, region, name = self._fixed_name(token, region, properties)
        found = self.existing(kind, region, name)
        if found is None or not (found.owner or found.made_here):
            return None
        if kind is Kind.INSTANCE_PROFILE and not self._has_role(name):
            return None
        return found.id if kind in GLOBAL or kind is Kind.TRAIL else f"{found.id}@{region}"

    def _has_role(self, profile: str) -> bool:
        """Return whether an instance profile has a role; delete it otherwise.

        The AWS provider adds the role last, so a profile without one is incomplete. If it were imported, a run killed after
        the role was added would leave a state from which no later run could continue, as a profile has one role at most.
        """
        iam = self.client("iam", self.scope.region)
        if iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]:
            return True
        if self.may_write:
            iam.delete_instance_profile(InstanceProfileName=profile)
        return False

    def _by_tags(self, tagged: Tagged, name: str, region: str, properties: Properties) -> str | None:
        """Return the ID of the one resource that has the tags and needs no replacement.

        Of several, none: it is unknown which one is in use. They are orphans, which `verify` reports.
        """
        usable = [
            each for each in self._ids(tagged.prefix, name, region) if self._is_usable(tagged, each, region, properties)
        ]
        if tagged.prefix == _ACL:
            usable = [each for each in usable if self._is_in_use(each, region)]
        if len(usable) != 1:
            return None
        if tagged.prefix == _GROUP:
            self._finish_group(usable[0], region)
        return usable[0]

    def _is_usable(self, tagged: Tagged, resource: str, region: str, properties: Properties) -> bool:
        ec2 = self.client("ec2", region)
        try:
            answer = getattr(ec2, tagged.operation)(**{tagged.argument: [resource]})
        except ec2.exceptions.ClientError as failed:
            # EC2 removes tags some time after the resource.
            if failed.response["Error"]["Code"].endswith(".NotFound"):
                return False
            raise
        found = jmespath.search(tagged.path, answer)
        if found is None and not tagged.is_omitted:
            # A second one would be created.
            raise MalformedAnswerError(
                operation=ec2.meta.method_to_api_mapping[tagged.operation], found=f"no {resource}"
            )
        if found is None or (tagged.state and str(jmespath.search(tagged.state, found)).lower() in _ENDING):
            return False
        return all(
            properties[name] == jmespath.search(path, found)
            for name, path in tagged.fixed.items()
            if properties.get(name) is not None
        )

    def _is_in_use(self, acl: str, region: str) -> bool:
        """Return whether a network ACL has a subnet; delete it otherwise.

        The AWS provider associates subnets last, so an ACL without one is incomplete. It filters nothing, and if it
        were imported, a run killed between two of its entries would leave a state from which no later run could
        continue.
        """
        ec2 = self.client("ec2", region)
        operation = "DescribeNetworkAcls"
        if only_one(ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"], operation)["Associations"]:
            return True
        if self.may_write:
            ec2.delete_network_acl(NetworkAclId=acl)
        return False

    def return_subnets(self, acl: str, subnets: Collection[str], region: str) -> None:
        """Associate subnets with a network ACL again, which a run that did not complete has moved to its successor.

        The AWS provider sees no change in an ACL that the state has, and associates the subnets of a deleted one with the
        default ACL of the VPC, which permits all traffic. Subnets with the ACL of another owner are drift, not changed here.
        """
        if not self.may_write:
            return
        ec2 = self.client("ec2", region)
        own = [{"Name": "association.subnet-id", "Values": sorted(subnets)}]
        for each in ec2.describe_network_acls(Filters=own)["NetworkAcls"]:
            is_successor = each["NetworkAclId"] != acl and tags_of(each.get("Tags", [])).get(OWNER_TAG) == self.owner
            for association in each["Associations"] if is_successor else ():
                if association["SubnetId"] in subnets:
                    ec2.replace_network_acl_association(
                        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl
                    )

    def _finish_group(self, group: str, region: str) -> None:
        """Revoke the egress rules that AWS adds to a new group, as the AWS provider does only on creation.

        A group without other rules is incomplete: its run was killed between the two calls.
        """
        ec2 = self.client("ec2", region)
        rules = self._rules_of(group, region)
        if self.may_write and rules and all(_is_default(each) for each in rules):
            ec2.revoke_security_group_egress(
                GroupId=group, SecurityGroupRuleIds=[each["SecurityGroupRuleId"] for each in rules]
            )
            self._rules[group] = []

    def _rule(self, name: str, region: str, properties: Properties, *, egress: bool) -> str | None:
        """Return the ID of the rule with the planned content, else of the one with the rule's tags."""
        rules = [
            rule for rule in self._rules_of(properties.get("security_group_id"), region) if rule["IsEgress"] is egress
        ]
        same = [rule for rule in rules if _has_content(rule, properties)]
        planned = next((source for source in _SOURCES if properties.get(source)), None)
        tagged = [
            rule
            for rule in rules
            if self._tags(name).items() <= tags_of(rule.get("Tags", [])).items()
            and planned == next((kind for kind, path in _SOURCES.items() if jmespath.search(path, rule)), None)
        ]
        return _only([rule["SecurityGroupRuleId"] for rule in same or tagged])

    def _rules_of(self, group: str | None, region: str) -> list[dict[str, Any]]:
        if group is None:
            return []
        if group not in self._rules:
            of_group = [{"Name": "group-id", "Values": [group]}]
            self._rules[group] = self._items(
                *("ec2", region, "describe_security_group_rules", "SecurityGroupRules"), Filters=of_group
            )
        return self._rules[group]

    def _tags(self, name: str) -> dict[str, str]:
        """Return the tags of a resource (`name` in its stack)."""
        return {OWNER_TAG: self.owner, RESOURCE_TAG: name}

    def _items(self, service: str, region: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """Return what an operation lists under a key of its pages."""
        pages = self.client(service, region).get_paginator(operation).paginate(**arguments)
        return [each for page in pages for each in page[key]]

    def _key(self, name: str, region: str) -> str | None:
        """Return the ID of the one enabled key that has the tags, the only way to find a key without an alias."""
        kms = self.client("kms", region)
        found = self._items(
            *("resourcegroupstaggingapi", region, "get_resources", "ResourceTagMappingList"),
            ResourceTypeFilters=["kms:key"],
            TagFilters=[{"Key": key, "Values": [value]} for key, value in self._tags(name).items()],
        )
        keys = [kms.describe_key(KeyId=each["ResourceARN"])["KeyMetadata"] for each in found]
        return _only([key["KeyId"] for key in keys if key["KeyState"] == "Enabled"])

    def _listed(self, listed: Listed, name: str, region: str) -> str | None:
        """Return the ID of the one listed resource that has the tags."""
        key = (listed.operation, region)
        if key not in self._listings:
            client = self.client(listed.service, region)
            pages = client.get_paginator(listed.operation).paginate(**listed.arguments)
            self._listings[key] = {
                each: listed.tags(client, each) for page in pages for each in jmespath.search(listed.path, page)
            }
        desired = self._tags(name).items()
        found = _only([each for each, tags in self._listings[key].items() if desired <= tags.items()])
        return found.rpartition("/")[2] if found else None

    def _share(self, name: str, region: str) -> str | None:
        """Return the ARN of the one active resource share that has the tags."""
        desired = self._tags(name)
        found = self._items(
            *("ram", region, "get_resource_shares", "resourceShares"),
            resourceOwner="SELF",
            resourceShareStatus="ACTIVE",
            tagFilters=[{"tagKey": key, "tagValues": [value]} for key, value in desired.items()],
        )
        tagged = [each for each in found if desired.items() <= tags_of(each.get("tags", [])).items()]
        return _only([each["resourceShareArn"] for each in tagged])

    def _rule_association(self, region: str, properties: Properties) -> str | None:
        """Return the ID of the association of a rule of this stack with a VPC, which has one at most."""
        rule, vpc = properties.get("resolver_rule_id"), properties.get("vpc_id")
        if rule is None or vpc is None:
            return None
        wanted = [{"Name": "ResolverRuleId", "Values": [rule]}, {"Name": "VPCId", "Values": [vpc]}]
        listing = ("route53resolver", region, "list_resolver_rule_associations", "ResolverRuleAssociations")
        return _only([each["Id"] for each in self._items(*listing, Filters=wanted)])

    def _window_part(self, token: str, region: str, properties: Properties) -> str | None:
        """Return the import ID of the one target or task with the planned name in a window of this stack."""
        window = properties.get("window_id")
        if window is None:
            return None
        operation, listed, id_key = _WINDOW_PARTS[token]
        parts = self._items("ssm", region, operation, listed, WindowId=window)
        found = _only([each[id_key] for each in parts if each.get("Name") == properties["name"]])
        return f"{window}/{found}" if found else None

    def _ids(self, prefix: str, name: str, region: str) -> list[str]:
        """Return the IDs with a prefix of the EC2 resources that have both tags."""
        if region not in self._tagged:
            ours = [{"Name": "key", "Values": [OWNER_TAG, RESOURCE_TAG]}]
            tags = tags_by_resource(self._items("ec2", region, "describe_tags", "Tags", Filters=ours))
            found: dict[str, list[str]] = defaultdict(list)
            for resource, its_tags in tags.items():
                if its_tags.get(OWNER_TAG) == self.owner and RESOURCE_TAG in its_tags:
                    found[its_tags[RESOURCE_TAG]].append(resource)
            self._tagged[region] = found
        return [each for each in self._tagged[region].get(name, []) if each.startswith(prefix)]


def _only(found: Sequence[str]) -> str | None:
    """Return the only one of several; None: there is none, or it is unknown which one is meant."""
    return found[0] if len(found) == 1 else None


_ANYWHERE: Final = ("0.0.0.0/0", "::/0")


def _is_default(rule: Mapping[str, Any]) -> bool:
    """Return whether a rule is the default of a new group: all egress, without a description or tags."""
    return (
        rule["IsEgress"]
        and rule["IpProtocol"] == "-1"
        and rule.get("CidrIpv4", rule.get("CidrIpv6")) in _ANYWHERE
        and not rule.get("Description")
        and not rule.get("Tags")
    )


def _has_content(rule: Mapping[str, Any], properties: Properties) -> bool:
    """Return whether a rule's content is exactly as planned."""
    return all(_same(jmespath.search(path, rule), properties.get(name)) for name, path in _RULE_PROPERTIES.items())


def _same(found: object, planned: object) -> bool:
    """Return whether two values are equivalent; for all protocols AWS returns ports of -1, which no plan has."""
    absent = (None, "", -1)
    return found == planned or (found in absent and planned in absent)
