"""S3 buckets and the settings that have a resource of their own. Source: Terraform AWS provider, `internal/service/s3`.

Inline settings of a bucket, which are deprecated, are refused.
"""

import re
from typing import Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError, RejectedValue
from local.aws_provider.model import (
    Code,
    Item,
    Naming,
    Operation,
    Property,
    ResourceType,
    Retry,
    Tagging,
    fixed,
    flag,
    name,
    record,
    text,
    whole,
)
from local.aws_provider.shapes import tag_list
from local.aws_provider.wire import UNKNOWN, Values, fields_of

home_region: Final = "us-east-1"
"""Region without location constraint, in which creating one's own bucket again succeeds."""
website_zones: Final = {
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "ap-northeast-2": "Z3W03O7B5YMIYP",
    "ap-south-1": "Z11RGJOFQNVJUP",
    "ap-southeast-1": "Z3O0J2DXBE1FTB",
    "ap-southeast-2": "Z1WCIGYICN2BYD",
    "ca-central-1": "Z1QDHH18159H29",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-north-1": "Z3BAZG2TWCNX0D",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-west-2": "Z3GKZC51ZF0DB4",
    "eu-west-3": "Z3R1K369G5AVDG",
    "sa-east-1": "Z7KQH4QJS55SO",
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
}
"""Route 53 zones of S3 websites. Source: AWS General Reference, Amazon S3 endpoints."""
_missing_bucket: Final = frozenset({"NoSuchBucket", "404"})
_absent: Final = frozenset(
    {
        *("NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration", "NoSuchTagSet"),
        *("NoSuchWebsiteConfiguration", "NotImplemented", "ObjectLockConfigurationNotFoundError"),
        *("ReplicationConfigurationNotFoundError", "ServerSideEncryptionConfigurationNotFoundError"),
    }
)
_settings: Final = (
    *("GetBucketVersioning", "GetBucketPolicy", "GetBucketEncryption", "GetBucketAcl", "GetBucketCors"),
    *("GetBucketWebsite", "GetBucketAccelerateConfiguration", "GetBucketRequestPayment", "GetBucketLogging"),
    *("GetBucketLifecycleConfiguration", "GetBucketReplication", "GetObjectLockConfiguration"),
)
"""Calls that the real plugin makes to read a bucket. The settings are not supported here, so results are discarded."""


# Buckets.

_dns_name: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")


def _create_bucket(aws: Aws, bucket: Item) -> str:
    title: str = bucket.values["bucket"]
    dotted = re.fullmatch(r"\d+\.\d+\.\d+\.\d+", title)
    # Validated on creation only. us-east-1 permits further names, for old buckets.
    if aws.region != home_region and (dotted or not _dns_name.fullmatch(title)):
        allowed = "3 to 63 of lowercase letters, digits, hyphens and single dots"
        raise InvalidInputError(f'"{title}" is no valid bucket name: {allowed}')
    if aws.region == home_region and _exists(aws, title):
        # In this Region the API responds to one's own existing bucket as if it were new.
        raise AwsError("s3:CreateBucket", "BucketAlreadyExists", f"bucket {title} exists already")
    configuration: Values = {} if aws.region == home_region else {"LocationConstraint": aws.region}
    locked = {"ObjectLockEnabledForBucket": True} if bucket.values.get("objectLockEnabled") else {}
    if bucket.values["tagsAll"]:
        configuration["Tags"] = tag_list(bucket.values["tagsAll"])
    aws.call("CreateBucket", Bucket=title, ACL="private", CreateBucketConfiguration=configuration or None, **locked)
    return title


def _exists(aws: Aws, title: str) -> bool:
    return aws.attempt(_missing_bucket, "HeadBucket", Bucket=title) is not None


def _optional(aws: Aws, operation: str, title: str) -> Values:
    return aws.attempt(_absent, operation, Bucket=title) or {}


def _read_bucket(aws: Aws, bucket: Item) -> Values | None:
    title = bucket.id
    if not _exists(aws, title):
        return None
    region = aws.call("GetBucketLocation", Bucket=title).get("LocationConstraint") or home_region
    found = {operation: _optional(aws, operation, title) for operation in _settings}
    lock = fields_of(found["GetObjectLockConfiguration"].get("ObjectLockConfiguration"))
    return {
        "arn": _arn(aws, title),
        "bucket": title,
        "bucketDomainName": f"{title}.s3.amazonaws.com",
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{title}.s3.{region}.amazonaws.com",
        "hostedZoneId": website_zones.get(region, ""),
        "objectLockEnabled": lock.get("ObjectLockEnabled") == "Enabled",
        "Tags": _tags(aws, title),
    }


def _arn(aws: Aws, title: str) -> str:
    return f"arn:{aws.partition}:s3:::{title}"


def _tags(aws: Aws, title: str) -> list[Values]:
    """Return the tags, from S3 Control, which requires the account; from S3 with `skipRequestingAccountId`."""
    if not aws.account:
        return _optional(aws, "GetBucketTagging", title).get("TagSet") or []
    named = {"AccountId": aws.account, "ResourceArn": _arn(aws, title)}
    return aws.call("s3control:ListTagsForResource", **named).get("Tags") or []


def _retag(aws: Aws, title: str, old: dict[str, str], added: dict[str, str], removed: list[str]) -> None:
    named = {"AccountId": aws.account, "ResourceArn": _arn(aws, title)}
    if not aws.account:
        # S3's own API replaces the whole set.
        tags = {key: value for key, value in {**old, **added}.items() if key not in removed}
        aws.call("PutBucketTagging" if tags else "DeleteBucketTagging", Bucket=title, **_tag_set(tags))
        return
    if removed:
        aws.call("s3control:UntagResource", **named, TagKeys=removed)
    if added:
        aws.call("s3control:TagResource", **named, Tags=tag_list(added))


def _tag_set(tags: dict[str, str]) -> Values:
    return {"Tagging": {"TagSet": tag_list(tags)}} if tags else {}


def _empty_bucket(aws: Aws, bucket: Item) -> None:
    while bucket.values.get("forceDestroy"):
        answer = aws.call("ListObjectVersions", Bucket=bucket.id)
        entries: list[Values] = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        if not entries:
            return
        listed = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        aws.call("DeleteObjects", Bucket=bucket.id, Delete={"Objects": listed, "Quiet": True})


BUCKET = ResourceType(
    name="aws:s3/bucket:Bucket",
    service="s3",
    properties={
        "bucket": name(
            validators.length(0, 63),
            validators.unlike(r"--[-a-z0-9]+--x-s3$", "must not be in the form of a directory bucket"),
            naming=Naming(longest=63, lower=True),
        ),
        "forceDestroy": flag(default=False, local=True),
        "objectLockEnabled": flag(computed=True, replaces=True),
    },
    outputs=("arn bucketDomainName bucketRegion bucketRegionalDomainName hostedZoneId websiteDomain websiteEndpoint"),
    refused=(
        "accelerationStatus acl bucketNamespace bucketPrefix corsRules grants lifecycleRules logging "
        "objectLockConfiguration policy replicationConfiguration requestPayer "
        "serverSideEncryptionConfiguration versioning website"
    ),
    id="{bucket}",
    create=(Code(_create_bucket, "HeadBucket CreateBucket"),),
    read=(
        Code(
            _read_bucket,
            f"HeadBucket GetBucketLocation s3control:ListTagsForResource GetBucketTagging {' '.join(_settings)}",
        ),
    ),
    delete=(Code(_empty_bucket, "ListObjectVersions DeleteObjects"), Operation("DeleteBucket")),
    tagging=Tagging(
        listing="",
        change=_retag,
        operations="s3control:TagResource s3control:UntagResource PutBucketTagging DeleteBucketTagging",
    ),
    gone=_missing_bucket,
)


# Settings.

_any_bucket: Final = text(required=True, replaces=True)
_bucket: Final = text(validators.length(1, 63), required=True, replaces=True)


_put_policy: Final = Operation(
    "PutBucketPolicy",
    retry=Retry(codes=frozenset({"MalformedPolicy"}), seconds=120, only_if=policy_json.names_principal("policy")),
)

BUCKET_POLICY = ResourceType(
    name="aws:s3/bucketPolicy:BucketPolicy",
    service="s3",
    properties={"bucket": _any_bucket, "policy": policy_json.policy(required=True, accepts_object=True)},
    id="{bucket}",
    create=(_put_policy,),
    read=(Operation("GetBucketPolicy"),),
    update=(_put_policy,),
    delete=(Operation("DeleteBucketPolicy"),),
    gone=_missing_bucket | {"NoSuchBucketPolicy"},
    is_gone=lambda found: not found.get("Policy"),
)

BUCKET_ENCRYPTION = ResourceType(
    name="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    service="s3",
    properties={
        "bucket": _bucket,
        "rules": Property(
            kind="list",
            required=True,
            unordered=True,
            aws="ServerSideEncryptionConfiguration.Rules",
            items=record(
                {
                    "applyServerSideEncryptionByDefault": record(
                        {
                            "kmsMasterKeyId": text(),
                            "sseAlgorithm": text(
                                validators.one_of("AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"), required=True
                            ),
                        }
                    ),
                    "bucketKeyEnabled": flag(),
                }
            ),
        ),
    },
    refused="expectedBucketOwner",
    id="{bucket}",
    create=(Operation("PutBucketEncryption"),),
    read=(Operation("GetBucketEncryption"),),
    update=(Operation("PutBucketEncryption"),),
    delete=(Operation("DeleteBucketEncryption"),),
    gone=_missing_bucket | {"ServerSideEncryptionConfigurationNotFoundError"},
)

_block: Final = Operation("PutPublicAccessBlock", {"Bucket": "bucket"}, within="PublicAccessBlockConfiguration")

PUBLIC_ACCESS_BLOCK = ResourceType(
    name="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    service="s3",
    properties={
        "blockPublicAcls": flag(default=False),
        "blockPublicPolicy": flag(default=False),
        "bucket": _any_bucket,
        "ignorePublicAcls": flag(default=False),
        "restrictPublicBuckets": flag(default=False),
    },
    refused="skipDestroy",
    id="{bucket}",
    create=(_block,),
    read=(Operation("GetPublicAccessBlock", result="PublicAccessBlockConfiguration"),),
    update=(_block,),
    delete=(Operation("DeletePublicAccessBlock"),),
    gone=_missing_bucket | {"NoSuchPublicAccessBlockConfiguration"},
)

_never_on: Final = "Disabled"


def _put_versioning(aws: Aws, versioning: Item) -> None:
    status: str = versioning.values["versioningConfiguration"]["status"]
    if status != _never_on:
        aws.call("PutBucketVersioning", Bucket=versioning.values["bucket"], VersioningConfiguration={"Status": status})


def _suspend(aws: Aws, versioning: Item) -> None:
    if versioning.values["versioningConfiguration"]["status"] == _never_on:
        return
    # Versioning of a bucket with Object Lock cannot be suspended.
    suspended = {"Status": "Suspended"}
    aws.attempt({"InvalidBucketState"}, "PutBucketVersioning", Bucket=versioning.id, VersioningConfiguration=suspended)


def _plan_versioning(old: Values, new: Values) -> list[RejectedValue]:
    before = fields_of(old.get("versioningConfiguration")).get("status")
    after = fields_of(new.get("versioningConfiguration")).get("status", UNKNOWN)
    if after == _never_on and before in {"Enabled", "Suspended"}:
        reason = f"versioning_configuration.status cannot be updated from '{before}' to '{_never_on}'"
        return [RejectedValue("versioningConfiguration.status", reason)]
    return []


BUCKET_VERSIONING = ResourceType(
    name="aws:s3/bucketVersioning:BucketVersioning",
    service="s3",
    properties={
        "bucket": _bucket,
        "versioningConfiguration": record(
            {"status": text(validators.one_of("Enabled", "Suspended", _never_on), required=True)},
            required=True,
        ),
    },
    refused="expectedBucketOwner mfa",
    id="{bucket}",
    create=(Code(_put_versioning, "PutBucketVersioning"),),
    read=(
        Operation("GetBucketVersioning"),
        Code(lambda _aws, it: {"VersioningConfiguration": {"Status": it.found.get("Status") or _never_on}}),
    ),
    update=(Code(_put_versioning, "PutBucketVersioning", on="versioningConfiguration"),),
    delete=(Code(_suspend, "PutBucketVersioning"),),
    gone=_missing_bucket,
    plan=_plan_versioning,
)

# Object Lock.


_put_lock: Final = Operation("PutObjectLockConfiguration", {"Bucket": "bucket"}, within="ObjectLockConfiguration")


OBJECT_LOCK = ResourceType(
    name="aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    service="s3",
    properties={
        "bucket": _bucket,
        "objectLockEnabled": fixed("Enabled", replaces=True),
        "rule": record(
            {
                "defaultRetention": record(
                    {
                        "days": whole(required=True),
                        "mode": text(validators.one_of("COMPLIANCE", "GOVERNANCE"), required=True),
                    },
                    required=True,
                )
            }
        ),
    },
    refused="expectedBucketOwner token",
    id="{bucket}",
    create=(_put_lock,),
    read=(Operation("GetObjectLockConfiguration", result="ObjectLockConfiguration"),),
    update=(_put_lock,),
    # Object Lock itself stays enabled for the life of the bucket.
    delete=(
        Operation(
            "PutObjectLockConfiguration",
            {"Bucket": "id", "ObjectLockConfiguration": lambda _: {"ObjectLockEnabled": "Enabled"}},
        ),
    ),
    gone=_missing_bucket | {"ObjectLockConfigurationNotFoundError"},
)
