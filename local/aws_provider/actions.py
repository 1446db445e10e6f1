"""Actions of a resource type: its AWS operations with their arguments, and the operations for its tags."""

from collections.abc import Mapping
from typing import Any

from local.aws_provider import shapes
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Action, Code, Item, Operation, Property, ResourceType, Tagging
from local.aws_provider.wire import Values, is_list

Properties = Mapping[str, Property]


def call(aws: Aws, action: Operation, properties: Properties, values: Values, more: Values | None = None) -> Values:
    """Call an operation with the properties that it has arguments for.

    Raises:
        AwsError: The operation failed, for the resource as a whole or in a list of failures.
    """
    shape = aws.shape(action.operation)
    given = {**shapes.arguments(shape, action, properties, values), **(more or {})}
    if action.retry is None or not action.retry.only_if(values):
        answer = aws.call(action.operation, **given)
    else:
        answer = aws.retry(action.retry.codes, lambda: aws.call(action.operation, **given), action.retry.seconds)
    for failed in (*answer.get("Unsuccessful", ()), *answer.get("FailedEntries", ())):
        error: Values = failed.get("Error") or {"Code": failed.get("ErrorCode"), "Message": failed.get("ErrorMessage")}
        raise AwsError(f"{aws.service}:{action.operation}", error["Code"] or "Failed", error.get("Message") or "")
    return answer


def create(aws: Aws, resource: ResourceType, action: Action, values: Values) -> str:
    """Run the first action of a creation; return the ID of the resource."""
    item = Item(resource.make_id(values), values)
    if isinstance(action, Code):
        return action.run(aws, item) or item.id
    kind = resource.tagging.kind if resource.tagging is not None else ""
    tags = shapes.tag_arguments(aws.shape(action.operation), kind, values.get("tagsAll") or {})
    answer = call(aws, action, resource.properties, values, tags)
    return item.id or first(shapes.at(answer, action.result))


def run(aws: Aws, resource: ResourceType, action: Action, item: Item) -> None:
    """Run a later action of a creation, or one of an update or deletion."""
    values = {**item.values, "id": item.id}
    if isinstance(action, Code):
        action.run(aws, item)
    elif not action.when or values.get(action.when):
        call(aws, action, _properties(resource, action, item), values)
    elif action.otherwise and item.changed:
        call(aws, action.alternative, {}, values)


def _properties(resource: ResourceType, action: Operation, item: Item) -> Properties:
    """Return the properties to send."""
    if action.only_changed:
        return {name: prop for name, prop in resource.properties.items() if name in item.changed}
    return resource.properties


def describe(aws: Aws, resource: ResourceType, item: Item) -> Values | None:
    """Return AWS' description of a resource, or None if it does not exist."""
    identity = {name: resource.properties[name] for name in resource.id_properties}
    found: Values = {}
    for action in resource.read:
        if isinstance(action, Operation):
            answer = call(aws, action, identity, {**item.values, "id": item.id})
            part = first(shapes.at(answer, action.result))
        else:
            part = action.run(aws, Item(item.id, item.values, found=found))
        if part is None:
            return None
        found = {**found, **part}
    return None if resource.is_gone(found) else found


def first(value: Any) -> Any:
    """Return the first element of a list, None for an empty one; any other value unchanged."""
    return next(iter(value), None) if is_list(value) else value


def causes(aws: Aws, resource: ResourceType, action: Action) -> set[str]:
    """Return the properties whose change an action applies."""
    if isinstance(action, Code):
        return set(action.on.split())
    if action.when:
        return {action.when}
    return shapes.properties_of(aws.shape(action.operation), action, resource.properties)


# Tags.


def tags(aws: Aws, tagging: Tagging, object_id: str, arn: str, found: Values) -> dict[str, str]:
    """Return the tags of a resource, from its description or by an operation of their own."""
    if tagging.listing:
        found = aws.call(
            tagging.listing, **shapes.target_arguments(aws.shape(tagging.listing), tagging.kind, object_id, arn)
        )
    listed = next((found[each] for each in ("Tags", "tags", "TagList") if each in found), None)
    return shapes.from_pairs(shapes.at(found, "ResourceTagList.TagsList") if listed is None else listed)


def retag(aws: Aws, tagging: Tagging, object_id: str, known: Values, new: Mapping[str, str]) -> None:
    """Remove and add the tags that differ."""
    old: dict[str, str] = known.get("tagsAll") or {}
    added = {key: value for key, value in new.items() if old.get(key) != value}
    removed = [key for key in old if key not in new]
    if tagging.change is not None and (added or removed):
        tagging.change(aws, object_id, old, added, removed)
        return
    for operation, needed in ((tagging.remove, removed), (tagging.add, added)):
        if needed:
            shape = aws.shape(operation)
            target = shapes.target_arguments(shape, tagging.kind, object_id, known.get("arn") or object_id)
            removing = operation == tagging.remove
            changed = (
                shapes.removal_arguments(shape, removed, old) if removing else shapes.tag_arguments(shape, "", added)
            )
            aws.call(operation, **target, **changed)
