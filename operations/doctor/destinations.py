"""Encryption and logging of sessions, and the document that configures them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.session_manager.log_encryption import DefaultEncryption, algorithm_problem, managed_key_problem
from components.session_manager.names import DATA_KEY_ALIAS
from operations.doctor.findings import Cause
from operations.findings import Finding, Status, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import (
    ENABLED,
    SYMMETRIC,
    BucketEncryption,
    KeyFacts,
    LogBucketFacts,
    LogGroupFacts,
)
from operations.terminal import program_name
from operations.verify.session_manager import preferences_findings

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.deployment import Deployment
    from operations.doctor.facts import Destinations

_SECTION: Final = "shell-access:sessionManager"
_PENDING: Final = "PendingDeletion"


def destination_findings(deployment: Deployment, facts: Destinations) -> list[Finding]:
    """Return findings about the key for session data, the log group, the bucket and the document."""
    settings = deployment.session_manager
    if settings is None:
        return []
    found = _data_key(deployment, facts) if settings.session_data_encryption else []
    found += _log_group(deployment, settings, facts) if settings.logs_to_cloudwatch else []
    found += _bucket(deployment, settings, facts) if settings.s3_logging else []
    return found + _document(deployment, settings, facts)


def _data_key(deployment: Deployment, facts: Destinations) -> list[Finding]:
    live = facts.live.data_key
    if isinstance(live, ReadFailure):
        return [unknown_finding(Cause.DATA_KEY, live)]
    if live is None:
        return [Finding(check=Cause.DATA_KEY, found=f"no key is behind {DATA_KEY_ALIAS}", remedy=deployment.repair)]
    found = _key(Cause.DATA_KEY, deployment, live, "session data is encrypted with")
    found += _data_key_tags(deployment, live)
    if isinstance(facts.data_key_aliases, ReadFailure):
        found.append(unknown_finding(Cause.DATA_KEY, facts.data_key_aliases, about="aliases"))
    return found


def _data_key_tags(deployment: Deployment, key: KeyFacts) -> list[Finding]:
    """Report a missing tag: the role of just-in-time node access uses no other keys."""
    if not deployment.data_key_tags:
        return []
    if isinstance(key.tags, ReadFailure):
        return [unknown_finding(Cause.DATA_KEY, key.tags, about="tags")]
    if deployment.data_key_tags.items() <= (key.tags or {}).items():
        return []
    named = ", ".join(f"{name}={value}" for name, value in deployment.data_key_tags.items())
    found = f"session data is encrypted with {key.arn}, which lacks the tag {named} that just-in-time sessions need"
    return [Finding(check=Cause.DATA_KEY, found=found, remedy=deployment.repair)]


def _key(cause: Cause, deployment: Deployment, key: KeyFacts, what: str) -> list[Finding]:
    if (key.state, key.spec) == (ENABLED, SYMMETRIC):
        return []
    options = f"--key-id {key.key_id} --region {key.arn.split(':')[3]}"
    enable = f"aws kms enable-key {options}"
    remedy = f"aws kms cancel-key-deletion {options} && {enable}" if key.state == _PENDING else enable
    if key.spec != SYMMETRIC:
        return [Finding(check=cause, found=f"{what} {key.arn}, which is {key.spec}", remedy=deployment.repair)]
    return [Finding(check=cause, found=f"{what} {key.arn}, which is {key.state}", remedy=remedy)]


def _log_group(deployment: Deployment, settings: SessionManagerSettings, facts: Destinations) -> list[Finding]:
    live, name = facts.live.log_group, settings.cw_log_group_name
    create = (
        deployment.repair if settings.create_cw_log_group else f"create it, or set {_SECTION}.createCwLogGroup to true"
    )
    if isinstance(live, ReadFailure):
        return [unknown_finding(Cause.LOG_GROUP, live)]
    if live is None:
        return [Finding(check=Cause.LOG_GROUP, found=f"there is no log group {name}", remedy=create)]
    if live.kms_key_arn is None:
        if not settings.cw_encryption_enabled:
            return []
        found = f"log group {name} is not encrypted with a key, and sessions require it"
        remedy = (
            deployment.repair
            if settings.create_cw_log_group
            else f"aws logs associate-kms-key --region {deployment.region} --log-group-name {name} --kms-key-id KEY"
        )
        return [Finding(check=Cause.LOG_GROUP_ENCRYPTION, found=found, remedy=remedy)]
    return [*_log_group_key(deployment, live, facts), *_other_key(deployment, settings, live, facts)]


def _log_group_key(deployment: Deployment, live: LogGroupFacts, facts: Destinations) -> list[Finding]:
    key = facts.log_group_key
    if isinstance(key, ReadFailure):
        return [unknown_finding(Cause.LOG_GROUP_KEY, key)]
    if key is None:
        found = f"the log group is encrypted with {live.kms_key_arn}, which does not exist"
        return [Finding(check=Cause.LOG_GROUP_KEY, found=found, remedy=deployment.repair)]
    return _key(Cause.LOG_GROUP_KEY, deployment, key, "the log group is encrypted with")


def _other_key(
    deployment: Deployment, settings: SessionManagerSettings, live: LogGroupFacts, facts: Destinations
) -> list[Finding]:
    """Return a warning if the log group has another key than configured.

    Sessions work with any key, but readers of the logs need the configured one.
    """
    ours = facts.live.logs_key
    if not settings.encrypts_created_log_group or not isinstance(ours, KeyFacts) or ours.arn == live.kms_key_arn:
        return []
    text = f"the log group is encrypted with {live.kms_key_arn} and not with {ours.arn}, the stack's own"
    warning = Finding(check=Cause.LOG_GROUP_ENCRYPTION, status=Status.WARNING, found=text, remedy=deployment.repair)
    return [warning]


def _bucket(deployment: Deployment, settings: SessionManagerSettings, facts: Destinations) -> list[Finding]:
    live, name = facts.live.bucket, settings.s3_bucket_name
    if isinstance(live, ReadFailure):
        return [unknown_finding(Cause.BUCKET, live)]
    if live is None:
        remedy = f"create the bucket, or correct {_SECTION}.s3BucketName"
        return [Finding(check=Cause.BUCKET, found=f"there is no bucket {name}", remedy=remedy)]
    return [*_bucket_encryption(deployment, settings, live), *_bucket_key(deployment, live, facts)]


def _bucket_encryption(deployment: Deployment, settings: SessionManagerSettings, live: LogBucketFacts) -> list[Finding]:
    name, desired, encryption = settings.s3_bucket_name, settings.s3_kms_key_arn, live.encryption
    owner = settings.s3_bucket_owner or deployment.account_id
    required = settings.s3_encryption_enabled or bool(desired)
    if isinstance(encryption, ReadFailure):
        is_needed = required or owner != deployment.account_id
        return [unknown_finding(Cause.BUCKET_ENCRYPTION, encryption)] if is_needed else []
    encrypt = (
        f"aws s3api put-bucket-encryption --bucket {name} --server-side-encryption-configuration file://encryption.json"
    )
    problem = algorithm_problem(encryption.algorithm if encryption else None) if required else None
    if problem is None and encryption is not None:
        default = DefaultEncryption(algorithm=encryption.algorithm, key=_reference(encryption))
        problem = managed_key_problem(default, region=live.region, account_id=deployment.account_id, owner=owner)
    if problem is not None:
        with_key = " (aws:kms with a customer managed key that nodes may use, or AES256)"
        return [Finding(check=Cause.BUCKET_ENCRYPTION, found=f"bucket {name} {problem}", remedy=encrypt + with_key)]
    if encryption and desired and encryption.kms_key_arn != desired:
        has = encryption.kms_key_arn or encryption.algorithm
        found = f"bucket {name} is encrypted with {has} and not with {desired}, the key that nodes may use"
        return [Finding(check=Cause.BUCKET_ENCRYPTION, found=found, remedy=f"{encrypt} (aws:kms with {desired})")]
    return []


def _reference(encryption: BucketEncryption) -> str:
    """Return the bucket's reference to its key. Empty: an S3 managed or AWS managed key."""
    return encryption.configured_key or encryption.kms_key_arn or ""


def _bucket_key(deployment: Deployment, live: LogBucketFacts, facts: Destinations) -> list[Finding]:
    encryption, key = live.encryption, facts.bucket_key
    if not isinstance(encryption, BucketEncryption) or encryption.kms_key_arn is None:
        return []
    if isinstance(key, ReadFailure):
        return [unknown_finding(Cause.BUCKET_KEY, key)]
    if key is None:
        named = _reference(encryption)
        found = f"the bucket's key {named} does not exist in account {deployment.account_id} and {live.region}"
        if named.startswith("arn:"):
            found = f"the bucket's key {named} does not exist"
        remedy = "encrypt the bucket with a key that exists, named by its ARN: an ID or alias is resolved in the nodes' account"
        return [Finding(check=Cause.BUCKET_KEY, found=found, remedy=remedy)]
    return _key(Cause.BUCKET_KEY, deployment, key, "the bucket is encrypted with")


def _document(deployment: Deployment, settings: SessionManagerSettings, facts: Destinations) -> list[Finding]:
    checks = preferences_findings(deployment, settings, facts.live.document, facts.live.data_key)
    wrong = [each for each in checks if each.status not in (Status.OK, Status.WARNING)]
    if not wrong:
        return []
    found = "; ".join(f"{each.check}: {each.found}" for each in wrong)
    if any(each.status is Status.DIFFERENT for each in wrong):
        verify = f"{program_name()} verify --stack {deployment.stack}"
        remedy = f"{verify}, which lists every difference; then {deployment.repair}"
        return [Finding(check=Cause.DOCUMENT, found=found, remedy=remedy)]
    remedy = "; ".join(dict.fromkeys(each.remedy for each in wrong))
    return [Finding(check=Cause.DOCUMENT, status=Status.UNKNOWN, found=found, remedy=remedy)]
