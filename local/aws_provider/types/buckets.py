"""S3 buckets. Source: Terraform AWS provider, `internal/service/s3/bucket.go`.

Inline settings that have a resource of their own are deprecated. Supported are only those that examples and policy
tests use (`acl`, `policy`, `versioning`, `serverSideEncryptionConfiguration`); each of the others is an error.
"""

import re
from typing import Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError
from local.aws_provider.model import (
    Change,
    Naming,
    Property,
    ResourceType,
    flag,
    output,
    record,
    text,
)
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

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
_absent: Final = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "NoSuchTagSet",
        "NoSuchWebsiteConfiguration",
        "NotImplemented",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
_read_and_left_out: Final = (
    "GetBucketAcl",
    "GetBucketCors",
    "GetBucketWebsite",
    "GetBucketAccelerateConfiguration",
    "GetBucketRequestPayment",
    "GetBucketLogging",
    "GetBucketLifecycleConfiguration",
    "GetBucketReplication",
    "GetObjectLockConfiguration",
)
"""Calls that the real plugin makes to read a bucket. The settings are not supported here, so results are discarded."""


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("bucket") or from_prefix(wanted.get("bucketPrefix", "pulumi-"))
    if aws.region != home_region and (wrong := _bucket_name(name)):
        raise InvalidInputError(wrong)
    if aws.region == home_region and _exists(aws, name):
        # In this Region the API responds to one's own existing bucket as if it were new.
        raise AwsError("s3:CreateBucket", "BucketAlreadyExists", f"bucket {name} exists already")
    configuration: Values = {} if aws.region == home_region else {"LocationConstraint": aws.region}
    if wanted["tagsAll"]:
        configuration["Tags"] = pairs(wanted["tagsAll"])
    aws.call(
        "CreateBucket",
        Bucket=name,
        ACL=wanted.get("acl") or "private",
        CreateBucketConfiguration=configuration or None,
        ObjectLockEnabledForBucket=wanted.get("objectLockEnabled"),
    )
    return name


def _exists(aws: Aws, name: str) -> bool:
    try:
        aws.call("HeadBucket", Bucket=name)
    except AwsError as failure:
        if failure.code in {"404", "NoSuchBucket"}:
            return False
        raise
    return True


def _settle(aws: Aws, name: str, wanted: Values) -> None:
    _configure(aws, name, wanted, {"policy", "versioning", "serverSideEncryptionConfiguration"} & set(wanted))


def _configure(aws: Aws, name: str, wanted: Values, changed: set[str] | frozenset[str]) -> None:
    if "acl" in changed:
        aws.call("PutBucketAcl", Bucket=name, ACL=wanted["acl"])
    if "policy" in changed:
        aws.call("PutBucketPolicy", Bucket=name, Policy=wanted["policy"])
    if "versioning" in changed:
        versioning: Values = wanted["versioning"]
        settings = {"Status": "Enabled" if versioning.get("enabled") else "Suspended"}
        aws.call("PutBucketVersioning", Bucket=name, VersioningConfiguration=settings)
    if "serverSideEncryptionConfiguration" in changed:
        rule = wanted["serverSideEncryptionConfiguration"]["rule"]
        default = rule["applyServerSideEncryptionByDefault"]
        applied = {"SSEAlgorithm": default["sseAlgorithm"], "KMSMasterKeyID": default.get("kmsMasterKeyId")}
        rules: Values = {
            "ApplyServerSideEncryptionByDefault": {key: item for key, item in applied.items() if item},
            "BucketKeyEnabled": rule.get("bucketKeyEnabled", False),
        }
        aws.call("PutBucketEncryption", Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rules]})


def _optional(aws: Aws, operation: str, name: str) -> Values:
    try:
        return aws.call(operation, Bucket=name)
    except AwsError as failure:
        if failure.code in _absent:
            return {}
        raise


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    if not _exists(aws, name):
        return None
    region = aws.call("GetBucketLocation", Bucket=name).get("LocationConstraint") or home_region
    versioning = aws.call("GetBucketVersioning", Bucket=name)
    for operation in _read_and_left_out:
        _optional(aws, operation, name)
    return {
        "acl": known.get("acl"),
        "arn": aws.global_arn("s3", name, account=""),
        "bucket": name,
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketPrefix": known.get("bucketPrefix"),
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "hostedZoneId": website_zones.get(region, ""),
        "objectLockEnabled": bool(known.get("objectLockEnabled")),
        "policy": _optional(aws, "GetBucketPolicy", name).get("Policy"),
        "serverSideEncryptionConfiguration": _encryption(_optional(aws, "GetBucketEncryption", name)),
        "tags": from_pairs(_tags(aws, name)),
        "versioning": {
            "enabled": versioning.get("Status") == "Enabled",
            "mfaDelete": versioning.get("MFADelete") == "Enabled",
        },
    }


def _tags(aws: Aws, name: str) -> list[Values]:
    """Return the tags, from S3 Control, which requires the account; from S3 with `skipRequestingAccountId`."""
    if not aws.account:
        return _optional(aws, "GetBucketTagging", name).get("TagSet") or []
    return aws.call("s3control:ListTagsForResource", **_tagged(aws, name)).get("Tags") or []


def _tagged(aws: Aws, name: str) -> Values:
    return {"AccountId": aws.account, "ResourceArn": aws.global_arn("s3", name, account="")}


def _encryption(answer: Values) -> Values | None:
    found: Values = answer.get("ServerSideEncryptionConfiguration") or {}
    rules: list[Values] = found.get("Rules", [])
    if not rules:
        return None
    default: Values = rules[0].get("ApplyServerSideEncryptionByDefault") or {}
    applied = {"sseAlgorithm": default.get("SSEAlgorithm"), "kmsMasterKeyId": default.get("KMSMasterKeyID")}
    return {
        "rule": {
            "applyServerSideEncryptionByDefault": {key: item for key, item in applied.items() if item},
            "bucketKeyEnabled": rules[0].get("BucketKeyEnabled", False),
        }
    }


def _update(aws: Aws, change: Change) -> None:
    _configure(aws, change.object_id, change.new, change.changed & set(change.new))
    if change.has("policy") and "policy" not in change.new:
        aws.call("DeleteBucketPolicy", Bucket=change.object_id)


def _delete(aws: Aws, name: str, known: Values) -> None:
    if known.get("forceDestroy"):
        _empty(aws, name)
    aws.call("DeleteBucket", Bucket=name)


def _empty(aws: Aws, name: str) -> None:
    while True:
        answer = aws.call("ListObjectVersions", Bucket=name)
        entries: list[Values] = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        if not entries:
            return
        listed = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        aws.call("DeleteObjects", Bucket=name, Delete={"Objects": listed, "Quiet": True})


def _retag(aws: Aws, name: str, known: Values, added: dict[str, str], removed: list[str]) -> None:
    if aws.account:
        if removed:
            aws.call("s3control:UntagResource", **_tagged(aws, name), TagKeys=removed)
        if added:
            aws.call("s3control:TagResource", **_tagged(aws, name), Tags=pairs(added))
        return
    # S3's own API replaces the whole set.
    old: dict[str, str] = known.get("tagsAll") or {}
    wanted = {key: value for key, value in {**old, **added}.items() if key not in removed}
    if wanted:
        aws.call("PutBucketTagging", Bucket=name, Tagging={"TagSet": pairs(wanted)})
    else:
        aws.call("DeleteBucketTagging", Bucket=name)


_directory_bucket = validators.unlike(r"--[-a-z0-9]+--x-s3$", "must not be in the form of a directory bucket")
_dns_name = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")


def _bucket_name(value: str) -> str | None:
    """Validate a bucket name, on creation only; us-east-1 permits further names, for old buckets."""
    if not _dns_name.fullmatch(value) or re.fullmatch(r"\d+\.\d+\.\d+\.\d+", value):
        return f'"{value}" is no valid bucket name: 3 to 63 of lowercase letters, digits, hyphens and single dots'
    return None


_refused = Property(kind="list", items=Property(kind="object", fields={}), checks=(validators.unsupported,))
_refused_object = Property(kind="map", items=Property(), checks=(validators.unsupported,))
_refused_text = text(computed=True, checks=(validators.unsupported,))

BUCKET = ResourceType(
    name="aws:s3/bucket:Bucket",
    service="s3",
    properties={
        "accelerationStatus": _refused_text,
        "acl": text(
            computed=True,
            conflicts=("grants",),
            checks=(
                validators.one_of(
                    "private", "public-read", "public-read-write", "authenticated-read", "log-delivery-write"
                ),
            ),
        ),
        "arn": output(),
        "bucket": text(
            replaces=True,
            computed=True,
            naming=Naming(longest=63, lower=True),
            conflicts=("bucketPrefix",),
            checks=(validators.length(0, 63), _directory_bucket),
        ),
        "bucketDomainName": output(),
        "bucketNamespace": _refused_text,
        "bucketPrefix": text(replaces=True, computed=True, conflicts=("bucket",), checks=(validators.length(0, 37),)),
        "bucketRegion": output(),
        "bucketRegionalDomainName": output(),
        "corsRules": _refused,
        "forceDestroy": flag(default=False, local=True),
        "grants": _refused,
        "hostedZoneId": output(),
        "lifecycleRules": _refused,
        "logging": _refused_object,
        "objectLockConfiguration": _refused_object,
        "objectLockEnabled": flag(computed=True, replaces=True),
        "policy": text(
            computed=True,
            accepts_object=True,
            checks=(validators.json_text,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
        "replicationConfiguration": _refused_object,
        "requestPayer": _refused_text,
        "serverSideEncryptionConfiguration": record(
            {
                "rule": record(
                    {
                        "applyServerSideEncryptionByDefault": record(
                            {
                                "kmsMasterKeyId": text(),
                                "sseAlgorithm": text(
                                    required=True,
                                    checks=(validators.one_of("AES256", "aws:kms", "aws:kms:dsse"),),
                                ),
                            },
                            required=True,
                        ),
                        "bucketKeyEnabled": flag(),
                    },
                    required=True,
                )
            },
            computed=True,
        ),
        "versioning": record({"enabled": flag(), "mfaDelete": flag()}, computed=True),
        "website": _refused_object,
        "websiteDomain": output(),
        "websiteEndpoint": output(),
    },
    calls={
        "create": (*("HeadBucket", "CreateBucket", "PutBucketPolicy", "PutBucketVersioning", "PutBucketEncryption"),),
        "read": (
            *("HeadBucket", "GetBucketLocation", "GetBucketVersioning", "GetBucketPolicy"),
            *("GetBucketEncryption", "s3control:ListTagsForResource", "GetBucketTagging"),
            *_read_and_left_out,
        ),
        "update": (
            *("PutBucketAcl", "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketVersioning"),
            *("PutBucketEncryption", "s3control:TagResource", "s3control:UntagResource"),
            *("PutBucketTagging", "DeleteBucketTagging"),
        ),
        "delete": ("ListObjectVersions", "DeleteObjects", "DeleteBucket"),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"NoSuchBucket", "404"}),
)

RESOURCES = (BUCKET,)
