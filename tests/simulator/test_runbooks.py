"""The runbooks run by AWS' own simulator (`cdklabs-cdk-ssm-documents`) against the local AWS.

It decides which step comes next, fills in what a step is given, runs the scripts and picks the outputs. What it cannot
do, and who shows it instead (`tests/components/approval/test_runbook_runs.py`, by our interpreter):

- Approvals: the simulator has no approvers. In mode `automation` the runbook is simulated without its approval steps;
  those are played by the local AWS, before the simulator begins. The local AWS also plays change requests and their approvals.
- Cancelling a run, and so `onCancel`. It reads the option, and prints it.
- The status of a run in which a step failed that leads to another one: the simulator says Success, the User Guide Failed
  (`isCritical` is true where nothing is said). The local AWS, which keeps the record, says Failed.
- Timeouts of a step at work (a script may take ten seconds, whatever the runbook says), the runtime (it takes this
  Python), nested runs, the run's role and what it may do.
- `And` in a branch, and `isEnd` on one: said in other words (`translated`).
"""

from collections.abc import Callable
from typing import Any

import pytest

from components.approval.names import TAG_KEY
from components.approval.runbook import reaper
from tests.components.approval.workflow import ACCOUNT, PLACE
from tests.simulator.simulated import Played, SimulatedWorkflow
from tests.simulator.simulator import RefusedError, Simulator, translated

Json = dict[str, Any]
MODES = ("automation", "change-manager")
REQUEST = "Automation approval request"
GRANTED = "Session request granted"
REFUSED = "Session request refused"
ENDED = "Session grant ended"
NOT_GRANTED = "Session request not granted"
STUCK = "Session grant could not be removed"
REMOVED = "Session grants without a run were removed"


@pytest.fixture
def begun(client: Callable[..., Any], endpoint: str, simulator: Simulator) -> Callable[..., SimulatedWorkflow]:
    """Sets a workflow up with these settings."""
    return lambda **changes: SimulatedWorkflow(client, endpoint, simulator, **changes)


def as_printed(document: Json) -> Json:
    """In the simulator's words: seconds for minutes, and no options that say what holds anyway."""
    document.setdefault("parameters", {})
    for step in document["mainSteps"]:
        if step["action"] == "aws:sleep":
            minutes = int(step["inputs"]["Duration"].removeprefix("PT").removesuffix("M"))
            step["inputs"] = {"Duration": f"PT{60 * minutes}S"}
    return document


@pytest.mark.parametrize("mode", MODES)
def test_simulator_understands_every_word_of_the_runbook(
    begun: Callable[..., SimulatedWorkflow], simulator: Simulator, mode: str
) -> None:
    runbook = begun(mode=mode).runbook
    assert simulator.printed(translated(runbook)) == as_printed(translated(runbook))


def test_simulator_understands_every_word_of_the_reaper(
    begun: Callable[..., SimulatedWorkflow], simulator: Simulator
) -> None:
    document = translated(reaper(begun().settings, PLACE))
    assert simulator.printed(document) == as_printed(document)


@pytest.mark.parametrize(
    ("mode", "kind", "name", "minutes"),
    [
        ("automation", "role", "Operator", 10),
        ("automation", "user", "alice", 90),
        ("change-manager", "role", "Operator", 1),
    ],
)
def test_principal_has_the_tag_for_the_configured_time(
    begun: Callable[..., SimulatedWorkflow], mode: str, kind: str, name: str, minutes: int
) -> None:
    flow = begun(mode=mode, approvalValidityMinutes=minutes)
    instance = flow.instance()
    tags: list[str | None] = []
    run = flow.request(instance, kind, name)
    played = flow.play(run, asleep=lambda: tags.append(flow.tag(name, kind)))
    assert (tags, flow.tag(name, kind)) == ([instance], None)
    assert played.slept == [minutes * 60]
    assert played.result["code"] == "SUCCESS"
    assert [step for step in played.steps if not step.startswith(("Decide", "CheckReason"))] == [
        *("CheckRequest", f"Tag{kind.capitalize()}", "AnnounceGrant", "WaitForValidity"),
        *("ReleaseGrant", "EndSessions", "AnnounceEnd"),
    ]
    assert played.outputs["CheckRequest.Region"] == "eu-west-1"
    assert played.outputs["ReleaseGrant.Outcome"] == f"the tag of {kind} {name} was removed"
    assert flow.heard() == [REQUEST, GRANTED, ENDED]
    assert flow.run(run)["AutomationExecutionStatus"] == "Success"


def refused(flow: SimulatedWorkflow, played: Played) -> str:
    """The reason, which is in the notification."""
    assert played.result["code"] == "FAILED"
    assert played.steps[-2:] == ["AnnounceRefusal", "EndRefused"]
    assert not {"TagRole", "TagUser"} & set(played.steps)
    assert flow.heard()[-1] == REFUSED
    reason = played.outputs["CheckRequest.Reason"]
    assert reason in flow.said[-1]
    assert reason in played.result["why"]
    assert flow.tag() is None
    return reason


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("missing", "does not exist in eu-west-1, us-east-1"),
        ("stopped", "is stopped, not running"),
        ("unmanaged", "is not managed by Systems Manager"),
    ],
)
def test_wrong_instance_is_refused_with_the_reason(
    begun: Callable[..., SimulatedWorkflow], state: str, expected: str
) -> None:
    flow = begun()
    instance = flow.instance(managed=state != "unmanaged")
    if state == "missing":
        instance = "i-0123456789abcdef0"
    if state == "stopped":
        flow.client("ec2").stop_instances(InstanceIds=[instance])
    assert expected in refused(flow, flow.play(flow.request(instance)))


def test_requester_cannot_approve_own_request(begun: Callable[..., SimulatedWorkflow]) -> None:
    flow = begun()
    run = flow.request(flow.instance(), by=("Approver", "anton"), approved_by=("Approver", "anton"))
    assert "requesters cannot approve their own request" in refused(flow, flow.play(run))


def test_runbook_started_without_its_change_request_is_refused(begun: Callable[..., SimulatedWorkflow]) -> None:
    flow = begun(mode="change-manager")
    run = flow.ask(flow.instance())
    assert "does not come from a change request" in refused(flow, flow.play(run))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("InstanceId", "i-*"),
        ("PrincipalType", "group"),
        ("PrincipalName", "path/Operator"),
        ("AutomationAssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin"),
        ("Approver", "me"),
    ],
)
def test_parameters_that_could_lead_elsewhere_are_refused(
    begun: Callable[..., SimulatedWorkflow], simulator: Simulator, name: str, value: str
) -> None:
    flow = begun()
    given = {"InstanceId": "i-0123456789abcdef0", "PrincipalType": "role", "PrincipalName": "Operator", "Run": "none"}
    with pytest.raises(RefusedError, match=name):
        simulator.run(translated(flow.runbook), {**given, name: value}, Played(flow))


@pytest.mark.parametrize(
    ("step", "when", "last"),
    [
        ("CheckRequest", "before", NOT_GRANTED),
        ("TagRole", "before", ENDED),
        ("TagRole", "after", ENDED),
        ("AnnounceGrant", "before", ENDED),
        ("WaitForValidity", "before", ENDED),
        ("ReleaseGrant", "after", STUCK),
        ("AnnounceEnd", "before", GRANTED),
    ],
)
def test_failure_at_a_step_leaves_no_grant(
    begun: Callable[..., SimulatedWorkflow], step: str, when: str, last: str
) -> None:
    flow = begun()
    run = flow.request(flow.instance())
    played = flow.play(run, fails=(step, when))
    assert step in played.steps
    assert flow.tag() is None
    assert flow.heard()[-1] == last
    assert flow.run(run)["AutomationExecutionStatus"] == "Failed"


def test_grant_that_failed_to_end_is_ended_by_the_reaper(
    begun: Callable[..., SimulatedWorkflow],
) -> None:
    flow = begun()
    instance = flow.instance()
    flow.play(flow.request(instance), fails=("ReleaseGrant", "before"))
    assert flow.tag() == instance
    assert flow.heard()[-1] == STUCK
    reaped = flow.reap()
    assert reaped.outputs["RemoveExpiredGrants.Removed"] == f"role Operator ({instance})"
    assert "AnnounceRemoval" in reaped.steps
    assert flow.tag() is None
    assert flow.heard()[-1] == REMOVED


def test_reaper_leaves_a_live_grant_without_message(begun: Callable[..., SimulatedWorkflow]) -> None:
    flow = begun()
    instance = flow.instance()
    reaped: list[Played] = []

    def reap() -> None:
        reaped.append(flow.reap())
        assert flow.tag() == instance

    flow.play(flow.request(instance), asleep=reap)
    assert reaped[0].outputs["RemoveExpiredGrants.Outcome"] == "nothing to remove"
    assert "AnnounceRemoval" not in reaped[0].steps
    assert REMOVED not in flow.heard()


def test_second_grant_ends_the_tag_and_reports_the_first(begun: Callable[..., SimulatedWorkflow]) -> None:
    flow = begun()
    instance = flow.instance()
    first = flow.request(instance)
    second: list[Played] = []
    played = flow.play(first, asleep=lambda: second.append(flow.play(flow.request(instance))))
    assert first in second[0].outputs["CheckRequest.Note"]
    assert second[0].outputs["ReleaseGrant.Outcome"] == "the tag of role Operator was removed"
    assert played.outputs["ReleaseGrant.Outcome"] == "the tag of role Operator was already removed"


def test_first_of_two_grants_does_not_cut_the_second_short(begun: Callable[..., SimulatedWorkflow]) -> None:
    flow = begun()
    instance = flow.instance()
    first, second = flow.request(instance), flow.request(instance)

    def grant() -> None:
        other = Played(flow, second)
        for step in ("CheckRequest", "TagRole", "AnnounceGrant", "WaitForValidity"):
            other.begin(step)

    played = flow.play(first, asleep=grant)
    assert played.outputs["ReleaseGrant.Outcome"] == f"the tag of role Operator was left to the run {second}"
    assert flow.tag() == instance


def test_end_of_first_grant_leaves_the_second_unchanged(begun: Callable[..., SimulatedWorkflow]) -> None:
    flow = begun()
    one, two = flow.instance(), flow.instance()
    retag = [{"Key": TAG_KEY, "Value": two}]
    played = flow.play(flow.request(one), asleep=lambda: flow.iam.tag_role(RoleName="Operator", Tags=retag))
    assert f"its value is now {two}" in played.outputs["ReleaseGrant.Outcome"]
    assert flow.tag() == two
