"""Session Manager resources of a Region: documents, keys, parameters, log groups and buckets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from components.adoption.inventory import tags_of
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.log_encryption import DefaultEncryption, default_encryption, key_reference
from components.session_manager.names import DATA_KEY_ALIAS, DATA_KEY_PARAMETER, LOGS_KEY_ALIAS
from operations.inventory.network import EndpointNetwork, read_endpoint_network
from operations.inventory.reader import Answer, Reader, ReadFailure, attempt, returns_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.session_manager.settings import SessionManagerSettings
    from operations.deployment import Deployment


ENABLED: Final = "Enabled"
SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
NO_DOCUMENT: Final = ("InvalidDocument",)
NO_BUCKET: Final = ("404", "NoSuchBucket")
_PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass(frozen=True, kw_only=True)
class DocumentFacts:
    """A document of Systems Manager.

    Attributes:
        status: `Active`, `Creating`, `Failed`, ...
        status_reason: Status information of Systems Manager; often empty.
        default_version: Number of the default version, as text.
        latest_version: Number of the latest version, as text.
        default_text: Content of the default version.
        latest_text: Content of the latest version.
        type: `Session`, `Automation`, `Automation.ChangeTemplate`, ...
        shared_with: Accounts that it is shared with, or `all`; empty also if it was not read.
    """

    status: str
    status_reason: str
    default_version: str
    latest_version: str
    default_text: str | ReadFailure
    latest_text: str | ReadFailure
    type: str = "Session"
    shared_with: tuple[str, ...] | ReadFailure = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class KeyFacts:
    """The key behind an alias.

    Attributes:
        key_id: Key ID, without the rest of the ARN.
        state: `Enabled`, `Disabled`, `PendingDeletion`, ...
        spec: Key spec, `SYMMETRIC_DEFAULT`, ...
        rotates: Whether automatic rotation is on; None: not read, as it does not apply to the state or type of the key.
        policy: Key policy; None: not read.
        tags: Tags of the key; None: not read.
    """

    key_id: str
    arn: str
    state: str
    spec: str
    rotates: bool | ReadFailure | None
    policy: Mapping[str, Any] | ReadFailure | None = None
    tags: Mapping[str, str] | ReadFailure | None = None


@dataclass(frozen=True, kw_only=True)
class LogGroupFacts:
    """The log group.

    Attributes:
        retention_days: Retention period; None: events never expire.
        kms_key_arn: ARN of the KMS key; None: encrypted by CloudWatch Logs itself only.
    """

    retention_days: int | None
    kms_key_arn: str | None


@dataclass(frozen=True, kw_only=True)
class BucketEncryption:
    """Default encryption of a bucket.

    Attributes:
        algorithm: `AES256`, `aws:kms`, `aws:kms:dsse`.
        kms_key_arn: ARN of the customer managed key; if it does not exist, the reference. None: a key of S3 or of AWS.
        configured_key: Reference to the key in the bucket's configuration: ARN, ID or alias; empty: none.
    """

    algorithm: str
    kms_key_arn: str | None
    configured_key: str = ""


@dataclass(frozen=True, kw_only=True)
class LogBucketFacts:
    """The bucket for session logs.

    Attributes:
        encryption: Default encryption; None: none.
        open_to_public: Names of the four Block Public Access settings that are off.
    """

    region: str
    encryption: BucketEncryption | ReadFailure | None
    open_to_public: tuple[str, ...] | ReadFailure


@dataclass(frozen=True, kw_only=True)
class RegionFacts:
    """Facts about one Region; resources that the settings do not define are not read.

    Attributes:
        data_key_parameter: Parameter with the ID of the data key, in the format of the API.
    """

    document: DocumentFacts | ReadFailure | None = None
    data_key: KeyFacts | ReadFailure | None = None
    data_key_parameter: Answer | ReadFailure | None = None
    logs_key: KeyFacts | ReadFailure | None = None
    log_group: LogGroupFacts | ReadFailure | None = None
    bucket: LogBucketFacts | ReadFailure | None = None
    network: EndpointNetwork | ReadFailure | None = None


def read_region(reader: Reader, deployment: Deployment, *, key_policies: bool = False) -> RegionFacts:
    """Read one Region; facts that cannot be read contain the reason."""
    network = (
        read_endpoint_network(reader, deployment.endpoints.vpc, f"endpoints-{deployment.region}")
        if deployment.endpoints
        else None
    )
    settings = deployment.session_manager
    if settings is None:
        return RegionFacts(network=network)
    encrypts = settings.session_data_encryption
    return RegionFacts(
        document=read_document(reader, DOCUMENT_NAME),
        data_key=read_data_key(reader, deployment, policy=key_policies) if encrypts else None,
        data_key_parameter=_parameter(reader) if encrypts else None,
        logs_key=read_key(reader, LOGS_KEY_ALIAS, policy=key_policies) if settings.encrypts_created_log_group else None,
        log_group=read_log_group(reader, settings.cw_log_group_name) if settings.logs_to_cloudwatch else None,
        bucket=_bucket(reader, settings, deployment.account_id) if settings.s3_logging else None,
        network=network,
    )


def read_data_key(reader: Reader, deployment: Deployment, *, policy: bool = False) -> KeyFacts | ReadFailure | None:
    """Read the key for session data, with its tags where it needs some."""
    key = read_key(reader, DATA_KEY_ALIAS, policy=policy)
    needs_tags = isinstance(key, KeyFacts) and bool(deployment.data_key_tags)
    if not (needs_tags and isinstance(key, KeyFacts)):
        return key
    return replace(
        key, tags=attempt(lambda: tags_of(reader.items("kms", "list_resource_tags", "Tags", KeyId=key.key_id)))
    )


@returns_failure
def read_document(reader: Reader, name: str, *, sharing: bool = False) -> DocumentFacts | None:
    """Read a document with the content of its default and its latest version."""
    answer = reader.find("ssm", "describe_document", absent=NO_DOCUMENT, Name=name)
    if answer is None:
        return None
    described = answer["Document"]
    default, latest = str(described["DefaultVersion"]), str(described["LatestVersion"])
    text = _text(reader, name, default)
    return DocumentFacts(
        status=described["Status"],
        status_reason=described.get("StatusInformation", ""),
        default_version=default,
        latest_version=latest,
        default_text=text,
        latest_text=text if latest == default else _text(reader, name, latest),
        type=described.get("DocumentType", ""),
        shared_with=_shared_with(reader, name) if sharing else (),
        tags=tags_of(described.get("Tags", ())),
    )


@returns_failure
def _text(reader: Reader, name: str, version: str) -> str:
    answer = reader.get("ssm", "get_document", Name=name, DocumentVersion=version, DocumentFormat="JSON")
    return str(answer.get("Content", ""))


@returns_failure
def _shared_with(reader: Reader, name: str) -> tuple[str, ...]:
    pages = reader.pages("ssm", "describe_document_permission", Name=name, PermissionType="Share")
    return tuple(sorted(account for page in pages for account in page.get("AccountIds", ())))


@returns_failure
def read_key(reader: Reader, alias: str, *, policy: bool = False) -> KeyFacts | None:
    """Read the key behind an alias."""
    answer = reader.find("kms", "describe_key", absent=("NotFoundException",), KeyId=alias)
    if answer is None:
        return None
    key = answer["KeyMetadata"]
    id_, rotates = key["KeyId"], (key["KeyState"], key["KeySpec"]) == (ENABLED, SYMMETRIC)
    return KeyFacts(
        key_id=id_,
        arn=key["Arn"],
        state=key["KeyState"],
        spec=key["KeySpec"],
        policy=_key_policy(reader, id_) if policy else None,
        rotates=attempt(lambda: bool(reader.get("kms", "get_key_rotation_status", KeyId=id_)["KeyRotationEnabled"]))
        if rotates
        else None,
    )


@returns_failure
def _key_policy(reader: Reader, key_id: str) -> dict[str, Any]:
    return json.loads(reader.get("kms", "get_key_policy", KeyId=key_id, PolicyName="default").get("Policy", "{}"))


@returns_failure
def _parameter(reader: Reader) -> Answer | None:
    answer = reader.find("ssm", "get_parameter", absent=("ParameterNotFound",), Name=DATA_KEY_PARAMETER)
    return answer["Parameter"] if answer else None


@returns_failure
def read_log_group(reader: Reader, name: str) -> LogGroupFacts | None:
    """Read the log group with exactly this name."""
    for group in reader.items("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name):
        if group["logGroupName"] == name:
            return LogGroupFacts(retention_days=group.get("retentionInDays"), kms_key_arn=group.get("kmsKeyId"))
    return None


def _bucket(reader: Reader, settings: SessionManagerSettings, account_id: str) -> LogBucketFacts | ReadFailure | None:
    """Read the bucket; each call names the expected owner, so that another account's bucket of that name is denied."""
    owner = settings.s3_bucket_owner or account_id
    of_bucket = {"Bucket": settings.s3_bucket_name, "ExpectedBucketOwner": owner}
    answer = reader.read("s3", "head_bucket", absent=NO_BUCKET, **of_bucket)
    if isinstance(answer, ReadFailure) and answer.refused:
        # A denied HEAD request has no error message (Amazon S3 API Reference, HeadBucket).
        cause = f"refused: the bucket is not of account {owner}, or the caller lacks the permission"
        return replace(answer, cause=cause, remedy=f"{answer.remedy}; or set shell-access:sessionManager.s3BucketOwner")
    if answer is None or isinstance(answer, ReadFailure):
        return answer
    region = str(answer.get("BucketRegion") or reader.region)
    there = reader.elsewhere(region)
    return LogBucketFacts(
        region=region, encryption=_encryption(there, of_bucket), open_to_public=open_to_public(there, of_bucket)
    )


@returns_failure
def _encryption(reader: Reader, of_bucket: dict[str, str]) -> BucketEncryption | None:
    default = read_default_encryption(reader, of_bucket)
    if default is None:
        return None
    key = _key_arn(reader, default.key, of_bucket["ExpectedBucketOwner"])
    return BucketEncryption(algorithm=default.algorithm, kms_key_arn=key, configured_key=default.key)


def read_default_encryption(reader: Reader, of_bucket: dict[str, str]) -> DefaultEncryption | None:
    """Read the default encryption of a bucket."""
    absent = ("ServerSideEncryptionConfigurationNotFoundError",)
    answer = reader.find("s3", "get_bucket_encryption", absent=absent, **of_bucket)
    return default_encryption(answer["ServerSideEncryptionConfiguration"]) if answer else None


def _key_arn(reader: Reader, reference: str, account_id: str) -> str | None:
    """Return the ARN of the key that a bucket's configuration refers to, or None for the AWS managed key."""
    key = key_reference(reference, region=reader.region, account_id=account_id)
    if not reference or key.is_aws_managed:
        return None
    if ":key/" in reference:
        return reference
    answer = reader.elsewhere(key.region).find("kms", "describe_key", absent=("NotFoundException",), KeyId=key.key_id)
    return str(answer["KeyMetadata"]["Arn"]) if answer else reference


@returns_failure
def open_to_public(reader: Reader, of_bucket: dict[str, str]) -> tuple[str, ...]:
    """Return the names of a bucket's Block Public Access settings that are off."""
    absent = ("NoSuchPublicAccessBlockConfiguration",)
    answer = reader.find("s3", "get_public_access_block", absent=absent, **of_bucket)
    block: Answer = answer["PublicAccessBlockConfiguration"] if answer else {}
    return tuple(name for name in _PUBLIC_ACCESS if not block.get(name))
