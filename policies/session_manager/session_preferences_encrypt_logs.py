"""Session logs are encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.findings import is_given, is_true
from policies.rule import Rule
from policies.session_manager.session_documents import on_session_preferences

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="session-preferences-encrypt-logs",
    title="Session logs are encrypted",
    severity=Severity.HIGH,
    risk="input and output of sessions, passwords included, end up in an unencrypted bucket or log group",
    remedy="Set s3EncryptionEnabled and cloudWatchEncryptionEnabled (here: shell-access:sessionManager.s3EncryptionEnabled "
    "and .cwEncryptionEnabled) to true for each log destination",
    source="checkov CKV_AWS_113; NIST SP 800-53 r5 AU-9(3), SC-28(1); "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html",
)

_SWITCHES: Final = {"s3BucketName": "s3EncryptionEnabled", "cloudWatchLogGroupName": "cloudWatchEncryptionEnabled"}


@on_session_preferences(RULE)
def _logs_are_encrypted(preferences: Resource) -> Findings:
    for target, switch in _SWITCHES.items():
        if is_given(preferences.value(target)):
            yield from preferences.require(switch, is_true, f"true, as {target} names a log")
