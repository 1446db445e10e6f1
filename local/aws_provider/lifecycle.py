"""Create, read, update and delete for any resource type: permitted operations, missing resources, and state."""

from collections.abc import Iterable
from typing import Final

from local.aws_provider import actions, diff, naming, shapes, state, wire
from local.aws_provider.aws import Aws, ProviderSession, poll_seconds
from local.aws_provider.failure import (
    AwsError,
    InvalidInputError,
    PartlyCreatedError,
    ProviderError,
    RejectedValue,
    UnsupportedError,
)
from local.aws_provider.model import Code, Item, ResourceType, Step
from local.aws_provider.wire import Values

read_back_tries: Final = 5
"""Attempts to read a new resource before it counts as missing."""


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
    object_id = actions.create(aws, resource, resource.create[0], values)
    try:
        for action in resource.create[1:]:
            actions.run(aws, resource, action, Item(object_id, values))
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
        found = actions.describe(aws, resource, item)
        if found is None:
            return None
        values = {name: item.values[name] for name in resource.id_properties if name in item.values}
        values |= shapes.described(resource.all_properties, found)
        if resource.arn:
            values.setdefault("arn", aws.arn(resource.arn.format(id=object_id), found.get("OwnerId")))
        if resource.tagging is not None:
            values["tags"] = actions.tags(aws, resource.tagging, object_id, values.get("arn") or object_id, found)
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
        actions.retag(aws, resource.tagging, object_id, olds, inputs.get("tagsAll") or {})
    changed = frozenset(
        name for name in comparison.changed & set(resource.properties) if not resource.properties[name].local
    )
    item = Item(object_id, wire.without_defaults(inputs), olds, changed)
    unapplied = set(changed)
    for action in resource.update if changed else ():
        causes = actions.causes(aws, resource, action)
        unapplied -= causes
        if not changed.isdisjoint(causes):
            actions.run(aws, resource, action, item)
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
                actions.call(aws, action, identity, {**item.values, "id": object_id})
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
        import_id, region = naming.split_region(import_id)
        region = region or naming.region_of_arn(import_id)
    values = resource.parse_id(import_id)
    if values is None:
        raise InvalidInputError(f"unexpected format of ID ({import_id!r}), expected {resource.id_format()}")
    given = values.pop("id", "")
    return resource.make_id(values) or given or import_id, region or session.region, values
