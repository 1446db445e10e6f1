"""Session preferences: encryption, logs and time-outs."""

from __future__ import annotations

from typing import Any, Final

from pulumi_policy import Severity

from policies.findings import Findings, Resource, Violation, described, is_given, is_true
from policies.parameters import Parameter
from policies.rule import PREFERENCES_POST, Rule
from policies.session_manager.session_documents import is_fixed, on_session_preferences, require_fixed

SESSION_PREFERENCES_ENCRYPT_DATA = Rule(
    id="session-preferences-encrypt-data",
    title="Session data is encrypted with a KMS key",
    severity=Severity.HIGH,
    risk="sessions depend on TLS alone, and no key policy limits the use of a stolen permission",
    remedy="Set kmsKeyId (here: shell-access:sessionManager.sessionDataEncryption to true) in the preferences themselves",
    source=f"checkov CKV_AWS_112; NIST SP 800-53 r5 SC-8(1), SC-13; {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-preferences-enable-encryption.html",
)


@on_session_preferences(SESSION_PREFERENCES_ENCRYPT_DATA)
def _are_encrypted(preferences: Resource) -> Findings:
    yield from require_fixed(preferences, "kmsKeyId", "the ID or ARN of a KMS key")


SESSION_PREFERENCES_ENCRYPT_LOGS = Rule(
    id="session-preferences-encrypt-logs",
    title="Session logs are encrypted",
    severity=Severity.HIGH,
    risk="input and output of sessions, passwords included, end up in an unencrypted bucket or log group",
    remedy="Set s3EncryptionEnabled and cloudWatchEncryptionEnabled (here: shell-access:sessionManager.s3EncryptionEnabled "
    "and .cwEncryptionEnabled) to true for each log destination",
    source=f"checkov CKV_AWS_113; NIST SP 800-53 r5 AU-9(3), SC-28(1); {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html",
)

_SWITCHES: Final = {"s3BucketName": "s3EncryptionEnabled", "cloudWatchLogGroupName": "cloudWatchEncryptionEnabled"}


@on_session_preferences(SESSION_PREFERENCES_ENCRYPT_LOGS)
def _logs_are_encrypted(preferences: Resource) -> Findings:
    for target, switch in _SWITCHES.items():
        if is_given(preferences.value(target)):
            yield from preferences.require(switch, is_true, f"true, as {target} names a log")


SESSION_PREFERENCES_LOG = Rule(
    id="session-preferences-log",
    title="Sessions are logged",
    severity=Severity.HIGH,
    risk="there is no record of what was done in a session",
    remedy="Name a bucket or a log group (here: shell-access:sessionManager.s3Logging with s3BucketName, or "
    "cwLogGroupName) in the preferences themselves",
    source=f"checkov CKV_AWS_113; NIST SP 800-53 r5 AU-2, AU-3, AU-12; {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html",
)

_TARGETS: Final = ("s3BucketName", "cloudWatchLogGroupName")


@on_session_preferences(SESSION_PREFERENCES_LOG)
def _are_logged(preferences: Resource) -> Findings:
    values = [preferences.value(name) for name in _TARGETS]
    if not any(map(is_fixed, values)):
        names = " and ".join(f"{preferences.path}{name}" for name in _TARGETS)
        found = " and ".join(described(value) for value in values)
        yield Violation(names, found, "one of them to name where sessions are logged")


_IDLE = Parameter(
    name="maximumIdleMinutes",
    description="The longest that a session may stay open without activity. 60 is the most that Systems Manager allows.",
    default=60,
    schema={"type": "integer", "minimum": 1, "maximum": 60},
)
_DURATION = Parameter(
    name="maximumDurationMinutes",
    description="Maximum duration of a session; 0 requires no maximum.",
    default=0,
    schema={"type": "integer", "minimum": 0, "maximum": 1440},
)

SESSION_PREFERENCES_TIME_OUT = Rule(
    id="session-preferences-time-out",
    title="Sessions end after an idle time",
    severity=Severity.MEDIUM,
    risk="a shell stays open on an unattended computer",
    remedy="Set idleSessionTimeout and, where it is limited, maxSessionDuration to whole minutes within the limit "
    "(here: the same names under shell-access:sessionManager)",
    source=f"NIST SP 800-53 r5 AC-11, AC-12, SC-10; {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-preferences-timeout.html",
    parameters=(_IDLE, _DURATION),
)


@on_session_preferences(SESSION_PREFERENCES_TIME_OUT)
def _end(preferences: Resource) -> Findings:
    yield from _within(preferences, "idleSessionTimeout", preferences.settings[_IDLE.name])
    if longest := preferences.settings[_DURATION.name]:
        yield from _within(preferences, "maxSessionDuration", longest)


def _within(preferences: Resource, name: str, longest: float) -> Findings:
    yield from preferences.require(
        name, lambda value: 1 <= _minutes(value) <= longest, f"whole minutes from 1 to {longest:g}"
    )


def _minutes(value: Any) -> int:
    """Return minutes, which documents have as text and this project's resource as a number; 0 for neither."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
