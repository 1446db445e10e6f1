import json
from collections.abc import Callable
from typing import Any

import pytest

from policies.separation_of_duties.runbook_removes_tag import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations
from tests.policies.separation_of_duties.documents import (
    BACK,
    DOCUMENT,
    KEY,
    OWN,
    approve,
    as_document,
    content,
    good,
    iam,
    in_every_form,
    shipped,
    step,
)

UNTAG = iam("Untag", "UntagRole", isEnd=True)
PYTHON = f"""
import boto3

def handler(events, context):
    take_back(boto3.client("iam"))

def take_back(iam):
    iam.untag_role(RoleName="x", TagKeys=["{KEY}"])

def grant(events, context):
    boto3.client("iam").tag_role(RoleName="x", Tags=[{{"Key": "{KEY}"}}])
"""


def text(place: str, found: str, type_: str = DOCUMENT) -> str:
    return (
        f'{type_} "subject": content.mainSteps.{place}: found {found}, expected a path to a step that removes the tag. Set '
        "onFailure and onCancel of every step after the tag to step:Name of a step that leads to the removal."
    )


def script(name: str, handler: str, source: str = PYTHON, **more: Any) -> dict[str, Any]:
    return step(name, "aws:executeScript", inputs={"Handler": handler, "Script": source}, **more)


@in_every_form
def test_runbook_that_takes_the_tag_back_is_fine(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    assert judge(RULE, type_, carry(good())) == SILENT


@in_every_form
def test_runbook_that_does_not_is_refused_in_every_form(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    bad = content(iam("Tag", "TagRole", onFailure="step:Untag"), UNTAG)
    assert violations(RULE, type_, carry(bad)) == [text("Tag.onCancel", "Abort", type_)]


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_what_the_component_publishes_is_fine(mode: str) -> None:
    for made in shipped(mode):
        assert judge(RULE, made.type, made.properties) == SILENT


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([iam("Tag", "TagRole", isEnd=True, **BACK), UNTAG], [("Tag.isEnd", "true")], id="ends after it"),
        pytest.param(
            [iam("Untag", "UntagUser", nextStep="Tag"), iam("Tag", "TagUser", **BACK)],
            [("Tag.nextStep", "no value")],
            id="is the last",
        ),
        pytest.param(
            [iam("Tag", "TagRole", onFailure="Abort", onCancel="step:Untag"), UNTAG],
            [("Tag.onFailure", "Abort")],
            id="aborts when it fails",
        ),
        pytest.param(
            [iam("Tag", "TagRole", **BACK), step("Wait", onFailure="step:Untag"), UNTAG],
            [("Wait.onCancel", "Abort")],
            id="a later step aborts",
        ),
        pytest.param(
            [iam("Tag", "TagRole", onFailure="step:Notify", onCancel="step:Untag"), UNTAG, step("Notify", isEnd=True)],
            [("Notify.isEnd", "true"), ("Notify.onFailure", "Abort"), ("Notify.onCancel", "Abort")],
            id="fails to another end",
        ),
        pytest.param(
            [iam("Tag", "TagRole", onFailure="step:Nowhere", onCancel="step:Untag"), UNTAG],
            [("Tag.onFailure", "step:Nowhere")],
            id="a step that there is not",
        ),
        pytest.param(
            [
                iam("Tag", "TagRole", **BACK),
                step("Choose", "aws:branch", inputs={"Choices": [{"NextStep": "Untag"}], "Default": "Stay"}),
                step("Stay", isEnd=True, **BACK),
                UNTAG,
            ],
            [("Stay.isEnd", "true")],
            id="by default elsewhere",
        ),
        pytest.param(
            [
                iam("Tag", "TagRole", **BACK),
                step("Choose", "aws:branch", inputs={"Choices": [{"NextStep": "Untag"}]}, isEnd=True),
                UNTAG,
            ],
            [("Choose.isEnd", "true")],
            id="ends where nothing is chosen",
        ),
        pytest.param(
            [
                iam("Tag", "TagRole", **BACK),
                step(
                    "Other",
                    "aws:executeAwsApi",
                    inputs={"Service": "iam", "Api": "UntagRole", "TagKeys": ["x"]},
                    **BACK,
                ),
                step("End", isEnd=True, **BACK),
                UNTAG,
            ],
            [("End.isEnd", "true")],
            id="removes another tag",
        ),
        pytest.param(
            [script("Tag", "grant", **BACK), script("Untag", "grant")],
            [("Untag.nextStep", "no value"), ("Untag.onFailure", "Abort"), ("Untag.onCancel", "Abort")],
            id="a script that sets it again",
        ),
    ],
)
def test_every_way_on_has_to_lead_to_the_removal(steps: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    found = violations(RULE, DOCUMENT, as_document(content(*steps)))
    assert found == [text(place, value) for place, value in expected]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([iam("Tag", "TagRole", onFailure="Continue", onCancel="step:Untag"), UNTAG], id="continues"),
        pytest.param([script("Tag", "grant", **BACK), script("Untag", "handler")], id="scripts"),
        pytest.param(
            [
                script("Tag", "x", f'Add-IAMRoleTag -Tag @{{ Key = "{KEY}" }}', **BACK),
                script("Untag", "x", f'Remove-IAMRoleTag -TagKey "{KEY}"'),
            ],
            id="PowerShell",
        ),
        pytest.param([iam("Tag", "tag_role", **BACK), UNTAG], id="by the name of boto3"),
        pytest.param([step("Notify", isEnd=True)], id="no tag"),
        pytest.param(
            [step("T", "aws:executeAwsApi", inputs={"Service": "iam", "Api": "TagRole", "Tags": [{"Key": "team"}]})],
            id="another tag",
        ),
        pytest.param([iam("Untag", "UntagRole")], id="removal alone"),
        pytest.param(
            [approve(), iam("Tag", "TagRole", nextStep="Wait", **BACK), UNTAG, step("Wait", nextStep="Untag", **BACK)],
            id="back and forth",
        ),
    ],
)
def test_what_leads_to_the_removal_or_sets_no_tag_is_fine(steps: list[dict[str, Any]]) -> None:
    assert judge(RULE, DOCUMENT, as_document(content(*steps))) == SILENT


def test_tag_that_is_put_in_at_run_time_counts() -> None:
    steps = [step("T", "aws:executeAwsApi", inputs={"Service": "IAM", "Api": "TagRole", "Tags": "{{ Tags }}"})]
    assert len(violations(RULE, DOCUMENT, as_document(content(*steps)))) == 3


@pytest.mark.parametrize("kind", ["Automation", UNKNOWN])
def test_what_is_not_known_yet_is_reported_as_advice(kind: str) -> None:
    result = judge(RULE, OWN, {"documentType": kind, "content": UNKNOWN})
    assert result.violations == []
    assert result.unseen == [f'{OWN} "subject": content is not known yet; the rule is applied in the update.']


def test_other_documents_are_left_alone() -> None:
    bad = json.dumps(content(iam("Tag", "TagRole")))
    assert judge(RULE, DOCUMENT, {"documentType": "Command", "content": bad}) == SILENT
    assert judge(RULE, DOCUMENT, {"documentType": "Command", "content": UNKNOWN}) == SILENT


def named(name: str, api: str, principal: str, **more: Any) -> dict[str, Any]:
    made = iam(name, api, **more)
    made["inputs"][f"{api.removeprefix('Un').removeprefix('Tag').removeprefix('tag')}Name"] = principal
    return made


def loop(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return step("Loop", "aws:loop", inputs={"Steps": list(steps), "Iterators": "{{ Names }}"}, **more)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            [named("Tag", "TagRole", "{{ Name }}", **BACK), named("Untag", "UntagRole", "{{ Other }}", isEnd=True)],
            id="another role",
        ),
        pytest.param(
            [named("Tag", "TagRole", "{{ Name }}", **BACK), named("Untag", "UntagUser", "{{ Name }}", isEnd=True)],
            id="a user of that name",
        ),
        pytest.param(
            [
                named("Tag", "TagUser", "{{ Name }}", **BACK),
                script("Untag", "handler", isEnd=True) | {"inputs": {"Handler": "handler", "Script": PYTHON}},
            ],
            id="a script that is not given the name",
        ),
        pytest.param([loop(iam("Tag", "TagRole"), onFailure="step:Untag"), UNTAG], id="an abort in a loop"),
        pytest.param([loop(iam("Tag", "TagRole", onFailure="step:Untag", onCancel="step:Untag"))], id="only a loop"),
        pytest.param(
            [
                iam("Tag", "TagRole", **BACK),
                step("Untag", "aws:executeAwsApi", inputs={"Service": "iam", "Api": "UntagRole", "TagKeys": "{{ K }}"}),
            ],
            id="keys that the requester gives",
        ),
        pytest.param(
            [step("T", "aws:executeAwsApi", inputs={"Service": "iam", "Api": "CreateRole", "Tags": [{"Key": KEY}]})],
            id="a role that is made with it",
        ),
    ],
)
def test_tag_that_stays_is_reported(steps: list[dict[str, Any]]) -> None:
    assert violations(RULE, DOCUMENT, as_document(content(*steps)))


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            [named("Tag", "TagRole", "{{ Name }}", **BACK), named("Untag", "UntagRole", "{{Name}}", isEnd=True)],
            id="the same role, spelled otherwise",
        ),
        pytest.param(
            [
                named("Tag", "TagUser", "{{ Name }}", **BACK),
                step(
                    "Untag",
                    "aws:executeScript",
                    inputs={"Handler": "handler", "Script": PYTHON, "InputPayload": {"User": "{{ Name }}"}},
                ),
            ],
            id="a script that is given the name",
        ),
        pytest.param(
            [loop(iam("Tag", "TagRole", **BACK), step("Wait", **BACK), onFailure="step:Untag"), UNTAG],
            id="after a loop",
        ),
        pytest.param(
            [loop(iam("Tag", "TagRole", **BACK), step("Wait", **BACK), iam("Untag", "UntagRole"))], id="in the loop"
        ),
    ],
)
def test_tag_that_is_removed_is_fine(steps: list[dict[str, Any]]) -> None:
    assert judge(RULE, DOCUMENT, as_document(content(*steps))) == SILENT
