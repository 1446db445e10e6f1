"""Changes of the level `remediate`, and properties that it leaves unchanged."""

from collections.abc import Mapping
from typing import Any

import pytest

from policies.findings import Findings, Resource
from tests.policies.judging import UNKNOWN, judge, remediated
from tests.policies.things import THING, thing_rule

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}
"""As the engine sends one."""


def test_remediation_changes_only_the_violation() -> None:
    rest = {"second": 1, "secret": SECRET, "unknown": UNKNOWN, "nested": {"list": [UNKNOWN, SECRET]}}
    assert remediated(thing_rule(), THING, {"first": 2, **rest}) == {"first": 1, **rest}


def test_what_keeps_the_rule_is_left_alone() -> None:
    assert remediated(thing_rule(), THING, {"first": 1, "second": 1}) is None


def test_what_is_not_known_is_no_violation_to_remediate() -> None:
    assert remediated(thing_rule(), THING, {"first": UNKNOWN, "second": 1}) is None


@pytest.mark.parametrize("level", ["MANDATORY", "ADVISORY", "DISABLED"])
def test_other_levels_remediate_nothing(level: str) -> None:
    assert remediated(thing_rule(), THING, {"first": 2, "second": 1}, level=level) is None


def test_other_types_are_left_alone() -> None:
    assert remediated(thing_rule(), "aws:other/thing:Thing", {"first": 2, "second": 1}) is None


def test_parameters_count() -> None:
    assert remediated(thing_rule(), THING, {"first": 9, "second": 1}, limit=5) == {"first": 5, "second": 1}


def test_what_the_remediation_leaves_over_is_refused() -> None:
    assert judge(thing_rule(), THING, {"first": 1, "second": 2}, level="REMEDIATE").levels == {"MANDATORY"}


@pytest.mark.parametrize(
    ("given", "remediated_as"),
    [
        pytest.param({}, {"options": {"tokens": "required"}}, id="absent"),
        pytest.param({"options": None}, {"options": {"tokens": "required"}}, id="null"),
        pytest.param(
            {"options": {"tokens": "optional", "hops": 2}},
            {"options": {"tokens": "required", "hops": 2}},
            id="beside others",
        ),
    ],
)
def test_property_inside_another_is_set(given: dict[str, Any], remediated_as: dict[str, Any]) -> None:
    rule = thing_rule()

    @rule.on(THING)
    def _check(thing: Resource) -> Findings:
        yield thing.violation("options", "other ones")

    @rule.remediates(THING)
    def _remediate(_: Resource) -> Mapping[str, Any]:
        return {"options.tokens": "required"}

    assert remediated(rule, THING, given) == remediated_as


def test_only_a_rule_with_a_remediation_has_one() -> None:
    rule = thing_rule()
    assert rule.can_remediate
    rule._remediations.clear()
    assert not rule.can_remediate
    assert not rule.policy().has_remediation()
