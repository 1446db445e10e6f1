"""State Manager associations. Source: Terraform AWS provider, `internal/service/ssm/association.go`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import (
    Change,
    Naming,
    Property,
    ResourceType,
    flag,
    output,
    record,
    records,
    text,
    text_map,
    whole,
)
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values, items_of

_plain: Final = {
    "applyOnlyAtCronInterval": "ApplyOnlyAtCronInterval",
    "associationName": "AssociationName",
    "automationTargetParameterName": "AutomationTargetParameterName",
    "calendarNames": "CalendarNames",
    "complianceSeverity": "ComplianceSeverity",
    "documentVersion": "DocumentVersion",
    "maxConcurrency": "MaxConcurrency",
    "maxErrors": "MaxErrors",
    "scheduleExpression": "ScheduleExpression",
    "syncCompliance": "SyncCompliance",
}
_location: Final = {
    "s3BucketName": "OutputS3BucketName",
    "s3KeyPrefix": "OutputS3KeyPrefix",
    "s3Region": "OutputS3Region",
}


def _arguments(wanted: Values) -> Values:
    """Return all arguments: an update removes those that are not sent."""
    arguments: Values = {theirs: wanted[ours] for ours, theirs in _plain.items() if wanted.get(ours)}
    targets = items_of(wanted.get("targets"))
    parameters: dict[str, str] = wanted.get("parameters") or {}
    location: Values = wanted.get("outputLocation") or {}
    if targets:
        arguments["Targets"] = [{"Key": item["key"], "Values": item["values"]} for item in targets]
    if parameters:
        arguments["Parameters"] = {name: [value] for name, value in parameters.items()}
    if location:
        sent = {theirs: location[ours] for ours, theirs in _location.items() if location.get(ours)}
        arguments["OutputLocation"] = {"S3Location": sent}
    return arguments


def _create(aws: Aws, wanted: Values) -> str:
    tags = pairs(wanted["tagsAll"]) or None
    made = aws.call("CreateAssociation", Name=wanted["name"], Tags=tags, **_arguments(wanted))
    return made["AssociationDescription"]["AssociationId"]


def _read(aws: Aws, association_id: str, _known: Values) -> Values | None:
    found = aws.call("DescribeAssociation", AssociationId=association_id)["AssociationDescription"]
    parameters: dict[str, list[str]] = found.get("Parameters") or {}
    targets = items_of(found.get("Targets"))
    output_location: Values = found.get("OutputLocation") or {}
    location: Values = output_location.get("S3Location") or {}
    tags = aws.call("ListTagsForResource", ResourceType="Association", ResourceId=association_id)
    return {
        **{ours: found.get(theirs) for ours, theirs in _plain.items()},
        "applyOnlyAtCronInterval": bool(found.get("ApplyOnlyAtCronInterval")),
        "arn": aws.arn("ssm", f"association/{association_id}"),
        "associationId": association_id,
        "name": found["Name"],
        "outputLocation": {ours: location[theirs] for ours, theirs in _location.items() if theirs in location} or None,
        "parameters": {name: ",".join(values) for name, values in parameters.items()} or None,
        "tags": from_pairs(tags.get("TagList")),
        "targets": [{"key": item["Key"], "values": item["Values"]} for item in targets] or None,
    }


def _update(aws: Aws, change: Change) -> None:
    if change.changed - {"waitForSuccessTimeoutSeconds"}:
        aws.call("UpdateAssociation", AssociationId=change.object_id, **_arguments(change.new))


def _delete(aws: Aws, association_id: str, _known: Values) -> None:
    aws.call("DeleteAssociation", AssociationId=association_id)


def _retag(aws: Aws, association_id: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    named = {"ResourceType": "Association", "ResourceId": association_id}
    if removed:
        aws.call("RemoveTagsFromResource", **named, TagKeys=removed)
    if added:
        aws.call("AddTagsToResource", **named, Tags=pairs(added))


_name_form = validators.matches(
    r"[0-9A-Za-z_.-]{3,128}", "must contain only alphanumeric, underscore, hyphen, or period characters"
)
_amount = "must be a valid number (e.g. 10) or percentage including the percent sign (e.g. 10%)"
_texts = Property(kind="list", items=Property(), checks=(validators.items_at_most(50),), required=True)

ASSOCIATION = ResourceType(
    name="aws:ssm/association:Association",
    service="ssm",
    properties={
        "applyOnlyAtCronInterval": flag(default=False),
        "arn": output(),
        "associationId": output(),
        "associationName": text(checks=(validators.length(3, 128), _name_form)),
        "automationTargetParameterName": text(checks=(validators.length(1, 50),)),
        "calendarNames": Property(kind="list", items=Property(), unordered=True),
        "complianceSeverity": text(checks=(validators.one_of("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED"),)),
        "documentVersion": text(
            computed=True,
            checks=(validators.matches(r"[$]LATEST|[$]DEFAULT|[1-9][0-9]*", "must be $LATEST, $DEFAULT or a number"),),
        ),
        "maxConcurrency": text(checks=(validators.matches(r"[1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%", _amount),)),
        "maxErrors": text(checks=(validators.matches(r"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%", _amount),)),
        "name": text(replaces=True, naming=Naming()),
        "outputLocation": record(
            {
                "s3BucketName": text(required=True, checks=(validators.length(3, 63),)),
                "s3KeyPrefix": text(checks=(validators.length(0, 500),)),
                "s3Region": text(checks=(validators.length(3, 20),)),
            }
        ),
        "parameters": text_map(computed=True),
        "scheduleExpression": text(checks=(validators.length(1, 256),)),
        "syncCompliance": text(checks=(validators.one_of("AUTO", "MANUAL"),)),
        "targets": records(
            {"key": text(required=True, checks=(validators.length(1, 163),)), "values": _texts},
            computed=True,
            checks=(validators.items_at_most(5),),
        ),
        # It would wait for the first run, but associations are not run here.
        "waitForSuccessTimeoutSeconds": whole(checks=(validators.refused,)),
    },
    calls={
        "create": ("CreateAssociation",),
        "read": ("DescribeAssociation", "ListTagsForResource"),
        "update": ("UpdateAssociation", "AddTagsToResource", "RemoveTagsFromResource"),
        "delete": ("DeleteAssociation",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"AssociationDoesNotExist"}),
)

RESOURCES = (ASSOCIATION,)
