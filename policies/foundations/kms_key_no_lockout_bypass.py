"""KMS keys keep the lockout safety check of key policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="kms-key-no-lockout-bypass",
    title="Key policies are set with the lockout safety check",
    severity=Severity.MEDIUM,
    risk="a mistake in a key's policy makes the key unmanageable, and what it encrypts is lost",
    remedy="Leave bypassPolicyLockoutSafetyCheck out, or set it to false",
    source='KMS API Reference, PutKeyPolicy, "BypassPolicyLockoutSafetyCheck"; NIST SP 800-53 r5 SC-12',
    url="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
)


@RULE.on(
    "aws:kms/key:Key",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
    "aws:kms/keyPolicy:KeyPolicy",
)
def _is_not_bypassed(key: Resource) -> Findings:
    yield from key.require("bypassPolicyLockoutSafetyCheck", lambda value: value in (None, False), "false")
