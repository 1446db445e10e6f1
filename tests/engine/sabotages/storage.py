"""Changes of the trail, buckets, and the catalog and queries of exported records."""

from functools import partial
from typing import Any

from tests.engine.sabotages.sabotage import REFRESH, Live, Resource, Sabotage, Undo, deleted, do


def trail(live: Live, each: Resource, change: dict[str, Any], back: dict[str, Any]) -> Undo:
    update = partial(live.aws("cloudtrail", each.region).update_trail, Name=each.inputs["name"])
    update(**change)
    return lambda: update(**back)


def trail_key(live: Live, each: Resource) -> Undo:
    return trail(live, each, {"KmsKeyId": ""}, {"KmsKeyId": each.inputs["kmsKeyId"]})


def trail_bucket(live: Live, each: Resource) -> Undo:
    live.aws("s3", "us-east-1").create_bucket(Bucket="elsewhere")
    return trail(live, each, {"S3BucketName": "elsewhere"}, {"S3BucketName": each.inputs["s3BucketName"]})


def trail_stopped(live: Live, each: Resource) -> Undo:
    cloudtrail = live.aws("cloudtrail", each.region)
    cloudtrail.stop_logging(Name=each.inputs["name"])
    return lambda: cloudtrail.start_logging(Name=each.inputs["name"])


def selectors(live: Live, each: Resource) -> Undo:
    put = partial(live.aws("cloudtrail", each.region).put_event_selectors, TrailName=each.inputs["name"])
    put(EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}])
    return lambda: put(EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}])


def bucket_policy(live: Live, each: Resource) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    s3.delete_bucket_policy(Bucket=bucket)
    return lambda: s3.put_bucket_policy(Bucket=bucket, Policy=each.inputs["policy"])


def bucket_public(live: Live, each: Resource, setting: str) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    on = dict.fromkeys(names, True)
    put = partial(s3.put_public_access_block, Bucket=bucket)
    put(PublicAccessBlockConfiguration={**on, setting: False})
    return lambda: put(PublicAccessBlockConfiguration=on)


def bucket_encryption(live: Live, each: Resource) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    before = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    plain = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    put = partial(s3.put_bucket_encryption, Bucket=bucket)
    put(ServerSideEncryptionConfiguration=plain)
    return lambda: put(ServerSideEncryptionConfiguration=before)


def bucket_versioning(live: Live, each: Resource) -> Undo:
    put = partial(live.aws("s3", each.region).put_bucket_versioning, Bucket=each.inputs["bucket"])
    put(VersioningConfiguration={"Status": "Suspended"})
    return lambda: put(VersioningConfiguration={"Status": "Enabled"})


def bucket_lock(live: Live, each: Resource) -> Undo:
    put = partial(live.aws("s3", each.region).put_object_lock_configuration, Bucket=each.inputs["bucket"])
    kept = each.inputs["rule"]["defaultRetention"]

    def lock(days: int) -> None:
        rule = {"DefaultRetention": {"Mode": kept["mode"], "Days": days}}
        put(ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})

    lock(1)
    return lambda: lock(int(kept["days"]))


def table(live: Live, each: Resource, **change: Any) -> Undo:
    glue, database = live.aws("glue", each.region), each.inputs["databaseName"]
    found = glue.get_table(DatabaseName=database, Name=each.inputs["name"])["Table"]
    names = ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
    before = {name: found[name] for name in names}
    changed = {key: {**before[key], **value} if isinstance(value, dict) else value for key, value in change.items()}
    glue.update_table(DatabaseName=database, TableInput={**before, **changed})
    return lambda: glue.update_table(DatabaseName=database, TableInput=before)


def database(live: Live, each: Resource) -> Undo:
    update = partial(live.aws("glue", each.region).update_database, Name=each.inputs["name"])
    update(DatabaseInput={"Name": each.inputs["name"], "Description": "changed"})
    return lambda: update(DatabaseInput={"Name": each.inputs["name"], "Description": each.inputs["description"]})


def database_tag(live: Live, each: Resource) -> Undo:
    glue = live.aws("glue", each.region)
    glue.untag_resource(ResourceArn=each.arn, TagsToRemove=["owner"])
    return lambda: glue.tag_resource(ResourceArn=each.arn, TagsToAdd={"owner": each.inputs["tags"]["owner"]})


def work_group(live: Live, each: Resource, **change: Any) -> Undo:
    athena, name = live.aws("athena", each.region), each.inputs["name"]
    found = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    before: dict[str, Any] = {"Description": found["Description"], "State": found["State"]}
    limit, managed = "BytesScannedCutoffPerQuery", "ManagedQueryResultsConfiguration"
    kept = {limit: found["Configuration"][limit], f"{managed}Updates": found["Configuration"][managed]}
    kept["EnforceWorkGroupConfiguration"] = found["Configuration"]["EnforceWorkGroupConfiguration"]
    update = partial(athena.update_work_group, WorkGroup=name)
    update(**{**before, **change})
    return lambda: update(**before, ConfigurationUpdates=kept)


def work_group_tag(live: Live, each: Resource) -> Undo:
    athena = live.aws("athena", each.region)
    athena.untag_resource(ResourceARN=each.arn, TagKeys=["owner"])
    kept = [{"Key": "owner", "Value": each.inputs["tags"]["owner"]}]
    return lambda: athena.tag_resource(ResourceARN=each.arn, Tags=kept)


def named_query(live: Live, each: Resource, **change: str) -> Undo:
    inputs = each.inputs
    before = {"Name": inputs["name"], "Description": inputs["description"], "QueryString": inputs["query"]}
    update = partial(live.aws("athena", each.region).update_named_query, NamedQueryId=each.id)
    update(**{**before, **change})
    return lambda: update(**before)


def trail_tag(live: Live, each: Resource) -> Undo:
    cloudtrail, tags = live.aws("cloudtrail", each.region), [{"Key": "owner", "Value": each.inputs["tags"]["owner"]}]
    cloudtrail.remove_tags(ResourceId=each.arn, TagsList=tags)
    return lambda: cloudtrail.add_tags(ResourceId=each.arn, TagsList=tags)


def bucket_tag(live: Live, each: Resource) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    before = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    kept = [each for each in before if each["Key"] != "owner"]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": kept})
    return lambda: s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": before})


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("Trail", "tags", trail_tag, REFRESH),
    Sabotage("Bucket", "tags", bucket_tag, REFRESH),
    Sabotage(
        "Trail",
        "enableLogFileValidation",
        do(trail, change={"EnableLogFileValidation": False}, back={"EnableLogFileValidation": True}),
    ),
    Sabotage(
        "Trail",
        "isMultiRegionTrail",
        do(trail, change={"IsMultiRegionTrail": False}, back={"IsMultiRegionTrail": True}),
        also=("approval-alarm-iam-trail",),
    ),
    Sabotage(
        "Trail",
        "includeGlobalServiceEvents",
        do(
            trail,
            change={"IsMultiRegionTrail": False, "IncludeGlobalServiceEvents": False},
            back={"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": True},
        ),
        also=("approval-alarm-iam-trail",),
    ),
    Sabotage("Trail", "kmsKeyId", trail_key),
    Sabotage("Trail", "s3BucketName", trail_bucket),
    Sabotage("Trail", "enableLogging", trail_stopped, also=("approval-alarm-trail", "approval-alarm-iam-trail")),
    Sabotage("Trail", "selectors", selectors, also=("approval-alarm-trail", "approval-alarm-iam-trail")),
    *(
        Sabotage(
            "Trail",
            error,
            lambda live, _, error=error: live.report("shell-access", **{error: "AccessDenied"}),
            "{}-delivery",
        )
        for error in (
            "LatestDeliveryError",
            "LatestDigestDeliveryError",
            "LatestNotificationError",
            "LatestCloudWatchLogsDeliveryError",
        )
    ),
    Sabotage("BucketPolicy", "policy", bucket_policy, "{}-policy"),
    *(
        Sabotage(
            "BucketPublicAccessBlock", name[0].lower() + name[1:], do(bucket_public, setting=name), "{}-public-access"
        )
        for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    ),
    Sabotage("BucketServerSideEncryptionConfiguration", "rules", bucket_encryption, "{}-encryption"),
    # Versioning of a bucket with Object Lock cannot be suspended.
    Sabotage("BucketVersioning", "versioningConfiguration", bucket_versioning, "{}-versioning", applies="-trail-logs"),
    Sabotage("BucketObjectLockConfiguration", "rule", bucket_lock, "{}-lock"),
    Sabotage("CatalogTable", "parameters", do(table, Parameters={"projection.enabled": "false"})),
    Sabotage("CatalogTable", "partitionKeys", do(table, PartitionKeys=[{"Name": "other", "Type": "string"}])),
    Sabotage("CatalogTable", "storageDescriptor", do(table, StorageDescriptor={"Location": "s3://elsewhere/"})),
    Sabotage("CatalogTable", "tableType", do(table, TableType="MANAGED_TABLE"), REFRESH),
    Sabotage("CatalogDatabase", "description", database, REFRESH),
    Sabotage("CatalogDatabase", "tags", database_tag, REFRESH),
    Sabotage("Workgroup", "state", do(work_group, State="DISABLED")),
    Sabotage(
        "Workgroup",
        "configuration",
        do(work_group, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000_000_000}),
    ),
    Sabotage("Workgroup", "description", do(work_group, Description="changed"), REFRESH),
    Sabotage("Workgroup", "tags", work_group_tag, REFRESH),
    Sabotage("NamedQuery", "query", do(named_query, QueryString="SELECT 1")),
    Sabotage("NamedQuery", "description", do(named_query, Description="changed"), REFRESH),
)


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage("Trail", "itself", deleted("cloudtrail", "delete_trail", "Name", "name"), also=("approval-alarm*-trail",)),
    Sabotage("NamedQuery", "itself", deleted("athena", "delete_named_query", "NamedQueryId")),
    Sabotage("Workgroup", "itself", deleted("athena", "delete_work_group", "WorkGroup", "name")),
    Sabotage(
        "CatalogDatabase",
        "itself",
        deleted("glue", "delete_database", "Name", "name"),
        also=("approval-evidence-trail",),
    ),
)
