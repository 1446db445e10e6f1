"""Messages that EventBridge or Amazon SNS failed to deliver, from CloudWatch metrics.

Sources: EventBridge User Guide, "Monitoring Amazon EventBridge" (FailedInvocations: invocations that failed for good,
after all retries); Amazon SNS Developer Guide, "Monitoring Amazon SNS topics using CloudWatch"
(NumberOfNotificationsFailed).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from operations.reading import Reader

_PERIOD: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A rule or a topic.

    Attributes:
        namespace: Namespace of its metrics.
        metric: Metric that counts messages that were not delivered.
        dimension: Dimension with its name.
        name: Its name.
    """

    namespace: str
    metric: str
    dimension: str
    name: str

    def __str__(self) -> str:
        return f"{self.dimension.removesuffix('Name').lower()} {self.name}"


def rule_sender(name: str) -> Sender:
    """Return an EventBridge rule as a sender."""
    return Sender(namespace="AWS/Events", metric="FailedInvocations", dimension="RuleName", name=name)


def topic_sender(name: str) -> Sender:
    """Return a topic as a sender."""
    return Sender(namespace="AWS/SNS", metric="NumberOfNotificationsFailed", dimension="TopicName", name=name)


def read_failures(reader: Reader, senders: Iterable[Sender]) -> dict[Sender, int] | Unread:
    """Read the number of messages that each sender failed to deliver in the last day, in one call.

    Args:
        reader: Reader of the Region.
        senders: Rules and topics; up to 500.
    """
    asked = {f"m{number}": each for number, each in enumerate(senders)}
    now = datetime.now(UTC)
    answer = reader.read(
        "cloudwatch",
        "get_metric_data",
        StartTime=now - _PERIOD,
        EndTime=now,
        MetricDataQueries=[
            {
                "Id": id_,
                "MetricStat": {
                    "Metric": {
                        "Namespace": each.namespace,
                        "MetricName": each.metric,
                        "Dimensions": [{"Name": each.dimension, "Value": each.name}],
                    },
                    "Period": int(_PERIOD.total_seconds()),
                    "Stat": "Sum",
                },
            }
            for id_, each in asked.items()
        ],
    )
    if isinstance(answer, Unread):
        return answer
    results = (answer or {}).get("MetricDataResults", ())
    # The values of a metric can be split over several pages, each with an entry for the metric.
    sums = dict.fromkeys(asked.values(), 0)
    for each in results:
        sums[asked[each["Id"]]] += int(sum(each.get("Values", ())))
    return sums


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
