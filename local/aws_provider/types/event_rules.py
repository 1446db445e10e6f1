"""EventBridge rules. Source: Terraform AWS provider, `internal/service/events/rule.go`."""

import json
from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, ResourceType, flag, output, text
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

delete_seconds = 120
"""Time to retry deleting a rule that still has targets. The real plugin takes 5 minutes."""
default_bus: Final = "default"
_longest_pattern: Final = 4096
_enabled_states: Final = ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")


def normal_pattern(pattern: str) -> str:
    """Return a pattern as outputs store it: compact, with sorted keys and without needless escapes."""
    return json.dumps(json.loads(pattern), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _same_pattern(first: str, second: str) -> bool:
    return normal_pattern(first) == normal_pattern(second)


def _pattern(value: Any) -> str | None:
    problem = validators.json_text(value)
    return problem or validators.length(0, _longest_pattern)(normal_pattern(value))


def split(rule_id: str) -> tuple[str, str]:
    """Split a rule's ID into bus and name; the name of a partner event bus contains slashes."""
    bus, _, name = rule_id.rpartition("/")
    return bus or default_bus, name


def _join(bus: str, name: str) -> str:
    return name if bus == default_bus else f"{bus}/{name}"


def _put(aws: Aws, name: str, wanted: Values, tags: list[dict[str, str]] | None) -> None:
    state = wanted.get("state")
    if state is None and "isEnabled" in wanted:
        state = "ENABLED" if wanted["isEnabled"] else "DISABLED"
    pattern = wanted.get("eventPattern")
    aws.call(
        "PutRule",
        Name=name,
        Description=wanted.get("description"),
        EventBusName=wanted["eventBusName"],
        EventPattern=normal_pattern(pattern) if pattern else None,
        RoleArn=wanted.get("roleArn"),
        ScheduleExpression=wanted.get("scheduleExpression"),
        State=state,
        Tags=tags,
    )


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    _put(aws, name, wanted, pairs(wanted["tagsAll"]) or None)
    return _join(wanted["eventBusName"], name)


def _read(aws: Aws, rule_id: str, known: Values) -> Values | None:
    bus, name = split(rule_id)
    rule = aws.call("DescribeRule", Name=name, EventBusName=bus)
    arn = rule["Arn"]
    return {
        "arn": arn,
        "description": rule.get("Description"),
        "eventBusName": bus,
        "eventPattern": rule.get("EventPattern"),
        "isEnabled": rule.get("State") in _enabled_states,
        "name": name,
        "namePrefix": known.get("namePrefix"),
        "roleArn": rule.get("RoleArn"),
        "scheduleExpression": rule.get("ScheduleExpression"),
        "state": rule.get("State"),
        "tags": from_pairs(aws.call("ListTagsForResource", ResourceARN=arn).get("Tags")),
    }


def _update(aws: Aws, change: Change) -> None:
    if change.changed - {"forceDestroy"}:
        _put(aws, split(change.object_id)[1], change.new, None)


def _delete(aws: Aws, rule_id: str, known: Values) -> None:
    bus, name = split(rule_id)
    aws.retry(
        {"ValidationException"},
        lambda: aws.call("DeleteRule", Name=name, EventBusName=bus, Force=bool(known.get("forceDestroy"))),
        delete_seconds,
    )


def _retag(aws: Aws, _rule_id: str, known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", ResourceARN=known["arn"], TagKeys=removed)
    if added:
        aws.call("TagResource", ResourceARN=known["arn"], Tags=pairs(added))


name_form: Final = validators.matches(r"[0-9A-Za-z_.-]+", "must hold only [0-9A-Za-z_.-]")

EVENT_RULE = ResourceType(
    name="aws:cloudwatch/eventRule:EventRule",
    service="events",
    properties={
        "arn": output(),
        "description": text(checks=(validators.length(0, 512),)),
        "eventBusName": text(default=default_bus, replaces=True),
        "eventPattern": text(checks=(_pattern,), same=_same_pattern, stored_as=normal_pattern),
        "forceDestroy": flag(default=False, local=True),
        "isEnabled": flag(computed=True, conflicts=("state",)),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(longest=64),
            conflicts=("namePrefix",),
            checks=(validators.length(1, 64), name_form),
        ),
        "namePrefix": text(
            replaces=True,
            computed=True,
            conflicts=("name",),
            checks=(validators.length(1, 38), name_form),
        ),
        "roleArn": text(checks=(validators.arn,)),
        "scheduleExpression": text(checks=(validators.length(0, 256),)),
        "state": text(
            computed=True, conflicts=("isEnabled",), checks=(validators.one_of("DISABLED", *_enabled_states),)
        ),
    },
    calls={
        "create": ("PutRule",),
        "read": ("DescribeRule", "ListTagsForResource"),
        "update": ("PutRule", "TagResource", "UntagResource"),
        "delete": ("DeleteRule",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"ResourceNotFoundException"}),
    at_least_one=(("eventPattern", "scheduleExpression"),),
)

RESOURCES = (EVENT_RULE,)
