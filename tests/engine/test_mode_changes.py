"""Changes of the mode of approval by a plain update: after no write can an operator start a session without an approval.

The workflow moves to other Regions and back, too.
"""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from components.approval import names
from components.just_in_time.names import IDENTITY_PROVIDER_SETTING
from tests.components.just_in_time.examples import approval, manual
from tests.engine.test_approval_verify import exports_a_day_once, record_api_calls
from tests.engine.test_interrupted import Interruptible
from tests.engine.test_just_in_time import BY_HAND, IDENTITY, SESSIONS, WORKFLOW, Watcher, enable_just_in_time
from tests.engine.test_killed_runs import EXHAUSTIVE_SECONDS, Once, killed_once, survive_kills
from tests.support.gate import running_gate
from tests.support.middleware import Upstream, serving
from tests.support.stack import Stack

pytestmark = [pytest.mark.engine, pytest.mark.exhaustive, pytest.mark.timeout(EXHAUSTIVE_SECONDS)]

OPEN = "change-manager, no change request required"
EXPORT: dict[str, Any] = {"evidence": {"retentionMode": "governance"}, "notificationEmails": ["security@example.com"]}
"""In every mode, so that the export of records goes on."""
MODES: dict[str, dict[str, Any]] = {
    "automation": {**WORKFLOW, **EXPORT, "mode": "automation"},
    "change-manager": {**WORKFLOW, **EXPORT, "requireChangeRequest": True},
    OPEN: {**WORKFLOW, **EXPORT},
    "just-in-time": {**approval([manual()]), **EXPORT},
}
TOUR = (
    *(OPEN, "change-manager", OPEN, "just-in-time", OPEN, "automation", "change-manager", "just-in-time"),
    *("change-manager", "automation", "just-in-time", "automation"),
)
"""Each ordered pair of modes, once, except the one that is refused."""
BUCKET = f"{names.EVIDENCE_BUCKET}-{IDENTITY.account_id}-eu-west-1"
TOPICS = EXPORT["notificationEmails"]
REFUSED = ("automation", OPEN)


@pytest.fixture
def watcher(aws: Callable[..., Any], aws_endpoint: str) -> Iterator[Watcher]:
    enable_just_in_time(aws("iam"))
    aws("ssm").update_service_setting(SettingId=IDENTITY_PROVIDER_SETTING, SettingValue="SSO")
    watching = Watcher(Upstream(aws_endpoint), aws)
    watching.is_watching, watching.needs_way = True, False
    with serving(watching) as watching.endpoint_url:
        yield watching


def configure(stack: Stack, mode: str) -> None:
    stack.configure({"sessionManager": SESSIONS, "approval": MODES[mode]})


def exported(aws: Callable[..., Any]) -> list[str]:
    """Return the addresses that the export's alarms reach; it is checked that it runs with its alarms."""
    (schedule,) = aws("scheduler").list_schedules(GroupName=names.EVIDENCE_SCHEDULE_GROUP)["Schedules"]
    assert schedule["State"] == "ENABLED"
    rule = f"{names.ALARM_PREFIX}evidence-not-exported"
    (target,) = aws("events").list_targets_by_rule(Rule=rule)["Targets"]
    assert aws("s3").get_object_lock_configuration(Bucket=BUCKET)["ObjectLockConfiguration"]["Rule"]
    assert aws("ssm").describe_document(Name=names.EVIDENCE_RUNBOOK_NAME)["Document"]["Status"] == "Active"
    found = aws("sns").list_subscriptions_by_topic(TopicArn=target["Arn"])["Subscriptions"]
    return [each["Endpoint"] for each in found]


def test_tour_has_each_ordered_pair() -> None:
    pairs = [(one, other) for one in MODES for other in MODES if one != other]
    assert sorted([*pairwise(TOUR), REFUSED]) == sorted(pairs)


def test_change_of_mode_never_permits_unapproved_sessions(
    new_stack: Callable[..., Stack], watcher: Watcher, aws: Callable[..., Any]
) -> None:
    stack = new_stack(endpoint=watcher.endpoint_url)
    for before, mode in pairwise(("", *TOUR)):
        configure(stack, mode)
        stack.up().succeeded()
        assert watcher.wrong == [], f"{before} -> {mode}"
        assert exported(aws) == TOPICS
        if mode == REFUSED[0]:
            configure(stack, REFUSED[1])
            assert "Set it to true and run pulumi up --refresh" in stack.up().failed().text
    stack.destroy().succeeded()
    assert watcher.wrong == []


@pytest.mark.parametrize("pair", [each for each in pairwise(TOUR) if OPEN not in each], ids="-to-".join)
def test_killed_change_of_mode_permits_no_unapproved_session(
    tmp_path: Path, watcher: Watcher, pair: tuple[str, str]
) -> None:
    with running_gate(watcher.endpoint_url) as gate:
        interrupted = Interruptible(tmp_path / "stack", gate)
        configure(interrupted.stack, pair[0])
        interrupted.stack.up().succeeded()
        configure(interrupted.stack, pair[1])
        assert survive_kills(interrupted, "up")
    assert watcher.wrong == []


def test_killed_return_to_change_manager_is_refused(tmp_path: Path, watcher: Watcher) -> None:
    """AWS has the policy of mode automation, and the state that of change-manager, so that no update would change it."""
    with running_gate(watcher.endpoint_url) as gate:
        interrupted = Interruptible(tmp_path / "stack", gate)
        stack = interrupted.stack
        configure(stack, OPEN)
        stack.up().succeeded()
        configure(stack, "automation")
        assert killed_once(interrupted, "up", Once(frozenset({"CreatePolicyVersion"})))
        configure(stack, OPEN)
        assert "Set it to true and run pulumi up --refresh" in stack.up().failed().text
        configure(stack, "change-manager")
        stack.up("--refresh").succeeded()
        configure(stack, OPEN)
        stack.up().succeeded()
    assert watcher.wrong == []


def test_export_alone_is_deployed_and_verified(
    new_stack: Callable[..., Stack], watcher: Watcher, aws: Callable[..., Any]
) -> None:
    watcher.is_watching = False
    record_api_calls(aws)
    stack = new_stack(endpoint=watcher.endpoint_url)
    configure(stack, "just-in-time")
    stack.up().succeeded()
    assert exported(aws) == TOPICS
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    regions = json.loads(stack.operate("verify", "--json").stdout)["regions"]
    found = {each["check"]: each["status"] for several in regions.values() for each in several}
    assert found["approval-evidence-bucket-lock"] == found["approval-alarm-evidence-not-exported"] == "ok"
    assert {check for check, status in found.items() if status in ("different", "cannotTell", "problem")} <= {*BY_HAND}
    exports_a_day_once(aws)
    keys = [each["Key"] for each in aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert any("kind=requests" in each for each in keys)
    stack.destroy().succeeded()
    assert aws("s3").get_object_lock_configuration(Bucket=BUCKET)


def test_workflow_moves_between_regions(stack: Stack) -> None:
    """us-east-1 has rules that forward events, of the same names, and each Region keeps its bucket."""
    section = {**MODES["automation"], "breakGlass": {"users": ["emergency/erin"]}}
    for regions in (["eu-west-1"], ["us-east-1", "eu-west-1"], ["eu-west-1"], ["eu-central-1"], ["us-east-1"]):
        stack.configure({"regions": regions, "sessionManager": SESSIONS, "approval": section})
        stack.up().succeeded()
        stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.destroy().succeeded()
