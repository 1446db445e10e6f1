"""Resources in AWS with a stack's owner tag that the stack's state lacks."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import jmespath

from common.aws.arns import split_arn
from components.adoption import governance
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import tags_by_resource, tags_of
from components.adoption.owned_resources import RESOURCE_TAG, TAGGED
from components.approval import names as approval
from components.domain_controllers import names as controllers
from components.nodes import names as nodes
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.inventory.iam import NO_ENTITY
from operations.inventory.reader import Reader, ReadFailure, returns_failure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from common.aws.session import Clients
    from operations.inventory.reader import Identity


_COMMANDS: Final[Mapping[tuple[str, str], str]] = {
    ("cloudtrail", "trail"): "cloudtrail delete-trail --name {arn}",
    ("cloudwatch", "alarm"): "cloudwatch delete-alarms --alarm-names {name}",
    ("config", "config-rule"): "configservice describe-config-rules --query \"ConfigRules[?ConfigRuleArn=='{arn}']\"",
    ("ec2", "instance"): "ec2 terminate-instances --instance-ids {name}",
    ("ec2", "network-acl"): "ec2 delete-network-acl --network-acl-id {name}",
    ("ec2", "prefix-list"): "ec2 delete-managed-prefix-list --prefix-list-id {name}",
    ("ec2", "security-group"): "ec2 delete-security-group --group-id {name}",
    ("ec2", "security-group-rule"): "ec2 describe-security-group-rules --security-group-rule-ids {name}",
    ("ec2", "volume"): "ec2 delete-volume --volume-id {name}",
    ("ec2", "vpc-endpoint"): "ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
    ("ec2", "vpc-flow-log"): "ec2 delete-flow-logs --flow-log-ids {name}",
    ("events", "rule"): "events delete-rule --name {name}",
    ("iam", "instance-profile"): "iam delete-instance-profile --instance-profile-name {name}",
    ("iam", "policy"): "iam delete-policy --policy-arn {arn}",
    ("iam", "role"): "iam delete-role --role-name {name}",
    ("kms", "key"): "kms schedule-key-deletion --key-id {name} --pending-window-in-days 30",
    ("logs", "log-group"): "logs delete-log-group --log-group-name {name}",
    ("s3", ""): "s3api delete-bucket --bucket {name}",
    ("scheduler", "schedule-group"): "scheduler delete-schedule-group --name {name}",
    ("sns", ""): "sns delete-topic --topic-arn {arn}",
    ("ssm", "association"): "ssm delete-association --association-id {name}",
    ("ssm", "document"): "ssm delete-document --name {name}",
    ("ssm", "parameter"): "ssm delete-parameter --name /{name}",
}
"""Commands by service and type in the ARN. A rule cannot be deleted by its ARN alone: the command shows its parent."""


def removal_command(arn: str) -> str:
    """Return the command that deletes a resource, or one that shows it if its type is not known."""
    _, _, service, region, _, rest = split_arn(arn)
    separator = next((each for each in rest if each in ":/"), "")
    kind, _, name = rest.partition(separator) if separator else ("", "", rest)
    if service == "iam":
        name = name.rpartition("/")[2]
    command = _COMMANDS.get((service, kind), "resourcegroupstaggingapi get-resources --resource-arn-list {arn}")
    place = f" --region {region}" if region else ""
    return f"aws {command.format(arn=arn, name=name)}{place}"


_AT_A_TIME: Final = 8
GLOBAL: Final = "global"
"""Placeholder for the Region of IAM's resources."""
_EC2_KINDS: Final[Mapping[str, str]] = {
    "acl": "network-acl",
    "fl": "vpc-flow-log",
    "i": "instance",
    "pl": "prefix-list",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "vol": "volume",
    "vpce": "vpc-endpoint",
}
"""Resource type in the ARN by prefix of the ID, of the EC2 resources that a stack creates."""
_ENDING: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:ec2/instance:Instance": ("terminated", "shutting-down"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("deleted", "deleting"),
}
"""States of types that EC2 lists, with their tags, for up to an hour after their deletion."""
_ABSENT: Final = ("InvalidInstanceID.NotFound", "InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound")
_IAM_NAMES: Final = frozenset(
    {
        *approval.WORKFLOW_ROLES,
        *(approval.OPERATOR_POLICY_NAME, approval.REQUESTER_POLICY_NAME, approval.APPROVER_POLICY_NAME),
        *(approval.GUARD_RAIL_POLICY_NAME, approval.IDENTITIES_GUARD_RAIL_POLICY_NAME),
        *(nodes.REMEDIATION_ROLE_NAME, nodes.HOST_ROLE_NAME),
        *(controllers.CONTROLLERS_ROLE, controllers.PORT_FORWARDING_POLICY, controllers.ACCESS_RESTRICTION_POLICY),
        *(INSTANCE_POLICY_NAME, governance.POLICY_NAME),
    }
)
"""Names of all roles, policies and instance profiles of a stack: no call lists those of an account with their tags."""
_IAM_LISTS: Final[tuple[tuple[str, Mapping[str, Any], str, str, str, str], ...]] = (
    ("list_roles", {}, "Roles", "get_role", "RoleName", "Role"),
    ("list_policies", {"Scope": "Local"}, "Policies", "get_policy", "PolicyName", "Policy"),
    (
        "list_instance_profiles",
        {},
        "InstanceProfiles",
        "get_instance_profile",
        "InstanceProfileName",
        "InstanceProfile",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """A resource with the stack's owner tag that is not in its state.

    Attributes:
        region: Region of the resource; `global` for IAM.
        resource: Name of the resource in the stack; empty where it has no such tag.
        removal: Command of the AWS CLI that deletes it.
    """

    region: str
    arn: str
    resource: str
    removal: str


@dataclass(frozen=True, kw_only=True)
class Orphans:
    """Result of the search.

    Attributes:
        found: Orphans by Region, `global` among them.
        retained: ARNs of the resources that a stack retains when it is destroyed or moved, by Region; they are no orphans.
        unread: Reason for which a Region could not be read completely; its orphans may be incomplete.
    """

    found: Mapping[str, tuple[Orphan, ...]]
    unread: Mapping[str, ReadFailure]
    retained: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def all(self) -> list[Orphan]:
        """All orphans."""
        return [each for several in self.found.values() for each in several]


def find_orphans(  # noqa: PLR0913 -- each parameter limits the search
    clients: Clients,
    identity: Identity,
    stack: str,
    regions: Sequence[str],
    in_state: Collection[str],
    *,
    ec2: bool = True,
) -> Orphans:
    """Search the Regions of a stack, and IAM, for resources that its state lacks.

    Args:
        clients: Clients to read with.
        identity: Caller, and the account that is searched.
        stack: End of the owner tag's value: `project/stack`. The organization is not known without the state.
        regions: Regions of the stack; IAM is read from the first.
        in_state: ARNs of the resources in the state.
        ec2: Whether to search EC2, too: a stack without networks has no resources and its roles no permissions there.
    """
    search = _OrphanSearch(clients=clients, identity=identity, stack=stack, ec2=ec2)
    with ThreadPoolExecutor(max_workers=_AT_A_TIME) as pool:
        running = {region: pool.submit(search.region, region) for region in regions}
        running[GLOBAL] = pool.submit(search.iam, regions[0])
        answers = {place: each.result() for place, each in running.items()}
    found: dict[str, tuple[Orphan, ...]] = {}
    retained: dict[str, tuple[str, ...]] = {}
    unread: dict[str, ReadFailure] = {}
    for place, answer in answers.items():
        doubt = answer if isinstance(answer, ReadFailure) else _doubt(place, answer, in_state, ec2=ec2)
        if doubt is not None:
            unread[place] = doubt
        if not isinstance(answer, ReadFailure):
            others = {arn: tags for arn, tags in sorted(answer.items()) if arn not in in_state}
            retained[place] = tuple(arn for arn in others if _is_retained(arn))
            found[place] = tuple(
                Orphan(region=place, arn=arn, resource=tags.get(RESOURCE_TAG, ""), removal=removal_command(arn))
                for arn, tags in others.items()
                if arn not in retained[place]
            )
    return Orphans(found=found, unread=unread, retained=retained)


def _is_retained(arn: str) -> bool:
    """Return whether a resource is retained on purpose: the bucket of exported records. Other retained resources have no owner tag."""
    _, _, service, _, _, resource = split_arn(arn)
    return service == "s3" and resource.startswith(f"{approval.EVIDENCE_BUCKET}-")


@dataclass(frozen=True, kw_only=True)
class _OrphanSearch:
    clients: Clients
    identity: Identity
    stack: str
    ec2: bool

    def _owns(self, tags: Mapping[str, str]) -> bool:
        return tags.get(OWNER_TAG, "").partition("/")[2] == self.stack

    @returns_failure
    def region(self, region: str) -> dict[str, dict[str, str]]:
        """Return the tags of the stack's resources in a Region, by ARN."""
        reader = Reader(self.clients, region, self.identity.arn)
        found = self._in_other_services(reader)
        return {**found, **self._in_ec2(reader)} if self.ec2 else found

    @returns_failure
    def iam(self, region: str) -> dict[str, dict[str, str]]:
        """Return the tags of the stack's roles, policies and instance profiles: no other API lists roles by tag."""
        return self._in_iam(Reader(self.clients, region, self.identity.arn))

    def _in_ec2(self, reader: Reader) -> dict[str, dict[str, str]]:
        """Read tags from EC2, as the Resource Groups Tagging API is only eventually consistent with it."""
        desired = [{"Name": "key", "Values": [OWNER_TAG, RESOURCE_TAG]}]
        tags = tags_by_resource(reader.items("ec2", "describe_tags", "Tags", Filters=desired))
        owned = {id_: of for id_, of in tags.items() if self._owns(of)}
        ending = {id_ for token in _ENDING for id_ in _ending(reader, owned, token)}
        place = f"arn:{self.identity.partition}:ec2:{reader.region}:{self.identity.account_id}"
        return {
            f"{place}:{_EC2_KINDS[id_.split('-')[0]]}/{id_}": of
            for id_, of in owned.items()
            # A root volume has only the owner tag: it is deleted with its instance.
            if id_ not in ending and id_.split("-")[0] in _EC2_KINDS and RESOURCE_TAG in of
        }

    def _in_other_services(self, reader: Reader) -> dict[str, dict[str, str]]:
        desired = [{"Key": OWNER_TAG}]
        listed = reader.items("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=desired)
        found = {each["ResourceARN"].removesuffix(":*"): tags_of(each["Tags"]) for each in listed}
        return {
            arn: tags
            for arn, tags in found.items()
            if self._owns(tags) and split_arn(arn).service not in ("ec2", "iam") and _is_there(reader, arn)
        }

    def _in_iam(self, reader: Reader) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for operation, arguments, listed, describe, key, member in _IAM_LISTS:
            for each in reader.items("iam", operation, listed, **arguments):
                if not _may_be_ours(each[key]):
                    continue
                argument = {"PolicyArn": each["Arn"]} if member == "Policy" else {key: each[key]}
                described = reader.find("iam", describe, absent=NO_ENTITY, **argument)
                if described is None:
                    continue
                tags = tags_of(described[member].get("Tags", []))
                if self._owns(tags):
                    found[each["Arn"]] = tags
        return found


def _doubt(place: str, listed: Collection[str], in_state: Collection[str], *, ec2: bool) -> ReadFailure | None:
    """Return why a search may be incomplete: one of its lists has none of the resources in the state; None: it is not.

    With the credentials of another account, nothing of the stack is found. The Resource Groups Tagging API is left out, as
    it lists new resources with a delay.
    """
    expected: dict[str, set[str]] = {}
    for arn in in_state:
        _, _, service, region, _, resource = split_arn(arn)
        kind, _, name = resource.partition("/")
        if service == "iam" and place == GLOBAL and kind in _IAM_KINDS and _may_be_ours(name.rpartition("/")[2]):
            expected.setdefault(_IAM_KINDS[kind], set()).add(arn)
        elif service == "ec2" and region == place and ec2 and kind in _EC2_KINDS.values():
            expected.setdefault("ec2:DescribeTags", set()).add(arn)
    for action, arns in expected.items():
        if arns.isdisjoint(listed):
            cause = f"none of the {len(arns)} resources that the state has is listed with the stack's owner tag"
            return ReadFailure(
                action=action, cause=cause, remedy="check the account of the credentials, then try again"
            )
    return None


_IAM_KINDS: Final[Mapping[str, str]] = {
    "role": "iam:ListRoles",
    "policy": "iam:ListPolicies",
    "instance-profile": "iam:ListInstanceProfiles",
}
"""Action that lists the resources of IAM, by type in the ARN."""


def _may_be_ours(name: str) -> bool:
    # Of policies that are too long, further parts have a number.
    return re.sub(r"-[0-9]+$", "", name) in _IAM_NAMES or name.startswith(f"{controllers.FLOW_LOGS_ROLE}-")


def _ending(reader: Reader, owned: Iterable[str], token: str) -> set[str]:
    """Return the resources of a type that do not exist any more or are being deleted."""
    tagged = TAGGED[token]
    path = f"{tagged.path}.{tagged.state}"
    found: set[str] = set()
    for resource in (each for each in owned if each.startswith(tagged.prefix)):
        arguments: dict[str, Any] = {tagged.argument: [resource]}
        answer = reader.find("ec2", tagged.operation, _ABSENT, **arguments)
        if answer is None or str(jmespath.search(path, answer)).lower() in _ENDING[token]:
            found.add(resource)
    return found


def _is_there(reader: Reader, arn: str) -> bool:
    """Return whether a resource is not being deleted: a key that is pending deletion keeps its tags."""
    if split_arn(arn).service != "kms":
        return True
    key = reader.get("kms", "describe_key", KeyId=arn)["KeyMetadata"]
    return key["KeyState"] != "PendingDeletion"
