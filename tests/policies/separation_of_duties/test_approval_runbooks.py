import json
from collections.abc import Callable
from typing import Any

import pytest

from policies.separation_of_duties.approval_runbooks import APPROVALS_REQUIRED
from policies.separation_of_duties.approval_runbooks import RUNBOOK_REMOVES_TAG as REMOVES_TAG
from policies.separation_of_duties.approval_runbooks import RUNBOOK_REQUIRES_APPROVAL as REQUIRES_APPROVAL
from policies.separation_of_duties.approval_runbooks import RUNBOOK_ROLE_TRUSTS_AUTOMATION_ONLY as ROLE_TRUST
from policies.separation_of_duties.operators import APPROVERS_NOT_OPERATORS
from policies.separation_of_duties.runbook_grant_limited import RUNBOOK_GRANT_LIMITED as GRANT_LIMITED
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge, judge_stack, undecided, violations
from tests.policies.separation_of_duties.documents import (
    APPROVER,
    BACK,
    DOCUMENT,
    KEY,
    OWN,
    approve,
    as_document,
    as_template,
    as_yaml,
    content,
    good,
    iam,
    in_every_form,
    shipped,
    step,
    template,
)
from tests.policies.separation_of_duties.forms import OPERATOR

UNASKED = good()["mainSteps"][1:]
TEMPLATE = Made(DOCUMENT, "template", as_template(template()))


def requires_approval_text(place: str, type_: str = DOCUMENT) -> str:
    expected = "found a path to it without an approval, expected an aws:approve step before it"
    return f'{type_} "subject": content.mainSteps.{place}: {expected}. {REQUIRES_APPROVAL.remedy}.'


def loop(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return step("Loop", "aws:loop", inputs={"Steps": list(steps), "Iterators": "{{ Names }}"}, **more)


def runbook(*steps: dict[str, Any]) -> Made:
    return Made(DOCUMENT, properties=as_document(content(*steps)))


@in_every_form
def test_runbook_without_approval_step_is_refused(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    made = Made(type_, properties=carry(content(*UNASKED)))
    assert judge_stack(REQUIRES_APPROVAL, made).violations == [requires_approval_text("Tag", type_)]


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_documents_of_the_component_are_fine(mode: str) -> None:
    assert judge_stack(REQUIRES_APPROVAL, *shipped(mode)) == Judgment()
    assert judge_stack(APPROVERS_NOT_OPERATORS, *OPERATOR, *shipped(mode)) == Judgment()
    for made in shipped(mode):
        for rule in (APPROVALS_REQUIRED, REMOVES_TAG, GRANT_LIMITED):
            assert judge(rule, made.type, made.properties) == SILENT


@pytest.mark.parametrize(
    "steps",
    [
        good()["mainSteps"],
        [step("Wait")],
        [approve(), loop(*UNASKED)],
        [
            approve(onFailure="step:Refused"),
            approve("Again", onCancel="step:Refused"),
            *UNASKED,
            step("Refused", isEnd=True),
        ],
    ],
    ids=["asks", "no tag", "loop behind an approval", "two levels, and refusals that end"],
)
def test_runbook_that_asks_or_sets_no_tag_is_fine(steps: list[dict[str, Any]]) -> None:
    assert judge_stack(REQUIRES_APPROVAL, runbook(*steps)) == Judgment()


def test_change_template_asks_for_the_runbook_that_it_names() -> None:
    assert judge_stack(REQUIRES_APPROVAL, TEMPLATE, runbook(*UNASKED)) == Judgment()
    other = Made(DOCUMENT, "other", as_template(template(executableRunBooks=[{"name": "Another"}])))
    assert judge_stack(REQUIRES_APPROVAL, other, runbook(*UNASKED)).violations == [requires_approval_text("Tag")]
    assert judge_stack(REQUIRES_APPROVAL, runbook(*UNASKED), runbooksOfOtherTemplates=["Grant"]) == Judgment()


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
        pytest.param([loop(*UNASKED)], id="the tag in a loop"),
        pytest.param([loop(approve()), *UNASKED], id="approval in a loop that may go round no times"),
        pytest.param([loop(loop(iam("Tag", "TagUser")) | {"name": "Inner"})], id="in a loop in a loop"),
    ],
)
def test_every_way_to_the_tag_has_to_ask(steps: list[dict[str, Any]]) -> None:
    assert judge_stack(REQUIRES_APPROVAL, runbook(*steps)).violations == [requires_approval_text("Tag")]


def test_each_step_that_sets_the_tag_is_reported() -> None:
    steps = [iam("TagRole", "TagRole", **BACK), iam("TagUser", "TagUser", **BACK), iam("Untag", "UntagRole")]
    assert judge_stack(REQUIRES_APPROVAL, runbook(*steps)).violations == [
        requires_approval_text("TagRole"),
        requires_approval_text("TagUser"),
    ]


def test_what_is_not_known_yet_may_be_the_template() -> None:
    late = Made(DOCUMENT, "late", {"documentType": UNKNOWN, "content": UNKNOWN})
    result = judge_stack(REQUIRES_APPROVAL, runbook(*UNASKED), late)
    assert result.violations == []
    assert result.unseen == [
        f'{DOCUMENT} "subject": what starts content.mainSteps.Tag is not known yet; the rule is applied in the update.',
        f'{DOCUMENT} "late": content is not known yet; the rule is applied in the update.',
    ]
    around = runbook(approve(onFailure="Continue"), *UNASKED)
    assert judge_stack(REQUIRES_APPROVAL, around, late).violations == [requires_approval_text("Tag")]


COUNTS = "content.mainSteps: MinRequiredApprovals"


def approvals_text(place: str, found: str, expected: str) -> str:
    return f'{DOCUMENT} "subject": {place}: found {found}, expected {expected}. {APPROVALS_REQUIRED.remedy}.'


def asking(first: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """A runbook that sets the tag, with other approvals."""
    return content(first, *others, *good()["mainSteps"][1:])


@in_every_form
def test_runbook_that_asks_is_fine(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    assert judge(APPROVALS_REQUIRED, type_, carry(good())) == SILENT


@pytest.mark.parametrize("carry", [as_document, as_yaml])
def test_template_that_asks_is_fine(carry: Callable[..., dict[str, Any]]) -> None:
    assert judge(APPROVALS_REQUIRED, DOCUMENT, carry(template(), "Automation.ChangeTemplate")) == SILENT


@pytest.mark.parametrize(
    ("change", "place", "found", "expected"),
    [
        ({"autoApprovable": True}, "content.autoApprovable", "true", "false"),
        ({"autoApprovable": None}, "content.autoApprovable", "no value", "false"),
        ({"autoApprovable": "{{ x }}"}, "content.autoApprovable", '"{{ x }}"', "false"),
        ({"emergencyChange": True}, "content.emergencyChange", "true", "false"),
        ({"mainSteps": []}, COUNTS, "no step aws:approve", "a step that takes at least 1, as a number"),
    ],
)
def test_template_that_can_do_without_people_is_refused(
    change: dict[str, Any], place: str, found: str, expected: str
) -> None:
    result = violations(APPROVALS_REQUIRED, DOCUMENT, as_template(template(**change)))
    assert result == [approvals_text(place, found, expected)]


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
    result = violations(APPROVALS_REQUIRED, DOCUMENT, as_document(runbook), minimumApprovals=fewest)
    assert result == [approvals_text(COUNTS, found, expected)]


@pytest.mark.parametrize("count", [2, "2", 3])
def test_enough_approvals_are_fine(count: Any) -> None:
    runbook = as_document(asking(approve(count=1), approve("Again", count=count)))
    assert violations(APPROVALS_REQUIRED, DOCUMENT, runbook, minimumApprovals=2) == []


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
    assert violations(APPROVALS_REQUIRED, DOCUMENT, runbook) == [
        approvals_text(f"content.mainSteps.Ask.{place}", found, expected)
    ]


def test_approvers_of_a_template_are_fixed() -> None:
    levels = {"EnhancedApprovals": {"Approvers": [{"approver": "{{ Who }}", "type": "IamRole"}]}}
    properties = as_template(template(mainSteps=[step("Ask", "aws:approve", inputs=levels)]))
    assert violations(APPROVALS_REQUIRED, DOCUMENT, properties) == [
        approvals_text(
            "content.mainSteps.Ask.inputs.EnhancedApprovals.Approvers[0]",
            '"{{ Who }}"',
            "an approver that is fixed here",
        )
    ]


def test_runbooks_that_set_no_tag_may_ask_as_they_like() -> None:
    assert judge(APPROVALS_REQUIRED, DOCUMENT, as_document(content(approve(count=0)))) == SILENT


def test_approvals_not_known_yet_are_reported_as_advice() -> None:
    assert judge(
        APPROVALS_REQUIRED, OWN, {"documentType": "Automation.ChangeTemplate", "content": UNKNOWN}
    ) == undecided(OWN, "content")


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


def removes_tag_text(place: str, found: str, type_: str = DOCUMENT) -> str:
    expected = f"found {found}, expected a path to a step that removes the tag"
    return f'{type_} "subject": content.mainSteps.{place}: {expected}. {REMOVES_TAG.remedy}.'


def script(name: str, handler: str, source: str = PYTHON, **more: Any) -> dict[str, Any]:
    return step(name, "aws:executeScript", inputs={"Handler": handler, "Script": source}, **more)


@in_every_form
def test_runbook_that_takes_the_tag_back_is_fine(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    assert judge(REMOVES_TAG, type_, carry(good())) == SILENT


@in_every_form
def test_runbook_that_does_not_is_refused_in_every_form(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    bad = content(iam("Tag", "TagRole", onFailure="step:Untag"), UNTAG)
    assert violations(REMOVES_TAG, type_, carry(bad)) == [removes_tag_text("Tag.onCancel", "Abort", type_)]


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
    found = violations(REMOVES_TAG, DOCUMENT, as_document(content(*steps)))
    assert found == [removes_tag_text(place, value) for place, value in expected]


def test_tag_that_is_put_in_at_run_time_counts() -> None:
    steps = [step("T", "aws:executeAwsApi", inputs={"Service": "IAM", "Api": "TagRole", "Tags": "{{ Tags }}"})]
    assert len(violations(REMOVES_TAG, DOCUMENT, as_document(content(*steps)))) == 3


@pytest.mark.parametrize("kind", ["Automation", UNKNOWN])
def test_removal_not_known_yet_is_reported_as_advice(kind: str) -> None:
    assert judge(REMOVES_TAG, OWN, {"documentType": kind, "content": UNKNOWN}) == undecided(OWN, "content")


def test_other_documents_are_left_alone() -> None:
    bad = json.dumps(content(iam("Tag", "TagRole")))
    assert judge(REMOVES_TAG, DOCUMENT, {"documentType": "Command", "content": bad}) == SILENT
    assert judge(REMOVES_TAG, DOCUMENT, {"documentType": "Command", "content": UNKNOWN}) == SILENT


def named(name: str, api: str, principal: str, **more: Any) -> dict[str, Any]:
    made = iam(name, api, **more)
    made["inputs"][f"{api.removeprefix('Un').removeprefix('Tag').removeprefix('tag')}Name"] = principal
    return made


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
    assert violations(REMOVES_TAG, DOCUMENT, as_document(content(*steps)))


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
def test_removed_tag_or_no_tag_is_fine(steps: list[dict[str, Any]]) -> None:
    assert judge(REMOVES_TAG, DOCUMENT, as_document(content(*steps))) == SILENT


ROLE = "aws:iam/role:Role"
NAME = "SsmSessionControlChangeMangerRole"


def role(principal: Any, name: Any = NAME, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return {"name": name, "assumeRolePolicy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::111122223333:root"},
        {"AWS": "arn:aws:iam::111122223333:user/alice", "Service": "ssm.amazonaws.com"},
        {"Service": ["ssm.amazonaws.com", "ec2.amazonaws.com"]},
        {"Service": "lambda.amazonaws.com"},
        {"Federated": "arn:aws:iam::111122223333:saml-provider/idp"},
        "*",
    ],
)
def test_another_principal_is_reported(principal: Any) -> None:
    assert len(violations(ROLE_TRUST, ROLE, role(principal))) == 1
    assert len(violations(ROLE_TRUST, ROLE, role(principal, NAME.lower()))) == 1


@pytest.mark.parametrize("name", ["Other", NAME + "2", None])
def test_role_of_another_name_is_fine(name: Any) -> None:
    assert judge(ROLE_TRUST, ROLE, role({"AWS": "*"}, name)) == SILENT


def test_automation_is_fine() -> None:
    assert judge(ROLE_TRUST, ROLE, role({"Service": "ssm.amazonaws.com"})) == SILENT


def test_what_is_not_known_yet_is_unseen() -> None:
    assert judge(ROLE_TRUST, ROLE, role({"AWS": "*"}, UNKNOWN)).unseen
    assert judge(ROLE_TRUST, ROLE, role({"Service": "ssm.amazonaws.com"}, UNKNOWN)) == SILENT
    assert judge(ROLE_TRUST, ROLE, {"name": NAME, "assumeRolePolicy": UNKNOWN}).unseen


def test_roles_are_configurable() -> None:
    assert len(violations(ROLE_TRUST, ROLE, role({"AWS": "*"}, "Grant-eu"), runbookRoles=["role/Grant-*"])) == 1
