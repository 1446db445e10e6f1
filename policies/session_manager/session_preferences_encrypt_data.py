"""Session data is encrypted with a KMS key between client and node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule
from policies.session_manager.session_documents import on_session_preferences, require_fixed

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="session-preferences-encrypt-data",
    title="Session data is encrypted with a KMS key",
    severity=Severity.HIGH,
    risk="sessions depend on TLS alone, and no key policy limits the use of a stolen permission",
    remedy="Set kmsKeyId (here: shell-access:sessionManager.sessionDataEncryption to true) in the preferences themselves",
    source="checkov CKV_AWS_112; NIST SP 800-53 r5 SC-8(1), SC-13; "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-preferences-enable-encryption.html",
)


@on_session_preferences(RULE)
def _are_encrypted(preferences: Resource) -> Findings:
    yield from require_fixed(preferences, "kmsKeyId", "the ID or ARN of a KMS key")
