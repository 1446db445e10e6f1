"""Messages that EventBridge or Amazon SNS failed to deliver, from CloudWatch metrics.

Sources: EventBridge User Guide, "Monitoring Amazon EventBridge" (FailedInvocations: invocations that failed for good,
after all retries); Amazon SNS Developer Guide, "Monitoring Amazon SNS topics using CloudWatch"
(NumberOfNotificationsFailed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.inventory.monitoring import Sender


def delivery_finding(check: str, region: str, live: Mapping[Sender, int] | Unread, *, remedy: str) -> Finding:
    """Report messages that were not delivered.

    Args:
        check: ID of the finding.
        region: Region of the rules and topics.
        live: Number of messages that were not delivered, by sender.
        remedy: Remediation for the finding.
    """
    expected = f"all messages of the last 24 hours were delivered in {region}"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    said = [f"{each} failed to deliver {number} in 24 hours" for each, number in live.items() if number]
    return compared(check, same=not said, expected=expected, found="; ".join(said) or expected, remedy=remedy)
