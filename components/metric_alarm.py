"""CloudWatch alarms on one metric: the plan as plain data, and the registration of its resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi_aws import cloudwatch


@dataclass(frozen=True, kw_only=True)
class MetricAlarm:
    """A CloudWatch alarm on one metric.

    Attributes:
        name: Name of the alarm.
        description: Description of the alarm.
        namespace: Namespace of the metric.
        metric: Name of the metric.
        comparison: Comparison operator.
        threshold: Value to compare with.
        missing_data: Treatment of missing data.
        statistic: Statistic of the metric.
        period: Period in seconds.
        evaluation_periods: Number of periods that are compared.
        dimensions: Values by dimension of the metric.
    """

    name: str
    description: str
    namespace: str
    metric: str
    comparison: str
    threshold: int
    missing_data: str
    statistic: str = "Sum"
    period: int = 3600
    evaluation_periods: int = 1
    dimensions: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class AlarmPlacement:
    """Region and recipients of alarms.

    Attributes:
        topics: ARNs of the topics that receive them.
        region: Region of the metrics.
        tags: Tags applied to all taggable resources.
        prefix: Prefix of the resources' names; their alarms' names follow.
    """

    topics: Sequence[pulumi.Input[str]]
    region: str
    tags: dict[str, str]
    prefix: str = ""


def register_alarm(
    alarm: MetricAlarm,
    placement: AlarmPlacement,
    opts: pulumi.ResourceOptions,
    dimensions: Mapping[str, pulumi.Input[str]] | None = None,
) -> cloudwatch.MetricAlarm:
    """Register an alarm; `dimensions` are those that are known only once other resources exist."""
    # Imported here, as plans, rules and commands need the class only.
    from pulumi_aws.cloudwatch import MetricAlarm as Resource  # noqa: PLC0415

    return Resource(
        f"{placement.prefix}{alarm.name}",
        name=alarm.name,
        alarm_description=alarm.description,
        namespace=alarm.namespace,
        metric_name=alarm.metric,
        dimensions={**alarm.dimensions, **(dimensions or {})},
        statistic=alarm.statistic,
        period=alarm.period,
        evaluation_periods=alarm.evaluation_periods,
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        treat_missing_data=alarm.missing_data,
        alarm_actions=list(placement.topics),
        region=placement.region,
        tags=placement.tags,
        opts=opts,
    )
