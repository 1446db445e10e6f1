"""The rendered documents and policies: as golden files to be read, and for any settings.

Those that the stack `dev` has in the same form are in its golden file (tests/golden/stacks/dev.yaml).
"""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from common.limits import excess_problems
from components.adoption.document_content import published_bytes, serialized
from components.approval import guard_rails, iam_policies
from components.approval.iam_policies import automation_trust, schedule_trust
from components.approval.names import RUNBOOK_NAME, TAG_KEY, WorkflowLocation
from components.approval.plan import generated_texts, operator_policy_names, plan_approval
from components.approval.runbook import change_template, reaper, runbook
from components.approval.script import source
from components.approval.settings import ApprovalSettings, Approver, ApproverType, Mode, required_approvals
from local.emulator.extension import documents as document_rules

if TYPE_CHECKING:
    from common.problems import Problem

GOLDEN = Path(__file__).parent / "golden"
PLACE = WorkflowLocation(partition="aws", account_id="111122223333", region="eu-west-1")
REGIONS = ["eu-west-1", "us-east-1"]
MAX_BYTES = 64 * 1024
"""API_CreateDocument, MaxDocumentSizeExceeded."""


WORKFLOWS = (Mode.AUTOMATION, Mode.CHANGE_MANAGER)
"""Modes with a workflow of the stack's own."""


def settings(mode: Mode) -> ApprovalSettings:
    return ApprovalSettings(
        mode=mode,
        approvers=[
            Approver(type=ApproverType.IAM_ROLE, name="Approver"),
            Approver(type=ApproverType.IAM_USER, name="grace", min_required_approvals=0, level=2),
        ],
        operator_roles=["Operator"],
        operator_users=["alice"],
    )


RENDERED: dict[str, Any] = {
    "runbook-automation": runbook(settings(Mode.AUTOMATION), PLACE, REGIONS),
    "reaper": reaper(settings(Mode.AUTOMATION), PLACE),
    "change-template": change_template(settings(Mode.CHANGE_MANAGER), PLACE),
    "runbook-role-policy": iam_policies.runbook_role_policy(settings(Mode.AUTOMATION), PLACE),
    "requester-policy-change-manager": iam_policies.requester_policy(settings(Mode.CHANGE_MANAGER), PLACE),
    "operator-deny-policy": guard_rails.operator_deny_policy(settings(Mode.AUTOMATION), PLACE),
    "tag-control-policy": guard_rails.tag_control_policy(PLACE),
}


def readable(document: dict[str, Any]) -> str:
    """YAML, scripts by their first line: the whole of them stands in `components/approval/scripts`."""
    shown = json.loads(json.dumps(document))
    for step in shown.get("mainSteps", []):
        if "Script" in step["inputs"]:
            step["inputs"]["Script"] = step["inputs"]["Script"].splitlines()[0]
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=120)


@pytest.mark.parametrize("name", RENDERED)
def test_rendered_document_is_the_golden_one(name: str) -> None:
    """After an intended change: UPDATE_GOLDEN=1 python -m pytest tests/components/approval/test_documents.py."""
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(readable(RENDERED[name]), encoding="utf-8")
    assert readable(RENDERED[name]) == golden.read_text(encoding="utf-8")


def test_runbook_of_change_manager_lacks_the_approvals_alone() -> None:
    expected = copy.deepcopy(RENDERED["runbook-automation"])
    expected["mainSteps"] = expected["mainSteps"][3:]
    expected["mainSteps"][0]["inputs"]["InputPayload"]["Mode"] = "change-manager"
    assert runbook(settings(Mode.CHANGE_MANAGER), PLACE, REGIONS) == expected


def test_every_golden_file_is_rendered() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(RENDERED)


names = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789+=,.@_-", min_size=1, max_size=64)


@st.composite
def any_settings(draw: st.DrawFn) -> ApprovalSettings:
    mode = draw(st.sampled_from(WORKFLOWS))
    types = list(ApproverType) if mode is Mode.CHANGE_MANAGER else [ApproverType.IAM_ROLE, ApproverType.IAM_USER]
    most = 3 if mode is Mode.CHANGE_MANAGER else 1
    approver = st.builds(
        Approver,
        type=st.sampled_from(types),
        name=names,
        min_required_approvals=st.integers(0, most),
        level=st.integers(1, 5),
    )
    return ApprovalSettings(
        mode=mode,
        approval_validity_minutes=draw(st.integers(1, 1440)),
        approvers=draw(st.lists(approver, min_size=1, max_size=5)),
        operator_roles=draw(st.lists(names, min_size=1, max_size=30, unique=True)),
        operator_users=draw(st.lists(names, max_size=30, unique=True)),
    )


MOST_OPERATORS = 20
"""Principals with names of any length that fit into a runbook with five levels of approval."""


def test_runbook_of_five_levels_is_not_refused() -> None:
    approvers = [Approver(type=ApproverType.IAM_ROLE, name=f"Approvers-{level}", level=level) for level in range(1, 6)]
    roles = [f"Operator-{number}" for number in range(MOST_OPERATORS)]
    wanted = ApprovalSettings(mode=Mode.AUTOMATION, approvers=approvers, operator_roles=roles)
    assert published_bytes(runbook(wanted, PLACE, REGIONS)) <= MAX_BYTES


@given(any_settings())
def test_documents_are_valid_whatever_is_asked_for(wanted: ApprovalSettings) -> None:
    for document in (runbook(wanted, PLACE, REGIONS), reaper(wanted, PLACE)):
        assert document_rules.problems("Automation", document) == []
        # The names of more operators may not fit, which a preview refuses.
        if len(wanted.operator_roles) + len(wanted.operator_users) <= MOST_OPERATORS:
            assert len(serialized(document).encode()) <= MAX_BYTES
    template = change_template(wanted, PLACE)
    assert document_rules.problems("Automation.ChangeTemplate", template) == []


@given(any_settings())
def test_every_way_out_of_a_granted_run_takes_the_tag_away(wanted: ApprovalSettings) -> None:
    steps = {step["name"]: step for step in runbook(wanted, PLACE, REGIONS)["mainSteps"]}
    for name in ("TagRole", "TagUser", "AnnounceGrant", "WaitForValidity"):
        assert steps[name]["onFailure"] == steps[name]["onCancel"] == "step:ReleaseGrant"
    current = "TagRole"
    way = []
    while current != "ReleaseGrant":
        way.append(current)
        current = steps[current]["nextStep"]
    assert way == ["TagRole", "AnnounceGrant", "WaitForValidity"]
    assert steps["TagUser"]["nextStep"] == "AnnounceGrant"
    assert steps["WaitForValidity"]["inputs"] == {"Duration": f"PT{wanted.approval_validity_minutes}M"}


@given(any_settings())
def test_approval_comes_first_and_its_approvers_are_fixed(wanted: ApprovalSettings) -> None:
    steps = runbook(wanted, PLACE, REGIONS)["mainSteps"]
    approvals = [step for step in steps if step["action"] == "aws:approve"]
    if wanted.mode is Mode.CHANGE_MANAGER:
        assert approvals == []
        approvals = change_template(wanted, PLACE)["mainSteps"]
    else:
        assert steps[0]["name"] == "CheckReason"
        assert steps[1 : len(approvals) + 1] == approvals
        assert all("{{" not in approver for step in approvals for approver in step["inputs"]["Approvers"])
        assert all(step["inputs"]["MinRequiredApprovals"] <= len(step["inputs"]["Approvers"]) for step in approvals)
    assert [step["inputs"]["MinRequiredApprovals"] for step in approvals] == [
        required_approvals(level) for level in wanted.levels()
    ]


@given(any_settings())
def test_change_template_never_approves_itself(wanted: ApprovalSettings) -> None:
    template = change_template(wanted, PLACE)
    assert (template["autoApprovable"], template["emergencyChange"]) == (False, False)
    assert template["executableRunBooks"] == [{"name": RUNBOOK_NAME, "version": "$DEFAULT"}]


@given(any_settings())
def test_runbook_role_names_exactly_the_operators(wanted: ApprovalSettings) -> None:
    policy: Any = iam_policies.runbook_role_policy(wanted, PLACE)
    tagging = [each for each in policy["Statement"] if each["Action"] in ("iam:TagRole", "iam:TagUser")]
    named = {arn.rsplit("/", 1)[1] for each in tagging for arn in each["Resource"]}
    assert named == {*wanted.operator_roles, *wanted.operator_users}
    assert all(each["Condition"]["ForAllValues:StringEquals"] == {"aws:TagKeys": [TAG_KEY]} for each in tagging)


LANGUAGE_SCHEMA = Path(__file__).parent / "aws_language_schema" / "schema.json"
AS_PUBLISHED = "d93aff07bb25de38e622ddd50ef7c622a4b4cd7b489da6d035a3c3a4fb59532b"


@pytest.fixture(scope="module")
def language() -> Draft7Validator:
    content = LANGUAGE_SCHEMA.read_bytes()
    assert hashlib.sha256(content).hexdigest() == AS_PUBLISHED
    return Draft7Validator(json.loads(content))


def known_to_the_schema(name: str) -> dict[str, Any]:
    """That schema is older than `onCancel` and python3.11, both of which the User Guide documents."""
    document = json.loads(json.dumps(RENDERED[name]))
    for step in document["mainSteps"]:
        step.pop("onCancel", None)
        if "Runtime" in step["inputs"]:
            step["inputs"]["Runtime"] = "python3.7"
    return document


@pytest.mark.parametrize("name", ["runbook-automation", "reaper"])
def test_runbook_is_valid_by_the_language_schema_of_aws(language: Draft7Validator, name: str) -> None:
    assert [error.message for error in language.iter_errors(known_to_the_schema(name))] == []


@pytest.mark.parametrize(
    ("step", "change"),
    [
        ("ApproveLevel1", {"action": "aws:aprove"}),
        ("ApproveLevel1", {"inputs": {"Message": "no approvers"}}),
        ("Decide", {"inputs": {"Choices": "TagRole"}}),
        ("TagRole", {"inputs": {"Api": "TagRole"}}),
        ("WaitForValidity", {"inputs": {"Minutes": 10, "Duration": 600}}),
        ("WaitForValidity", {"onFailure": "nowhere"}),
    ],
)
def test_language_schema_of_aws_refuses_a_wrong_step(
    language: Draft7Validator, step: str, change: dict[str, Any]
) -> None:
    document = known_to_the_schema("runbook-automation")
    document["mainSteps"] = [each | change if each["name"] == step else each for each in document["mainSteps"]]
    assert list(language.iter_errors(document))


def many(count: int, *, guard_rails: bool) -> ApprovalSettings:
    return ApprovalSettings(
        approvers=[Approver(type=ApproverType.IAM_ROLE, name="Approver")],
        operator_roles=[f"Operator{number:018}" for number in range(count)],
        guard_rails=guard_rails,
    )


def problems(given: ApprovalSettings, place: WorkflowLocation = PLACE) -> list[Problem]:
    plan = plan_approval(given, place, REGIONS, session_data_encryption=True)
    return excess_problems(generated_texts(given, plan))


@pytest.mark.parametrize("guard_rails", [False, True])
def test_policies_of_many_operators_fit_or_are_refused(guard_rails: bool) -> None:  # noqa: FBT001
    assert problems(many(20, guard_rails=guard_rails)) == []
    found = problems(many(80, guard_rails=guard_rails))
    assert {each.key for each in found} == {"shell-access:approval.operatorRoles"}
    (of_role,) = (str(each) for each in found if "SsmSessionControlChangeMangerRole" in each.message)
    assert "to take at most 10240 characters, as a role has no more, got " in of_role
    assert "with 80 operators and 1 approvers. Use fewer operators, or shorter names" in of_role


def test_topics_of_alarms_are_as_many_as_a_rule_has_targets() -> None:
    topics = [f"arn:aws:sns:eu-west-1:111122223333:alarms-{number}" for number in range(5)]
    four = settings(Mode.AUTOMATION).model_copy(update={"alarm_topic_arns": topics[:4]})
    assert problems(four) == []
    five = four.model_copy(update={"alarm_topic_arns": topics})
    assert {each.key for each in problems(five)} == {"shell-access:approval.alarmTopicArns"}


def test_operator_policy_names_are_those_of_the_plan() -> None:
    for rails in (False, True):
        given = many(1, guard_rails=rails)
        plan = plan_approval(given, PLACE, REGIONS, session_data_encryption=True)
        assert operator_policy_names(given) == tuple(each.name for each in plan.operator_policies)


@pytest.mark.parametrize(
    ("script", "handler"),
    [
        ("grants", "release_grant"),
        ("grants", "remove_expired_grants"),
        ("check_request", "check_request"),
        ("reason", "check_reason"),
        ("refuse", "refuse"),
    ],
)
def test_script_is_one_text_with_its_handler(script: str, handler: str) -> None:
    """Systems Manager has nothing but the text, the standard library and boto3."""
    tree = ast.parse(source(script))
    imported = {name for node in ast.walk(tree) for name in _imported(node)}
    assert imported <= {"__future__", "boto3", "botocore", *sys.stdlib_module_names}
    defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert handler in defined
    assert len(defined) == len(set(defined)), "one module hides a name of another"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name.split(".")[0] for each in node.names]
    return [(node.module or "").split(".")[0]] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("mode", WORKFLOWS)
def test_runbook_leaves_room_in_its_document(mode: Mode) -> None:
    assert len(serialized(runbook(settings(mode), PLACE, REGIONS)).encode()) < MAX_BYTES - 1_000


def test_runbook_that_no_document_holds_is_refused() -> None:
    names = [f"Operator{number:04}" + "x" * 50 for number in range(400)]
    given = settings(Mode.AUTOMATION).model_copy(update={"operator_roles": names})
    assert any("the document AllowStartSsmSession to take" in each.message for each in problems(given))


def test_roles_trust_their_service_for_what_it_does_here() -> None:
    for partition in ("aws", "aws-cn", "aws-us-gov"):
        place = WorkflowLocation(partition=partition, account_id="111122223333", region="x")
        for service, policy, sources in (
            ("ssm", automation_trust(place), "ssm:*:111122223333:automation-execution/*"),
            ("scheduler", schedule_trust(place), "scheduler:*:111122223333:schedule-group/*"),
        ):
            (statement,) = policy["Statement"]
            assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
            assert statement["Condition"] == {
                "StringEquals": {"aws:SourceAccount": "111122223333"},
                "ArnLike": {"aws:SourceArn": f"arn:{partition}:{sources}"},
            }
