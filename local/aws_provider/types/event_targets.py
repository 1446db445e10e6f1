"""Targets of EventBridge rules. Source: Terraform AWS provider, `internal/service/events/target.go`.

Inputs for services that this project does not send events to are an error.
"""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError
from local.aws_provider.model import (
    Change,
    Naming,
    Property,
    ResourceType,
    flag,
    record,
    records,
    text,
    text_map,
    whole,
)
from local.aws_provider.types.event_rules import default_bus, name_form
from local.aws_provider.wire import Values, fields_of, items_of

_plain: Final = {"input": "Input", "inputPath": "InputPath", "roleArn": "RoleArn"}
_retry: Final = {"maximumEventAgeInSeconds": "MaximumEventAgeInSeconds", "maximumRetryAttempts": "MaximumRetryAttempts"}
_most_paths: Final = 100


def _object_id(bus: str, rule: str, target: str) -> str:
    return f"{rule}-{target}" if bus == default_bus else f"{bus}-{rule}-{target}"


def _target(wanted: Values) -> Values:
    target: Values = {"Id": wanted["targetId"], "Arn": wanted["arn"]}
    target |= {theirs: wanted[ours] for ours, theirs in _plain.items() if wanted.get(ours)}
    transformer: Values | None = wanted.get("inputTransformer")
    if transformer:
        target["InputTransformer"] = {"InputTemplate": transformer["inputTemplate"]}
        if transformer.get("inputPaths"):
            target["InputTransformer"]["InputPathsMap"] = transformer["inputPaths"]
    if wanted.get("runCommandTargets"):
        chosen = [{"Key": item["key"], "Values": item["values"]} for item in wanted["runCommandTargets"]]
        target["RunCommandParameters"] = {"RunCommandTargets": chosen}
    if wanted.get("sqsTarget"):
        target["SqsParameters"] = {"MessageGroupId": wanted["sqsTarget"].get("messageGroupId", "")}
    if wanted.get("deadLetterConfig"):
        target["DeadLetterConfig"] = {"Arn": wanted["deadLetterConfig"].get("arn", "")}
    policy: Values | None = wanted.get("retryPolicy")
    if policy:
        target["RetryPolicy"] = {theirs: policy[ours] for ours, theirs in _retry.items() if ours in policy}
    return target


def _put(aws: Aws, wanted: Values) -> None:
    answer = aws.call("PutTargets", Rule=wanted["rule"], EventBusName=wanted["eventBusName"], Targets=[_target(wanted)])
    _refuse_failed("events:PutTargets", answer)


def _refuse_failed(operation: str, answer: Values) -> None:
    for item in items_of(answer.get("FailedEntries")):
        raise AwsError(operation, item.get("ErrorCode", "Failed"), item.get("ErrorMessage", ""))


def _create(aws: Aws, wanted: Values) -> str:
    _put(aws, wanted)
    return _object_id(wanted["eventBusName"], wanted["rule"], wanted["targetId"])


def _read(aws: Aws, _target_id: str, known: Values) -> Values | None:
    bus = known.get("eventBusName") or default_bus
    listed = aws.pages("ListTargetsByRule", "Targets", Rule=known["rule"], EventBusName=bus)
    found: Values | None = next((item for item in listed if item["Id"] == known["targetId"]), None)
    if found is None:
        return None
    transformer: Values | None = found.get("InputTransformer")
    commands: list[Values] = fields_of(found.get("RunCommandParameters")).get("RunCommandTargets", [])
    policy: Values | None = found.get("RetryPolicy")
    return {
        **{ours: found.get(theirs) for ours, theirs in _plain.items()},
        "arn": found["Arn"],
        "deadLetterConfig": {"arn": found["DeadLetterConfig"].get("Arn")} if found.get("DeadLetterConfig") else None,
        "eventBusName": bus,
        "inputTransformer": _shown(transformer) if transformer else None,
        "retryPolicy": {ours: policy[theirs] for ours, theirs in _retry.items() if theirs in policy}
        if policy
        else None,
        "rule": known["rule"],
        "runCommandTargets": [{"key": item["Key"], "values": item["Values"]} for item in commands],
        "sqsTarget": {"messageGroupId": found["SqsParameters"].get("MessageGroupId")}
        if found.get("SqsParameters")
        else None,
        "targetId": found["Id"],
    }


def _shown(transformer: Values) -> Values:
    return {"inputTemplate": transformer["InputTemplate"], "inputPaths": transformer.get("InputPathsMap") or {}}


def _update(aws: Aws, change: Change) -> None:
    if change.changed - {"forceDestroy"}:
        _put(aws, {**change.new, "targetId": change.old["targetId"]})


def _delete(aws: Aws, _target_id: str, known: Values) -> None:
    answer = aws.call(
        "RemoveTargets",
        Rule=known["rule"],
        EventBusName=known.get("eventBusName") or default_bus,
        Ids=[known["targetId"]],
        Force=bool(known.get("forceDestroy")),
    )
    _refuse_failed("events:RemoveTargets", answer)


def _import_state(import_id: str) -> Values:
    rest, _, target = import_id.rpartition("/")
    bus, _, rule = rest.rpartition("/")
    if not rule or not target:
        raise InvalidInputError(
            f"unexpected format for ID ({import_id}), expected EVENTBUSNAME/RULENAME/TARGETID or RULENAME/TARGETID"
        )
    return {"eventBusName": bus or default_bus, "rule": rule, "targetId": target}


def _import_id(import_id: str) -> str:
    known = _import_state(import_id)
    return _object_id(known["eventBusName"], known["rule"], known["targetId"])


def _paths(value: Any) -> str | None:
    if len(value) > _most_paths:
        return f"at most {_most_paths} paths are allowed, got {len(value)}"
    wrong = next((key for key in value if key.upper().startswith("AWS")), None)
    return None if wrong is None else f'the key "{wrong}" must not start with "AWS"'


_refused = Property(kind="map", items=Property(), checks=(validators.refused,))
_ways_of_input: Final = ("input", "inputPath", "inputTransformer")


def _others(name: str) -> tuple[str, ...]:
    return tuple(other for other in _ways_of_input if other != name)


EVENT_TARGET = ResourceType(
    name="aws:cloudwatch/eventTarget:EventTarget",
    service="events",
    properties={
        "appsyncTarget": _refused,
        "arn": text(required=True, checks=(validators.arn,)),
        "batchTarget": _refused,
        "deadLetterConfig": record({"arn": text(checks=(validators.arn,))}),
        "ecsTarget": _refused,
        "eventBusName": text(default=default_bus, replaces=True),
        "forceDestroy": flag(default=False, local=True),
        "httpTarget": _refused,
        "input": text(conflicts=_others("input"), checks=(validators.length(0, 8192), validators.json_text)),
        "inputPath": text(conflicts=_others("inputPath"), checks=(validators.length(0, 256),)),
        "inputTransformer": record(
            {
                "inputPaths": text_map(checks=(_paths,)),
                "inputTemplate": text(required=True, checks=(validators.length(1, 8192),)),
            },
            conflicts=_others("inputTransformer"),
        ),
        "kinesisTarget": _refused,
        "redshiftTarget": _refused,
        "retryPolicy": record(
            {
                "maximumEventAgeInSeconds": whole(checks=(validators.between(0, 86400),)),
                "maximumRetryAttempts": whole(checks=(validators.between(0, 185),)),
            }
        ),
        "roleArn": text(checks=(validators.arn,)),
        "rule": text(required=True, replaces=True, checks=(validators.length(1, 64), name_form)),
        "runCommandTargets": records(
            {
                "key": text(required=True, checks=(validators.length(1, 128),)),
                "values": Property(
                    kind="list", items=Property(), required=True, checks=(validators.items_at_most(50),)
                ),
            },
            checks=(validators.items_at_most(5),),
        ),
        "sagemakerPipelineTarget": _refused,
        "sqsTarget": record({"messageGroupId": text()}),
        "targetId": text(
            replaces=True,
            computed=True,
            naming=Naming(),
            checks=(validators.length(1, 64), name_form),
        ),
    },
    calls={
        "create": ("PutTargets",),
        "read": ("ListTargetsByRule",),
        "update": ("PutTargets",),
        "delete": ("RemoveTargets",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    gone=frozenset({"ResourceNotFoundException"}),
    import_id=_import_id,
    import_state=_import_state,
)

RESOURCES = (EVENT_TARGET,)
