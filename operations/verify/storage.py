"""Comparison of the keys and buckets that a stack creates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import ENABLED, SYMMETRIC, KeyFacts
from operations.verify.findings import Check
from operations.verify.policies import policy_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.deployment import Deployment
    from operations.findings import Finding
    from operations.inventory.monitoring import OwnBucketFacts

_PENDING: Final = "PendingDeletion"


def alias_findings(
    check: str, alias: str, deployment: Deployment, live: KeyFacts | ReadFailure | None, policy: Mapping[str, Any]
) -> list[Finding]:
    """Compare the key behind an alias: it exists, is enabled, rotates, and has the key policy that the settings define.

    `check` is the ID of the first finding, and the prefix of the others' IDs.
    """
    exists = Check(check, f"{alias} points to an enabled symmetric key", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such alias")]
    usable = live.state == ENABLED and live.spec == SYMMETRIC
    found = f"{live.key_id}, {live.state}{'' if live.spec == SYMMETRIC else f', {live.spec}'}"
    findings = [replace(exists, remedy=_revive(deployment, live)).judge(found, same=usable)]
    if live.rotates is not None:
        rotation = Check(f"{check}-rotation", "rotation is on", deployment.repair)
        findings.append(rotation.compare(live.rotates, lambda rotates: [] if rotates else ["rotation is off"]))
    return [*findings, policy_finding(f"{check}-policy", deployment, policy, live.policy)]


def _revive(deployment: Deployment, live: KeyFacts) -> str:
    options = f"--key-id {live.key_id} --region {deployment.region}"
    if live.spec != SYMMETRIC:
        return deployment.repair
    if live.state == _PENDING:
        return f"aws kms cancel-key-deletion {options} && aws kms enable-key {options}"
    return f"aws kms enable-key {options}"


@dataclass(frozen=True, kw_only=True)
class DesiredBucket:
    """A bucket as the settings define it.

    Attributes:
        check: ID of the first finding, and prefix of the others' IDs.
        key_alias: Alias of the key that encrypts it.
        retention: Default retention of Object Lock, `GOVERNANCE, 400 days`; "": not compared.
    """

    check: str
    name: str
    key_alias: str
    policy: Mapping[str, Any]
    retention: str = ""


def own_bucket_findings(
    deployment: Deployment,
    desired: DesiredBucket,
    live: OwnBucketFacts | ReadFailure | None,
    key: KeyFacts | ReadFailure | None,
) -> list[Finding]:
    """Compare a bucket."""
    check, repair = desired.check, deployment.repair
    exists = Check(check, f"bucket {desired.name} exists", repair)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such bucket")]
    encryption = Check(f"{check}-encryption", f"encrypted with the key behind {desired.key_alias}", repair)
    lock = Check(f"{check}-lock", f"new objects are locked: {desired.retention}", repair)
    return [
        exists.accept(),
        policy_finding(f"{check}-policy", deployment, desired.policy, live.policy),
        _encryption(encryption, live.encryption, key),
        Check(f"{check}-public-access", "public access is blocked", repair).compare(
            live.open_to_public, lambda names: [f"off: {', '.join(names)}"] if names else []
        ),
        Check(f"{check}-versioning", "versioning is enabled", repair).compare(
            live.versioning,
            lambda status: [] if status == "Enabled" else [f"versioning is {status.lower() or 'not enabled'}"],
        ),
        *([_lock(lock, desired, live.retention)] if desired.retention else []),
    ]


def _encryption(check: Check, live: tuple[str, str] | ReadFailure, key: KeyFacts | ReadFailure | None) -> Finding:
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    algorithm, named = live
    same = algorithm == "aws:kms" and (not isinstance(key, KeyFacts) or named in (key.arn, key.key_id))
    return check.judge(f"{algorithm or 'not encrypted'}{f' with {named}' if named else ''}", same=same)


def _lock(check: Check, desired: DesiredBucket, live: str | ReadFailure | None) -> Finding:
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    return check.judge(live or "new objects are not locked", same=live == desired.retention)
