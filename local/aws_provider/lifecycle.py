"""Create, read, update and delete for any resource type: permitted calls, missing resources, and state."""

from collections.abc import Iterable
from typing import Final

from local.aws_provider import diff, naming, state
from local.aws_provider.aws import Aws, Session, poll_seconds
from local.aws_provider.failure import AwsError, InvalidInputError, PartlyCreatedError, ProviderError
from local.aws_provider.model import Change, Problem, ResourceType, Step
from local.aws_provider.wire import Values

read_back_tries: Final = 5
"""Attempts to read a new resource before it counts as missing."""


def region_of(session: Session, resource: ResourceType, *known: Values) -> str:
    """Return the Region of a resource: its own, else the provider's."""
    regions = (values.get("region") for values in known if resource.regional)
    return next((region for region in regions if region), None) or session.region


def door(session: Session, resource: ResourceType, step: Step, region: str) -> Aws:
    """Return access to the calls of one step; each step may also read."""
    allowed = {*resource.calls.get(step, ()), *resource.calls.get("read", ())}
    return Aws(session, resource.service, region, allowed)


def refuse(problems: Iterable[Problem]) -> None:
    """Reject inputs that break a rule across properties.

    Raises:
        InvalidInputError: At least one rule is broken.
    """
    reasons = [f"{problem.path}: {problem.reason}" for problem in problems]
    if reasons:
        raise InvalidInputError("; ".join(reasons))


def create(session: Session, resource: ResourceType, inputs: Values) -> tuple[str, Values]:
    """Create a resource; return its ID and outputs.

    Raises:
        PartlyCreatedError: The resource exists, but a later step failed.
    """
    region = region_of(session, resource, inputs)
    aws = door(session, resource, "create", region)
    wanted = state.without_defaults(inputs)
    object_id = resource.create(aws, wanted)
    try:
        if resource.settle is not None:
            resource.settle(aws, object_id, wanted)
        return object_id, _read_new(session, resource, object_id, inputs, region)
    except ProviderError as cause:
        raise PartlyCreatedError(object_id, cause) from cause


def _read_new(session: Session, resource: ResourceType, object_id: str, inputs: Values, region: str) -> Values:
    known = state.recorded(resource, inputs)
    for _ in range(read_back_tries):
        found = read(session, resource, object_id, known, region)
        if found is not None:
            return found
        session.cancelled.wait(poll_seconds)
    raise AwsError("read", "NotFound", f"{object_id} could not be found after its creation")


def read(session: Session, resource: ResourceType, object_id: str, known: Values, region: str) -> Values | None:
    """Return the current outputs of a resource, or None if it does not exist."""
    aws = door(session, resource, "read", region)
    try:
        found = resource.read(aws, object_id, known)
    except AwsError as failure:
        if failure.code in resource.gone:
            return None
        raise
    if found is None:
        return None
    return state.observed(resource, found, known, session.config, region)


def update(  # noqa: PLR0913 - the request has as many fields
    session: Session,
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
    aws = door(session, resource, "update", region)
    _retag(aws, resource, object_id, olds, inputs)
    other = comparison.changed - {"tags", "tagsAll", "region"}
    if other:
        resource.update(aws, Change(object_id, olds, state.without_defaults(inputs), other))
    known = {**olds, **state.recorded(resource, inputs)}
    for name in comparison.changed - set(inputs):
        known.pop(name, None)
    found = read(session, resource, object_id, known, region)
    if found is None:
        raise AwsError("read", "NotFound", f"{object_id} could not be found after its update")
    return found


def _retag(aws: Aws, resource: ResourceType, object_id: str, olds: Values, inputs: Values) -> None:
    if resource.retag is None:
        return
    old: Values = olds.get("tagsAll") or {}
    new: Values = inputs.get("tagsAll") or {}
    added = {key: value for key, value in new.items() if old.get(key) != value}
    removed = [key for key in old if key not in new]
    if added or removed:
        resource.retag(aws, object_id, olds, added, removed)


def delete(session: Session, resource: ResourceType, object_id: str, olds: Values) -> None:
    """Delete a resource; one that does not exist is a success."""
    aws = door(session, resource, "delete", region_of(session, resource, olds))
    try:
        resource.delete(aws, object_id, olds)
    except AwsError as failure:
        if failure.code not in resource.gone:
            raise


def locate_import(session: Session, resource: ResourceType, import_id: str) -> tuple[str, str, Values]:
    """Return ID, Region and other known properties of a resource to import.

    `<id>@<region>` sets the Region, and so does an ARN.
    """
    region = None
    if resource.regional:
        import_id, region = naming.split_region(import_id)
        region = region or naming.region_of_arn(import_id)
    return resource.import_id(import_id), region or session.region, resource.import_state(import_id)
