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
        "description": text(validators.length(0, 1024), replaces=True),
        "name": name(validators.length(1, 128), longest=128),
        "query": text(validators.length(1, 262_144), required=True, replaces=True, aws="QueryString"),
        "workgroup": fixed("primary", replaces=True),
    },
    create=(Operation("CreateNamedQuery", result="NamedQueryId"),),
    read=(Operation("GetNamedQuery", {"NamedQueryId": "id"}, result="NamedQuery"),),
    delete=(Operation("DeleteNamedQuery", {"NamedQueryId": "id"}),),
    gone=_missing,
)


def _read_work_group(aws: Aws, group: Item) -> Values | None:
    try:
        return aws.call("GetWorkGroup", WorkGroup=group.id)["WorkGroup"]
    except AwsError as failure:
        # The same code as of every invalid request.
        if _not_found in str(failure):
            return None
        raise


def _disable(aws: Aws, group: Item) -> None:
    if group.values["state"] == "DISABLED":
        aws.call("UpdateWorkGroup", WorkGroup=group.id, State="DISABLED")


def _updates(group: Values) -> Values:
    """Return the configuration of an update, which names what is removed."""
    given = fields_of(group.get("configuration"))
    cutoff, managed = given.get("bytesScannedCutoffPerQuery"), fields_of(given.get("managedQueryResultsConfiguration"))
    updates = {
        "EnforceWorkGroupConfiguration": given.get("enforceWorkgroupConfiguration"),
        "PublishCloudWatchMetricsEnabled": given.get("publishCloudwatchMetricsEnabled"),
        "ManagedQueryResultsConfigurationUpdates": {"Enabled": managed["enabled"]} if "enabled" in managed else None,
        **({"BytesScannedCutoffPerQuery": cutoff} if cutoff else {"RemoveBytesScannedCutoffPerQuery": True}),
    }
    return {key: value for key, value in updates.items() if value is not None}


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
                "bytesScannedCutoffPerQuery": whole(validators.between(10_485_760, 2**63 - 1)),
                "enforceWorkgroupConfiguration": flag(default=True),
                "managedQueryResultsConfiguration": record({"enabled": flag()}),
                "publishCloudwatchMetricsEnabled": flag(default=True),
            }
        ),
        "description": text(validators.length(0, 1024)),
        "forceDestroy": flag(local=True, default=False),
        "name": name(
            validators.length(1, 128),
            validators.matches(
                r"[0-9A-Za-z_.-]*", "must contain only alphanumeric characters, periods, underscores, and hyphens"
            ),
            longest=128,
        ),
        "state": text(validators.one_of("ENABLED", "DISABLED"), default="ENABLED"),
    },
    outputs="arn",
    id="{name}",
    arn="workgroup/{id}",
    create=(Operation("CreateWorkGroup"), Code(_disable, "UpdateWorkGroup")),
    read=(Code(_read_work_group, "GetWorkGroup"),),
    update=(
        Operation(
            "UpdateWorkGroup",
            {
                "WorkGroup": "id",
                "ConfigurationUpdates": _updates,
                "Description": lambda new: new.get("description") or "",
            },
            on="configuration",
        ),
    ),
    delete=(Code(_delete_work_group, "DeleteWorkGroup"),),
    tagging=Tagging(),
)

RESOURCES = (NAMED_QUERY, WORK_GROUP)
