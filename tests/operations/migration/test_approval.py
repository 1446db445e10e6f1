import json
from dataclasses import replace
from typing import Any

import pytest

from components.approval.settings import Mode
from components.just_in_time.decisions import Outcome
from components.settings import Settings
from operations.approval.executions import MissingWorkflowError
from operations.approval.requests import RequestState
from operations.audit.protected import DeclaredPrincipals
from operations.audit.run import AuditOptions
from operations.errors import UnusableError
from operations.findings import Status
from operations.inventory.reader import Identity, ReadFailure
from operations.migration import situation
from operations.migration.access_paths import AccessPaths, Requester
from operations.migration.approval import MigrationSituation, MigrationStep, Move, move_of, obstacles, path_findings
from operations.migration.situation import SituationReader
from tests.components.just_in_time.examples import approval, manual
from tests.operations.migration.moves import (
    OPEN,
    OPERATOR,
    POLICIES,
    READY,
    WORKFLOW,
    configuration,
    decision,
    moving,
    open_request,
)

UNREAD = ReadFailure(action="iam:GetAccountAuthorizationDetails", cause="denied", remedy="allow it")
CLOSED = AccessPaths(operators=(Requester(arn=OPERATOR),), decides=True)
CHANGE_MANAGER = {**WORKFLOW, "mode": "change-manager"}


def move(section: Any, target: Mode = Mode.JUST_IN_TIME, policies: Any = None) -> Move:
    found = move_of(configuration(section), target, policies)
    assert found is not None
    return found


def after(one: Move, step: MigrationStep) -> dict[str, Any]:
    return json.loads(one.after(step).values["shell-access:approval"])


def checks(
    step: MigrationStep, situation: MigrationSituation, target: Mode = Mode.JUST_IN_TIME, **options: Any
) -> list[str]:
    return [each.check for each in obstacles(step, target, situation, **options)]


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_move_to_just_in_time_has_three_valid_steps(mode: str) -> None:
    begun = move({**WORKFLOW, "mode": mode, "takeOver": True}, policies=POLICIES)
    assert begun.steps == (MigrationStep.PARALLEL, MigrationStep.DRAINING, MigrationStep.COMPLETE)
    assert after(begun, MigrationStep.PARALLEL) == moving("parallel", mode=mode, takeOver=True)
    assert begun.problems() == []
    assert after(begun, MigrationStep.COMPLETE) == approval([manual()], takeOver=True)
    parallel = move(moving("parallel", mode=mode))
    assert parallel.steps == (MigrationStep.DRAINING, MigrationStep.COMPLETE)
    assert after(parallel, MigrationStep.DRAINING) == moving("draining", mode=mode)
    draining = move(moving("draining", mode=mode))
    assert draining.steps == (MigrationStep.COMPLETE,)
    assert after(draining, MigrationStep.COMPLETE) == approval([manual()])
    for each, step in (
        (begun, MigrationStep.PARALLEL),
        (parallel, MigrationStep.DRAINING),
        (draining, MigrationStep.COMPLETE),
    ):
        Settings.load(dict(each.after(step).values))


def test_move_keeps_the_export_with_its_notifications() -> None:
    export: dict[str, Any] = {"evidence": {}, "notificationEmails": ["security@example.com"]}
    kept = after(move({**moving("draining"), **export, "chatTopicArn": ""}), MigrationStep.COMPLETE)
    assert kept == {**approval([manual()]), **export}
    alone = after(move(moving("draining", notificationEmails=["security@example.com"])), MigrationStep.COMPLETE)
    assert alone == approval([manual()])


def test_move_to_automation_changes_the_mode_only() -> None:
    begun = move(CHANGE_MANAGER, Mode.AUTOMATION)
    assert (begun.steps, after(begun, MigrationStep.COMPLETE)) == ((MigrationStep.COMPLETE,), WORKFLOW)


@pytest.mark.parametrize(
    ("section", "target"), [(WORKFLOW, Mode.AUTOMATION), (approval(), Mode.JUST_IN_TIME)], ids=["automation", "jit"]
)
def test_stack_in_the_mode_has_no_move(section: Any, target: Mode) -> None:
    assert move_of(configuration(section), target, None) is None


@pytest.mark.parametrize(
    ("section", "target", "policies", "message"),
    [
        (None, Mode.AUTOMATION, None, "has no section shell-access:approval"),
        (WORKFLOW, Mode.JUST_IN_TIME, None, "--policies: expected a YAML file"),
        (CHANGE_MANAGER, Mode.AUTOMATION, POLICIES, "--policies: expected no file"),
        (approval(), Mode.AUTOMATION, None, "--to: expected just-in-time, which stack dev has"),
        (moving("parallel", mode="change-manager"), Mode.AUTOMATION, None, "to which stack dev is moving"),
    ],
)
def test_impossible_move_is_refused(section: Any, target: Mode, policies: Any, message: str) -> None:
    with pytest.raises(UnusableError, match=message):
        move_of(configuration(section), target, policies)


def test_problems_of_all_steps_are_reported_once() -> None:
    found = move(WORKFLOW, policies={"manualPolicies": [manual(levels=[])]}).problems()
    assert [each.found.partition(": ")[0] for each in found] == [
        "shell-access:approval.justInTime.manualPolicies[0].levels"
    ]
    groups = {**CHANGE_MANAGER, "approvers": [{"type": "IamGroup", "name": "Approvers"}]}
    (problem,) = move(groups, Mode.AUTOMATION).problems()
    assert problem.found.startswith("shell-access:approval.approvers[0].type")


@pytest.mark.parametrize("step", MigrationStep)
def test_nothing_prevents_a_step_that_is_ready(step: MigrationStep) -> None:
    assert checks(step, READY) == []
    assert checks(MigrationStep.COMPLETE, READY, Mode.AUTOMATION) == []


@pytest.mark.parametrize(
    ("situation", "check"),
    [
        (MigrationSituation(paths=CLOSED), "approved-path"),
        (MigrationSituation(paths=UNREAD), "approved-path"),
        (MigrationSituation(paths=replace(OPEN, standing=(f"{OPERATOR}2",))), "standing-sessions"),
        (MigrationSituation(paths=OPEN, decisions=(decision(Outcome.NO_POLICY),)), "nodes-noPolicy"),
        (MigrationSituation(paths=OPEN, decisions=(decision(Outcome.CONFLICT),)), "nodes-conflict"),
        (MigrationSituation(paths=OPEN, decisions=(decision(Outcome.UNKNOWN),)), "nodes-cannotTell"),
    ],
)
def test_workflow_stays_open_until_the_new_way_is(situation: MigrationSituation, check: str) -> None:
    # The policies alone deny nothing.
    assert checks(MigrationStep.PARALLEL, situation) == []
    assert checks(MigrationStep.DRAINING, situation) == [check]
    assert checks(MigrationStep.COMPLETE, situation) == [check]


@pytest.mark.parametrize(
    "requests", [(open_request(RequestState.WAITING),), (open_request(RequestState.GRANTED),), UNREAD]
)
def test_workflow_with_open_requests_is_not_removed(requests: Any) -> None:
    situation = replace(READY, requests=requests)
    assert checks(MigrationStep.DRAINING, situation) == []
    (found,) = obstacles(MigrationStep.COMPLETE, Mode.JUST_IN_TIME, situation)
    assert found.check == "open-requests"
    assert (found.status is Status.UNKNOWN) == isinstance(requests, ReadFailure)


def test_nodes_without_a_policy_can_be_accepted() -> None:
    situation = replace(READY, decisions=(decision(Outcome.NO_POLICY, "a"), decision(Outcome.NO_POLICY, "b")))
    (found,) = obstacles(MigrationStep.DRAINING, Mode.JUST_IN_TIME, situation, unreachable=["a"])
    assert found.found.endswith("no session can be requested: b (i-b) in eu-west-1")
    assert checks(MigrationStep.DRAINING, situation, unreachable=["a", "i-b"]) == []
    assert checks(MigrationStep.DRAINING, situation, unreachable=["*"]) == []
    conflict = replace(READY, decisions=(decision(Outcome.CONFLICT),))
    assert checks(MigrationStep.DRAINING, conflict, unreachable=["*"]) == ["nodes-conflict"]


def test_waiting_change_requests_are_not_lost_unnoticed() -> None:
    waiting = replace(READY, requests=(open_request(RequestState.WAITING),))
    assert checks(MigrationStep.COMPLETE, waiting, Mode.AUTOMATION) == ["open-requests"]
    assert checks(MigrationStep.COMPLETE, waiting, Mode.AUTOMATION, accept_lost=True) == []
    granted = replace(READY, requests=(open_request(RequestState.GRANTED),))
    assert checks(MigrationStep.COMPLETE, granted, Mode.AUTOMATION) == []
    assert checks(MigrationStep.COMPLETE, replace(READY, requests=UNREAD), Mode.AUTOMATION, accept_lost=True) == [
        "open-requests"
    ]


def test_closed_workflow_does_not_change_its_mode() -> None:
    lacking = replace(OPEN, operators=(Requester(arn=OPERATOR, lacks=("iam:PassRole",)),))
    (found,) = obstacles(MigrationStep.COMPLETE, Mode.AUTOMATION, MigrationSituation(paths=lacking))
    assert "role/Operator lacks iam:PassRole" in found.found
    assert checks(MigrationStep.COMPLETE, MigrationSituation(paths=replace(OPEN, decides=False)), Mode.AUTOMATION) == [
        "approved-path"
    ]


@pytest.mark.parametrize(
    ("section", "paths", "found"),
    [
        (WORKFLOW, CLOSED, []),
        (moving("parallel"), CLOSED, []),
        (moving("parallel"), replace(OPEN, decides=False), ["approved-path"]),
        (moving("draining"), CLOSED, ["approved-path"]),
        (moving("draining"), replace(OPEN, standing=(OPERATOR,)), ["standing-sessions"]),
        (approval(), replace(OPEN, operators=()), []),
        (approval(), AccessPaths(), ["approved-path"]),
        (approval(), UNREAD, ["approved-path"]),
    ],
)
def test_paths_are_checked_by_the_present_settings(section: Any, paths: Any, found: list[str]) -> None:
    assert [each.check for each in path_findings(configuration(section).settings(), paths)] == found


def test_incomplete_iam_data_is_no_way_to_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity(account_id="123456789012", partition="aws", arn="arn:aws:iam::123456789012:user/auditor")
    monkeypatch.setattr(situation, "read_details", lambda *_: {})
    monkeypatch.setattr(situation, "known_identity", lambda *_: identity)
    (found,) = SituationReader(configuration(WORKFLOW), AuditOptions(declared=DeclaredPrincipals())).path_findings()
    assert (found.check, found.status) == ("approved-path", Status.UNKNOWN)
    assert "no user and no role" in found.found


OUTPUTS: dict[str, Any] = {
    "approval": {
        "mode": "automation",
        "runbookName": "AllowStartSsmSession",
        "changeTemplateName": None,
        "topicArn": "arn:aws:sns:eu-west-1:123456789012:t",
    },
    "regions": ["eu-west-1"],
}
REMOVED: dict[str, Any] = {**OUTPUTS, "approval": {"mode": "just-in-time"}}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> dict[Mode, AccessPaths]:
    """Ways to a session by mode; the account has no workflow."""
    paths = dict.fromkeys(Mode, OPEN)

    def missing(session: Any, ended: int) -> Any:
        assert session.mode is not Mode.JUST_IN_TIME, f"{ended} of another mode"
        raise MissingWorkflowError("There is no approval workflow")

    for name, answer in {
        "known_identity": lambda *_: Identity(account_id="123456789012", partition="aws", arn="arn"),
        "read_details": lambda *_: {},
        "why_incomplete": lambda *_: None,
        "read_organization": lambda *_: None,
        "audit_context": lambda *_: None,
        "access_paths": lambda _audit, mode, *_: paths[mode],
        "session_of": lambda workflow, _clients: workflow,
        "list_requests": missing,
    }.items():
        monkeypatch.setattr(situation, name, answer)
    monkeypatch.setattr(SituationReader, "_decisions", lambda *_: ())
    monkeypatch.setattr(SituationReader, "_prerequisites", lambda *_: ())
    return paths


def found_before(one: Move, outputs: Any = OUTPUTS) -> MigrationSituation:
    return SituationReader(one.configuration, AuditOptions(declared=DeclaredPrincipals())).read(one, outputs)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("outputs", [OUTPUTS, REMOVED], ids=["removing", "removed"])
def test_interrupted_removal_of_the_workflow_goes_on(outputs: Any) -> None:
    assert found_before(move(moving("draining")), outputs).requests == ()


def test_interrupted_change_of_policies_goes_on(account: dict[Mode, AccessPaths]) -> None:
    account[Mode.CHANGE_MANAGER] = replace(OPEN, decides=False)
    found = found_before(move(CHANGE_MANAGER, Mode.AUTOMATION))
    assert obstacles(MigrationStep.COMPLETE, Mode.AUTOMATION, found) == []
    account[Mode.AUTOMATION] = replace(OPEN, decides=False)
    found = found_before(move(CHANGE_MANAGER, Mode.AUTOMATION))
    assert [each.check for each in obstacles(MigrationStep.COMPLETE, Mode.AUTOMATION, found)] == ["approved-path"]
