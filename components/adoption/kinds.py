"""What can have a fixed name, and how each kind is found, made and given back, by AWS' own calls."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MADE_HERE_TAG: Final = "shell-access:made-here"
"""On what this program has made and no state knows (any more): set when it is made, and when a stack leaves it behind."""


class Kind(StrEnum):
    """Of what has the name."""

    ALIAS = "alias"
    LOG_GROUP = "logGroup"
    PARAMETER = "parameter"
    TOPIC = "topic"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What has the name.

    Attributes:
        value: an alias' target key, a log group's or topic's key ("" without one), a parameter's value.
        made_here: it was made by this program.
    """

    value: str
    made_here: bool = False


class Holder(Protocol):
    """What has, or will have, one name in one Region."""

    def find(self) -> Found | None:
        """What has the name, if something has."""
        ...

    def make(self, value: str, owner: str) -> bool:
        """Makes it; False where something else has got the name meanwhile."""
        ...

    def put_back(self, value: str) -> None:
        """Makes the value what it was before this program came."""
        ...

    def leave(self, owner: str) -> None:
        """Marks what stays behind, so that the next stack knows it for ours."""
        ...

    def remove(self) -> None:
        """Deletes it; it may be gone already."""
        ...


class Service(StrEnum):
    """Whose API a kind is of."""

    KMS = "kms"
    LOGS = "logs"
    SSM = "ssm"
    SNS = "sns"


SERVICES: Final[Mapping[Kind, Service]] = {
    Kind.ALIAS: Service.KMS,
    Kind.LOG_GROUP: Service.LOGS,
    Kind.PARAMETER: Service.SSM,
    Kind.TOPIC: Service.SNS,
}


def holder(kind: Kind, client: Any, name: str) -> Holder:
    """What has, or will have, the name.

    Args:
        kind: of it.
        client: of its service, in its Region.
        name: of it; an alias' with its `alias/`, a topic's ARN.
    """
    return _HOLDERS[kind](client, name)


class _Alias:
    def __init__(self, kms: Any, name: str) -> None:
        self._kms, self._name = kms, name

    def find(self) -> Found | None:
        try:
            key = self._kms.describe_key(KeyId=self._name)["KeyMetadata"]["KeyId"]
        except self._kms.exceptions.NotFoundException:
            return None
        return Found(value=key)

    def make(self, value: str, owner: str) -> bool:  # noqa: ARG002 -- an alias has no tags
        try:
            self._kms.create_alias(AliasName=self._name, TargetKeyId=value)
        except self._kms.exceptions.AlreadyExistsException:
            return False
        return True

    def put_back(self, value: str) -> None:
        try:
            self._kms.update_alias(AliasName=self._name, TargetKeyId=value)
        except (self._kms.exceptions.NotFoundException, self._kms.exceptions.KMSInvalidStateException):
            # The key that it named before is on its way out.
            self.remove()

    def leave(self, owner: str) -> None:
        found = self.find()
        if found:
            self._kms.tag_resource(KeyId=found.value, Tags=[{"TagKey": MADE_HERE_TAG, "TagValue": owner}])

    def remove(self) -> None:
        try:
            self._kms.delete_alias(AliasName=self._name)
        except self._kms.exceptions.NotFoundException:
            return


class _LogGroup:
    def __init__(self, logs: Any, name: str) -> None:
        self._logs, self._name = logs, name

    def find(self) -> Found | None:
        group = self._described()
        if group is None:
            return None
        tags = self._logs.list_tags_for_resource(resourceArn=_arn(group))["tags"]
        return Found(value=group.get("kmsKeyId", ""), made_here=MADE_HERE_TAG in tags)

    def make(self, value: str, owner: str) -> bool:
        encrypted = {"kmsKeyId": value} if value else {}
        try:
            self._logs.create_log_group(logGroupName=self._name, tags={MADE_HERE_TAG: owner}, **encrypted)
        except self._logs.exceptions.ResourceAlreadyExistsException:
            return False
        return True

    def put_back(self, value: str) -> None:
        """Stays as it is: to shorten its retention or take its key away would lose or uncover logs."""

    def leave(self, owner: str) -> None:
        group = self._described()
        if group:
            self._logs.tag_resource(resourceArn=_arn(group), tags={MADE_HERE_TAG: owner})

    def remove(self) -> None:
        try:
            self._logs.delete_log_group(logGroupName=self._name)
        except self._logs.exceptions.ResourceNotFoundException:
            return

    def _described(self) -> dict[str, Any] | None:
        pages: Iterable[dict[str, Any]] = self._logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=self._name
        )
        return next((each for page in pages for each in page["logGroups"] if each["logGroupName"] == self._name), None)


def _arn(group: dict[str, Any]) -> str:
    """Tagging wants it without the `:*` for the group's streams."""
    return group["arn"].removesuffix(":*")


class _Parameter:
    def __init__(self, ssm: Any, name: str) -> None:
        self._ssm, self._name = ssm, name

    def find(self) -> Found | None:
        try:
            value = self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
        except self._ssm.exceptions.ParameterNotFound:
            return None
        tags = self._ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=self._name).get("TagList", [])
        return Found(value=value, made_here=any(tag["Key"] == MADE_HERE_TAG for tag in tags))

    def make(self, value: str, owner: str) -> bool:
        tags = [{"Key": MADE_HERE_TAG, "Value": owner}]
        try:
            self._ssm.put_parameter(Name=self._name, Value=value, Type="String", Tags=tags)
        except self._ssm.exceptions.ParameterAlreadyExists:
            return False
        return True

    def put_back(self, value: str) -> None:
        self._ssm.put_parameter(Name=self._name, Value=value, Type="String", Overwrite=True)

    def leave(self, owner: str) -> None:
        tags = [{"Key": MADE_HERE_TAG, "Value": owner}]
        self._ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=self._name, Tags=tags)

    def remove(self) -> None:
        try:
            self._ssm.delete_parameter(Name=self._name)
        except self._ssm.exceptions.ParameterNotFound:
            return


class _Topic:
    def __init__(self, sns: Any, arn: str) -> None:
        self._sns, self._arn = sns, arn

    def find(self) -> Found | None:
        try:
            attributes = self._sns.get_topic_attributes(TopicArn=self._arn)["Attributes"]
        except self._sns.exceptions.NotFoundException:
            return None
        tags = self._sns.list_tags_for_resource(ResourceArn=self._arn)["Tags"]
        made_here = any(tag["Key"] == MADE_HERE_TAG for tag in tags)
        return Found(value=attributes.get("KmsMasterKeyId", ""), made_here=made_here)

    def make(self, value: str, owner: str) -> bool:
        name = self._arn.rsplit(":", 1)[1]
        encrypted = {"KmsMasterKeyId": value} if value else {}
        if self.find() is not None:
            # CreateTopic answers with a topic that is there (API reference).
            return False
        self._sns.create_topic(Name=name, Attributes=encrypted, Tags=[{"Key": MADE_HERE_TAG, "Value": owner}])
        return True

    def put_back(self, value: str) -> None:
        """Stays as it is: who is subscribed goes on hearing of requests, encrypted."""

    def leave(self, owner: str) -> None:
        self._sns.tag_resource(ResourceArn=self._arn, Tags=[{"Key": MADE_HERE_TAG, "Value": owner}])

    def remove(self) -> None:
        self._sns.delete_topic(TopicArn=self._arn)


_HOLDERS: Final = {Kind.ALIAS: _Alias, Kind.LOG_GROUP: _LogGroup, Kind.PARAMETER: _Parameter, Kind.TOPIC: _Topic}
