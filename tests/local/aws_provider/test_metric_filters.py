"""Metric filters (Terraform AWS provider: internal/service/logs/metric_filter.go)."""

from typing import Any

import pytest

kind = "aws:cloudwatch/logMetricFilter:LogMetricFilter"


def given(**change: Any) -> dict[str, Any]:
    return {
        "name": "cleared",
        "logGroupName": "/events",
        "pattern": '">1102</EventID>"',
        "metricTransformation": {"name": "cleared", "namespace": "Test/Events", "value": "1"},
        **change,
    }


@pytest.fixture(autouse=True)
def group(aws: Any) -> None:
    aws("logs").create_log_group(logGroupName="/events")
    aws("logs").create_log_group(logGroupName="/other")


def test_metric_filter_create_fills_in_the_unit(provider: Any, aws: Any) -> None:
    made = provider.up(kind, "f", given())
    assert (made.id, made["metricTransformation"]["unit"]) == ("cleared", "None")
    (found,) = aws("logs").describe_metric_filters(logGroupName="/events")["metricFilters"]
    assert found["metricTransformations"][0]["metricNamespace"] == "Test/Events"
    assert provider.unchanged(kind, "f", given())


def test_metric_filter_pattern_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(kind, "f", given())
    assert provider.unchanged(kind, "f", given(pattern=' ">1102</EventID>" '))
    more = {"name": "x", "namespace": "N", "value": "2", "defaultValue": "0"}
    changed = given(pattern="ERROR", metricTransformation=more)
    assert not provider.diff(kind, "f", changed).replaces
    provider.up(kind, "f", changed)
    (found,) = aws("logs").describe_metric_filters(logGroupName="/events")["metricFilters"]
    assert (found["filterPattern"], found["metricTransformations"][0]["defaultValue"]) == ("ERROR", 0)
    assert provider.unchanged(kind, "f", changed)


@pytest.mark.parametrize("change", [{"name": "other"}, {"logGroupName": "/other"}])
def test_metric_filter_name_and_group_replace(provider: Any, change: dict[str, str]) -> None:
    provider.up(kind, "f", given())
    assert list(provider.diff(kind, "f", given(**change)).replaces) == list(change)


def test_metric_filter_drift_and_deletion_are_read(provider: Any, aws: Any) -> None:
    provider.up(kind, "f", given())
    wrong = {"metricName": "cleared", "metricNamespace": "Test/Events", "metricValue": "0"}
    aws("logs").put_metric_filter(
        logGroupName="/events", filterName="cleared", filterPattern="never", metricTransformations=[wrong]
    )
    read = provider.refresh(kind, "f")
    assert (read["pattern"], read["metricTransformation"]["value"]) == ("never", "0")
    aws("logs").delete_metric_filter(logGroupName="/events", filterName="cleared")
    assert provider.refresh(kind, "f") is None
