from collections.abc import Callable
from typing import Any

import pytest

from policies.separation_of_duties.approvals_required import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations
from tests.policies.separation_of_duties.documents import (
    APPROVER,
    DOCUMENT,
    OWN,
    approve,
    as_document,
    as_template,
    as_yaml,
    content,
    good,
    in_every_form,
    shipped,
    step,
    template,
)

REMEDY = (
    "Set autoApprovable and emergencyChange to false, and give aws:approve steps fixed approvers and "
    "MinRequiredApprovals."
)
COUNTS = "content.mainSteps: MinRequiredApprovals"


def text(place: str, found: str, expected: str) -> str:
    return f'{DOCUMENT} "subject": {place}: found {found}, expected {expected}. {REMEDY}'


def asking(first: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """A runbook that sets the tag, with other approvals."""
    return content(first, *others, *good()["mainSteps"][1:])


@in_every_form
def test_runbook_that_asks_is_fine(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    assert judge(RULE, type_, carry(good())) == SILENT


@pytest.mark.parametrize("carry", [as_document, as_yaml])
def test_template_that_asks_is_fine(carry: Callable[..., dict[str, Any]]) -> None:
    assert judge(RULE, DOCUMENT, carry(template(), "Automation.ChangeTemplate")) == SILENT


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_what_the_component_publishes_is_fine(mode: str) -> None:
    for made in shipped(mode):
        assert judge(RULE, made.type, made.properties) == SILENT


@pytest.mark.parametrize(
    ("change", "place", "found"),
    [
        pytest.param({"autoApprovable": True}, "autoApprovable", "true", id="approves itself"),
        pytest.param({"autoApprovable": None}, "autoApprovable", "no value", id="does not say"),
        pytest.param({"autoApprovable": "{{ x }}"}, "autoApprovable", '"{{ x }}"', id="leaves it open"),
        pytest.param({"emergencyChange": True}, "emergencyChange", "true", id="for emergencies"),
    ],
)
def test_template_that_can_do_without_people_is_refused(change: dict[str, Any], place: str, found: str) -> None:
    assert violations(RULE, DOCUMENT, as_template(template(**change))) == [text(f"content.{place}", found, "false")]


def test_template_without_approvals_is_refused() -> None:
    assert violations(RULE, DOCUMENT, as_template(template(mainSteps=[]))) == [
        text(COUNTS, "no step aws:approve", "a step that takes at least 1, as a number")
    ]


@pytest.mark.parametrize(
    ("runbook", "fewest", "found"),
    [
        pytest.param(asking(approve(count=0)), 1, "0", id="none"),
        pytest.param(asking(approve(count="{{ Count }}")), 1, "0", id="as the requester likes"),
        pytest.param(asking(approve(count=1)), 2, "1", id="too few"),
        pytest.param(asking(approve(count=None)), 2, "1", id="too few by default"),
        pytest.param(asking(approve(count=1), approve("Again", count=1)), 2, "1 and 1", id="too few in every level"),
    ],
)
def test_too_few_approvals_are_refused(runbook: dict[str, Any], fewest: int, found: str) -> None:
    expected = f"a step that takes at least {fewest}, as a number"
    result = violations(RULE, DOCUMENT, as_document(runbook), minimumApprovals=fewest)
    assert result == [text(COUNTS, found, expected)]


@pytest.mark.parametrize("count", [2, "2", 3])
def test_enough_approvals_are_fine(count: Any) -> None:
    runbook = as_document(asking(approve(count=1), approve("Again", count=count)))
    assert violations(RULE, DOCUMENT, runbook, minimumApprovals=2) == []


@pytest.mark.parametrize(
    ("approvers", "place", "found", "expected"),
    [
        pytest.param([], "inputs", "no approvers", "at least one", id="none"),
        pytest.param(None, "inputs", "no approvers", "at least one", id="left out"),
        pytest.param(
            ["{{ Who }}"], "inputs.Approvers[0]", '"{{ Who }}"', "an approver that is fixed here", id="a parameter"
        ),
        pytest.param(
            [APPROVER, "arn:aws:iam::111122223333:role/{{ Who }}"],
            "inputs.Approvers[1]",
            '"role/{{ Who }}"',
            "an approver that is fixed here",
            id="a part of a name",
        ),
    ],
)
def test_approvers_are_fixed(approvers: Any, place: str, found: str, expected: str) -> None:
    runbook = as_document(asking(approve(approvers=approvers)))
    assert violations(RULE, DOCUMENT, runbook) == [text(f"content.mainSteps.Ask.{place}", found, expected)]


def test_approvers_of_a_template_are_fixed() -> None:
    levels = {"EnhancedApprovals": {"Approvers": [{"approver": "{{ Who }}", "type": "IamRole"}]}}
    properties = as_template(template(mainSteps=[step("Ask", "aws:approve", inputs=levels)]))
    assert violations(RULE, DOCUMENT, properties) == [
        text(
            "content.mainSteps.Ask.inputs.EnhancedApprovals.Approvers[0]",
            '"{{ Who }}"',
            "an approver that is fixed here",
        )
    ]


def test_runbooks_that_set_no_tag_may_ask_as_they_like() -> None:
    assert judge(RULE, DOCUMENT, as_document(content(approve(count=0)))) == SILENT


def test_what_is_not_known_yet_is_reported_as_advice() -> None:
    result = judge(RULE, OWN, {"documentType": "Automation.ChangeTemplate", "content": UNKNOWN})
    assert result.violations == []
    assert result.unseen == [f'{OWN} "subject": content is not known yet; the rule is applied in the update.']
