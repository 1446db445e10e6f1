"""Kinds of resources that have fixed names, and AWS' calls to find, create and restore each."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from common.aws.failures import ResourceError
from components.adoption.dynamic_provider import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MADE_HERE_TAG: Final = "shell-access:made-here"
"""Tag of resources that this program created and no state contains (any more): set on creation, and on release."""
NONE: Final = "none"
"""Record of a log group or topic that had no key."""


class Kind(StrEnum):
    """Kind of resource that has a fixed name.

    Attributes:
        service: AWS service whose API serves the kind.
        noun: Noun for messages.
    """

    service: str
    noun: str

    def __new__(cls, value: str, service: str, noun: str) -> Self:
        """Create a member, whose value alone is in state."""
        member = str.__new__(cls, value)
        member._value_, member.service, member.noun = value, service, noun
        return member

    ALIAS = "alias", "kms", "key"
    ASSOCIATION = "association", "ssm", "association"
    BUCKET = "bucket", "s3", "bucket"
    CONFIG_RULE = "configRule", "config", "rule"
    DATABASE = "database", "glue", "database"
    DOCUMENT = "document", "ssm", "document"
    INSTANCE_PROFILE = "instanceProfile", "iam", "instance profile"
    LOG_GROUP = "logGroup", "logs", "log group"
    PARAMETER = "parameter", "ssm", "parameter"
    POLICY = "policy", "iam", "policy"
    ROLE = "role", "iam", "role"
    SCHEDULE = "schedule", "scheduler", "schedule"
    SCHEDULE_GROUP = "scheduleGroup", "scheduler", "schedule group"
    TABLE = "table", "glue", "table"
    TOPIC = "topic", "sns", "topic"
    TRAIL = "trail", "cloudtrail", "trail"
    WORK_GROUP = "workGroup", "athena", "workgroup"


@dataclass(frozen=True, kw_only=True)
class Found:
    """Resource that has the name.

    Attributes:
        value: Value to restore: the key of an alias or log group ("" without one), the value of a parameter, key and
            policy of a topic as JSON; unused for a policy, as another principal's policy is never adopted.
        record: Text from which `ResourceAdapter.recorded` returns the value: short, without secrets, as tags require.
        keeps_days: Retention of a log group in days; None: another kind.
    """

    value: str
    record: str
    keeps_days: float | None = None


class ResourceAdapter(Protocol):
    """Adapter for one name in one Region."""

    def find(self) -> Found | None:
        """Return the resource that has the name; None: it does not exist."""
        ...

    def make(self, value: str, tags: Mapping[str, str]) -> bool:
        """Create it; return False where the name was created meanwhile. An alias has no tags."""
        ...

    def recorded(self, record: str) -> str | None:
        """Return the value of a record; None: it does not exist any more."""
        ...

    def restore(self, value: str) -> None:
        """Restore the prior value."""
        ...

    def retag(self, value: str, tags: Mapping[str, str], *, removed: Sequence[str]) -> None:
        """Set tags and remove others; for an alias, on the key that is its value, if it still refers to it."""
        ...

    def remove(self, value: str) -> None:
        """Delete it, if it exists; an alias only if it still refers to this key."""
        ...


def resource_adapter(kind: Kind, client: Any, name: str) -> ResourceAdapter:
    """Return the adapter for a name.

    Args:
        kind: Kind of resource.
        client: Client of its service, in its Region.
        name: Name; of an alias with `alias/`, of a topic or policy the ARN.
    """
    return _ADAPTERS[kind](client, name)


class _Alias:
    def __init__(self, kms: Any, name: str) -> None:
        self._kms, self._name = kms, name

    def find(self) -> Found | None:
        try:
            key = self._kms.describe_key(KeyId=self._name)["KeyMetadata"]["KeyId"]
        except self._kms.exceptions.NotFoundException:
            return None
        return Found(value=key, record=key)

    def recorded(self, record: str) -> str:
        return record

    def make(self, value: str, tags: Mapping[str, str]) -> bool:
        with suppress(self._kms.exceptions.AlreadyExistsException):
            self._kms.create_alias(AliasName=self._name, TargetKeyId=value)
            return True
        return False

    def restore(self, value: str) -> None:
        try:
            self._kms.update_alias(AliasName=self._name, TargetKeyId=value)
        except (self._kms.exceptions.NotFoundException, self._kms.exceptions.KMSInvalidStateException):
            # The previous key is deleted, or scheduled for deletion.
            self._delete()

    def retag(self, value: str, tags: Mapping[str, str], *, removed: Sequence[str]) -> None:
        if self._names(value):
            if tags:
                named = [{"TagKey": key, "TagValue": each} for key, each in tags.items()]
                self._kms.tag_resource(KeyId=value, Tags=named)
            self._kms.untag_resource(KeyId=value, TagKeys=list(removed))

    def remove(self, value: str) -> None:
        if self._names(value):
            self._delete()

    def _names(self, key: str) -> bool:
        found = self.find()
        return found is not None and found.value == key

    def _delete(self) -> None:
        with suppress(self._kms.exceptions.NotFoundException):
            self._kms.delete_alias(AliasName=self._name)


class _LogGroup:
    def __init__(self, logs: Any, name: str) -> None:
        self._logs, self._name = logs, name

    def find(self) -> Found | None:
        group = self._described()
        if group is None:
            return None
        key = group.get("kmsKeyId", "")
        return Found(value=key, record=key or NONE, keeps_days=group.get("retentionInDays", inf))

    def recorded(self, record: str) -> str:
        return "" if record == NONE else record

    def make(self, value: str, tags: Mapping[str, str]) -> bool:
        encrypted = {"kmsKeyId": value} if value else {}
        with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_group(logGroupName=self._name, tags=dict(tags), **encrypted)
            return True
        return False

    def restore(self, value: str) -> None:
        """Restore the key; the retention is unchanged, as shortening it would delete logs."""
        if value:
            self._logs.associate_kms_key(logGroupName=self._name, kmsKeyId=value)
        else:
            self._logs.disassociate_kms_key(logGroupName=self._name)

    def retag(self, value: str, tags: Mapping[str, str], *, removed: Sequence[str]) -> None:
        group = self._described()
        if group:
            if tags:
                self._logs.tag_resource(resourceArn=log_group_arn(group), tags=dict(tags))
            self._logs.untag_resource(resourceArn=log_group_arn(group), tagKeys=list(removed))

    def remove(self, value: str) -> None:
        with suppress(self._logs.exceptions.ResourceNotFoundException):
            self._logs.delete_log_group(logGroupName=self._name)

    def _described(self) -> dict[str, Any] | None:
        return described_log_group(self._logs, self._name)


def described_log_group(logs: Any, name: str) -> dict[str, Any] | None:
    """Return CloudWatch Logs' description of a log group; None: it does not exist."""
    pages: Iterable[dict[str, Any]] = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return next((each for page in pages for each in page["logGroups"] if each["logGroupName"] == name), None)


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def log_group_arn(group: dict[str, Any]) -> str:
    """Return the ARN without `:*` for the group's streams, which tagging does not accept."""
    return group["arn"].removesuffix(":*")


_TYPE: Final = "String"
"""Type of the parameter: its value refers to a key, and is not secret."""


class _Parameter:
    def __init__(self, ssm: Any, name: str) -> None:
        self._ssm, self._name = ssm, name

    def find(self) -> Found | None:
        try:
            parameter = self._ssm.get_parameter(Name=self._name)["Parameter"]
        except self._ssm.exceptions.ParameterNotFound:
            return None
        if parameter["Type"] != _TYPE:
            raise ResourceError(
                f"the parameter {self._name} exists and is a {parameter['Type']}, not a {_TYPE}, so it could not be "
                "restored; rename or delete it, then run the same command again"
            )
        return Found(value=parameter["Value"], record=str(parameter["Version"]))

    def recorded(self, record: str) -> str | None:
        """Return the value of a version, of which Parameter Store keeps the latest 100."""
        pages: Iterable[dict[str, Any]] = self._ssm.get_paginator("get_parameter_history").paginate(Name=self._name)
        versions = (each for page in pages for each in page["Parameters"] if each["Type"] == _TYPE)
        return next((each["Value"] for each in versions if str(each["Version"]) == record), None)

    def make(self, value: str, tags: Mapping[str, str]) -> bool:
        with suppress(self._ssm.exceptions.ParameterAlreadyExists):
            self._ssm.put_parameter(Name=self._name, Value=value, Type=_TYPE, Tags=_listed(tags))
            return True
        return False

    def restore(self, value: str) -> None:
        self._ssm.put_parameter(Name=self._name, Value=value, Type=_TYPE, Overwrite=True)

    def retag(self, value: str, tags: Mapping[str, str], *, removed: Sequence[str]) -> None:
        named: dict[str, Any] = {"ResourceType": "Parameter", "ResourceId": self._name}
        if tags:
            self._ssm.add_tags_to_resource(**named, Tags=_listed(tags))
        self._ssm.remove_tags_from_resource(**named, TagKeys=list(removed))

    def remove(self, value: str) -> None:
        with suppress(self._ssm.exceptions.ParameterNotFound):
            self._ssm.delete_parameter(Name=self._name)


_KEY: Final = "KmsMasterKeyId"
_POLICY: Final = "Policy"


class _Topic:
    def __init__(self, sns: Any, arn: str) -> None:
        self._sns, self._arn = sns, arn

    def find(self) -> Found | None:
        try:
            attributes = self._sns.get_topic_attributes(TopicArn=self._arn)["Attributes"]
        except self._sns.exceptions.NotFoundException:
            return None
        prior = {_KEY: attributes.get(_KEY, ""), _POLICY: attributes[_POLICY]}
        return Found(value=json.dumps(prior, sort_keys=True), record=prior[_KEY] or NONE)

    def recorded(self, record: str) -> str:
        """Return the key alone, as no tag can hold a policy."""
        return json.dumps({_KEY: "" if record == NONE else record})

    def make(self, value: str, tags: Mapping[str, str]) -> bool:
        name = self._arn.rsplit(":", 1)[1]
        encrypted = {"KmsMasterKeyId": value} if value else {}
        if self.find() is not None:
            # CreateTopic returns a topic that exists already (API reference).
            return False
        self._sns.create_topic(Name=name, Attributes=encrypted, Tags=_listed(tags))
        return True

    def restore(self, value: str) -> None:
        prior: dict[str, str] = json.loads(value)
        for name, each in prior.items():
            self._sns.set_topic_attributes(TopicArn=self._arn, AttributeName=name, AttributeValue=each)
        if _POLICY not in prior:
            log(f"The topic {self._arn} has the default policy: the one that it had before the stack is not known.")

    def retag(self, value: str, tags: Mapping[str, str], *, removed: Sequence[str]) -> None:
        if tags:
            self._sns.tag_resource(ResourceArn=self._arn, Tags=_listed(tags))
        self._sns.untag_resource(ResourceArn=self._arn, TagKeys=list(removed))

    def remove(self, value: str) -> None:
        self._sns.delete_topic(TopicArn=self._arn)


class _Policy:
    def __init__(self, iam: Any, arn: str) -> None:
        self._iam, self._arn = iam, arn

    def find(self) -> Found | None:
        try:
            self._iam.get_policy(PolicyArn=self._arn)
        except self._iam.exceptions.NoSuchEntityException:
            return None
        return Found(value="", record="")

    def recorded(self, record: str) -> str:
        return record

    def make(self, value: str, tags: Mapping[str, str]) -> bool:
        name = self._arn.rsplit("/", 1)[1]
        with suppress(self._iam.exceptions.EntityAlreadyExistsException):
            self._iam.create_policy(PolicyName=name, Tags=_listed(tags), **json.loads(value))
            return True
        return False

    def restore(self, value: str) -> None:
        """Leave a policy that was taken over from another stack unchanged."""

    def retag(self, value: str, tags: Mapping[str, str], *, removed: Sequence[str]) -> None:
        if tags:
            self._iam.tag_policy(PolicyArn=self._arn, Tags=_listed(tags))
        self._iam.untag_policy(PolicyArn=self._arn, TagKeys=list(removed))

    def remove(self, value: str) -> None:
        """Detach it first: remediation attaches it to roles that no state contains."""
        try:
            self._detach()
            pages = self._iam.get_paginator("list_policy_versions").paginate(PolicyArn=self._arn)
            for version in [each for page in pages for each in page["Versions"] if not each["IsDefaultVersion"]]:
                self._iam.delete_policy_version(PolicyArn=self._arn, VersionId=version["VersionId"])
            self._iam.delete_policy(PolicyArn=self._arn)
        except self._iam.exceptions.NoSuchEntityException:
            return

    def _detach(self) -> None:
        pages = self._iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=self._arn, EntityFilter="Role")
        roles = [role["RoleName"] for page in pages for role in page["PolicyRoles"]]
        for role in roles:
            # A role may be deleted meanwhile.
            with suppress(self._iam.exceptions.NoSuchEntityException):
                self._iam.detach_role_policy(RoleName=role, PolicyArn=self._arn)
        if roles:
            log(f"The policy {self._arn} is deleted, and detached from the roles {', '.join(sorted(roles))}.")


_ADAPTERS: Final = {
    Kind.POLICY: _Policy,
    Kind.ALIAS: _Alias,
    Kind.LOG_GROUP: _LogGroup,
    Kind.PARAMETER: _Parameter,
    Kind.TOPIC: _Topic,
}
