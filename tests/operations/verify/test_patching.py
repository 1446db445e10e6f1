"""Patching of controllers, facts against plan; tests/engine/sabotages changes each attribute on the local AWS."""

from dataclasses import replace
from typing import Any

import pytest

from components.domain_controllers.operations import patching
from components.domain_controllers.settings import DomainControllersSection
from operations.findings import Finding
from operations.inventory.reader import ReadFailure, known
from operations.verify.domain_controllers.controllers import controller_findings
from operations.verify.domain_controllers.patching import PatchingFacts, patching_findings
from tests.operations.verify.test_controller_operations import SITE
from tests.operations.verify.test_domain_controllers import REFUSED, REGION, SECTION, case, changed_controllers

SETTINGS = SITE.section.patching
assert SETTINGS
WINDOWS = patching.plan_windows(SETTINGS, {REGION: {"DC1": "zone-a", "DC2": "zone-b"}})[REGION]
RULE = patching.approval_rule(SETTINGS)
FILTERS = [{"Key": key, "Values": values} for key, values in RULE["filters"].items()]
BASELINES: tuple[dict[str, Any], ...] = (
    {
        "Name": patching.BASELINE,
        "PatchGroups": [patching.PATCH_GROUP],
        "ApprovalRules": {"PatchRules": [{"ApproveAfterDays": 7, "PatchFilterGroup": {"PatchFilters": FILTERS}}]},
    },
)


def window(index: int, **change: Any) -> dict[str, Any]:
    planned = WINDOWS[index]
    targets = [{"Key": "InstanceIds", "Values": [f"i-{planned.controllers[0]}"]}]
    return {
        "Enabled": True,
        "Schedule": planned.schedule,
        "ScheduleTimezone": "Etc/UTC",
        "Duration": 4,
        "Cutoff": 1,
        "AllowUnassociatedTargets": False,
        "Targets": [{"WindowTargetId": "t", "Targets": targets}],
        "Tasks": [TASK],
        **change,
    }


COMMAND = {"Parameters": {name: [value] for name, value in patching.task_parameters().items()}}
TASK: dict[str, Any] = {
    "TaskArn": patching.PATCH_DOCUMENT,
    "MaxConcurrency": "1",
    "MaxErrors": "0",
    "Targets": [{"Key": "WindowTargetIds", "Values": ["t"]}],
    "TaskInvocationParameters": {"RunCommand": COMMAND},
}


def facts(**change: dict[str, Any]) -> PatchingFacts:
    windows = {WINDOWS[number].name: [window(number)] for number in range(2)}
    return PatchingFacts(baselines=BASELINES, windows=windows | {name: [each] for name, each in change.items()})


def findings(live: PatchingFacts | ReadFailure) -> dict[str, Finding]:
    found = patching_findings(SITE, WINDOWS, live, case().live.controllers)
    return {each.check: each for each in found if each.status != "ok"}


def findings_of_first(**change: Any) -> dict[str, Finding]:
    """Findings where the first window differs."""
    return findings(facts(**{WINDOWS[0].name: window(0, **change)}))


def test_patching_as_planned_has_no_findings() -> None:
    assert findings(facts()) == {}


def test_missing_patching_is_reported_as_a_whole() -> None:
    expected = {"directory-patch-baseline", "directory-patch-window-zone-a", "directory-patch-window-zone-b"}
    assert set(findings(PatchingFacts())) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ScheduleOffset": 2}, "offset: none expected, 2 found"),
        ({"Schedule": "cron(0 2 ? * MON *)"}, "schedule"),
        ({"AllowUnassociatedTargets": True}, "targets besides the registered ones"),
        ({"EndDate": "2026-01-01T00:00:00Z"}, "first and last day: (None, None) expected"),
    ],
)
def test_changed_window_is_reported(change: dict[str, Any], said: str) -> None:
    found = findings_of_first(**change)
    assert set(found) == {"directory-patch-window-zone-a"}
    assert said in found["directory-patch-window-zone-a"].found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ServiceRoleArn": "arn:aws:iam::123456789012:role/Other"}, "role: True expected, False found"),
        ({"AlarmConfiguration": {"Alarms": [{"Name": "any"}]}}, "alarms that stop it"),
        (
            {"command": {"DocumentVersion": "1"}},
            "other settings of the command: [] expected, ['DocumentVersion'] found",
        ),
        ({"command": {"OutputS3BucketName": "elsewhere"}}, "['OutputS3BucketName'] found"),
    ],
)
def test_changed_task_is_reported(change: dict[str, Any], said: str) -> None:
    command = {"RunCommand": {**COMMAND, **change.pop("command", {})}}
    found = findings_of_first(Tasks=[{**TASK, **change, "TaskInvocationParameters": command}])
    assert said in found["directory-patch-window-zone-a"].found


def test_task_with_the_service_linked_role_is_accepted() -> None:
    role = "arn:aws:iam::123456789012:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM"
    assert findings_of_first(Tasks=[{**TASK, "ServiceRoleArn": role}]) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ApprovedPatches": ["KB5000001"]}, "approved patches"),
        ({"RejectedPatches": ["KB5000001"]}, "rejected patches"),
        ({"GlobalFilters": {"PatchFilters": [{"Key": "PRODUCT", "Values": ["x"]}]}}, "filters of all rules"),
        ({"PatchGroups": []}, "patch group: True expected"),
    ],
)
def test_changed_baseline_is_reported(change: dict[str, Any], said: str) -> None:
    found = findings(replace(facts(), baselines=({**BASELINES[0], **change},)))
    assert set(found) == {"directory-patch-baseline"}
    assert said in found["directory-patch-baseline"].found


def test_second_target_or_task_is_reported() -> None:
    for name in ("Targets", "Tasks"):
        assert set(findings_of_first(**{name: window(0)[name] * 2})) == {"directory-patch-window-zone-a"}


def test_window_of_the_prefix_that_is_not_planned_is_reported() -> None:
    found = findings(facts(**{"shell-access-domain-controllers-other": window(0)}))
    assert set(found) == {"directory-patch-windows"}


def test_patching_that_is_not_read_cannot_tell() -> None:
    found = findings(REFUSED)
    assert {each.status for each in found.values()} == {"cannotTell"}
    assert len(found) == 4


def controller_faults(section: dict[str, Any], *tags: tuple[str, str]) -> set[str]:
    """Faults of the first controller, which has these tags, too."""
    site = replace(SITE, section=DomainControllersSection.model_validate(SECTION | section))
    given, (first, *_) = case(), known(case().live.controllers)
    more = [{"Key": key, "Value": value} for key, value in tags]
    live = replace(given.live, controllers=changed_controllers(Tags=[*first.instance["Tags"], *more]))
    groups = frozenset(each["GroupId"] for each in first.instance["SecurityGroups"])
    found = controller_findings(site, given.place, groups, live)
    return {each.found for each in found if each.check == "directory-controller-DC1" and each.status != "ok"}


def test_controller_outside_the_patch_group_is_reported() -> None:
    """AWS' own baseline would count for it."""
    assert controller_faults({"patching": {}}, ("PatchGroup", patching.PATCH_GROUP)) == set()
    assert controller_faults({"patching": {}}) == {f"i-DC1: lacks the tag PatchGroup with {patching.PATCH_GROUP}"}


@pytest.mark.parametrize(("detection", "is_reported"), [({"inspector": {}}, True), ({"guardDuty": {}}, False)])
def test_controller_out_of_scans_is_reported(detection: dict[str, Any], is_reported: bool) -> None:  # noqa: FBT001 -- a case
    found = controller_faults({"detection": detection}, ("InspectorEc2Exclusion", "true"))
    assert any("has the tag InspectorEc2Exclusion" in each for each in found) is is_reported
