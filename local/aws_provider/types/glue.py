"""Databases and tables of the AWS Glue Data Catalog. Source: Terraform AWS provider, `internal/service/glue`."""

from collections.abc import Callable
from typing import Final

from local.aws_provider import validators
from local.aws_provider.actions import call
from local.aws_provider.aws import Aws
from local.aws_provider.model import Code, Item, Operation, ResourceType, Tagging, record, records, text, text_map
from local.aws_provider.model import name as named
from local.aws_provider.wire import Values

_missing: Final = frozenset({"EntityNotFoundException"})
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
    gone=_missing,
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
    gone=_missing,
)

RESOURCES = (DATABASE, TABLE)
