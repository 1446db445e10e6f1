"""Create, read, update and delete for any resource type: permitted operations, missing resources, and state."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from common.aws.arns import split_arn
from local.aws_provider import diff, shapes, state, wire
from local.aws_provider.aws import Aws, ProviderSession, poll_seconds
from local.aws_provider.failure import (
    AwsError,
    InvalidInputError,
    PartlyCreatedError,
    ProviderError,
    RejectedValue,
    UnsupportedError,
)
from local.aws_provider.model import Action, Code, Item, Operation, Property, ResourceType, Step, Tagging
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


def _create(aws: Aws, resource: ResourceType, action: Action, values: Values) -> str:
    """Run the first action of a creation; return the ID of the resource."""
    item = Item(resource.make_id(values), values)
    if isinstance(action, Code):
        return action.run(aws, item) or item.id
    kind = resource.tagging.kind if resource.tagging is not None else ""
    tags = shapes.tag_arguments(aws.shape(action.operation), kind, values.get("tagsAll") or {})
    answer = call(aws, action, resource.properties, values, tags)
    return item.id or _first(shapes.at(answer, action.result))


def _run(aws: Aws, resource: ResourceType, action: Action, item: Item) -> None:
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


def _describe(aws: Aws, resource: ResourceType, item: Item) -> Values | None:
    """Return AWS' description of a resource, or None if it does not exist."""
    found: Values = {}
    for action in resource.read:
        part = _part(aws, resource, action, Item(item.id, item.values, found=found))
        if part is None:
            return None
        found = {**found, **part}
    return None if resource.is_gone(found) else found


def _part(aws: Aws, resource: ResourceType, action: Action, item: Item) -> Values | None:
    """Return the part of a description that one action reads."""
    if isinstance(action, Code):
        return action.run(aws, item)
    identity = {name: resource.properties[name] for name in resource.id_properties}
    values = {**item.values, "id": item.id}
    if not action.match:
        return _first(shapes.at(call(aws, action, identity, values), action.result))
    given = shapes.arguments(aws.shape(action.operation), action, identity, values)
    listed = aws.pages(action.operation, action.result, **given)
    wanted = {path: values[name] for path, name in action.match.items()}
    return next((each for each in listed if all(shapes.at(each, path) == wanted[path] for path in wanted)), None)


def _first(value: Any) -> Any:
    """Return the first element of a list, None for an empty one; any other value unchanged."""
    return next(iter(value), None) if is_list(value) else value


def _causes(aws: Aws, resource: ResourceType, action: Action) -> set[str]:
    """Return the properties whose change an action applies."""
    if isinstance(action, Code):
        return set(action.on.split())
    if action.when:
        return {action.when}
    return shapes.properties_of(aws.shape(action.operation), action, resource.properties)


# Tags.


def _tags(aws: Aws, tagging: Tagging, object_id: str, arn: str, found: Values) -> dict[str, str]:
    """Return the tags of a resource, from its description or by an operation of their own."""
    if tagging.listing:
        found = aws.call(
            tagging.listing, **shapes.target_arguments(aws.shape(tagging.listing), tagging.kind, object_id, arn)
        )
    listed = next((found[each] for each in ("Tags", "tags", "TagList") if each in found), None)
    return shapes.from_pairs(shapes.at(found, "ResourceTagList.TagsList") if listed is None else listed)


def _retag(aws: Aws, tagging: Tagging, object_id: str, known: Values, new: Mapping[str, str]) -> None:
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


# Actions.


read_back_tries: Final = 5
"""Attempts to read a new resource before it counts as missing."""
_import_region: Final = re.compile(r"(.+)@([a-z]{2}(?:-[a-z]+)+-\d{1,2})")
"""`@region` of the Terraform AWS provider."""


def region_of(session: ProviderSession, resource: ResourceType, *known: Values) -> str:
    """Return the Region of a resource: its own, else the provider's."""
    regions = (values.get("region") for values in known if resource.regional)
    return next((region for region in regions if region), None) or session.region


def _access(session: ProviderSession, resource: ResourceType, step: Step, region: str) -> Aws:
    """Return access to the operations of one step; each step may also read."""
    return Aws(session, resource.service, region, {*resource.calls[step], *resource.calls["read"]})


def refuse(problems: Iterable[RejectedValue]) -> None:
    """Reject inputs that break a rule across properties.

    Raises:
        InvalidInputError: At least one rule is broken.
    """
    reasons = [f"{problem.path}: {problem.reason}" for problem in problems]
    if reasons:
        raise InvalidInputError("; ".join(reasons))


def create(session: ProviderSession, resource: ResourceType, inputs: Values) -> tuple[str, Values]:
    """Create a resource; return its ID and outputs.

    Raises:
        PartlyCreatedError: The resource exists, but a later action failed.
    """
    region = region_of(session, resource, inputs)
    aws = _access(session, resource, "create", region)
    values = wire.without_defaults(inputs)
    object_id = _create(aws, resource, resource.create[0], values)
    try:
        for action in resource.create[1:]:
            _run(aws, resource, action, Item(object_id, values))
        return object_id, _read_new(session, resource, object_id, inputs, region)
    except ProviderError as cause:
        raise PartlyCreatedError(object_id, cause) from cause


def _read_new(session: ProviderSession, resource: ResourceType, object_id: str, inputs: Values, region: str) -> Values:
    known = state.recorded(resource, inputs)
    for _ in range(read_back_tries):
        found = read(session, resource, object_id, known, region)
        if found is not None:
            return found
        session.cancelled.wait(poll_seconds)
    raise AwsError("read", "NotFound", f"{object_id} could not be found after its creation")


def read(session: ProviderSession, resource: ResourceType, object_id: str, known: Values, region: str) -> Values | None:
    """Return the current outputs of a resource, or None if it does not exist."""
    aws = _access(session, resource, "read", region)
    item = Item(object_id, {**_parts(resource, object_id), **known})
    try:
        found = _describe(aws, resource, item)
        if found is None:
            return None
        values = {name: item.values[name] for name in resource.id_properties if name in item.values}
        values |= shapes.described(resource.all_properties, found)
        if resource.arn:
            values.setdefault("arn", aws.arn(resource.arn.format(id=object_id), found.get("OwnerId")))
        if resource.tagging is not None:
            values["tags"] = _tags(aws, resource.tagging, object_id, values.get("arn") or object_id, found)
    except AwsError as failure:
        if failure.code in resource.gone:
            return None
        raise
    return state.observed(resource, values, known, session.config, region)


def _parts(resource: ResourceType, object_id: str) -> Values:
    """Return the properties in an ID; none if it has another format, as in the state of earlier releases."""
    return {} if resource.import_id else (resource.parse_id(object_id) or {})


def update(  # noqa: PLR0913 - the request has as many fields
    session: ProviderSession,
    resource: ResourceType,
    object_id: str,
    olds: Values,
    inputs: Values,
    *,
    ignored: Iterable[str] = (),
) -> Values:
    """Update a resource to its new inputs; return the outputs."""
    region = region_of(session, resource, inputs, olds)
    comparison = diff.compare(resource, olds, inputs, provider_region=session.region, ignored=ignored)
    aws = _access(session, resource, "update", region)
    if resource.tagging is not None:
        _retag(aws, resource.tagging, object_id, olds, inputs.get("tagsAll") or {})
    changed = frozenset(
        name for name in comparison.changed & set(resource.properties) if not resource.properties[name].local
    )
    item = Item(object_id, wire.without_defaults(inputs), olds, changed)
    unapplied = set(changed)
    for action in resource.update if changed else ():
        causes = _causes(aws, resource, action)
        unapplied -= causes
        if not changed.isdisjoint(causes):
            _run(aws, resource, action, item)
    if unapplied:
        raise UnsupportedError(f"{', '.join(sorted(unapplied))}: cannot be changed by the local stand-in provider")
    known = {**olds, **state.recorded(resource, inputs)}
    for name in comparison.changed - set(inputs):
        known.pop(name, None)
    found = read(session, resource, object_id, known, region)
    if found is None:
        raise AwsError("read", "NotFound", f"{object_id} could not be found after its update")
    return found


def delete(session: ProviderSession, resource: ResourceType, object_id: str, olds: Values) -> None:
    """Delete a resource; one that does not exist is a success."""
    aws = _access(session, resource, "delete", region_of(session, resource, olds))
    item = Item(object_id, {**_parts(resource, object_id), **olds})
    identity = {name: resource.properties[name] for name in resource.id_properties}
    try:
        for action in resource.delete:
            if isinstance(action, Code):
                action.run(aws, item)
            else:
                call(aws, action, identity, {**item.values, "id": object_id})
        if resource.deletion_seconds:
            aws.wait_until_gone(
                lambda: _part(aws, resource, resource.read[0], item),
                resource.gone,
                object_id,
                resource.deletion_seconds,
            )
    except AwsError as failure:
        if failure.code not in resource.gone:
            raise


def locate_import(session: ProviderSession, resource: ResourceType, import_id: str) -> tuple[str, str, Values]:
    """Return ID, Region and other known properties of a resource to import.

    `<id>@<region>` sets the Region, and so does an ARN.

    Raises:
        InvalidInputError: The ID has another format.
    """
    region = None
    if resource.regional:
        import_id, region = split_region(import_id)
        region = region or region_of_arn(import_id)
    values = resource.parse_id(import_id)
    if values is None:
        raise InvalidInputError(f"unexpected format of ID ({import_id!r}), expected {resource.id_format()}")
    given = values.pop("id", "")
    return resource.make_id(values) or given or import_id, region or session.region, values


def split_region(import_id: str) -> tuple[str, str | None]:
    """Split an ID given to `pulumi import` into the ID and the Region after its last `@`, if any."""
    found = _import_region.fullmatch(import_id)
    return (found.group(1), found.group(2)) if found else (import_id, None)


def region_of_arn(text: str) -> str | None:
    """Return the Region of an ARN; None for other text and for an ARN without a Region."""
    found = split_arn(text)
    return (found.region or None) if found.prefix == "arn" and found.resource else None
