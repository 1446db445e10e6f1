"""CloudTrail trails. Source: Terraform AWS provider, `internal/service/cloudtrail/trail.go`."""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, Property, ResourceType, flag, output, record, records, text, texts
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values, items_of

_settings: Final = {
    # property: argument of CreateTrail and UpdateTrail
    "cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn",
    "cloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
    "enableLogFileValidation": "EnableLogFileValidation",
    "includeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "isMultiRegionTrail": "IsMultiRegionTrail",
    "isOrganizationTrail": "IsOrganizationTrail",
    "kmsKeyId": "KmsKeyId",
    "s3BucketName": "S3BucketName",
    "s3KeyPrefix": "S3KeyPrefix",
    "snsTopicName": "SnsTopicName",
}
_together: Final = ("cloudWatchLogsGroupArn", "cloudWatchLogsRoleArn")
_answered: Final = {**_settings, "enableLogFileValidation": "LogFileValidationEnabled"}
_field_tests: Final = {
    "endsWiths": "EndsWith",
    "equals": "Equals",
    "notEndsWiths": "NotEndsWith",
    "notEquals": "NotEquals",
    "notStartsWiths": "NotStartsWith",
    "startsWiths": "StartsWith",
}
_fields: Final = (
    *("readOnly", "eventSource", "eventName", "eventCategory", "eventType", "sessionCredentialFromConsole"),
    *("resources.type", "resources.ARN", "userIdentity.arn", "vpcEndpointId"),
)
_single_selector: Final[Values] = {"IncludeManagementEvents": True, "ReadWriteType": "All", "DataResources": []}


def _create(aws: Aws, wanted: Values) -> str:
    answer = aws.call(
        "CreateTrail",
        Name=wanted["name"],
        TagsList=pairs(wanted["tagsAll"]) or None,
        **{theirs: wanted[ours] for ours, theirs in _settings.items() if wanted.get(ours) not in (None, "")},
    )
    return answer["TrailARN"]


def _settle(aws: Aws, arn: str, wanted: Values) -> None:
    if wanted["enableLogging"]:
        aws.call("StartLogging", Name=arn)
    given = {name for name in ("eventSelectors", "advancedEventSelectors", "insightSelectors") if wanted.get(name)}
    _select(aws, arn, wanted, given)


def _select(aws: Aws, arn: str, wanted: Values, changed: set[str]) -> None:
    if "eventSelectors" in changed:
        selectors = [_selector(item) for item in items_of(wanted.get("eventSelectors"))]
        aws.call("PutEventSelectors", TrailName=arn, EventSelectors=selectors or [_single_selector])
    if "advancedEventSelectors" in changed and wanted.get("advancedEventSelectors"):
        advanced = [_advanced(item) for item in wanted["advancedEventSelectors"]]
        aws.call("PutEventSelectors", TrailName=arn, AdvancedEventSelectors=advanced)
    elif "advancedEventSelectors" in changed and not wanted.get("eventSelectors"):
        aws.call("PutEventSelectors", TrailName=arn, EventSelectors=[_single_selector])
    if "insightSelectors" in changed:
        insights = [{"InsightType": item["insightType"]} for item in items_of(wanted.get("insightSelectors"))]
        aws.call("PutInsightSelectors", TrailName=arn, InsightSelectors=insights)


def _selector(item: Values) -> Values:
    data: list[Values] = item.get("dataResources") or []
    return {
        "DataResources": [{"Type": resource["type"], "Values": resource["values"]} for resource in data],
        "ExcludeManagementEventSources": item.get("excludeManagementEventSources") or [],
        "IncludeManagementEvents": item["includeManagementEvents"],
        "ReadWriteType": item["readWriteType"],
    }


def _advanced(item: Values) -> Values:
    selectors = [
        {
            "Field": selector["field"],
            **{theirs: selector[ours] for ours, theirs in _field_tests.items() if selector.get(ours)},
        }
        for selector in item["fieldSelectors"]
    ]
    return {"FieldSelectors": selectors, **({"Name": item["name"]} if item.get("name") else {})}


def _read(aws: Aws, arn: str, _known: Values) -> Values | None:
    listed = aws.call("DescribeTrails", trailNameList=[arn])["trailList"]
    trail: Values | None = next((item for item in listed if arn in (item["TrailARN"], item["Name"])), None)
    if trail is None:
        return None
    tags = aws.call("ListTags", ResourceIdList=[arn])["ResourceTagList"]
    return {
        **{ours: trail.get(theirs) for ours, theirs in _answered.items()},
        "arn": trail["TrailARN"],
        "enableLogging": aws.call("GetTrailStatus", Name=arn)["IsLogging"],
        "homeRegion": trail.get("HomeRegion"),
        "name": trail["Name"],
        "snsTopicArn": trail.get("SnsTopicARN"),
        "snsTopicName": _topic(aws, trail.get("SnsTopicARN")),
        "tags": from_pairs(tags[0].get("TagsList")) if tags else {},
        **_selectors(aws, arn, trail),
    }


def _topic(aws: Aws, arn: str | None) -> str | None:
    """Return the name of a topic in this account and Region; else its ARN."""
    here = f"arn:{aws.partition}:sns:{aws.region}:{aws.account}:"
    return arn.removeprefix(here) if arn else None


def _selectors(aws: Aws, arn: str, trail: Values) -> Values:
    result: Values = {}
    if trail.get("HasCustomEventSelectors"):
        answer = aws.call("GetEventSelectors", TrailName=arn)
        result["eventSelectors"] = [_shown(item) for item in items_of(answer.get("EventSelectors"))] or None
        advanced = [_shown_advanced(item) for item in items_of(answer.get("AdvancedEventSelectors"))]
        result["advancedEventSelectors"] = advanced or None
    if trail.get("HasInsightSelectors"):
        insights: list[Values] = aws.call("GetInsightSelectors", TrailName=arn).get("InsightSelectors") or []
        result["insightSelectors"] = [{"insightType": item["InsightType"]} for item in insights]
    return result


def _shown(item: Values) -> Values:
    data: list[Values] = item.get("DataResources") or []
    return {
        "dataResources": [{"type": resource["Type"], "values": resource["Values"]} for resource in data],
        "excludeManagementEventSources": item.get("ExcludeManagementEventSources") or [],
        "includeManagementEvents": item.get("IncludeManagementEvents", True),
        "readWriteType": item.get("ReadWriteType", "All"),
    }


def _shown_advanced(item: Values) -> Values:
    selectors = [
        {
            "field": selector["Field"],
            **{ours: selector[theirs] for ours, theirs in _field_tests.items() if selector.get(theirs)},
        }
        for selector in item["FieldSelectors"]
    ]
    return {"name": item.get("Name", ""), "fieldSelectors": selectors}


def _update(aws: Aws, change: Change) -> None:
    arn, new = change.object_id, change.new
    changed = {name for name in _settings if change.has(name)}
    if changed & set(_together):
        changed |= set(_together)
    if changed:
        aws.call("UpdateTrail", Name=arn, **{_settings[name]: new.get(name, "") for name in sorted(changed)})
    if change.has("enableLogging"):
        aws.call("StartLogging" if new["enableLogging"] else "StopLogging", Name=arn)
    _select(aws, arn, new, set(change.changed))


def _delete(aws: Aws, arn: str, _known: Values) -> None:
    aws.call("DeleteTrail", Name=arn)


def _retag(aws: Aws, arn: str, known: Values, added: dict[str, str], removed: list[str]) -> None:
    old: dict[str, str] = known.get("tagsAll") or {}
    if removed:
        aws.call("RemoveTags", ResourceId=arn, TagsList=pairs({key: old[key] for key in removed}))
    if added:
        aws.call("AddTags", ResourceId=arn, TagsList=pairs(added))


def _texts_of_a_field() -> Any:
    length = validators.length(1, 2048)
    return Property(kind="list", items=text(checks=(length,)))


_event_selectors = records(
    {
        "dataResources": records(
            {
                "type": text(required=True),
                "values": Property(
                    kind="list", items=Property(), required=True, checks=(validators.items_at_most(250),)
                ),
            }
        ),
        "excludeManagementEventSources": texts(),
        "includeManagementEvents": flag(default=True),
        "readWriteType": text(default="All", checks=(validators.one_of("All", "ReadOnly", "WriteOnly"),)),
    },
    checks=(validators.items_at_most(5),),
    conflicts=("advancedEventSelectors",),
)
_advanced_selectors = records(
    {
        "fieldSelectors": Property(
            kind="list",
            unordered=True,
            required=True,
            items=record(
                {
                    **{name: _texts_of_a_field() for name in _field_tests},
                    "field": text(required=True, checks=(validators.one_of(*_fields),)),
                }
            ),
        ),
        "name": text(checks=(validators.length(0, 1000),)),
    },
    conflicts=("eventSelectors",),
)

TRAIL = ResourceType(
    name="aws:cloudtrail/trail:Trail",
    service="cloudtrail",
    properties={
        "advancedEventSelectors": _advanced_selectors,
        "arn": output(),
        "cloudWatchLogsGroupArn": text(checks=(validators.arn,)),
        "cloudWatchLogsRoleArn": text(checks=(validators.arn,)),
        "enableLogFileValidation": flag(default=False),
        "enableLogging": flag(default=True),
        "eventSelectors": _event_selectors,
        "homeRegion": output(),
        "includeGlobalServiceEvents": flag(default=True),
        "insightSelectors": records(
            {
                "insightType": text(
                    required=True, checks=(validators.one_of("ApiCallRateInsight", "ApiErrorRateInsight"),)
                )
            },
            unordered=True,
        ),
        "isMultiRegionTrail": flag(default=False),
        "isOrganizationTrail": flag(default=False),
        "kmsKeyId": text(checks=(validators.arn,)),
        "name": text(replaces=True, naming=Naming(), checks=(validators.length(3, 128),)),
        "s3BucketName": text(required=True),
        "s3KeyPrefix": text(checks=(validators.length(0, 2000),)),
        "snsTopicArn": output(),
        "snsTopicName": text(),
    },
    calls={
        "create": ("CreateTrail", "StartLogging", "PutEventSelectors", "PutInsightSelectors"),
        "read": ("DescribeTrails", "GetTrailStatus", "ListTags", "GetEventSelectors", "GetInsightSelectors"),
        "update": (
            *("UpdateTrail", "StartLogging", "StopLogging", "PutEventSelectors", "PutInsightSelectors"),
            *("AddTags", "RemoveTags"),
        ),
        "delete": ("DeleteTrail",),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"TrailNotFoundException"}),
)

RESOURCES = (TRAIL,)
