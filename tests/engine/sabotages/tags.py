"""Removal of tags, of each service by its own operations."""

from dataclasses import dataclass
from typing import Any

from tests.engine.sabotages.sabotage import REFRESH, Live, Resource, Sabotage, Undo


@dataclass(frozen=True)
class Tagging:
    """The operations that tag the resources of a service.

    Attributes:
        service: name of the service.
        resource: parameter that names the resource.
        keys: parameter of the keys that are removed.
        tags: parameter of the tags that are set.
        key: name of a tag's key, where tags are a list.
        untag: name of the operation that removes tags.
        tag: name of the operation that sets them.
        is_by_id: the resource is named by its ID.
    """

    service: str
    resource: str = "ResourceARN"
    keys: str = "TagKeys"
    tags: str = "Tags"
    key: str = "Key"
    untag: str = "untag_resource"
    tag: str = "tag_resource"
    is_by_id: bool = False


TAGGING = {
    "Key": Tagging("kms", "KeyId", key="TagKey", is_by_id=True),
    "LogGroup": Tagging("logs", "resourceArn", "tagKeys", "tags", key=""),
    "EventRule": Tagging("events"),
    "MetricAlarm": Tagging("cloudwatch"),
    "Topic": Tagging("sns", "ResourceArn"),
    "ScheduleGroup": Tagging("scheduler", "ResourceArn"),
    "Rule": Tagging("config", "ResourceArn"),
    "ResolverEndpoint": Tagging("route53resolver", "ResourceArn"),
    "ResolverRule": Tagging("route53resolver", "ResourceArn"),
    "ResourceShare": Tagging("ram", "resourceShareArn", "tagKeys", "tags", key="key"),
    "Role": Tagging("iam", "RoleName", untag="untag_role", tag="tag_role", is_by_id=True),
    "Policy": Tagging("iam", "PolicyArn", untag="untag_policy", tag="tag_policy"),
    "InstanceProfile": Tagging(
        *("iam", "InstanceProfileName"), untag="untag_instance_profile", tag="tag_instance_profile", is_by_id=True
    ),
}


def tag(live: Live, each: Resource) -> Undo:
    """Remove the tag `owner`."""
    way = TAGGING[each.type]
    client, named = live.aws(way.service, each.region), {way.resource: each.id if way.is_by_id else each.arn}
    getattr(client, way.untag)(**named, **{way.keys: ["owner"]})
    value = each.inputs["tags"]["owner"]
    pair = {way.key: "owner", way.key.replace("Key", "Value").replace("key", "value"): value}
    tags: Any = [pair] if way.key else {"owner": value}
    return lambda: getattr(client, way.tag)(**named, **{way.tags: tags})


def ec2_tag(live: Live, each: Resource, key: str = "owner") -> Undo:
    ec2, id_ = live.aws("ec2", each.region), each.id
    value = each.inputs["tags"][key]
    ec2.delete_tags(Resources=[id_], Tags=[{"Key": key}])
    return lambda: ec2.create_tags(Resources=[id_], Tags=[{"Key": key, "Value": value}])


def document_name(each: Resource) -> str:
    return each.inputs.get("name", "SSM-SessionManagerRunShell")


def ssm_tag(live: Live, each: Resource, key: str, kind: str = "Document") -> Undo:
    ssm = live.aws("ssm", each.region)
    named = {
        "ResourceType": kind,
        "ResourceId": each.id if kind in ("Association", "MaintenanceWindow", "PatchBaseline") else document_name(each),
    }
    tags = ssm.list_tags_for_resource(**named)["TagList"]
    ssm.remove_tags_from_resource(**named, TagKeys=[key])
    return lambda: ssm.add_tags_to_resource(**named, Tags=[each for each in tags if each["Key"] == key])


SABOTAGES: tuple[Sabotage, ...] = (*(Sabotage(each, "tags", tag, REFRESH) for each in TAGGING),)
