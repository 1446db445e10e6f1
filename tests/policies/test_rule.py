"""Types, unknown values, levels and parameters of rules."""

from typing import Any
from unittest.mock import Mock

import pytest
from pulumi_policy import EnforcementLevel, Severity

from policies.rule import Rule
from tests.policies.judging import DAY, UNKNOWN, Judgment, judge
from tests.policies.things import THING, thing_rule


@pytest.fixture
def rule() -> Rule:
    return thing_rule()


def test_violation_names_property_found_expected_and_remedy(rule: Rule) -> None:
    result = judge(rule, THING, {"first": 2, "second": 1})
    assert result == Judgment(
        violations=['aws:some/thing:Thing "subject": first: found 2, expected at most 1. Lower it.'],
        levels={"MANDATORY"},
    )


def test_unknown_hides_no_violation_wherever_it_stands(rule: Rule) -> None:
    for known, unknown in (("first", "second"), ("second", "first")):
        result = judge(rule, THING, {known: 2, unknown: UNKNOWN})
        assert result.violations == [f'{THING} "subject": {known}: found 2, expected at most 1. Lower it.']
        assert result.unseen == [f'{THING} "subject": {unknown} is not known yet; the rule is applied in the update.']


def test_unknowns_are_reported_together(rule: Rule) -> None:
    result = judge(rule, THING, {"first": UNKNOWN, "second": UNKNOWN})
    assert result.unseen == [f'{THING} "subject": first, second are not known yet; the rule is applied in the update.']


def test_other_types_are_not_even_read(rule: Rule) -> None:
    class Untouchable(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            pytest.fail(f"{key} was read")

    resource = Mock(resource_type="aws:other/thing:Thing", props=Untouchable(first=2))
    report = Mock()
    rule.validate(resource, report, DAY)
    resource.not_applicable.assert_called_once_with()
    report.assert_not_called()


@pytest.mark.parametrize("level", ["ADVISORY", "MANDATORY"])
def test_configuration_sets_the_level(rule: Rule, level: str) -> None:
    assert judge(rule, THING, {"first": 2, "second": 2}, level=level).levels == {level}


def test_configuration_turns_a_rule_off(rule: Rule) -> None:
    assert judge(rule, THING, {"first": 2, "second": 2}, level="DISABLED") == Judgment()


def test_configuration_sets_parameters(rule: Rule) -> None:
    assert judge(rule, THING, {"first": 2, "second": 2}, limit=2) == Judgment()


def test_engine_learns_all_facts(rule: Rule) -> None:
    policy = rule.policy()
    assert policy.name == "thing-limit"
    assert policy.description == "Things stay below the limit. Otherwise: they fall over."
    assert policy.display_name == "Things stay below the limit"
    assert policy.enforcement_level is EnforcementLevel.MANDATORY
    assert policy.severity is Severity.LOW
    assert policy.remediation_steps == "Lower it."
    assert policy.url == "https://docs.aws.amazon.com/"
    assert policy.config_schema is not None
    assert policy.config_schema.properties["limit"] == {"type": "integer", "description": "The most.", "default": 1}
    assert set(policy.config_schema.properties) == {"limit", "exemptions"}
