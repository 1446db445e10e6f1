from collections.abc import Callable
from typing import Any

import pytest

from policies.separation_of_duties.runbook_requires_approval import RULE
from tests.policies.judging import UNKNOWN, Judgment, Made, judge_stack
from tests.policies.separation_of_duties.documents import (
    BACK,
    DOCUMENT,
    approve,
    as_document,
    as_template,
    content,
    good,
    iam,
    in_every_form,
    shipped,
    step,
    template,
)

UNASKED = good()["mainSteps"][1:]
TEMPLATE = Made(type=DOCUMENT, name="template", properties=as_template(template()))


def text(place: str, type_: str = DOCUMENT) -> str:
    return (
        f'{type_} "subject": content.mainSteps.{place}: found a path to it without an approval, expected an aws:approve step '
        "before it. Put an aws:approve step on every path to the tag, or start the runbook by a change template of the "
        "same stack."
    )


def runbook(*steps: dict[str, Any]) -> Made:
    return Made(type=DOCUMENT, properties=as_document(content(*steps)))


@in_every_form
def test_runbook_without_approval_step_is_refused(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    made = Made(type=type_, properties=carry(content(*UNASKED)))
    assert judge_stack(RULE, made).violations == [text("Tag", type_)]


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_what_the_component_publishes_is_fine(mode: str) -> None:
    assert judge_stack(RULE, *shipped(mode)) == Judgment()


def test_runbook_that_asks_or_sets_no_tag_is_fine() -> None:
    assert judge_stack(RULE, runbook(*good()["mainSteps"])) == Judgment()
    assert judge_stack(RULE, runbook(step("Wait"))) == Judgment()


def test_change_template_asks_for_the_runbook_that_it_names() -> None:
    assert judge_stack(RULE, TEMPLATE, runbook(*UNASKED)) == Judgment()
    other = Made(
        type=DOCUMENT, name="other", properties=as_template(template(executableRunBooks=[{"name": "Another"}]))
    )
    assert judge_stack(RULE, other, runbook(*UNASKED)).violations == [text("Tag")]
    assert judge_stack(RULE, runbook(*UNASKED), runbooksOfOtherTemplates=["Grant"]) == Judgment()


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([approve(onFailure="Continue"), *UNASKED], id="goes on when refused"),
        pytest.param([approve(onFailure="step:Tag"), *UNASKED], id="goes to the tag when refused"),
        pytest.param([approve(onCancel="step:Notify"), *UNASKED, step("Notify", nextStep="Tag")], id="when cancelled"),
        pytest.param(
            [
                step("Choose", "aws:branch", inputs={"Choices": [{"NextStep": "Ask"}], "Default": "Tag"}),
                approve(),
                *UNASKED,
            ],
            id="a bypass",
        ),
        pytest.param([*UNASKED[:-1], iam("Untag", "UntagRole"), approve()], id="asks afterwards"),
        pytest.param([step("Start", onFailure="step:Tag"), approve(), *UNASKED], id="when a step before fails"),
    ],
)
def test_every_way_to_the_tag_has_to_ask(steps: list[dict[str, Any]]) -> None:
    assert judge_stack(RULE, runbook(*steps)).violations == [text("Tag")]


def test_two_levels_and_refusals_that_end_are_fine() -> None:
    end = step("Refused", isEnd=True)
    steps = [approve(onFailure="step:Refused"), approve("Again", onCancel="step:Refused"), *UNASKED, end]
    assert judge_stack(RULE, runbook(*steps)) == Judgment()


def test_each_step_that_sets_the_tag_is_reported() -> None:
    steps = [iam("TagRole", "TagRole", **BACK), iam("TagUser", "TagUser", **BACK), iam("Untag", "UntagRole")]
    assert judge_stack(RULE, runbook(*steps)).violations == [text("TagRole"), text("TagUser")]


def test_what_is_not_known_yet_may_be_the_template() -> None:
    late = Made(type=DOCUMENT, name="late", properties={"documentType": UNKNOWN, "content": UNKNOWN})
    result = judge_stack(RULE, runbook(*UNASKED), late)
    assert result.violations == []
    assert result.unseen == [
        f'{DOCUMENT} "subject": what starts content.mainSteps.Tag is not known yet; the rule is applied in the update.',
        f'{DOCUMENT} "late": content is not known yet; the rule is applied in the update.',
    ]
    around = runbook(approve(onFailure="Continue"), *UNASKED)
    assert judge_stack(RULE, around, late).violations == [text("Tag")]


def loop(*steps: dict[str, Any]) -> dict[str, Any]:
    return step("Loop", "aws:loop", inputs={"Steps": list(steps), "Iterators": "{{ Names }}"})


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([loop(*UNASKED)], id="the tag in a loop"),
        pytest.param([loop(approve()), *UNASKED], id="approval in a loop that may go round no times"),
        pytest.param([loop(loop(iam("Tag", "TagUser")) | {"name": "Inner"})], id="in a loop in a loop"),
    ],
)
def test_tag_around_loops_is_reported(steps: list[dict[str, Any]]) -> None:
    assert judge_stack(RULE, runbook(*steps)).violations == [text("Tag")]


def test_loop_behind_an_approval_is_fine() -> None:
    assert judge_stack(RULE, runbook(approve(), loop(*UNASKED))) == Judgment()
