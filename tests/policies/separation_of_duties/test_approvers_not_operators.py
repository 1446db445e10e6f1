from collections.abc import Callable
from typing import Any

import pytest

from policies.separation_of_duties.approvers_not_operators import RULE
from tests.policies.judging import UNKNOWN, Judgment, Made, judge_stack
from tests.policies.separation_of_duties.documents import (
    DOCUMENT,
    approve,
    as_document,
    as_template,
    content,
    in_every_form,
    shipped,
    step,
    template,
)
from tests.policies.separation_of_duties.stacks import OPERATOR

PLACE = "content.mainSteps.Ask.inputs.Approvers[0]"


def text(found: str, place: str = PLACE, type_: str = DOCUMENT) -> str:
    return (
        f'{type_} "subject": {place}: found {found}, expected a principal that is not an operator. Remove the operator from '
        "the approvers, or the approver from the operators."
    )


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::111122223333:{kind}/{name}"


def asks(*approvers: str) -> dict[str, Any]:
    return content(approve(approvers=approvers))


@in_every_form
def test_operator_who_approves_is_refused(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    made = Made(type=type_, properties=carry(asks(arn("role", "Operator"))))
    assert judge_stack(RULE, *OPERATOR, made).violations == [text("role/Operator", type_=type_)]


@pytest.mark.parametrize(
    "approver",
    [
        arn("role", "path/operator"),
        "arn:aws:sts::111122223333:assumed-role/Operator/session",
        arn("role", "OPERATOR"),
    ],
)
def test_operator_is_recognized_however_called(approver: str) -> None:
    made = Made(type=DOCUMENT, properties=as_document(asks(approver)))
    assert len(judge_stack(RULE, *OPERATOR, made).violations) == 1


@pytest.mark.parametrize("approver", [arn("role", "Approver"), arn("user", "Operator"), "Operator"])
def test_others_may_approve(approver: str) -> None:
    made = Made(type=DOCUMENT, properties=as_document(asks(approver)))
    assert judge_stack(RULE, *OPERATOR, made) == Judgment()


@pytest.mark.parametrize("kind", ["IamRole", "IamGroup", "IamUser"])
def test_approvers_of_a_template_count(kind: str) -> None:
    level = {"EnhancedApprovals": {"Approvers": [{"approver": "Operator", "type": kind}]}}
    made = Made(type=DOCUMENT, properties=as_template(template(mainSteps=[step("Ask", "aws:approve", inputs=level)])))
    found = judge_stack(RULE, *OPERATOR, made).violations
    place = "content.mainSteps.Ask.inputs.EnhancedApprovals.Approvers[0]"
    assert found == ([text("role/Operator", place)] if kind == "IamRole" else [])


def test_configured_operators_count() -> None:
    made = Made(type=DOCUMENT, properties=as_document(asks("alice", arn("role", "Fine"))))
    assert judge_stack(RULE, made, operators=["user/Alice"]).violations == [text("user/alice")]


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_what_the_component_publishes_is_fine(mode: str) -> None:
    assert judge_stack(RULE, *OPERATOR, *shipped(mode)) == Judgment()


def test_document_that_is_not_known_yet_is_reported_as_advice() -> None:
    late = Made(type=DOCUMENT, properties={"documentType": "Automation", "content": UNKNOWN})
    result = judge_stack(RULE, *OPERATOR, late)
    assert (result.violations, len(result.unseen)) == ([], 1)
