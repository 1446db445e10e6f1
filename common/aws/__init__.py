"""AWS: sessions, responses and errors."""

from __future__ import annotations

CONNECT_SECONDS = 10
"""Timeout of each attempt to connect to an endpoint."""

RETRIES = {"mode": "standard", "total_max_attempts": 8}
"""Retries as in the provider: throttling and transient errors are retried with exponential backoff."""

LIVE_STATUSES = frozenset(
    {
        *("Pending", "InProgress", "Waiting", "Cancelling", "PendingApproval", "Approved", "Scheduled"),
        *("RunbookInProgress", "PendingChangeCalendarOverride", "ChangeCalendarOverrideApproved"),
    }
)
"""Statuses of Automation executions that have not ended (API_AutomationExecution, AutomationExecutionStatus)."""

ENDED_STATUSES = frozenset(
    {
        *("Success", "TimedOut", "Cancelled", "Failed", "Rejected", "ChangeCalendarOverrideRejected"),
        *("CompletedWithSuccess", "CompletedWithFailure", "Exited"),
    }
)
"""Statuses of Automation executions that have ended; one that AWS adds may be of either kind."""
