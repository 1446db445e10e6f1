"""KMS keys: rotation, deletion, and policies without lockout or wildcard principals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from policies.findings import UNKNOWN, Findings, Resource, is_true
from policies.foundations.resource_policies import require_closed
from policies.parameters import Parameter
from policies.rule import PREFERENCES_POST, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = Parameter(
    name="maximumRotationPeriodInDays",
    description="Maximum rotation period in days, if one is set.",
    default=365,
    schema={"type": "integer", "minimum": 90, "maximum": 2560},
)

KMS_KEY_ROTATION = Rule(
    id="kms-key-rotation",
    title="Symmetric KMS keys rotate at least once a year",
    severity=Severity.MEDIUM,
    risk="one key protects all data without a limit, and a leak of its key material exposes everything",
    remedy="Set enableKeyRotation to true, and leave rotationPeriodInDays out or within the limit",
    source="AWS Security Hub KMS.4; CIS AWS Foundations Benchmark 3.0 and 5.0, 3.6; "
    f"NIST SP 800-53 r5 SC-12, SC-28(3); {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-4",
    parameters=(_LONGEST,),
)

_ROTATABLE: Final[dict[str, tuple[Any, ...]]] = {
    "customerMasterKeySpec": (None, "SYMMETRIC_DEFAULT"),
    "keyUsage": (None, "ENCRYPT_DECRYPT"),
    "customKeyStoreId": (None, ""),
}
"""Return whether KMS can rotate a key (KMS Developer Guide, "Rotate AWS KMS keys"): no asymmetric or HMAC key, no custom key store."""


@KMS_KEY_ROTATION.on("aws:kms/key:Key")
def _rotates(key: Resource) -> Findings:
    kind = {name: key.value(name) for name in _ROTATABLE}
    if any(value is not UNKNOWN and value not in _ROTATABLE[name] for name, value in kind.items()):
        return
    findings = [
        *key.require("enableKeyRotation", is_true, "true"),
        *key.require(
            "rotationPeriodInDays",
            lambda days: days is None or days <= key.settings[_LONGEST.name],
            f"at most {key.settings[_LONGEST.name]:g} days",
        ),
    ]
    undecided = [key.unseen(name) for name, value in kind.items() if value is UNKNOWN]
    yield from undecided if findings and undecided else findings


@KMS_KEY_ROTATION.remediates("aws:kms/key:Key")
def _rotate(key: Resource) -> Mapping[str, Any]:
    period = key.value("rotationPeriodInDays")
    longest = int(key.settings[_LONGEST.name])
    too_long = isinstance(period, int) and period > longest
    return {"enableKeyRotation": True} | ({"rotationPeriodInDays": longest} if too_long else {})


_SHORTEST: Final = Parameter(
    name="minimumDays",
    description="Minimum waiting period in days before a key is deleted. KMS allows 7 to 30; the default is 30.",
    default=30,
    schema={"type": "integer", "minimum": 7, "maximum": 30},
)

KMS_KEY_DELETION_WINDOW = Rule(
    id="kms-key-deletion-window",
    title="Deletion of KMS keys can be canceled for 30 days",
    severity=Severity.HIGH,
    risk="a destroyed stack deletes the key of all session logs and volumes before the loss is noticed",
    remedy="Leave deletionWindowInDays out, or set it to 30",
    source="AWS Security Hub KMS.3; AWS Config kms-cmk-not-scheduled-for-deletion; NIST SP 800-53 r5 SC-12, SC-12(2)",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-3",
    parameters=(_SHORTEST,),
)


@KMS_KEY_DELETION_WINDOW.on(
    "aws:kms/key:Key",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
)
def _is_long(key: Resource) -> Findings:
    shortest = key.settings[_SHORTEST.name]
    yield from key.require(
        "deletionWindowInDays", lambda days: days is None or days >= shortest, f"at least {shortest:g} days"
    )


KMS_KEY_POLICY_CLOSED = Rule(
    id="kms-key-policy-closed",
    title="Policies and grants of KMS keys name no wildcard principal",
    severity=Severity.CRITICAL,
    risk="any AWS principal may use the key, and the data it encrypts is effectively public",
    remedy="Name accounts, roles or services as principals, or add a condition on fixed accounts (kms:CallerAccount, "
    "aws:PrincipalOrgID)",
    source=f"AWS Security Hub KMS.5; NIST SP 800-53 r5 AC-3, AC-6; {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-5",
)


@KMS_KEY_POLICY_CLOSED.on(
    "aws:kms/key:Key",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
    "aws:kms/keyPolicy:KeyPolicy",
)
def _is_closed(key: Resource) -> Findings:
    yield from require_closed(key, "policy")


@KMS_KEY_POLICY_CLOSED.on("aws:kms/grant:Grant")
def _names_principals(grant: Resource) -> Findings:
    for name in ("granteePrincipal", "retiringPrincipal"):
        yield from grant.require(name, lambda value: "*" not in str(value), "the ARN of one principal")


KMS_KEY_NO_LOCKOUT_BYPASS = Rule(
    id="kms-key-no-lockout-bypass",
    title="Key policies are set with the lockout safety check",
    severity=Severity.MEDIUM,
    risk="a mistake in a key's policy makes the key unmanageable, and what it encrypts is lost",
    remedy="Leave bypassPolicyLockoutSafetyCheck out, or set it to false",
    source='KMS API Reference, PutKeyPolicy, "BypassPolicyLockoutSafetyCheck"; NIST SP 800-53 r5 SC-12',
    url="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
)


@KMS_KEY_NO_LOCKOUT_BYPASS.on(
    "aws:kms/key:Key",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
    "aws:kms/keyPolicy:KeyPolicy",
)
def _is_not_bypassed(key: Resource) -> Findings:
    yield from key.require("bypassPolicyLockoutSafetyCheck", lambda value: value in (None, False), "false")
