"""Types, unknown values, levels, parameters, exemptions and remediations of rules."""

from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import Mock

import jsonschema
import pytest
from pulumi_policy import EnforcementLevel, Severity

from policies.findings import Finding, Findings, Resource, Violation
from policies.parameters import EXEMPTIONS
from policies.rule import Rule
from policies.stack import Stack
from tests.policies.judging import DAY, UNKNOWN, Judgment, Made, judge, judge_stack, remediated
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


AGREED = {"resource": "subject", "reason": "gone in May", "who": "A. Team", "until": "2026-11-30"}
"""On its last day: see `DAY` of the judging."""
EXPIRED = AGREED | {"until": "2026-11-29"}
BROKEN = f'{THING} "subject": first: found 2, expected at most 1. Lower it.'
ENDED = (
    f'{THING} "subject": its exemption from thing-limit has expired: gone in May (A. Team, until {{}}). '
    "The rule applies again. Fix the resource and remove the exemption, or agree on another date (2027-01-31)."
)
BAD = {"first": 2, "second": 1}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.info", said.append)
    return said


@pytest.mark.parametrize(
    "known_as", ["subject", "sub*", "urn:pulumi:dev::test::aws:some/thing:Thing::subject", "*::subject"]
)
def test_exempted_resource_is_left_alone_and_reported(known_as: str, logged: list[str]) -> None:
    exemptions = [AGREED | {"resource": "other"}, AGREED | {"resource": known_as}]
    agreed = "gone in May (A. Team, until 2026-11-30)"
    assert judge(thing_rule(), THING, BAD, exemptions=exemptions) == Judgment(not_applicable=[agreed])
    assert logged == [f'aws:some/thing:Thing "subject" is exempted from thing-limit: {agreed}']


def test_exemption_of_another_resource_changes_nothing() -> None:
    exemptions = [AGREED | {"resource": "subject-2"}, EXPIRED | {"resource": "Subject"}]
    assert judge(thing_rule(), THING, BAD, exemptions=exemptions).violations == [BROKEN]


@pytest.mark.parametrize("until", ["2026-11-29", "1999-12-31", "2027-02-30"], ids=["yesterday", "long ago", "no date"])
def test_expired_exemption_is_a_violation_and_rule_applies(until: str) -> None:
    result = judge(thing_rule(), THING, BAD, exemptions=[AGREED | {"until": until}])
    assert result.violations == [ENDED.format(until), BROKEN]
    assert result.not_applicable == []


def test_expired_exemption_fails_even_where_the_rule_is_kept() -> None:
    result = judge(thing_rule(), THING, {"first": 1, "second": 1}, exemptions=[EXPIRED])
    assert result.violations == [ENDED.format("2026-11-29")]


def test_renewed_exemption_holds_beside_the_expired_one(logged: list[str]) -> None:
    assert judge(thing_rule(), THING, BAD, exemptions=[EXPIRED, AGREED]).violations == []
    assert len(logged) == 1


def test_what_is_exempted_is_not_remediated_either() -> None:
    assert remediated(thing_rule(), THING, BAD, exemptions=[AGREED]) is None
    assert remediated(thing_rule(), THING, BAD, exemptions=[EXPIRED]) == {"first": 1, "second": 1}


@pytest.mark.parametrize("field", ["resource", "reason", "who", "until"])
def test_every_field_is_required(field: str) -> None:
    short = {name: value for name, value in AGREED.items() if name != field}
    with pytest.raises(jsonschema.ValidationError, match=f"'{field}' is a required property"):
        jsonschema.validate([short], EXEMPTIONS.full_schema)


def test_date_has_to_look_like_one() -> None:
    with pytest.raises(jsonschema.ValidationError, match="does not match"):
        jsonschema.validate([AGREED | {"until": "next May"}], EXEMPTIONS.full_schema)


def stack_check(stack: Stack) -> Iterator[Finding]:
    for thing in stack.of(THING):
        yield from thing.require("first", lambda value: value <= 1, "at most 1")
    if not stack.of("aws:other/thing:Thing"):
        yield Violation("aws:other/thing:Thing", "none", "one")


def judge_things(**config: Any) -> Judgment:
    things = [Made(THING, name, {"first": first}) for name, first in THINGS.items()]
    return judge_stack(thing_rule(stack_check=stack_check), *things, **config)


THINGS = {"subject": 2, "kept": 1, "unseen": UNKNOWN, "second-subject": 2}
ALL_BROKEN = [
    BROKEN,
    f'{THING} "second-subject": first: found 2, expected at most 1. Lower it.',
    "The stack: aws:other/thing:Thing: found none, expected one. Lower it.",
]


def test_rule_about_stacks_leaves_out_what_is_exempted(logged: list[str]) -> None:
    result = judge_things(exemptions=[AGREED, AGREED | {"resource": "unseen"}])
    assert (result.violations, result.unseen) == (ALL_BROKEN[1:], [])
    assert logged == [
        f'{THING} "{name}" is exempted from thing-limit: gone in May (A. Team, until 2026-11-30)'
        for name in ("subject", "unseen")
    ]


def test_stack_itself_can_be_exempted() -> None:
    assert judge_things(exemptions=[AGREED | {"resource": "stack"}]).violations == ALL_BROKEN[:2]


def test_rule_about_stacks_fails_on_an_expired_exemption() -> None:
    result = judge_things(exemptions=[EXPIRED])
    assert result.violations == [ENDED.format("2026-11-29"), *ALL_BROKEN]


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
