"""Bucket settings with resources of their own. Source: Terraform AWS provider, `internal/service/s3/bucket_*.go`."""

from typing import Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Change, Problem, Property, ResourceType, flag, record, text
from local.aws_provider.wire import UNKNOWN, Values

_missing_bucket: Final = frozenset({"NoSuchBucket", "404"})
_owner = text(replaces=True, checks=(validators.matches(r"\d{12}", "must be an account of 12 digits"),))
policy_seconds: Final = 120
"""Time to retry while S3 may not know a new principal."""


def _object_id(wanted: Values) -> str:
    owner = wanted.get("expectedBucketOwner")
    return f"{wanted['bucket']},{owner}" if owner else wanted["bucket"]


def _bucket_and_owner(object_id: str) -> Values:
    """Return the arguments that identify the bucket; the owner is None if no owner is expected."""
    bucket, _, owner = object_id.partition(",")
    return {"Bucket": bucket, "ExpectedBucketOwner": owner or None}


# Policy.


def _create_policy(aws: Aws, wanted: Values) -> str:
    _put_policy(aws, wanted)
    return wanted["bucket"]


def _put_policy(aws: Aws, wanted: Values) -> None:
    names_principal = ":role/" in wanted["policy"] or ":user/" in wanted["policy"]
    aws.retry(
        {"MalformedPolicy"} if names_principal else (),
        lambda: aws.call("PutBucketPolicy", Bucket=wanted["bucket"], Policy=wanted["policy"]),
        policy_seconds,
    )


def _read_policy(aws: Aws, bucket: str, _known: Values) -> Values | None:
    policy = aws.call("GetBucketPolicy", Bucket=bucket).get("Policy")
    return {"bucket": bucket, "policy": policy} if policy else None


BUCKET_POLICY = ResourceType(
    name="aws:s3/bucketPolicy:BucketPolicy",
    service="s3",
    properties={
        "bucket": text(required=True, replaces=True),
        "policy": text(
            required=True,
            accepts_object=True,
            checks=(validators.json_text,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
    },
    calls={
        "create": ("PutBucketPolicy",),
        "read": ("GetBucketPolicy",),
        "update": ("PutBucketPolicy",),
        "delete": ("DeleteBucketPolicy",),
    },
    create=_create_policy,
    read=_read_policy,
    update=lambda aws, change: _put_policy(aws, change.new),
    delete=lambda aws, bucket, _known: _drop(aws, "DeleteBucketPolicy", bucket),
    gone=_missing_bucket | {"NoSuchBucketPolicy"},
)


def _drop(aws: Aws, operation: str, bucket: str) -> None:
    aws.call(operation, Bucket=bucket)


# Encryption.


def _put_encryption(aws: Aws, object_id: str, wanted: Values) -> None:
    rules: list[Values] = []
    for item in wanted["rules"]:
        default: Values = item.get("applyServerSideEncryptionByDefault") or {}
        applied = {"SSEAlgorithm": default.get("sseAlgorithm"), "KMSMasterKeyID": default.get("kmsMasterKeyId")}
        rule: Values = {"BucketKeyEnabled": item.get("bucketKeyEnabled", False)}
        if default:
            rule["ApplyServerSideEncryptionByDefault"] = {key: value for key, value in applied.items() if value}
        if item.get("blockedEncryptionTypes"):
            rule["BlockedEncryptionTypes"] = {"EncryptionType": item["blockedEncryptionTypes"]}
        rules.append(rule)
    aws.call(
        "PutBucketEncryption",
        **_bucket_and_owner(object_id),
        ServerSideEncryptionConfiguration={"Rules": rules},
    )


def _create_encryption(aws: Aws, wanted: Values) -> str:
    object_id = _object_id(wanted)
    _put_encryption(aws, object_id, wanted)
    return object_id


def _read_encryption(aws: Aws, object_id: str, _known: Values) -> Values | None:
    where = _bucket_and_owner(object_id)
    found = aws.call("GetBucketEncryption", **where)["ServerSideEncryptionConfiguration"]
    rules: list[Values] = []
    for item in found["Rules"]:
        default: Values = item.get("ApplyServerSideEncryptionByDefault") or {}
        applied = {"sseAlgorithm": default.get("SSEAlgorithm"), "kmsMasterKeyId": default.get("KMSMasterKeyID", "")}
        blocked: Values = item.get("BlockedEncryptionTypes") or {}
        rules.append(
            {
                "applyServerSideEncryptionByDefault": applied if default else None,
                "blockedEncryptionTypes": blocked.get("EncryptionType", []),
                "bucketKeyEnabled": item.get("BucketKeyEnabled", False),
            }
        )
    return {"bucket": where["Bucket"], "expectedBucketOwner": where["ExpectedBucketOwner"], "rules": rules}


BUCKET_ENCRYPTION = ResourceType(
    name="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    service="s3",
    properties={
        "bucket": text(required=True, replaces=True, checks=(validators.length(1, 63),)),
        "expectedBucketOwner": _owner,
        "rules": Property(
            kind="list",
            required=True,
            unordered=True,
            items=record(
                {
                    "applyServerSideEncryptionByDefault": record(
                        {
                            "kmsMasterKeyId": text(),
                            "sseAlgorithm": text(
                                required=True,
                                checks=(validators.one_of("AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"),),
                            ),
                        }
                    ),
                    "blockedEncryptionTypes": Property(
                        kind="list",
                        unordered=True,
                        computed=True,
                        items=text(checks=(validators.one_of("SSE-C", "NONE"),)),
                    ),
                    "bucketKeyEnabled": flag(),
                }
            ),
        ),
    },
    calls={
        "create": ("PutBucketEncryption",),
        "read": ("GetBucketEncryption",),
        "update": ("PutBucketEncryption",),
        "delete": ("DeleteBucketEncryption",),
    },
    create=_create_encryption,
    read=_read_encryption,
    update=lambda aws, change: _put_encryption(aws, change.object_id, change.new),
    delete=lambda aws, object_id, _known: _drop_encryption(aws, object_id),
    gone=_missing_bucket | {"ServerSideEncryptionConfigurationNotFoundError"},
)


def _drop_encryption(aws: Aws, object_id: str) -> None:
    aws.call("DeleteBucketEncryption", **_bucket_and_owner(object_id))


# Public access.

_blocks: Final = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


def _put_block(aws: Aws, wanted: Values) -> None:
    settings = {theirs: wanted[ours] for ours, theirs in _blocks.items()}
    aws.call("PutPublicAccessBlock", Bucket=wanted["bucket"], PublicAccessBlockConfiguration=settings)


def _create_block(aws: Aws, wanted: Values) -> str:
    _put_block(aws, wanted)
    return wanted["bucket"]


def _read_block(aws: Aws, bucket: str, _known: Values) -> Values | None:
    found = aws.call("GetPublicAccessBlock", Bucket=bucket)["PublicAccessBlockConfiguration"]
    return {"bucket": bucket, **{ours: found.get(theirs, False) for ours, theirs in _blocks.items()}}


def _update_block(aws: Aws, change: Change) -> None:
    if change.changed - {"skipDestroy"}:
        _put_block(aws, change.new)


def _delete_block(aws: Aws, bucket: str, known: Values) -> None:
    if not known.get("skipDestroy"):
        _drop(aws, "DeletePublicAccessBlock", bucket)


PUBLIC_ACCESS_BLOCK = ResourceType(
    name="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    service="s3",
    properties={
        **{name: flag(default=False) for name in _blocks},
        "bucket": text(required=True, replaces=True),
        "skipDestroy": flag(local=True),
    },
    calls={
        "create": ("PutPublicAccessBlock",),
        "read": ("GetPublicAccessBlock",),
        "update": ("PutPublicAccessBlock",),
        "delete": ("DeletePublicAccessBlock",),
    },
    create=_create_block,
    read=_read_block,
    update=_update_block,
    delete=_delete_block,
    gone=_missing_bucket | {"NoSuchPublicAccessBlockConfiguration"},
)


# Versioning.

_never_on: Final = "Disabled"


def _put_versioning(aws: Aws, object_id: str, wanted: Values) -> None:
    given = wanted["versioningConfiguration"]
    settings = {"Status": given["status"], "MFADelete": given.get("mfaDelete")}
    aws.call(
        "PutBucketVersioning",
        **_bucket_and_owner(object_id),
        MFA=wanted.get("mfa"),
        VersioningConfiguration={key: value for key, value in settings.items() if value},
    )


def _create_versioning(aws: Aws, wanted: Values) -> str:
    object_id = _object_id(wanted)
    if wanted["versioningConfiguration"]["status"] != _never_on:
        _put_versioning(aws, object_id, wanted)
    return object_id


def _read_versioning(aws: Aws, object_id: str, _known: Values) -> Values | None:
    where = _bucket_and_owner(object_id)
    found = aws.call("GetBucketVersioning", **where)
    return {
        "bucket": where["Bucket"],
        "expectedBucketOwner": where["ExpectedBucketOwner"],
        "versioningConfiguration": {
            "mfaDelete": found.get("MFADelete", ""),
            "status": found.get("Status") or _never_on,
        },
    }


def _delete_versioning(aws: Aws, object_id: str, known: Values) -> None:
    if known["versioningConfiguration"]["status"] == _never_on:
        return
    try:
        aws.call("PutBucketVersioning", **_bucket_and_owner(object_id), VersioningConfiguration={"Status": "Suspended"})
    except AwsError as failure:
        # Versioning of a bucket with Object Lock cannot be suspended.
        if failure.code != "InvalidBucketState":
            raise


def _plan_versioning(old: Values, new: Values) -> list[Problem]:
    before: Values = old.get("versioningConfiguration") or {}
    after = new.get("versioningConfiguration")
    if not before or not after or after is UNKNOWN:
        return []
    was, wanted = before.get("status"), after.get("status")
    if wanted == _never_on and was in {"Enabled", "Suspended"}:
        reason = f"versioning_configuration.status cannot be updated from '{was}' to '{_never_on}'"
        return [Problem("versioningConfiguration.status", reason)]
    return []


BUCKET_VERSIONING = ResourceType(
    name="aws:s3/bucketVersioning:BucketVersioning",
    service="s3",
    properties={
        "bucket": text(required=True, replaces=True, checks=(validators.length(1, 63),)),
        "expectedBucketOwner": _owner,
        "mfa": text(local=True),
        "versioningConfiguration": record(
            {
                "mfaDelete": text(computed=True, checks=(validators.one_of("Enabled", "Disabled"),)),
                "status": text(required=True, checks=(validators.one_of("Enabled", "Suspended", _never_on),)),
            },
            required=True,
        ),
    },
    calls={
        "create": ("PutBucketVersioning",),
        "read": ("GetBucketVersioning",),
        "update": ("PutBucketVersioning",),
        "delete": ("PutBucketVersioning",),
    },
    create=_create_versioning,
    read=_read_versioning,
    update=lambda aws, change: _put_versioning(aws, change.object_id, change.new),
    delete=_delete_versioning,
    gone=_missing_bucket,
    plan=_plan_versioning,
)

RESOURCES = (BUCKET_POLICY, BUCKET_ENCRYPTION, PUBLIC_ACCESS_BLOCK, BUCKET_VERSIONING)
