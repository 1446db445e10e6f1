"""Symmetric KMS keys rotate, where KMS can rotate them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from policies.findings import UNKNOWN, is_true
from policies.rule import Parameter, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.findings import Findings, Resource

_LONGEST = Parameter(
    name="maximumRotationPeriodInDays",
    description="The longest that a key may stay the same, where a period is given.",
    default=365,
    schema={"type": "integer", "minimum": 90, "maximum": 2560},
)

RULE = Rule(
    id="kms-key-rotation",
    title="Symmetric KMS keys rotate at least once a year",
    severity=Severity.MEDIUM,
    risk="one key protects all data forever, and one leak of its key material exposes everything",
    remedy="Set enableKeyRotation to true, and leave rotationPeriodInDays out or within the limit",
    source="AWS Security Hub KMS.4; CIS AWS Foundations Benchmark 3.0 and 5.0, 3.6; NIST SP 800-53 r5 SC-12, SC-28(3); "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-4",
    parameters=(_LONGEST,),
)

_ROTATABLE: Final[dict[str, tuple[Any, ...]]] = {
    "customerMasterKeySpec": (None, "SYMMETRIC_DEFAULT"),
    "keyUsage": (None, "ENCRYPT_DECRYPT"),
    "customKeyStoreId": (None, ""),
}
"""Return whether KMS can rotate a key (KMS Developer Guide, "Rotate AWS KMS keys"): no asymmetric or HMAC key, no custom key store."""


@RULE.on("aws:kms/key:Key")
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


@RULE.remediates("aws:kms/key:Key")
def _rotate(key: Resource) -> Mapping[str, Any]:
    period = key.value("rotationPeriodInDays")
    longest = int(key.settings[_LONGEST.name])
    too_long = isinstance(period, int) and period > longest
    return {"enableKeyRotation": True} | ({"rotationPeriodInDays": longest} if too_long else {})
