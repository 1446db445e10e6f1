"""Databases and tables of the AWS Glue Data Catalog. Source: Terraform AWS provider, `internal/service/glue`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Code, Item, ResourceType, Tagging, record, records, text, text_map
from local.aws_provider.model import name as named
from local.aws_provider.wire import Values, fields_of, is_map

_missing: Final = frozenset({"EntityNotFoundException"})
_lower: Final = validators.unlike(r"[A-Z]", "must not contain uppercase letters")


def _account(aws: Aws) -> str:
    return aws.account or str(aws.call("sts:GetCallerIdentity")["Account"])


# Databases.


def _database_input(database: Item) -> Values:
    given = {"Name": database.values["name"], "Description": database.values.get("description")}
    return {key: value for key, value in given.items() if value is not None}


def _create_database(aws: Aws, database: Item) -> str:
    catalog = _account(aws)
    tags = database.values["tagsAll"]
    aws.call(
        "CreateDatabase", CatalogId=catalog, DatabaseInput=_database_input(database), **({"Tags": tags} if tags else {})
    )
    return f"{catalog}:{database.values['name']}"


def _database_arn(aws: Aws, identifier: str) -> str:
    catalog, _, title = identifier.partition(":")
    return f"arn:{aws.partition}:glue:{aws.region}:{catalog}:database/{title}"


def _read_database(aws: Aws, database: Item) -> Values | None:
    catalog, _, title = database.id.partition(":")
    try:
        found = aws.call("GetDatabase", CatalogId=catalog, Name=title)["Database"]
    except AwsError as failure:
        if failure.code in _missing:
            return None
        raise
    arn = _database_arn(aws, database.id)
    return {
        "arn": arn,
        "catalogId": catalog,
        "name": found["Name"],
        "description": found.get("Description"),
        "locationUri": found.get("LocationUri") or "",
        "Tags": aws.call("GetTags", ResourceArn=arn).get("Tags") or {},
    }


def _update_database(aws: Aws, database: Item) -> None:
    catalog, _, title = database.id.partition(":")
    aws.call("UpdateDatabase", CatalogId=catalog, Name=title, DatabaseInput=_database_input(database))


def _delete_database(aws: Aws, database: Item) -> None:
    catalog, _, title = database.id.partition(":")
    aws.call("DeleteDatabase", CatalogId=catalog, Name=title)


def _retag(aws: Aws, identifier: str, _old: dict[str, str], added: dict[str, str], removed: list[str]) -> None:
    arn = _database_arn(aws, identifier)
    if removed:
        aws.call("UntagResource", ResourceArn=arn, TagsToRemove=removed)
    if added:
        aws.call("TagResource", ResourceArn=arn, TagsToAdd=added)


DATABASE = ResourceType(
    name="aws:glue/catalogDatabase:CatalogDatabase",
    service="glue",
    properties={
        "description": text(checks=(validators.length(0, 2048),)),
        "name": named(validators.length(1, 255), _lower),
    },
    outputs="arn catalogId locationUri",
    refused="catalogId createTableDefaultPermissions federatedDatabase locationUri parameters targetDatabase",
    create=(Code(_create_database, "sts:GetCallerIdentity CreateDatabase"),),
    read=(Code(_read_database, "GetDatabase GetTags"),),
    update=(Code(_update_database, "UpdateDatabase", on="description"),),
    delete=(Code(_delete_database, "DeleteDatabase"),),
    tagging=Tagging(listing="", change=_retag, operations="TagResource UntagResource"),
    gone=_missing,
)


# Tables.

_column: Final = {"name": text(required=True), "type": text()}


def _table_input(table: Item) -> Values:
    stored = fields_of(table.values.get("storageDescriptor"))
    given = {
        "Name": table.values["name"],
        "TableType": table.values.get("tableType"),
        "Parameters": table.values.get("parameters"),
        "PartitionKeys": _columns_input(table.values.get("partitionKeys")),
        "StorageDescriptor": {
            "Location": stored.get("location"),
            "InputFormat": stored.get("inputFormat"),
            "OutputFormat": stored.get("outputFormat"),
            "Columns": _columns_input(stored.get("columns")),
            "SerdeInfo": _serde_input(fields_of(stored.get("serDeInfo"))),
        },
    }
    return _present(given)


def _present(given: Values) -> Values:
    """Return the values that are set, on every level."""
    return {key: _present(value) if is_map(value) else value for key, value in given.items() if value is not None}


def _columns_input(columns: list[Values] | None) -> list[Values]:
    return [_present({"Name": column["name"], "Type": column.get("type")}) for column in columns or ()]


def _serde_input(serde: Values) -> Values:
    return {
        "Name": serde.get("name"),
        "SerializationLibrary": serde.get("serializationLibrary"),
        "Parameters": serde.get("parameters") or {},
    }


def _parts(table: Item) -> Values:
    catalog, database, title = table.id.split(":")
    return {"CatalogId": catalog, "DatabaseName": database, "Name": title}


def _create_table(aws: Aws, table: Item) -> str:
    catalog, database = _account(aws), table.values["databaseName"]
    aws.call("CreateTable", CatalogId=catalog, DatabaseName=database, TableInput=_table_input(table))
    return f"{catalog}:{database}:{table.values['name']}"


def _read_table(aws: Aws, table: Item) -> Values | None:
    named_parts = _parts(table)
    try:
        found = aws.call("GetTable", **named_parts)["Table"]
    except AwsError as failure:
        if failure.code in _missing:
            return None
        raise
    aws.call(
        "GetPartitionIndexes",
        CatalogId=named_parts["CatalogId"],
        DatabaseName=named_parts["DatabaseName"],
        TableName=named_parts["Name"],
    )
    stored = fields_of(found.get("StorageDescriptor"))
    serde = fields_of(stored.get("SerdeInfo"))
    return {
        "arn": f"arn:{aws.partition}:glue:{aws.region}:{table.id.split(':')[0]}:table/{found['DatabaseName']}/{found['Name']}",
        "catalogId": named_parts["CatalogId"],
        "databaseName": found["DatabaseName"],
        "name": found["Name"],
        "tableType": found.get("TableType"),
        "parameters": found.get("Parameters"),
        "partitionKeys": _columns_output(found.get("PartitionKeys")),
        "storageDescriptor": {
            "location": stored.get("Location"),
            "inputFormat": stored.get("InputFormat"),
            "outputFormat": stored.get("OutputFormat"),
            "columns": _columns_output(stored.get("Columns")),
            "serDeInfo": {
                "name": serde.get("Name"),
                "serializationLibrary": serde.get("SerializationLibrary"),
                "parameters": serde.get("Parameters"),
            },
        },
    }


def _columns_output(columns: list[Values] | None) -> list[Values]:
    return [{"name": column["Name"], "type": column.get("Type")} for column in columns or ()]


def _update_table(aws: Aws, table: Item) -> None:
    parts = _parts(table)
    aws.call(
        "UpdateTable",
        CatalogId=parts["CatalogId"],
        DatabaseName=parts["DatabaseName"],
        TableInput=_table_input(table),
    )


def _delete_table(aws: Aws, table: Item) -> None:
    aws.call("DeleteTable", **_parts(table))


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
    read=(Code(_read_table, "GetTable GetPartitionIndexes"),),
    update=(Code(_update_table, "UpdateTable", on="parameters partitionKeys storageDescriptor tableType"),),
    delete=(Code(_delete_table, "DeleteTable"),),
    gone=_missing,
)

RESOURCES = (DATABASE, TABLE)
