"""Comparison of a Region's session settings: preferences document, keys, log group, bucket and endpoints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from common.problems import shown
from components.session_manager.document import DOCUMENT_NAME, PREFERENCES, Preferences, document, parse
from components.session_manager.key_policies import data_key_policy, logs_key_policy
from components.session_manager.log_encryption import DefaultEncryption, algorithm_problem, managed_key_problem
from components.session_manager.names import DATA_KEY_ALIAS, DATA_KEY_PARAMETER, LOGS_KEY_ALIAS
from components.session_manager.settings import preferences
from operations.findings import Finding, Status, counted, listed
from operations.inventory.reader import ReadFailure, known
from operations.inventory.session_manager import DocumentFacts, KeyFacts, LogGroupFacts
from operations.verify.documents import default_version_finding, document_ownership_findings
from operations.verify.endpoints import endpoint_findings
from operations.verify.findings import Check
from operations.verify.storage import alias_findings

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.deployment import Deployment
    from operations.inventory.session_manager import BucketEncryption, LogBucketFacts, RegionFacts


_PLAIN: Final = "String"
_SECTION: Final = "shell-access:sessionManager"
UNKNOWN_KEY: Final = f"the key behind {DATA_KEY_ALIAS}"
"""Placeholder for the ID of an unknown key, which is a finding of its own: any key is accepted."""
_INPUTS: Final = "inputs."


def region_findings(deployment: Deployment, facts: RegionFacts) -> list[Finding]:
    """Compare a Region with its settings, in the order in which a session depends on the resources."""
    findings: list[Finding] = []
    settings = deployment.session_manager
    if settings:
        findings += preferences_findings(deployment, settings, facts.document, facts.data_key)
        findings += document_ownership_findings("document", deployment, facts.document)
        findings += key_findings(deployment, settings, facts)
        findings += log_group_findings(deployment, settings, facts)
        findings += bucket_findings(deployment, settings, facts.bucket)
    if deployment.endpoints:
        findings += endpoint_findings(deployment, deployment.endpoints, facts.network)
    return findings


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A setting that differs.

    Attributes:
        name: Name in the document, `idleSessionTimeout`; for other parts of the content, their own name.
        expected: Value in the settings; None: none.
        found: Value in the document; None: none.
    """

    name: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.name}: {_value(self.expected)} expected, {_value(self.found)} found"


def preferences_findings(
    deployment: Deployment,
    settings: SessionManagerSettings,
    live: DocumentFacts | ReadFailure | None,
    data_key: KeyFacts | object,
) -> list[Finding]:
    """Compare the preferences document."""
    exists = Check("document", f"{DOCUMENT_NAME} exists", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such document")]
    key_id = data_key.key_id if isinstance(data_key, KeyFacts) else UNKNOWN_KEY
    desired = preferences(settings, account_id=deployment.account_id, region=deployment.region, kms_key_id=key_id)
    findings = [
        exists.accept(),
        _status(deployment, live),
        default_version_finding("document", deployment, live),
        _content("document-content", deployment, desired, live.default_version, live.default_text),
    ]
    if live.default_version != live.latest_version:
        findings.append(_content("document-latest-content", deployment, desired, live.latest_version, live.latest_text))
    return findings


def differences(desired: Preferences, text: str) -> list[Difference]:
    """Return the differences in a document's content: each setting, then any other content that is not the stack's."""
    values, foreign = parse(text)
    if "text" in foreign:
        return [Difference(name="content", expected="a JSON object", found=foreign["text"])]
    if "inputs" in foreign:
        return [Difference(name="inputs", expected="the settings", found=foreign["inputs"])]
    ours = document(desired)
    found: list[Difference] = []
    for name in PREFERENCES:
        odd = f"{_INPUTS}{name}"
        if odd in foreign:
            # A value of another type, or none, is only visible in the original content.
            found.append(Difference(name=name, expected=ours["inputs"].get(name), found=foreign[odd]))
        elif not _same(desired[name], values[name]):
            found.append(Difference(name=name, expected=desired[name], found=values[name]))
    for name, live in foreign.items():
        if name.removeprefix(_INPUTS) not in PREFERENCES:
            found.append(Difference(name=name, expected=ours.get(name), found=live))
    return found


def _same(desired: Any, found: Any) -> bool:
    return bool(found) if desired == UNKNOWN_KEY else desired == found


def _status(deployment: Deployment, live: DocumentFacts) -> Finding:
    look = f"aws ssm describe-document --name {DOCUMENT_NAME} --region {deployment.region}"
    reason = f": {live.status_reason}" if live.status_reason else ""
    return Check("document-status", "Active", f"verify again in a minute; should it stay so: {look}").judge(
        f"{live.status}{reason}", same=live.status == "Active"
    )


def _content(id_: str, deployment: Deployment, desired: Preferences, version: str, text: str | ReadFailure) -> Finding:
    check = Check(id_, f"version {version} has the content that the settings define", deployment.repair)
    if isinstance(text, ReadFailure):
        return check.report_unread(text)
    unequal = differences(desired, text)
    message = listed([each.name for each in unequal]) if deployment.hides_values else "; ".join(map(str, unequal))
    unknown = f" ({UNKNOWN_KEY} is not known)" if desired["kmsKeyId"] == UNKNOWN_KEY else ""
    return check.judge(message or f"{check.expected}{unknown}", same=not unequal)


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if value == UNKNOWN_KEY else shown(value)


def key_findings(deployment: Deployment, settings: SessionManagerSettings, facts: RegionFacts) -> list[Finding]:
    """Compare the keys that the settings define, and the parameter with the data key's ID."""
    findings: list[Finding] = []
    if settings.session_data_encryption:
        policy = data_key_policy(partition=deployment.partition, account_id=deployment.account_id)
        findings += alias_findings("data-key", DATA_KEY_ALIAS, deployment, facts.data_key, policy)
        if isinstance(facts.data_key, KeyFacts):
            findings += data_key_tag_findings(deployment, facts.data_key)
        findings.append(_parameter(deployment, facts))
    if settings.encrypts_created_log_group:
        policy = logs_key_policy(
            partition=deployment.partition, account_id=deployment.account_id, region=deployment.region
        )
        findings += alias_findings("logs-key", LOGS_KEY_ALIAS, deployment, facts.logs_key, policy)
    return findings


def data_key_tag_findings(deployment: Deployment, key: KeyFacts | ReadFailure | None) -> list[Finding]:
    """Compare the tags of the key for session data, where sessions need some."""
    if not deployment.data_key_tags:
        return []
    tags = ", ".join(f"{name}={value}" for name, value in deployment.data_key_tags.items())
    check = Check("data-key-tags", f"the key has the tag {tags}", deployment.repair)

    def differences(found: KeyFacts) -> list[str]:
        same = deployment.data_key_tags.items() <= (known(found.tags) or {}).items()
        return [] if same else ["it lacks the tag, so no just-in-time session starts"]

    return [check.compare(key, differences, "no such alias")]


def _parameter(deployment: Deployment, facts: RegionFacts) -> Finding:
    """Compare the parameter; if the key is not known, any value is accepted."""
    live, key = facts.data_key_parameter, facts.data_key
    key_id = key.key_id if isinstance(key, KeyFacts) else None
    expected = f"{DATA_KEY_PARAMETER} holds {key_id or f'the ID of the key behind {DATA_KEY_ALIAS}'}"
    check = Check("data-key-parameter", expected, deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return check.report_missing(live, "no such parameter")
    held = f"it holds {live['Value']}"
    differences = [] if live["Value"] == (key_id or live["Value"]) else [held]
    differences += [] if live["Type"] == _PLAIN else [f"its type is {live['Type']}, not {_PLAIN}"]
    return check.report(differences, held)


def log_group_findings(deployment: Deployment, settings: SessionManagerSettings, facts: RegionFacts) -> list[Finding]:
    """Compare the log group if sessions are logged to one."""
    if not settings.logs_to_cloudwatch:
        return []
    live, create = facts.log_group, "create the log group, or set shell-access:sessionManager.createCwLogGroup to true"
    remedy = deployment.repair if settings.create_cw_log_group else create
    exists = Check("log-group", f"log group {settings.cw_log_group_name} exists", remedy)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such log group")]
    findings = [exists.accept()]
    if settings.create_cw_log_group:
        retention = Check("log-group-retention", _days(settings.log_retention_days), deployment.repair)
        kept = live.retention_days
        findings.append(retention.judge(_days(kept), same=kept == settings.log_retention_days))
    if settings.cw_encryption_enabled:
        findings += _group_encryption(deployment, settings, live, facts.logs_key)
    return findings


def _days(days: int | None) -> str:
    return "no end" if days is None else counted(days, "day")


def _group_encryption(
    deployment: Deployment,
    settings: SessionManagerSettings,
    live: LogGroupFacts,
    logs_key: KeyFacts | ReadFailure | None,
) -> list[Finding]:
    """Compare the encryption: a created group has the logs key; for an existing group any key is accepted.

    If the logs key is not known (a finding of its own), any key is accepted.
    """
    check, found = "log-group-encryption", f"encrypted with {live.kms_key_arn}" if live.kms_key_arn else "no KMS key"
    if not settings.create_cw_log_group:
        remedy = (
            f"aws logs associate-kms-key --log-group-name {settings.cw_log_group_name} --kms-key-id KEY_ARN "
            f"--region {deployment.region}, or set shell-access:sessionManager.cwEncryptionEnabled to false"
        )
        return [Check(check, "encrypted with a KMS key", remedy).judge(found, same=live.kms_key_arn is not None)]
    if not isinstance(logs_key, KeyFacts):
        by_logs_key = Check(check, "encrypted with the logs key", deployment.repair)
        return [] if live.kms_key_arn else [by_logs_key.reject(found)]
    own = Check(check, f"encrypted with {logs_key.arn}", deployment.repair)
    return [own.judge(found, same=live.kms_key_arn == logs_key.arn)]


def bucket_findings(
    deployment: Deployment, settings: SessionManagerSettings, live: LogBucketFacts | ReadFailure | None
) -> list[Finding]:
    """Compare the bucket if sessions are logged to one."""
    if not settings.s3_logging:
        return []
    name = settings.s3_bucket_name
    exists = Check("bucket", f"bucket {name} exists", f"create the bucket, or correct {_SECTION}.s3BucketName")
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such bucket")]
    findings = [_bucket_region(deployment, exists, live)]
    if settings.s3_encryption_enabled or settings.s3_kms_key_arn:
        findings.append(_bucket_encryption(deployment, settings, live.encryption, live.region))
    findings.append(_public_access(name, live))
    return findings


def _bucket_region(deployment: Deployment, exists: Check, live: LogBucketFacts) -> Finding:
    found = f"in {live.region}"
    if deployment.endpoints is None or live.region == deployment.region:
        return exists.accept(found)
    remedy = (
        f"name a bucket of {deployment.region} in {_SECTION}.regionOverrides, or provide another network path to S3"
    )
    unreached = f"{found}, which an S3 gateway endpoint in {deployment.region} does not reach"
    return replace(exists, remedy=remedy).reject(unreached, Status.WARNING)


def _bucket_encryption(
    deployment: Deployment,
    settings: SessionManagerSettings,
    live: BucketEncryption | ReadFailure | None,
    live_region: str,
) -> Finding:
    key = settings.s3_kms_key_arn
    options = f"--bucket {settings.s3_bucket_name} --server-side-encryption-configuration file://encryption.json"
    encrypt = f"aws s3api put-bucket-encryption {options}{f' (aws:kms with {key})' if key else ''}"
    check = Check("bucket-encryption", f"encrypted with {key}" if key else "encrypted", encrypt)
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    problem = algorithm_problem(live.algorithm if live else None)
    if live is None or (problem and settings.s3_encryption_enabled):
        return check.reject(f"the bucket {problem}" if live else "not encrypted")
    unusable = managed_key_problem(
        DefaultEncryption(algorithm=live.algorithm, key=live.kms_key_arn or ""),
        region=live_region,
        account_id=deployment.account_id,
        owner=settings.s3_bucket_owner or deployment.account_id,
    )
    if unusable:
        return check.reject(f"the bucket {unusable}")
    found = f"{live.algorithm} with {live.kms_key_arn}" if live.kms_key_arn else live.algorithm
    if not key and live.kms_key_arn:
        unallowed = f"{found}, which the instance policy does not allow nodes to use"
        return replace(check, remedy=f"set {_SECTION}.s3KmsKeyArn to that key").reject(unallowed, Status.WARNING)
    return check.judge(found, same=not key or live.kms_key_arn == key)


def _public_access(name: str, live: LogBucketFacts) -> Finding:
    check = Check(
        "bucket-public-access",
        "public access is blocked",
        f"aws s3api put-public-access-block --bucket {name} --public-access-block-configuration "
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    )
    if isinstance(live.open_to_public, ReadFailure):
        return check.report_unread(live.open_to_public)
    if not live.open_to_public:
        return check.accept()
    return check.reject(f"off: {', '.join(live.open_to_public)}", Status.WARNING)
