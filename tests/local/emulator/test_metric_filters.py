"""Metric filters of CloudWatch Logs, and patterns for unstructured messages (User Guide, "Filter pattern syntax")."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.extension.logs import PatternError, parse

GROUP = "/events/security"


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400]", False),
        ("ERROR", "ERRORS", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?ARGUMENTS", "MISSING ARGUMENTS", True),
        ("?ERROR ?ARGUMENTS", "BAD REQUEST", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "SERVER INTERNAL ERROR", False),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ('">104</EventID>"', "<EventID>1104</EventID>", False),
        ('">104</EventID>"', "<EventID Qualifiers='16384'>104</EventID>", True),
    ],
)
def test_pattern_matches_as_documented(pattern: str, message: str, *, matches: bool) -> None:
    assert parse(pattern).matches(message) is matches


@pytest.mark.parametrize(
    "pattern", ["{ $.x = 1 }", "[a, b]", "%ERR%", '"open', "<EventID>", '?ERROR "x"', '""', 'ERROR"x"']
)
def test_pattern_of_another_form_is_rejected(pattern: str) -> None:
    with pytest.raises(PatternError):
        parse(pattern)


def put(logs: Any, pattern: str = "ERROR", **change: Any) -> None:
    transformation = {"metricName": "errors", "metricNamespace": "Test", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName=GROUP, filterName="f", filterPattern=pattern, metricTransformations=[transformation | change]
    )


def test_filter_is_replaced_by_its_name(logs: Any) -> None:
    """API_PutMetricFilter."""
    logs.create_log_group(logGroupName=GROUP)
    put(logs)
    put(logs, "WARN")
    (found,) = logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]
    assert found["filterPattern"] == "WARN"
    logs.delete_log_group(logGroupName=GROUP)
    logs.create_log_group(logGroupName=GROUP)
    assert logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"] == []


@pytest.mark.parametrize("call", ["put", "describe", "delete"])
def test_filter_of_a_missing_group_is_an_error(logs: Any, call: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: put(logs),
        "describe": lambda: logs.describe_metric_filters(logGroupName=GROUP),
        "delete": lambda: logs.delete_metric_filter(logGroupName=GROUP, filterName="f"),
    }
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        calls[call]()


def test_missing_filter_is_an_error(logs: Any) -> None:
    """API_DeleteMetricFilter."""
    logs.create_log_group(logGroupName=GROUP)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.delete_metric_filter(logGroupName=GROUP, filterName="f")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        put(logs, "?a b")


def test_matching_events_become_a_metric(logs: Any, connect: Any) -> None:
    """User Guide, "Creating metrics from log events using filters"."""
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    put(logs)
    now = datetime.now(UTC)
    events = [{"timestamp": int(now.timestamp() * 1000), "message": each} for each in ("ERROR 1", "fine", "ERROR 2")]
    logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=events)
    found = connect("cloudwatch").get_metric_statistics(
        Namespace="Test",
        MetricName="errors",
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(each["Sum"] for each in found) == 2
    answer = logs.test_metric_filter(filterPattern="ERROR", logEventMessages=["fine", "ERROR"])
    assert [each["eventNumber"] for each in answer["matches"]] == [2]
