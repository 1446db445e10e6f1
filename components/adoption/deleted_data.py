"""Warnings about data that an update deletes, log groups with their logs and volumes, and about controllers that it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pulumi

from components.adoption.adopted_resource import RESOURCE_TYPE, is_adopted
from components.adoption.inventory import type_and_name
from components.adoption.lookup import state_outputs
from components.adoption.resource_kinds import Kind
from components.secret_marking import program_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
_VOLUME: Final = "aws:ebs/volume:Volume"
_ATTACHMENT: Final = "aws:ec2/volumeAttachment:VolumeAttachment"
_INSTANCE: Final = "aws:ec2/instance:Instance"


def watch_data() -> Callable[[], None]:
    """Note the log groups, volumes and instances that are registered from now on, and return the function that warns.

    The preview of a log group that is deleted looks like that of one that is retained.
    """
    groups: set[tuple[str, str]] = set()
    volumes: dict[str, str] = {}
    instances: dict[str, str] = {}

    def noted(args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_ == _LOG_GROUP:
            groups.add((str(args.props.get("region")), str(args.props.get("name"))))
        elif args.type_ == _VOLUME:
            volumes[args.name] = str(args.props.get("availability_zone"))
        elif args.type_ == _INSTANCE:
            instances[args.name] = str(args.props.get("instance_type"))

    pulumi.runtime.register_stack_transformation(noted)

    def warn() -> None:
        outputs = state_outputs()
        stopped = (*stopped_instances(outputs, volumes, instances), *changed_instances(outputs, instances))
        for message in (*deleted_logs(outputs, groups), *deleted_volumes(outputs, volumes), *stopped):
            pulumi.log.warn(program_secrets().without(message))

    return warn


def deleted_logs(outputs: Mapping[str, Mapping[str, Any]], kept: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yield a message about each log group that is deleted with its logs.

    Args:
        outputs: Outputs of the resources in the state, by URN.
        kept: Region and name of each log group that the stack has from now on.
    """
    adopted = {_place(each): each for _, each in _of_type(outputs, RESOURCE_TYPE) if each.get("kind") == Kind.LOG_GROUP}
    groups = {_place(each) for _, each in _of_type(outputs, _LOG_GROUP) if not each.get("skipDestroy")}
    for region, name in sorted(groups):
        record = adopted.get((region, name))
        if (region, name) in kept or (record and (is_adopted(record) or record.get("retain"))):
            continue
        fix = "Export the logs first, if they are needed"
        if record:
            fix = "To keep it, first set shell-access:sessionManager.retainLogs to true and run pulumi up, then make this change"
        yield f"The log group {name} in {region} is deleted with its logs. {fix}."


def deleted_volumes(outputs: Mapping[str, Mapping[str, Any]], kept: Mapping[str, str]) -> Iterator[str]:
    """Yield a message about each volume that is deleted, or replaced in another Availability Zone, with its data.

    Args:
        outputs: Outputs of the resources in the state, by URN.
        kept: Availability Zone of each volume that the stack has from now on, by logical name.
    """
    for name, each in _of_type(outputs, _VOLUME):
        if kept.get(name) != each.get("availabilityZone"):
            change = "replaced by an empty one" if name in kept else "deleted with its data"
            volume = f"The volume {_id(each)} ({name}) in {each.get('region')}"
            yield f"{volume} is {change}. Create a snapshot first, if its data are needed."


def stopped_instances(
    outputs: Mapping[str, Mapping[str, Any]], volumes: Collection[str], instances: Collection[str]
) -> Iterator[str]:
    """Yield a message about the instances of each Region that stay in the stack, and that an update stops.

    Args:
        outputs: Outputs of the resources in the state, by URN.
        volumes: Logical names of the volumes that the stack has from now on; those of their attachments are the same.
        instances: Logical names of the instances that the stack has from now on.
    """
    staying = {_id(each) for name, each in _of_type(outputs, _INSTANCE) if name in instances}
    stopped: dict[str, set[str]] = {}
    for name, each in _of_type(outputs, _ATTACHMENT):
        if name not in volumes and each.get("stopInstanceBeforeDetaching") and each.get("instanceId") in staying:
            stopped.setdefault(str(each.get("region")), set()).add(str(each["instanceId"]))
    for region, ids in sorted(stopped.items()):
        yield (
            "To detach volumes, the update stops these instances, which then stay stopped. Afterwards, run: "
            f"aws ec2 start-instances --region {region} --instance-ids {' '.join(sorted(ids))}"
        )


def changed_instances(outputs: Mapping[str, Mapping[str, Any]], types: Mapping[str, str]) -> Iterator[str]:
    """Yield a message about the instances of each Region that an update stops to change their type, if there are several.

    Args:
        outputs: Outputs of the resources in the state, by URN.
        types: Type of each instance that the stack has from now on, by logical name.
    """
    changed: dict[str, list[str]] = {}
    for name, each in _of_type(outputs, _INSTANCE):
        if types.get(name, each.get("instanceType")) != each.get("instanceType"):
            changed.setdefault(str(each.get("region")), []).append(_id(each))
    for region, stopped in changed.items():
        if len(stopped) > 1:
            yield (
                f"The update stops {', '.join(stopped)} in {region}, one after the other, to change their types. It does not wait "
                "for the services on them. To keep them available, change the type of one instance at a time."
            )


def _of_type(outputs: Mapping[str, Mapping[str, Any]], token: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the logical names of the resources of a type, with their outputs, in the order of their URNs."""
    for urn, each in sorted(outputs.items()):
        found, name = type_and_name(urn)
        if found == token:
            yield name, each


def _id(outputs: Mapping[str, Any]) -> str:
    """Return the ID of a resource of EC2, from its ARN."""
    return str(outputs.get("arn")).rpartition("/")[2]


def _place(outputs: Mapping[str, Any]) -> tuple[str, str]:
    """Return the Region and the name of a log group."""
    return str(outputs.get("region")), str(outputs.get("name"))
