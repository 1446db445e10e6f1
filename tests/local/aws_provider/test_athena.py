"""Data Catalog and named queries (Terraform AWS provider: internal/service/glue, internal/service/athena)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import lifecycle

database = "aws:glue/catalogDatabase:CatalogDatabase"
table = "aws:glue/catalogTable:CatalogTable"
query = "aws:athena/namedQuery:NamedQuery"
lock = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
bucket = "aws:s3/bucket:Bucket"
columns = [{"name": "eventid", "type": "string"}, {"name": "who", "type": "struct<arn:string>"}]
records = {
    "name": "records",
    "databaseName": "evidence",
    "tableType": "EXTERNAL_TABLE",
    "parameters": {"EXTERNAL": "TRUE"},
    "partitionKeys": [{"name": "day", "type": "string"}],
    "storageDescriptor": {
        "location": "s3://logs/",
        "columns": columns,
        "serDeInfo": {"name": "json", "serializationLibrary": "x", "parameters": {"a": "b"}},
    },
}
days = {"bucket": "logs", "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}}
group = "aws:athena/workgroup:Workgroup"
limited = {
    "name": "evidence",
    "description": "Queries",
    "configuration": {
        "bytesScannedCutoffPerQuery": 10_485_760,
        "managedQueryResultsConfiguration": {"enabled": True},
        "publishCloudwatchMetricsEnabled": False,
    },
    "forceDestroy": True,
    "tags": {"owner": "security"},
}
named = {"name": "sessions", "database": "evidence", "query": "SELECT 1", "description": "Sessions"}


def test_database_is_made_changed_and_deleted(provider: Any, aws: Any) -> None:
    given = {"name": "evidence", "description": "Records", "tags": {"owner": "security"}}
    made = provider.up(database, "x", given)
    assert made.id == "123456789012:evidence"
    assert made["arn"] == "arn:aws:glue:eu-west-1:123456789012:database/evidence"
    assert provider.unchanged(database, "x", given)
    provider.up(database, "x", {**given, "description": "changed", "tags": {"team": "a"}})
    assert aws("glue").get_database(Name="evidence")["Database"]["Description"] == "changed"
    assert aws("glue").get_tags(ResourceArn=made["arn"])["Tags"] == {"team": "a"}
    assert provider.unchanged(database, "x", {**given, "description": "changed", "tags": {"team": "a"}})


def test_table_is_made_and_updated_in_place(provider: Any, aws: Any) -> None:
    provider.up(database, "d", {"name": "evidence"})
    made = provider.up(table, "x", records)
    assert made.id == "123456789012:evidence:records"
    assert provider.unchanged(table, "x", records)
    provider.up(table, "x", {**records, "parameters": {"EXTERNAL": "TRUE", "projection.enabled": "true"}})
    live = aws("glue").get_table(DatabaseName="evidence", Name="records")["Table"]
    assert live["Parameters"]["projection.enabled"] == "true"
    assert [each["Name"] for each in live["StorageDescriptor"]["Columns"]] == ["eventid", "who"]


@pytest.mark.parametrize("token", [database, table])
def test_name_of_the_catalog_has_no_capitals(provider: Any, token: str) -> None:
    with pytest.raises(Exception, match="uppercase"):
        provider.check(token, "x", {**records, "name": "Records"} if token == table else {"name": "Records"})


def test_named_query_is_replaced_by_every_change(provider: Any, aws: Any) -> None:
    made = provider.up(query, "x", named)
    assert aws("athena").get_named_query(NamedQueryId=made.id)["NamedQuery"]["QueryString"] == "SELECT 1"
    assert provider.unchanged(query, "x", named)
    for change in ({"query": "SELECT 2"}, {"description": "other"}, {"database": "other"}, {"name": "other"}):
        assert list(provider.diff(query, "x", {**named, **change}).replaces) == list(change)


def test_workgroup_is_made_changed_and_tagged(provider: Any, aws: Any) -> None:
    made = provider.up(group, "x", limited)
    assert (made.id, made["arn"]) == ("evidence", "arn:aws:athena:eu-west-1:123456789012:workgroup/evidence")
    assert provider.unchanged(group, "x", limited)
    live = aws("athena").get_work_group(WorkGroup="evidence")["WorkGroup"]
    assert (live["State"], live["Configuration"]["EnforceWorkGroupConfiguration"]) == ("ENABLED", True)
    other = {**limited, "description": "other", "tags": {"team": "a"}, "configuration": {}}
    provider.up(group, "x", other)
    live = aws("athena").get_work_group(WorkGroup="evidence")["WorkGroup"]
    assert "BytesScannedCutoffPerQuery" not in live["Configuration"]
    assert aws("athena").list_tags_for_resource(ResourceARN=made["arn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    assert list(provider.diff(group, "x", {**other, "name": "another"}).replaces) == ["name"]


def test_workgroup_with_queries_is_deleted_by_force_only(provider: Any, aws: Any) -> None:
    for force in (True, False):
        provider.up(group, "x", {**limited, "forceDestroy": force})
        aws("athena").start_query_execution(QueryString="SELECT 1", WorkGroup="evidence")
        if force:
            provider.destroy(group, "x")
            assert [each["Name"] for each in aws("athena").list_work_groups()["WorkGroups"]] == ["primary"]
    with pytest.raises(Exception, match="is not empty"):
        provider.destroy(group, "x")


def test_workgroup_is_created_disabled(provider: Any, aws: Any) -> None:
    made = provider.up(group, "x", {**limited, "state": "DISABLED"})
    assert aws("athena").get_work_group(WorkGroup="evidence")["WorkGroup"]["State"] == made["state"] == "DISABLED"


def test_limit_of_a_workgroup_has_a_minimum(provider: Any) -> None:
    with pytest.raises(Exception, match="10485760"):
        provider.check(group, "x", {**limited, "configuration": {"bytesScannedCutoffPerQuery": 1}})


def test_bucket_has_object_lock_from_its_creation(provider: Any, aws: Any) -> None:
    provider.up(bucket, "b", {"bucket": "logs", "objectLockEnabled": True})
    assert aws("s3").get_object_lock_configuration(Bucket="logs")["ObjectLockConfiguration"]["ObjectLockEnabled"]
    assert aws("s3").get_bucket_versioning(Bucket="logs")["Status"] == "Enabled"
    assert provider.unchanged(bucket, "b", {"bucket": "logs", "objectLockEnabled": True})
    assert provider.unchanged(bucket, "b", {"bucket": "logs"})
    replaced = provider.diff(bucket, "b", {"bucket": "logs", "objectLockEnabled": False})
    assert list(replaced.replaces) == ["objectLockEnabled"]


def test_retention_is_set_changed_and_left_at_deletion(provider: Any, aws: Any) -> None:
    provider.up(bucket, "b", {"bucket": "logs", "objectLockEnabled": True})
    provider.up(lock, "x", days)
    assert provider.unchanged(lock, "x", days)
    aws("s3").put_object(Bucket="logs", Key="a", Body=b"")
    longer = {**days, "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 400}}}
    provider.up(lock, "x", longer)
    live = aws("s3").get_object_lock_configuration(Bucket="logs")["ObjectLockConfiguration"]
    kept = live["Rule"]["DefaultRetention"]
    assert (kept["Mode"], kept["Days"]) == ("COMPLIANCE", 400)
    with pytest.raises(Exception, match="COMPLIANCE"):
        provider.check(lock, "x", {**days, "rule": {"defaultRetention": {"mode": "NONE", "days": 1}}})


@pytest.fixture
def recorded(provider: Any) -> dict[str, Any]:
    provider.up(database, "d", {"name": "evidence"})
    return records


TestDatabase = lifecycle(database, {"name": "e"}, delete=lambda aws, _: aws("glue").delete_database(Name="e"))
TestTable = lifecycle(
    table, "recorded", delete=lambda aws, _: aws("glue").delete_table(DatabaseName="evidence", Name="records")
)
TestNamedQuery = lifecycle(
    query,
    named,
    delete=lambda aws, made: aws("athena").delete_named_query(NamedQueryId=made.id),
)
TestWorkGroup = lifecycle(
    group,
    limited,
    delete=lambda aws, _: aws("athena").delete_work_group(WorkGroup="evidence"),
    replacing=({"name": "b"},),
)
