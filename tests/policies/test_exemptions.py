"""Resources that a rule leaves alone: for a time, by agreement, and said aloud."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from policies.findings import Finding, Violation
from policies.parameters import EXEMPTIONS
from policies.stack import Stack
from tests.policies.judging import UNKNOWN, Judgment, Made, judge, judge_stack, remediated
from tests.policies.things import THING, thing_rule

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
    things = [Made(type=THING, name=name, properties={"first": first}) for name, first in THINGS.items()]
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
