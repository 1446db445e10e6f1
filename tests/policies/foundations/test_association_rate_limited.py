import pytest

from policies.foundations.association_rate_limited import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

ASSOCIATION = "aws:ssm/association:Association"
EVERY_NODE = [{"key": "InstanceIds", "values": ["*"]}]
LIMITED = {"targets": EVERY_NODE, "maxConcurrency": "10%", "maxErrors": "1"}


def test_association_with_limits_is_fine() -> None:
    assert judge(RULE, ASSOCIATION, LIMITED) == SILENT
    assert judge(RULE, ASSOCIATION, {**LIMITED, "maxErrors": "0"}) == SILENT


@pytest.mark.parametrize("targets", [None, [], [{"key": "InstanceIds", "values": ["i-1", UNKNOWN]}]])
def test_association_of_named_nodes_needs_no_limits(targets: object) -> None:
    assert judge(RULE, ASSOCIATION, {"targets": targets}) == SILENT


@pytest.mark.parametrize(
    "target",
    [
        {"key": "InstanceIds", "values": ["i-1", "*"]},
        {"key": "InstanceIds", "values": UNKNOWN},
        {"key": "tag:Role", "values": ["Web"]},
        {"key": UNKNOWN, "values": ["i-1"]},
        UNKNOWN,
    ],
)
def test_association_that_may_reach_others_needs_limits(target: object) -> None:
    named = {"key": "InstanceIds", "values": ["i-1"]}
    assert len(violations(RULE, ASSOCIATION, {"targets": [named, target]})) == 2


@pytest.mark.parametrize("name", ["maxConcurrency", "maxErrors"])
@pytest.mark.parametrize("value", [None, "", "100%"])
def test_each_limit_is_asked_for(name: str, value: str | None) -> None:
    (said,) = violations(RULE, ASSOCIATION, {**LIMITED, name: value})
    assert said.startswith(f'{ASSOCIATION} "subject": {name}: found ')
    assert "expected a number, or less than 100%" in said


def test_what_is_not_known_yet_is_reported_as_advice() -> None:
    assert judge(RULE, ASSOCIATION, {**LIMITED, "maxErrors": UNKNOWN}).unseen
    assert violations(RULE, ASSOCIATION, {"targets": UNKNOWN, "maxConcurrency": "1"})
