"""Reading of a Region's nodes, with their roles and everything that sessions need; shared data is read once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from common.aws.arns import split_arn
from common.iam.documents import DocumentError, parse
from common.iam.principals import read_account
from components.adoption.inventory import tags_of
from components.session_manager.names import DATA_KEY_ALIAS
from operations.approval.access_requests import requests_of_node
from operations.audit.organization import read_organization
from operations.doctor.facts import AccessFacts, Destinations, Managed, NodeFacts, NodeInstance
from operations.doctor.requirements import is_key_arn
from operations.inventory.iam import NO_ENTITY, read_inline_policies
from operations.inventory.instances import GONE, NO_INSTANCE, read_host_role, read_node
from operations.inventory.just_in_time import read_policies, read_setup, read_tags
from operations.inventory.network import read_vpc
from operations.inventory.reader import Reader, ReadFailure, known, returns_failure
from operations.inventory.session_manager import (
    BucketEncryption,
    KeyFacts,
    LogBucketFacts,
    LogGroupFacts,
    read_key,
    read_region,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from common.aws.session import Clients
    from common.iam.documents import Policy
    from common.iam.principals import Principal
    from components.just_in_time.decisions import Policies
    from operations.audit.organization import Organization
    from operations.deployment import Deployment
    from operations.inventory.network import VpcFacts
    from operations.inventory.reader import Answer, Identity

P = ParamSpec("P")
ValueT = TypeVar("ValueT")

_RUNNING: Final = "running"
_NODES_A_PAGE: Final = 50
_INSTANCES_A_PAGE: Final = 1000
"""Maximum page sizes of the two calls (API references), because there may be thousands of nodes."""
_MANAGED: Final = "InstanceInformationList"


ListedNode = tuple[str, "Answer | ReadFailure | None", "Answer | ReadFailure | None"]
"""Arguments of `facts`: ID of a node, and its descriptions by EC2 and Systems Manager."""


class _Shared:
    """Reader with methods that are `shared`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: dict[Hashable, Future[Any]] = {}


SharedT = TypeVar("SharedT", bound=_Shared)


def shared(read: Callable[Concatenate[SharedT, P], ValueT]) -> Callable[Concatenate[SharedT, P], ValueT]:
    """Call a method once for the same arguments; concurrent callers wait for the first, also for its exception."""

    @wraps(read)
    def sharing(self: SharedT, *arguments: P.args, **options: P.kwargs) -> ValueT:
        own = Future[ValueT]()
        with self.lock:
            value = self.values.setdefault((read.__name__, arguments), own)
        if value is own:
            try:
                own.set_result(read(self, *arguments, **options))
            except BaseException as failed:
                own.set_exception(failed)
                raise
        return value.result()

    return sharing


class Roles(_Shared):
    """Roles of an account."""

    def __init__(self, clients: Clients, identity: Identity, region: str) -> None:
        """Initialize the reader."""
        super().__init__()
        self._clients, self._identity, self._region = clients, identity, region
        self._reader = Reader(clients, region, identity.arn)

    @shared
    def organization(self) -> Organization:
        """Return the organization's policies, if they can be read."""
        return read_organization(self._clients, self._region, self._identity)

    @shared
    @returns_failure
    def of_profile(self, arn: str) -> Principal | None:
        """Return the role of an instance profile. None: it has no role."""
        name = arn.rpartition("/")[2]
        # EC2 has named the profile: whether the agent gets credentials without it is not known.
        answer = self._reader.get("iam", "get_instance_profile", InstanceProfileName=name)
        roles: list[dict[str, Any]] = answer["InstanceProfile"]["Roles"]
        return known(self.named(roles[0]["RoleName"])) if roles else None

    @shared
    @returns_failure
    def named(self, name: str) -> Principal | ReadFailure | None:
        """Return a role by its name without the path. None: it does not exist."""
        answer = self._reader.find("iam", "get_role", absent=NO_ENTITY, RoleName=name)
        if answer is None:
            return None
        role: dict[str, Any] = answer["Role"]
        inline = read_inline_policies(self._reader, name)
        attached = self._reader.items("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        policies = [known(self._policy(each["PolicyArn"])) for each in attached]
        # IAM refuses to delete a policy that is attached or a boundary. A boundary that it does not find allows nothing.
        policies += [known(self._policy(boundary, NO_ENTITY))] if boundary else []
        given = [{"PolicyName": each, "PolicyDocument": document} for each, document in inline.items()]
        details = {
            "RoleDetailList": [role | {"RolePolicyList": given, "AttachedManagedPolicies": attached}],
            "Policies": [each for each in policies if each],
        }
        try:
            account = read_account(
                details,
                account_id=self._identity.account_id,
                partition=self._identity.partition,
                ceilings=self.organization().ceilings,
            )
        except DocumentError as wrong:
            return ReadFailure(action="iam:GetRolePolicy", cause=str(wrong), remedy=f"fix the policies of role {name}")
        return account.principals[0]

    @shared
    @returns_failure
    def _policy(self, arn: str, absent: tuple[str, ...] = ()) -> Answer | None:
        """Return a managed policy in the form of IAM's account authorization details. None: it does not exist."""
        policy = self._reader.find("iam", "get_policy", absent, PolicyArn=arn)
        if policy is None:
            return None
        version = policy["Policy"]["DefaultVersionId"]
        content = self._reader.get("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
        document = content["PolicyVersion"]["Document"]
        return {"Arn": arn, "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document}]}


class RegionReader(_Shared):
    """Reader of one Region."""

    def __init__(self, reader: Reader, deployment: Deployment, roles: Roles) -> None:
        """Initialize the reader."""
        super().__init__()
        self._reader, self._deployment, self._roles = reader, deployment, roles

    def node(self, node_id: str, caller: str = "") -> NodeFacts | None:
        """Return one node by its ID, with the access requests for it. None: it does not exist in this Region.

        `caller` is the ARN of the credentials of the person at the terminal; empty: not known.
        """
        listed = read_node(self._reader, node_id)
        described: Answer | ReadFailure | None = None
        if node_id.startswith("i-"):
            answer = self._reader.read("ec2", "describe_instances", absent=NO_INSTANCE, InstanceIds=[node_id])
            described = answer if isinstance(answer, ReadFailure) else next(iter(_instances(answer)), None)
            if described is None:
                return None
        elif listed is None:
            return None
        found = self.facts(node_id, described, listed)
        if found.access is None:
            return found
        requests = requests_of_node(self._reader, node_id, datetime.now(UTC))
        return replace(found, access=replace(found.access, requests=requests, caller=caller))

    def nodes(self, *, running_only: bool = False) -> list[ListedNode]:
        """Return all managed nodes, and running instances that should be, as EC2 and Systems Manager describe them.

        Empty if neither list can be read: `lists` then has the reason.
        """
        managed, instances = self.lists()
        by_id = {each["InstanceId"]: each for each in _instances(instances)}
        known: list[Answer] = managed.read_so_far.get(_MANAGED, []) if isinstance(managed, ReadFailure) else managed
        listed = {each["InstanceId"]: each for each in known}
        running = [node_id for node_id, each in by_id.items() if each["State"]["Name"] == _RUNNING]
        ids = sorted({*running, *(node_id for node_id in listed if not running_only or not node_id.startswith("i-"))})
        return [
            (
                node_id,
                by_id.get(
                    node_id, instances if isinstance(instances, ReadFailure) and node_id.startswith("i-") else None
                ),
                listed.get(node_id, managed if isinstance(managed, ReadFailure) else None),
            )
            for node_id in ids
            if not node_id.startswith("i-") or node_id in by_id or isinstance(instances, ReadFailure)
        ]

    @shared
    def lists(self) -> tuple[list[Answer] | ReadFailure, Answer | ReadFailure | None]:
        """Return all nodes as described by Systems Manager, and all instances as described by EC2."""
        managed = self._reader.read("ssm", "describe_instance_information", MaxResults=_NODES_A_PAGE)
        instances = self._reader.read("ec2", "describe_instances", MaxResults=_INSTANCES_A_PAGE)
        listed = managed if isinstance(managed, ReadFailure) else list((managed or {}).get(_MANAGED, ()))
        return listed, instances

    def facts(
        self, node_id: str, described: Answer | ReadFailure | None, listed: Answer | ReadFailure | None
    ) -> NodeFacts:
        """Return all facts about a node, from the descriptions by EC2 and by Systems Manager, if it has any."""
        instance = described if described is None or isinstance(described, ReadFailure) else _instance(described)
        managed = listed if listed is None or isinstance(listed, ReadFailure) else _managed(listed)
        return NodeFacts(
            id=node_id,
            name=_name(described, listed),
            deployment=self._deployment,
            instance=instance,
            managed=managed,
            role=self._role(instance, managed),
            default_role=self._default_role() if described is not None else None,
            network=self._network(instance.vpc_id) if isinstance(instance, NodeInstance) else instance,
            destinations=self._destinations(),
            organization=self._roles.organization(),
            read_at=datetime.now(UTC),
            access=self._access(node_id, described) if self._deployment.grants_just_in_time else None,
        )

    def _access(self, node_id: str, described: Answer | ReadFailure | None) -> AccessFacts:
        tags = described if isinstance(described, ReadFailure) else tags_of((described or {}).get("Tags", ()))
        setup, policies = self._access_of_region()
        is_instance = node_id.startswith("i-")
        return AccessFacts(
            setup=setup, tags=tags if is_instance else read_tags(self._reader, node_id), policies=policies
        )

    @shared
    def _access_of_region(self) -> tuple[Mapping[str, bool | ReadFailure], Policies | ReadFailure]:
        return read_setup(self._reader), read_policies(self._reader)

    def _role(
        self, instance: NodeInstance | ReadFailure | None, managed: Managed | ReadFailure | None
    ) -> Principal | ReadFailure | None:
        if isinstance(instance, ReadFailure):
            return instance
        if instance is not None:
            return self._roles.of_profile(instance.profile_arn) if instance.profile_arn else None
        if managed is None or isinstance(managed, ReadFailure):
            return managed
        return self._roles.named(managed.role_name.rpartition("/")[2]) if managed.role_name else None

    @shared
    @returns_failure
    def _default_role(self) -> Principal | None:
        role = known(read_host_role(self._reader))
        return known(self._roles.named(role.rpartition("/")[2])) if role else None

    @shared
    def _network(self, vpc_id: str) -> VpcFacts | ReadFailure | None:
        return read_vpc(self._reader, vpc_id)

    @shared
    def _destinations(self) -> Destinations:
        live = read_region(self._reader, self._deployment)
        key = live.data_key
        group, bucket = live.log_group, live.bucket
        encryption = bucket.encryption if isinstance(bucket, LogBucketFacts) else None
        of_bucket = encryption.kms_key_arn if isinstance(encryption, BucketEncryption) else None
        of_group = group.kms_key_arn if isinstance(group, LogGroupFacts) else None
        return Destinations(
            live=live,
            data_key_policy=_read_key_policy(self._reader, key.key_id) if isinstance(key, KeyFacts) else None,
            data_key_aliases=self._aliases(key) if isinstance(key, KeyFacts) else (DATA_KEY_ALIAS,),
            log_group_key=self._key(of_group),
            bucket_key=self._key(of_bucket),
            bucket_policy=self._bucket_policy(bucket) if isinstance(bucket, LogBucketFacts) else None,
            bucket_key_policy=self._policy_of_bucket_key(of_bucket) if of_bucket and is_key_arn(of_bucket) else None,
        )

    def _key(self, arn: str | None) -> KeyFacts | ReadFailure | None:
        """Return the key of a log group or bucket. None: it has no key, or names one that does not exist."""
        return read_key(self._reader.elsewhere(split_arn(arn).region), arn) if arn and is_key_arn(arn) else None

    def _policy_of_bucket_key(self, arn: str) -> Policy | ReadFailure | None:
        _, _, _, region, account_id, resource = split_arn(arn)
        if account_id != self._deployment.account_id:
            # GetKeyPolicy only works within the key's own account (KMS API reference).
            why = f"the bucket's key is of account {account_id}, from which alone its policy can be read"
            return ReadFailure(
                action="kms:GetKeyPolicy", cause=why, remedy=f"check the policy of {arn} in that account"
            )
        return _read_key_policy(self._reader.elsewhere(region), resource.rpartition("/")[2])

    @returns_failure
    def _bucket_policy(self, bucket: LogBucketFacts) -> Policy | ReadFailure | None:
        settings = self._deployment.session_manager
        if settings is None:
            return None
        answer = self._reader.elsewhere(bucket.region).find(
            "s3",
            "get_bucket_policy",
            absent=("NoSuchBucketPolicy",),
            Bucket=settings.s3_bucket_name,
            ExpectedBucketOwner=settings.s3_bucket_owner or self._deployment.account_id,
        )
        if answer is None:
            return None
        return _parsed(answer["Policy"], f"of bucket {settings.s3_bucket_name}", "bucket", "s3:GetBucketPolicy")

    @returns_failure
    def _aliases(self, key: KeyFacts) -> tuple[str, ...]:
        return tuple(
            each["AliasName"] for each in self._reader.items("kms", "list_aliases", "Aliases", KeyId=key.key_id)
        )


@returns_failure
def _read_key_policy(reader: Reader, key_id: str) -> Policy | ReadFailure:
    # Each key has a policy: one that AWS KMS does not find is not known.
    answer = reader.get("kms", "get_key_policy", KeyId=key_id, PolicyName="default")
    return _parsed(answer["Policy"], f"of key {key_id}", "key", "kms:GetKeyPolicy")


def _parsed(text: str, name: str, kind: str, action: str) -> Policy | ReadFailure:
    try:
        return parse(json.loads(text), name=name, kind=kind)
    except (ValueError, DocumentError) as wrong:
        return ReadFailure(action=action, cause=str(wrong), remedy=f"fix the policy {name}")


def _instances(answer: Answer | ReadFailure | None) -> list[Answer]:
    """Return instances that are not terminated; of an incomplete list, those that were read."""
    if isinstance(answer, ReadFailure):
        answer = answer.read_so_far
    if answer is None:
        return []
    found: list[Answer] = [each for group in answer.get("Reservations", ()) for each in group["Instances"]]
    return [each for each in found if each["State"]["Name"] not in GONE]


def _instance(found: Answer) -> NodeInstance:
    profile: Mapping[str, Any] = found.get("IamInstanceProfile") or {}
    metadata: Mapping[str, Any] = found.get("MetadataOptions") or {}
    return NodeInstance(
        state=found["State"]["Name"],
        vpc_id=found.get("VpcId", ""),
        subnet_id=found.get("SubnetId", ""),
        address=found.get("PrivateIpAddress", ""),
        group_ids=tuple(each["GroupId"] for each in found.get("SecurityGroups", ())),
        public_address=found.get("PublicIpAddress", ""),
        profile_arn=profile.get("Arn"),
        answers_metadata=metadata.get("HttpEndpoint", "enabled") == "enabled",
        requires_metadata_tokens=metadata.get("HttpTokens") == "required",
    )


def _managed(found: Answer) -> Managed:
    last = found.get("LastPingDateTime")
    return Managed(
        ping=found.get("PingStatus", ""),
        last_ping=last.isoformat(timespec="seconds") if last else "",
        agent_version=found.get("AgentVersion", ""),
        platform=found.get("PlatformType", ""),
        role_name=found.get("IamRole", ""),
    )


def _name(described: Answer | ReadFailure | None, listed: Answer | ReadFailure | None) -> str:
    if described is not None and not isinstance(described, ReadFailure):
        for tag in described.get("Tags", ()):
            if tag["Key"] == "Name":
                return str(tag["Value"])
    if listed is not None and not isinstance(listed, ReadFailure):
        return str(listed.get("Name") or listed.get("ComputerName") or "")
    return ""
