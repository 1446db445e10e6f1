"""Workgroups and named queries of Athena, databases and tables of its AWS Glue Data Catalog.

Source: Terraform AWS provider, `internal/service/{athena,glue}`.
"""

from collections.abc import Callable
from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.lifecycle import call
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
    records,
    text,
    text_map,
    whole,
)
from local.aws_provider.model import name as named
from local.aws_provider.wire import Values, fields_of

_missing: Final = frozenset({"InvalidRequestException"})
_not_found: Final = "is not found"

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


# AWS Glue Data Catalog: databases.


_no_entity: Final = frozenset({"EntityNotFoundException"})
_lower: Final = validators.unlike(r"[A-Z]", "must not contain uppercase letters")


def _account(aws: Aws) -> str:
    return aws.account or str(aws.call("sts:GetCallerIdentity")["Account"])


# Databases.


def _create_database(aws: Aws, database: Item) -> str:
    values = {**database.values, "catalog": _account(aws)}
    operation = Operation("CreateDatabase", {"CatalogId": "catalog", "Tags": "tagsAll"}, within="DatabaseInput")
    call(aws, operation, DATABASE.properties, values)
    return f"{values['catalog']}:{values['name']}"


def _part(index: int) -> Callable[[Values], str]:
    """Return the function that reads a part of an ID: catalog, database, table."""
    return lambda values: values["id"].split(":")[index]


_database: Final = {"CatalogId": _part(0), "Name": _part(1)}


def _read_database(aws: Aws, database: Item) -> Values:
    catalog, _, title = database.id.partition(":")
    arn = f"arn:{aws.partition}:glue:{aws.region}:{catalog}:database/{title}"
    return {"arn": arn, "catalogId": catalog, "LocationUri": database.found.get("LocationUri") or ""}


DATABASE = ResourceType(
    name="aws:glue/catalogDatabase:CatalogDatabase",
    service="glue",
    properties={
        "description": text(validators.length(0, 2048)),
        "name": named(validators.length(1, 255), _lower),
    },
    outputs="arn catalogId locationUri",
    refused="catalogId createTableDefaultPermissions federatedDatabase locationUri parameters targetDatabase",
    create=(Code(_create_database, "sts:GetCallerIdentity CreateDatabase"),),
    read=(Operation("GetDatabase", _database, result="Database"), Code(_read_database)),
    update=(Operation("UpdateDatabase", _database, within="DatabaseInput"),),
    delete=(Operation("DeleteDatabase", _database),),
    tagging=Tagging(listing="GetTags"),
    gone=_no_entity,
)


# Tables.

_column: Final = {"name": text(required=True), "type": text()}
_table: Final = {"CatalogId": _part(0), "DatabaseName": _part(1), "Name": _part(2)}


def _create_table(aws: Aws, table: Item) -> str:
    values = {**table.values, "catalog": _account(aws)}
    operation = Operation("CreateTable", {"CatalogId": "catalog", "DatabaseName": "databaseName"}, within="TableInput")
    call(aws, operation, TABLE.properties, values)
    return f"{values['catalog']}:{values['databaseName']}:{values['name']}"


def _read_table(aws: Aws, table: Item) -> Values:
    catalog, database, title = table.id.split(":")
    # As the real plugin, which shows the indexes.
    aws.call("GetPartitionIndexes", CatalogId=catalog, DatabaseName=database, TableName=title)
    return {"arn": f"arn:{aws.partition}:glue:{aws.region}:{catalog}:table/{database}/{title}", "catalogId": catalog}


TABLE = ResourceType(
    name="aws:glue/catalogTable:CatalogTable",
    service="glue",
    properties={
        "databaseName": text(required=True, replaces=True),
        "name": named(validators.length(1, 255), _lower),
        "parameters": text_map(),
        "partitionKeys": records(_column),
        "storageDescriptor": record(
            {
                "columns": records(_column),
                "inputFormat": text(),
                "location": text(),
                "outputFormat": text(),
                "serDeInfo": record({"name": text(), "parameters": text_map(), "serializationLibrary": text()}),
            }
        ),
        "tableType": text(),
    },
    outputs="arn catalogId",
    refused=(
        "catalogId description openTableFormatInput owner partitionIndices retention targetTable viewDefinition "
        "viewExpandedText viewOriginalText"
    ),
    create=(Code(_create_table, "sts:GetCallerIdentity CreateTable"),),
    read=(Operation("GetTable", _table, result="Table"), Code(_read_table, "GetPartitionIndexes")),
    update=(
        Operation("UpdateTable", {name: _table[name] for name in ("CatalogId", "DatabaseName")}, within="TableInput"),
    ),
    delete=(Operation("DeleteTable", _table),),
    gone=_no_entity,
)
