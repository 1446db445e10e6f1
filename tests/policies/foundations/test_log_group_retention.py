from typing import Any

import pytest

from policies.foundations.log_group_retention import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, remediated, violations

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
KEPT = {"name": "sessions", "retentionInDays": 90, "kmsKeyId": UNKNOWN}
REMEDY = "Set retentionInDays to a number of days that CloudWatch Logs accepts and that is long enough."


def text(found: str, days: int = 90) -> str:
    return (
        f'{LOG_GROUP} "subject": retentionInDays: found {found}, '
        f"expected at least {days} days (0 and no value keep logs for ever). {REMEDY}"
    )


@pytest.mark.parametrize("days", [90, 365, 3653])
def test_log_group_that_keeps_logs_long_enough_is_fine(days: int) -> None:
    assert judge(RULE, LOG_GROUP, KEPT | {"retentionInDays": days}) == SILENT


@pytest.mark.parametrize(
    ("days", "found"),
    [
        pytest.param(None, "no value", id="left out"),
        pytest.param(0, "0", id="for ever"),
        pytest.param(60, "60", id="too short"),
    ],
)
def test_log_group_without_a_sufficient_end_is_refused(days: int | None, found: str) -> None:
    assert violations(RULE, LOG_GROUP, KEPT | {"retentionInDays": days}) == [text(found)]


def test_shortest_retention_is_configurable() -> None:
    assert violations(RULE, LOG_GROUP, KEPT, minimumDays=365) == [text("90", days=365)]
    assert judge(RULE, LOG_GROUP, KEPT | {"retentionInDays": 30}, minimumDays=30) == SILENT


def test_configuration_may_narrow_the_rule_by_name() -> None:
    short: dict[str, Any] = {"name": "build-output", "retentionInDays": 7}
    assert judge(RULE, LOG_GROUP, short, names=["sessions*"]) == SILENT
    assert violations(RULE, LOG_GROUP, short, names=["build-*"]) == [text("7")]


def test_delivery_class_with_fixed_retention_is_left_alone() -> None:
    assert judge(RULE, LOG_GROUP, {"name": "delivery", "logGroupClass": "DELIVERY"}) == SILENT


def test_class_that_is_not_known_yet_does_not_silence_the_rule() -> None:
    assert violations(RULE, LOG_GROUP, KEPT | {"logGroupClass": UNKNOWN, "retentionInDays": 7}) == [text("7")]


def test_retention_that_is_not_known_yet_is_reported_as_advice() -> None:
    result = judge(RULE, LOG_GROUP, KEPT | {"retentionInDays": UNKNOWN})
    assert result.violations == []
    assert result.unseen == [
        f'{LOG_GROUP} "subject": retentionInDays is not known yet; the rule is applied in the update.'
    ]


@pytest.mark.parametrize(("shortest", "set_to"), [(90, 90), (91, 120), (3653, 3653)])
@pytest.mark.parametrize("days", [None, 0, 7])
def test_remediation_sets_the_shortest_sufficient_retention(days: int | None, shortest: int, set_to: int) -> None:
    short = KEPT | {"retentionInDays": days}
    assert remediated(RULE, LOG_GROUP, short, minimumDays=shortest) == KEPT | {"retentionInDays": set_to}
