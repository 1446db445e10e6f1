"""Fixed names that may exist in an account: the lookup per kind, and the owner.

There is one table for all kinds. A resource without tags of its own belongs to the owner of its parent: an alias to the
owner of its key, a schedule to the owner of its group.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from common.aws.failures import MalformedAnswerError
from components.adoption import governance
from components.adoption.document_content import DOCUMENT_NAME
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG, Kind, described_log_group, log_group_arn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class FixedName:
    """A name that a stack registers, and that may exist already.

    Attributes:
        kind: Kind of resource.
        region: Region of the resource; of a global one, the Region from which it is reached.
        name: Name; of an alias with `alias/`, of a topic, policy or workgroup the ARN, of a schedule `group/name`.
        path: Setting that requires it.
        take_over: Whether the settings permit to take it over from another stack.
        is_adopted: Whether another principal's resource is adopted; else it is refused.
    """

    kind: Kind
    region: str
    name: str
    path: tuple[str, ...] = ()
    take_over: bool = False
    is_adopted: bool = True

    def __str__(self) -> str:
        return described(self.kind, self.region, self.name)


@dataclass(frozen=True, kw_only=True)
class Existing:
    """A resource that has a fixed name.

    Attributes:
        kind: As in `FixedName`.
        region: As in `FixedName`.
        name: As in `FixedName`.
        id: Identifier: of an alias the ID of its key, of a trail the ARN, of an association its ID, of a
            workgroup its bare name, else the name.
        owner: Stack that owns it (`organization/project/stack`); None: another principal created it, or a stack has
            released it.
        made_here: Whether this program created it; no stack owns it any more unless `owner` names one.
        is_usable: Whether it can be used; an alias cannot if its key is not enabled.
        tags: All of its tags, or those of its parent; empty if it was not looked up in AWS.
    """

    kind: Kind
    region: str
    name: str
    id: str
    owner: str | None = None
    made_here: bool = False
    is_usable: bool = True
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return described(self.kind, self.region, self.name)


GLOBAL: Final = frozenset({Kind.POLICY, Kind.ROLE, Kind.INSTANCE_PROFILE})
"""Kinds of IAM, which are global."""


@dataclass(frozen=True, kw_only=True)
class NamedType:
    """A type of resource with a fixed name.

    Attributes:
        kind: Kind of the type.
        output: Output with the name, as in `FixedName`.
        input: Input with the name, by its Python name; empty for types that are put, not created, so that a second call with
            the same content changes nothing.
    """

    kind: Kind
    output: str = "name"
    input: str = ""


NAMED_TYPES: Final[Mapping[str, NamedType]] = {
    "aws:athena/workgroup:Workgroup": NamedType(kind=Kind.WORK_GROUP, output="arn", input="name"),
    "aws:cfg/rule:Rule": NamedType(kind=Kind.CONFIG_RULE),
    "aws:cloudtrail/trail:Trail": NamedType(kind=Kind.TRAIL, input="name"),
    "aws:cloudwatch/logGroup:LogGroup": NamedType(kind=Kind.LOG_GROUP, input="name"),
    "aws:glue/catalogDatabase:CatalogDatabase": NamedType(kind=Kind.DATABASE, input="name"),
    "aws:glue/catalogTable:CatalogTable": NamedType(kind=Kind.TABLE, input="name"),
    "aws:iam/instanceProfile:InstanceProfile": NamedType(kind=Kind.INSTANCE_PROFILE, input="name"),
    "aws:iam/policy:Policy": NamedType(kind=Kind.POLICY, output="arn", input="name"),
    "aws:iam/role:Role": NamedType(kind=Kind.ROLE, input="name"),
    "aws:kms/alias:Alias": NamedType(kind=Kind.ALIAS),
    "aws:s3/bucket:Bucket": NamedType(kind=Kind.BUCKET, output="bucket", input="bucket"),
    "aws:scheduler/schedule:Schedule": NamedType(kind=Kind.SCHEDULE, input="name"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": NamedType(kind=Kind.SCHEDULE_GROUP, input="name"),
    "aws:sns/topic:Topic": NamedType(kind=Kind.TOPIC, output="arn", input="name"),
    "aws:ssm/association:Association": NamedType(
        kind=Kind.ASSOCIATION, output="associationName", input="association_name"
    ),
    "aws:ssm/parameter:Parameter": NamedType(kind=Kind.PARAMETER),
    "pulumi-python:dynamic/ssm:Document": NamedType(kind=Kind.DOCUMENT),
}
"""Types of resources that have a fixed name, by token."""

_PREFERENCES: Final = "pulumi-python:dynamic/ssm:SessionPreferences"


def type_and_name(urn: str) -> tuple[str, str]:
    """Return type and name of a resource of a stack."""
    _, _, types, name = urn.split("::", 3)
    return types.rpartition("$")[2], name


def existing_in_state(outputs: Mapping[str, Mapping[str, Any]], owner: str) -> dict[tuple[Kind, str, str], Existing]:
    """Return each resource in a state that has a fixed name, by kind, Region (empty for `GLOBAL` kinds) and name."""
    found: dict[tuple[Kind, str, str], Existing] = {}
    for urn, each in outputs.items():
        token, _ = type_and_name(urn)
        region = str(each.get("region", ""))
        if token == _PREFERENCES:
            kind, name = Kind.DOCUMENT, DOCUMENT_NAME
        elif token in NAMED_TYPES:
            kind, name = NAMED_TYPES[token].kind, str(each.get(NAMED_TYPES[token].output))
        else:
            continue
        if kind is Kind.SCHEDULE:
            name = f"{each.get('groupName')}/{name}"
        if kind is Kind.TABLE:
            name = f"{each.get('databaseName')}/{name}"
        made_here = MADE_HERE_TAG in (each.get("tags") or {})
        id_ = str(each.get("targetKeyId")) if kind is Kind.ALIAS else name
        found[kind, "" if kind in GLOBAL else region, name] = Existing(
            kind=kind, region=region, name=name, id=id_, owner=owner, made_here=made_here
        )
    return found


def described(kind: Kind, region: str, name: str) -> str:
    """Return the description of a resource for messages: `the log group logs in eu-west-1`."""
    if kind in GLOBAL:
        return f"the {kind.noun} {name.rpartition('/')[2]}"
    if kind is Kind.WORK_GROUP:
        name = name.rpartition("/")[2]
    return f"the {kind.noun} {name.rpartition(':')[2] if kind is Kind.TOPIC else name} in {region}"


def find(kind: Kind, client: Any, region: str, name: str) -> Existing | None:
    """Return the resource that has a name (as in `FixedName`), and its owner; None: the name does not exist.

    Raises:
        ClientError: AWS returns an error; also an access denial, after which it is unknown whether the name exists.
    """
    look_up, absent = _FINDERS[kind]
    try:
        found = look_up(client, name)
    except tuple(getattr(client.exceptions, each) for each in absent):
        return None
    if found is None:
        return None
    return Existing(
        kind=kind,
        region=region,
        name=name,
        id=found.id or name,
        owner=found.tags.get(OWNER_TAG),
        made_here=MADE_HERE_TAG in found.tags,
        is_usable=found.is_usable,
        tags=found.tags,
    )


@dataclass(frozen=True, kw_only=True)
class _Tagged:
    """Tags of a resource, or of its parent if it cannot be tagged."""

    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    id: str = ""
    is_usable: bool = True


def tags_of(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return tags as a mapping; AWS services use three spellings of their members."""
    return {_first(tag, "Key", "TagKey", "key"): _first(tag, "Value", "TagValue", "value") for tag in listed}


def tags_by_resource(listed: Iterable[Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the tags that EC2's `DescribeTags` lists, by the ID of their resource."""
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for each in listed:
        tags[each["ResourceId"]][each["Key"]] = each["Value"]
    return tags


def _first(tag: Mapping[str, str], *names: str) -> str:
    # The last one, where the tag has none: its absence is an error.
    return tag[next((name for name in names if name in tag), names[-1])]


@contextmanager
def _existing() -> Generator[None]:
    """Read more about a resource that exists: an error code of an absent one does not mean that it does not exist.

    Raises:
        ClientError: AWS returns an error; never an exception of a client that `find` takes for absence.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 -- an unchanged run calls no API, and saves its import

    try:
        yield
    except ClientError as failed:
        raise ClientError(failed.response, failed.operation_name) from None


def only_one(listed: Sequence[Mapping[str, Any]], operation: str) -> Mapping[str, Any]:
    """Return the only item that AWS lists about a resource that exists.

    Raises:
        MalformedAnswerError: There is none, or there are several.
    """
    if len(listed) != 1:
        raise MalformedAnswerError(operation=operation, found=f"{len(listed)} items about one resource")
    return listed[0]


def _alias(kms: Any, name: str) -> _Tagged:
    key = kms.describe_key(KeyId=name)["KeyMetadata"]
    with _existing():
        pages = kms.get_paginator("list_resource_tags").paginate(KeyId=key["KeyId"])
        tags = tags_of(tag for page in pages for tag in page["Tags"])
    return _Tagged(tags=tags, id=key["KeyId"], is_usable=key["KeyState"] == "Enabled")


def _log_group(logs: Any, name: str) -> _Tagged | None:
    group = described_log_group(logs, name)
    if group is None:
        return None
    return _Tagged(tags=logs.list_tags_for_resource(resourceArn=log_group_arn(group))["tags"])


def _parameter(ssm: Any, name: str) -> _Tagged:
    answer = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
    return _Tagged(tags=tags_of(answer.get("TagList", [])))


def _document(ssm: Any, name: str) -> _Tagged:
    return _Tagged(tags=tags_of(ssm.describe_document(Name=name)["Document"].get("Tags", [])))


def _association(ssm: Any, name: str) -> _Tagged | None:
    by_name = [{"key": "AssociationName", "value": name}]
    pages = ssm.get_paginator("list_associations").paginate(AssociationFilterList=by_name)
    found = next((each for page in pages for each in page["Associations"] if each.get("AssociationName") == name), None)
    if found is None:
        return None
    with _existing():
        answer = ssm.list_tags_for_resource(ResourceType="Association", ResourceId=found["AssociationId"])
    return _Tagged(tags=tags_of(answer.get("TagList", [])), id=found["AssociationId"])


def _topic(sns: Any, arn: str) -> _Tagged:
    return _Tagged(tags=tags_of(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]))


def _policy(iam: Any, arn: str) -> _Tagged:
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    described_owner = governance.owner_in(policy.get("Description", ""))
    return _Tagged(
        tags={**({OWNER_TAG: described_owner} if described_owner else {}), **tags_of(policy.get("Tags", []))}
    )


def _role(iam: Any, name: str) -> _Tagged:
    return _Tagged(tags=tags_of(iam.get_role(RoleName=name)["Role"].get("Tags", [])))


def _instance_profile(iam: Any, name: str) -> _Tagged:
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    return _Tagged(tags=tags_of(profile.get("Tags", [])))


def _config_rule(config: Any, name: str) -> _Tagged:
    rule = only_one(config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"], "DescribeConfigRules")
    with _existing():
        return _Tagged(tags=tags_of(config.list_tags_for_resource(ResourceArn=rule["ConfigRuleArn"])["Tags"]))


def _schedule_group(scheduler: Any, name: str) -> _Tagged:
    arn = scheduler.get_schedule_group(Name=name)["Arn"]
    with _existing():
        return _Tagged(tags=tags_of(scheduler.list_tags_for_resource(ResourceArn=arn).get("Tags", [])))


def _schedule(scheduler: Any, name: str) -> _Tagged:
    group, _, schedule = name.partition("/")
    scheduler.get_schedule(GroupName=group, Name=schedule)
    with _existing():
        return _schedule_group(scheduler, group)


def _trail(cloudtrail: Any, name: str) -> _Tagged | None:
    found = cloudtrail.describe_trails(trailNameList=[name], includeShadowTrails=False)["trailList"]
    if not found:
        return None
    arn = found[0]["TrailARN"]
    listed = only_one(cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"], "ListTags")
    return _Tagged(tags=tags_of(listed.get("TagsList", [])), id=arn)


def _database(glue: Any, name: str) -> _Tagged:
    catalog = glue.get_database(Name=name)["Database"].get("CatalogId", "")
    arn = f"arn:{glue.meta.partition}:glue:{glue.meta.region_name}:{catalog}:database/{name}"
    with _existing():
        return _Tagged(tags=dict(glue.get_tags(ResourceArn=arn)["Tags"]), id=f"{catalog}:{name}")


def _table(glue: Any, name: str) -> _Tagged:
    database, _, table = name.partition("/")
    glue.get_table(DatabaseName=database, Name=table)
    with _existing():
        owning = _database(glue, database)
    return replace(owning, id=f"{owning.id}:{table}")


def _work_group(athena: Any, arn: str) -> _Tagged:
    pages = athena.get_paginator("list_tags_for_resource").paginate(ResourceARN=arn)
    return _Tagged(tags=tags_of(tag for page in pages for tag in page["Tags"]), id=arn.rpartition("/")[2])


_NO_BUCKET: Final = frozenset({"404", "NoSuchBucket"})
_NO_TAGS: Final = "NoSuchTagSet"


def _bucket(s3: Any, name: str) -> _Tagged | None:
    try:
        return _Tagged(tags=tags_of(s3.get_bucket_tagging(Bucket=name)["TagSet"]))
    except s3.exceptions.ClientError as failed:
        code = failed.response["Error"]["Code"]
        if code in _NO_BUCKET:
            return None
        if code == _NO_TAGS:
            return _Tagged()
        raise


_FINDERS: Final[Mapping[Kind, tuple[Callable[[Any, str], _Tagged | None], tuple[str, ...]]]] = {
    Kind.ALIAS: (_alias, ("NotFoundException",)),
    Kind.LOG_GROUP: (_log_group, ()),
    Kind.PARAMETER: (_parameter, ("InvalidResourceId",)),
    Kind.DOCUMENT: (_document, ("InvalidDocument",)),
    Kind.ASSOCIATION: (_association, ()),
    Kind.TOPIC: (_topic, ("ResourceNotFoundException", "NotFoundException")),
    Kind.POLICY: (_policy, ("NoSuchEntityException",)),
    Kind.ROLE: (_role, ("NoSuchEntityException",)),
    Kind.INSTANCE_PROFILE: (_instance_profile, ("NoSuchEntityException",)),
    Kind.CONFIG_RULE: (_config_rule, ("NoSuchConfigRuleException",)),
    Kind.SCHEDULE_GROUP: (_schedule_group, ("ResourceNotFoundException",)),
    Kind.SCHEDULE: (_schedule, ("ResourceNotFoundException",)),
    Kind.TRAIL: (_trail, ()),
    Kind.BUCKET: (_bucket, ()),
    Kind.DATABASE: (_database, ("EntityNotFoundException",)),
    Kind.TABLE: (_table, ("EntityNotFoundException",)),
    Kind.WORK_GROUP: (_work_group, ("ResourceNotFoundException",)),
}
"""Lookup of each kind, and the exceptions of its client that mean that the name does not exist."""
