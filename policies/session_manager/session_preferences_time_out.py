"""Sessions end after an idle time and, where configured, after a maximum duration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_policy import Severity

from policies.rule import Parameter, Rule
from policies.session_manager.session_documents import on_session_preferences

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

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

RULE = Rule(
    id="session-preferences-time-out",
    title="Sessions end after an idle time",
    severity=Severity.MEDIUM,
    risk="a shell stays open on an unattended computer",
    remedy="Set idleSessionTimeout and, where it is limited, maxSessionDuration to whole minutes within the limit "
    "(here: the same names under shell-access:sessionManager)",
    source="NIST SP 800-53 r5 AC-11, AC-12, SC-10; "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-preferences-timeout.html",
    parameters=(_IDLE, _DURATION),
)


@on_session_preferences(RULE)
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
