"""Sessions are logged to a bucket or a log group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.findings import Violation, described
from policies.rule import Rule
from policies.session_manager.session_documents import is_fixed, on_session_preferences

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="session-preferences-log",
    title="Sessions are logged",
    severity=Severity.HIGH,
    risk="there is no record of what was done in a session",
    remedy="Name a bucket or a log group (here: shell-access:sessionManager.s3Logging with s3BucketName, or "
    "cwLogGroupName) in the preferences themselves",
    source="checkov CKV_AWS_113; NIST SP 800-53 r5 AU-2, AU-3, AU-12; "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html",
)

_TARGETS: Final = ("s3BucketName", "cloudWatchLogGroupName")


@on_session_preferences(RULE)
def _are_logged(preferences: Resource) -> Findings:
    values = [preferences.value(name) for name in _TARGETS]
    if not any(map(is_fixed, values)):
        names = " and ".join(f"{preferences.path}{name}" for name in _TARGETS)
        found = " and ".join(described(value) for value in values)
        yield Violation(names, found, "one of them to name where sessions are logged")
