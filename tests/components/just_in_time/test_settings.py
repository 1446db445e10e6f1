from __future__ import annotations

import json
from typing import Any

import pytest

from common.characters import hidden_character
from common.problems import SettingsError
from components.approval.evidence_plan import plan_evidence
from components.approval.names import ALARM_PREFIX, WorkflowLocation
from components.just_in_time.documents import policy_documents
from components.settings import Settings
from tests.components.hostile import HOSTILE_OTHERS, HOSTILE_TEXTS, leaves
from tests.components.just_in_time.examples import (
    ACTION,
    APPROVERS,
    GROUP,
    ONCALL,
    OTHERS,
    approval,
    auto,
    cedar,
    level,
    manual,
)

PREFIX = "shell-access:approval.justInTime"
ON_NODES = 'resource.hasTag("Tier") && resource.getTag("Tier") == "web"'


def load(section: Any) -> Settings:
    return Settings.load({"aws:region": "eu-west-1", "shell-access:approval": section})


def problems(section: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as refused:
        load(section)
    return {each.key: each.message for each in refused.value.problems}


def of_policies(*policies: Any) -> dict[str, str]:
    return problems(approval(list(policies)))


def test_accepts_manual_and_auto_policies() -> None:
    settings = load(approval())
    assert settings.approval is None
    assert settings.just_in_time is not None
    assert settings.just_in_time.manual_policies[0].access_duration_hours == 1
    assert settings.governs


def test_take_over_of_the_section_applies_to_the_policies() -> None:
    taken = load(approval(takeOver=True))
    assert (taken.takes_over_just_in_time, taken.takes_over_account, taken.take_over) == (True, True, False)
    assert not load(approval()).takes_over_just_in_time


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"name": "SSM-JustInTimeAccessAutoApprovalPolicy"}, "name"),
        ({"name": "aws-databases"}, "name"),
        ({"name": "with space"}, "name"),
        ({"targets": "all"}, "targets"),
        ({"targets": {}}, "targets"),
        ({"targets": {"*": ["x"]}}, "targets"),
        ({"targets": {"Tier": []}}, "targets.Tier"),
        ({"accessDurationHours": 0}, "accessDurationHours"),
        ({"accessDurationHours": 337}, "accessDurationHours"),
        ({"levels": []}, "levels"),
        ({"levels": [level(APPROVERS)] * 6}, "levels"),
        (
            {"levels": [level(*[f"34688438-1061-702c-a03d-1fa788dccf{number}0" for number in range(6)])]},
            "levels[0].approvers",
        ),
        ({"levels": [level("Admins")]}, "levels[0].approvers[0].id"),
        ({"levels": [{"approvers": [{"type": "IamRole", "id": APPROVERS}]}]}, "levels[0].approvers[0].type"),
        ({"levels": [level(APPROVERS, required=2)]}, "levels[0].minRequiredApprovals"),
        ({"levels": [level(APPROVERS, APPROVERS.upper())]}, "levels[0].approvers[1].id"),
        ({"levels": [level(APPROVERS), level(APPROVERS)]}, "levels[1].approvers[0].id"),
    ],
)
def test_policy_beyond_the_published_form_is_refused(changed: Any, key: str) -> None:
    found = of_policies(manual(**changed))
    assert any(each.startswith(f"{PREFIX}.manualPolicies[0].{key}") for each in found), found


def test_unpublished_forms_are_refused_with_the_reason() -> None:
    found = of_policies(
        manual(targets="all"), manual("Two", levels=[{"approvers": [{"type": "SSOUser", "id": APPROVERS}]}])
    )
    assert "AWS does not publish its form" in found[f"{PREFIX}.manualPolicies[0].targets"]
    assert "AWS does not publish" in found[f"{PREFIX}.manualPolicies[1].levels[0].approvers[0].type"]
    section = approval()
    section["justInTime"]["denyPolicy"] = {"statements": []}
    assert "console of the delegated administrator" in problems(section)[f"{PREFIX}.denyPolicy"]


def test_more_than_50_manual_policies_are_refused() -> None:
    several = [manual(f"Policy{number}", targets={"Node": [str(number)]}) for number in range(51)]
    assert load(approval(several[:50])).just_in_time
    assert f"{PREFIX}.manualPolicies" in of_policies(*several)


def test_tag_of_two_policies_is_a_conflict() -> None:
    found = of_policies(manual(), manual("Other", targets={"Tier": ["web", "database"]}), manual("Third"))
    assert "which Databases targets too" in found[f"{PREFIX}.manualPolicies[1].targets.Tier"]
    assert f"{PREFIX}.manualPolicies[2].targets.Tier" in found
    assert load(
        approval([manual(), manual("Other", targets={"Tier": ["Database"], "tier": ["database"]})])
    ).just_in_time


def test_name_of_two_policies_is_refused() -> None:
    assert f"{PREFIX}.manualPolicies[1].name" in of_policies(manual(), manual(targets={"A": ["b"]}))


@pytest.mark.parametrize(
    "statement",
    [
        {"id": "none"},
        cedar(f"permit({GROUP}, {ACTION}, resource) when {{ {ON_NODES} }};", tags={"a": ["b"]}),
        auto(groups=[]),
        auto(tags={}),
        auto(groups=["Admins"]),
        cedar("permit(principal, action, resource)"),
        cedar(f"permit({GROUP}, {ACTION}, resource) when {{ {ON_NODES} /* \u202e */ }};"),
    ],
    ids=["neither", "both", "no-groups", "no-tags", "name-of-a-group", "no-semicolon", "hidden-character"],
)
def test_incomplete_auto_approval_is_refused(statement: Any) -> None:
    found = problems(approval(auto_approvals=[statement]))
    assert all(each.startswith(f"{PREFIX}.autoApprovals[0]") for each in found)
    assert found


def test_permit_for_anyone_is_accepted_knowingly_only() -> None:
    text = f"permit(principal, {ACTION}, resource) when {{ {ON_NODES} }};"
    assert (
        "got one for any user" in problems(approval(auto_approvals=[cedar(text)]))[f"{PREFIX}.autoApprovals[0].cedar"]
    )
    accepted = load(approval(auto_approvals=[cedar(text, anyone=True)]))
    assert accepted.just_in_time
    assert accepted.warnings() == []


def test_warns_where_anyone_has_no_effect() -> None:
    (warning,) = load(approval(auto_approvals=[auto(anyone=True)])).warnings()
    assert warning.key == f"{PREFIX}.autoApprovals[0].anyone"
    assert "has no effect, as cedar is empty" in warning.message


PATHS = list(leaves(approval(auto_approvals=[auto()])["justInTime"]))


@pytest.mark.parametrize("path", PATHS, ids=[".".join(map(str, path)) for path in PATHS])
def test_hostile_value_is_refused_or_reaches_no_document(path: tuple[str | int, ...]) -> None:
    for value in (*HOSTILE_TEXTS, *HOSTILE_OTHERS):
        section = approval(auto_approvals=[auto()])
        holder: Any = section["justInTime"]
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = value
        try:
            settings = load(section).just_in_time
        except SettingsError:
            continue
        assert settings is not None
        assert not hidden_character(str([each.content for each in policy_documents(settings)]).replace("\n", ""))


def test_all_problems_are_reported_at_once() -> None:
    section = approval(
        [manual(), manual("aws-x", levels=[level(ONCALL), level(OTHERS, ONCALL)])],
        [auto(), auto(), cedar(f"permit(principal, {ACTION}, resource);")],
        operatorRoles=["Operator"],
    )
    assert set(problems(section)) == {
        "shell-access:approval.operatorRoles",
        f"{PREFIX}.manualPolicies[1].name",
        f"{PREFIX}.manualPolicies[1].targets.Tier",
        f"{PREFIX}.manualPolicies[1].levels[1].approvers[1].id",
        f"{PREFIX}.autoApprovals[1].id",
        f"{PREFIX}.autoApprovals[2].cedar",
    }


def test_policies_belong_to_their_mode() -> None:
    section = {**approval(), "mode": "automation"}
    assert "Set mode to just-in-time" in problems(section)[PREFIX]
    assert "got none" in problems({"mode": "just-in-time"})[PREFIX]
    assert "no node is accessible" in problems(approval([], []))[PREFIX]
    assert load({**approval(), "enabled": False}).just_in_time is None


EXPORT: dict[str, Any] = {
    "evidence": {"retentionMode": "compliance"},
    "notificationEmails": ["security@example.com"],
    "alarmTopicArns": ["arn:aws:sns:eu-west-1:123456789012:alarms"],
}


def test_export_is_the_only_workflow_setting_of_the_mode() -> None:
    loaded = load({**approval(), **EXPORT})
    assert loaded.approval is None
    assert loaded.evidence_export
    assert (loaded.evidence_export.workflow_roles, loaded.evidence_export.document_names) == (
        ("ShellAccessEvidenceExport", "ShellAccessEvidenceSchedule"),
        ("ExportSessionEvidence",),
    )
    assert load(approval()).evidence_export is None
    without = {key: value for key, value in EXPORT.items() if key != "evidence"}
    prefix = "shell-access:approval"
    assert set(problems({**approval(), **without})) == {f"{prefix}.notificationEmails", f"{prefix}.alarmTopicArns"}
    assert set(problems({**approval(), **EXPORT, "guardRails": True})) == {f"{prefix}.guardRails"}


def test_export_alone_has_no_name_of_the_workflow() -> None:
    section = load({**approval(), **EXPORT}).evidence_export
    assert section
    place = WorkflowLocation(partition="aws", account_id="123456789012", region="eu-west-1")
    plan = plan_evidence(section, place, ("eu-west-1",))
    assert [each.name for each in plan.documents] == ["ExportSessionEvidence"]
    assert {each.name for each in plan.roles} == {"ShellAccessEvidenceExport", "ShellAccessEvidenceSchedule"}
    assert (plan.policies, len(plan.schedules), len(plan.alarm_topics)) == ((), 1, 2)
    text = json.dumps([each.pattern for each in plan.event_alarms])
    assert "AllowStartSsmSession" not in text
    assert {each.name.removeprefix(ALARM_PREFIX) for each in (*plan.event_alarms, *plan.metric_alarms)} >= {
        "evidence-not-exported",
        "evidence-did-not-run",
        "documents-changed",
        "topic-changed",
    }
    assert plan.export
    payload = plan.export.runbook.content["mainSteps"][0]["inputs"]["InputPayload"]
    assert payload["AccessRequests"] is True


def test_missing_maximum_of_sessions_is_a_warning() -> None:
    values = {"aws:region": "eu-west-1", "shell-access:sessionManager": {}, "shell-access:approval": approval()}
    (warning,) = Settings.load(values).warnings()
    assert "may outlive its grant by days: its access ends with the hours of its policy" in warning.message


WORKFLOW: dict[str, Any] = {
    "mode": "automation",
    "approvers": [{"type": "IamRole", "name": "Approver"}],
    "operatorRoles": ["Operator"],
}


@pytest.mark.parametrize("stage", ["parallel", "draining"])
def test_move_keeps_the_workflow_beside_the_policies(stage: str) -> None:
    settings = load({**approval(), **WORKFLOW, "justInTimeMigration": stage})
    assert settings.approval is not None
    assert settings.just_in_time is not None
    assert settings.approval.accepts_requests == (stage == "parallel")


def test_move_needs_policies_and_another_mode() -> None:
    migration = {"justInTimeMigration": "parallel"}
    assert "while justInTimeMigration is parallel, got none" in problems({**WORKFLOW, **migration})[PREFIX]
    assert "or justInTimeMigration to parallel" in problems({**approval(), **WORKFLOW})[PREFIX]
    assert set(problems(approval(**migration))) == {"shell-access:approval.justInTimeMigration"}
    wrong = problems({**approval([manual(levels=[])]), **WORKFLOW, **migration})
    assert set(wrong) == {f"{PREFIX}.manualPolicies[0].levels"}
    assert "one of none, parallel, draining" in problems({**WORKFLOW, "justInTimeMigration": "fast"}).popitem()[1]
