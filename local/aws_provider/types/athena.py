"""Workgroups and named queries of Athena. Source: Terraform AWS provider, `internal/service/athena`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import (
    Code,
    Item,
    Operation,
    ResourceType,
    Tagging,
    fixed,
    flag,
    name,
    record,
    text,
    whole,
)
from local.aws_provider.wire import Values, fields_of

_missing: Final = frozenset({"InvalidRequestException"})
_not_found: Final = "is not found"
_managed: Final = "ManagedQueryResultsConfiguration"

NAMED_QUERY = ResourceType(
    name="aws:athena/namedQuery:NamedQuery",
    service="athena",
    properties={
        "database": text(required=True, replaces=True),
        "description": text(replaces=True, checks=(validators.length(0, 1024),)),
        "name": name(validators.length(1, 128), longest=128),
        "query": text(required=True, replaces=True, aws="QueryString", checks=(validators.length(1, 262_144),)),
        "workgroup": fixed("primary", replaces=True),
    },
    create=(Operation("CreateNamedQuery", result="NamedQueryId"),),
    read=(Operation("GetNamedQuery", {"NamedQueryId": "id"}, result="NamedQuery"),),
    delete=(Operation("DeleteNamedQuery", {"NamedQueryId": "id"}),),
    gone=_missing,
)


def _configuration(group: Item, managed: str) -> Values:
    """Return the configuration for a call; `managed` is the member's name, which differs between the calls."""
    given = fields_of(group.values.get("configuration"))
    results = fields_of(given.get("managedQueryResultsConfiguration"))
    found = {
        "BytesScannedCutoffPerQuery": given.get("bytesScannedCutoffPerQuery"),
        "EnforceWorkGroupConfiguration": given.get("enforceWorkgroupConfiguration"),
        "PublishCloudWatchMetricsEnabled": given.get("publishCloudwatchMetricsEnabled"),
        managed: {"Enabled": results["enabled"]} if "enabled" in results else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _create_work_group(aws: Aws, group: Item) -> str:
    tags = [{"Key": key, "Value": value} for key, value in group.values["tagsAll"].items()]
    aws.call(
        "CreateWorkGroup",
        Name=group.values["name"],
        Configuration=_configuration(group, _managed),
        Description=group.values.get("description") or "",
        Tags=tags,
    )
    return str(group.values["name"])


def _read_work_group(aws: Aws, group: Item) -> Values | None:
    try:
        found = aws.call("GetWorkGroup", WorkGroup=group.id)["WorkGroup"]
    except AwsError as failure:
        # The same code as of every invalid request.
        if _not_found in str(failure):
            return None
        raise
    live = found.get("Configuration", {})
    managed = live.get(_managed)
    return {
        "arn": f"arn:{aws.partition}:athena:{aws.region}:{aws.account}:workgroup/{group.id}",
        "name": found["Name"],
        "description": found.get("Description"),
        "state": found.get("State"),
        "configuration": {
            "bytesScannedCutoffPerQuery": live.get("BytesScannedCutoffPerQuery"),
            "enforceWorkgroupConfiguration": live.get("EnforceWorkGroupConfiguration"),
            "publishCloudwatchMetricsEnabled": live.get("PublishCloudWatchMetricsEnabled"),
            "managedQueryResultsConfiguration": {"enabled": managed.get("Enabled")} if managed else None,
        },
    }


def _update_work_group(aws: Aws, group: Item) -> None:
    changed = _configuration(group, "ManagedQueryResultsConfigurationUpdates")
    if "BytesScannedCutoffPerQuery" not in changed:
        changed["RemoveBytesScannedCutoffPerQuery"] = True
    aws.call(
        "UpdateWorkGroup",
        WorkGroup=group.id,
        ConfigurationUpdates=changed,
        Description=group.values.get("description") or "",
        State=group.values["state"],
    )


def _delete_work_group(aws: Aws, group: Item) -> None:
    try:
        aws.call("DeleteWorkGroup", WorkGroup=group.id, RecursiveDeleteOption=bool(group.values.get("forceDestroy")))
    except AwsError as failure:
        if _not_found not in str(failure):
            raise


WORK_GROUP = ResourceType(
    name="aws:athena/workgroup:Workgroup",
    service="athena",
    properties={
        "configuration": record(
            {
                "bytesScannedCutoffPerQuery": whole(checks=(validators.between(10_485_760, 2**63 - 1),)),
                "enforceWorkgroupConfiguration": flag(default=True),
                "managedQueryResultsConfiguration": record({"enabled": flag()}),
                "publishCloudwatchMetricsEnabled": flag(default=True),
            }
        ),
        "description": text(checks=(validators.length(0, 1024),)),
        "forceDestroy": flag(local=True, default=False),
        "name": name(
            validators.length(1, 128),
            validators.matches(
                r"[0-9A-Za-z_.-]*", "must contain only alphanumeric characters, periods, underscores, and hyphens"
            ),
            longest=128,
        ),
        "state": text(default="ENABLED", checks=(validators.one_of("ENABLED", "DISABLED"),)),
    },
    outputs="arn",
    create=(Code(_create_work_group, "CreateWorkGroup"),),
    read=(Code(_read_work_group, "GetWorkGroup"),),
    update=(Code(_update_work_group, "UpdateWorkGroup", on="configuration description state"),),
    delete=(Code(_delete_work_group, "DeleteWorkGroup"),),
    tagging=Tagging(),
)

RESOURCES = (NAMED_QUERY, WORK_GROUP)
