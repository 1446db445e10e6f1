"""Maintenance windows and patch baselines (Terraform AWS provider: internal/service/ssm)."""

from typing import Any

import pytest

window = "aws:ssm/maintenanceWindow:MaintenanceWindow"
target = "aws:ssm/maintenanceWindowTarget:MaintenanceWindowTarget"
task = "aws:ssm/maintenanceWindowTask:MaintenanceWindowTask"
baseline = "aws:ssm/patchBaseline:PatchBaseline"
group = "aws:ssm/patchGroup:PatchGroup"

WINDOW: dict[str, Any] = {
    "name": "dc-a",
    "schedule": "cron(0 2 ? * SUN *)",
    "scheduleTimezone": "Etc/UTC",
    "duration": 4,
    "cutoff": 1,
    "description": "Patches",
    "tags": {"a": "b"},
}
INSTANCES = [{"key": "InstanceIds", "values": ["i-0123456789abcdef0"]}]


def test_window_is_created_and_changes_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(window, "w", WINDOW)
    assert (made["enabled"], made["allowUnassociatedTargets"]) == (True, False)
    assert provider.unchanged(window, "w", WINDOW)
    changed = {**WINDOW, "name": "dc-b", "duration": 6, "enabled": False}
    assert not provider.diff(window, "w", changed).replaces
    provider.up(window, "w", changed)
    found = aws("ssm").get_maintenance_window(WindowId=made.id)
    assert (found["Name"], found["Duration"], found["Enabled"]) == ("dc-b", 6, False)
    aws("ssm").delete_maintenance_window(WindowId=made.id)
    assert provider.refresh(window, "w") is None


def test_window_that_is_off_is_created_off(provider: Any, aws: Any) -> None:
    """CreateMaintenanceWindow has no such argument (maintenance_window.go)."""
    made = provider.up(window, "w", {**WINDOW, "enabled": False})
    assert aws("ssm").get_maintenance_window(WindowId=made.id)["Enabled"] is False


def test_target_and_task_follow_their_window(provider: Any, aws: Any) -> None:
    id_ = provider.up(window, "w", WINDOW).id
    aimed = {"windowId": id_, "resourceType": "INSTANCE", "name": "dc-a", "targets": INSTANCES}
    given: dict[str, Any] = {
        "windowId": id_,
        "taskType": "RUN_COMMAND",
        "taskArn": "AWS-RunPatchBaselineWithHooks",
        "maxConcurrency": "1",
        "maxErrors": "0",
        "name": "dc-a",
        "targets": [{"key": "WindowTargetIds", "values": [provider.up(target, "t", aimed).id]}],
        "taskInvocationParameters": {
            "runCommandParameters": {
                "timeoutSeconds": 600,
                "parameters": [
                    {"name": "RebootOption", "values": ["RebootIfNeeded"]},
                    {"name": "Operation", "values": ["Install"]},
                ],
            }
        },
    }
    made = provider.up(task, "k", given)
    assert provider.unchanged(task, "k", given)
    found = aws("ssm").get_maintenance_window_task(WindowId=id_, WindowTaskId=made.id)
    assert found["TaskInvocationParameters"]["RunCommand"]["Parameters"]["Operation"] == ["Install"]
    provider.up(task, "k", {**given, "maxErrors": "1"})
    assert aws("ssm").get_maintenance_window_task(WindowId=id_, WindowTaskId=made.id)["MaxErrors"] == "1"
    moved = {**aimed, "targets": [{"key": "InstanceIds", "values": ["i-0123456789abcdef1"]}]}
    assert not provider.diff(target, "t", moved).replaces
    provider.up(target, "t", moved)
    other = provider.up(window, "x", {**WINDOW, "name": "dc-x"}).id
    assert list(provider.diff(target, "t", {**moved, "windowId": other}).replaces) == ["windowId"]
    aws("ssm").deregister_task_from_maintenance_window(WindowId=id_, WindowTaskId=made.id)
    assert provider.refresh(task, "k") is None


def test_baseline_has_rules_and_a_group(provider: Any, aws: Any) -> None:
    rule = {"approveAfterDays": 7, "patchFilters": [{"key": "CLASSIFICATION", "values": ["SecurityUpdates"]}]}
    given = {"name": "windows", "approvalRules": [rule], "tags": {"a": "b"}}
    made = provider.up(baseline, "b", given)
    assert made["operatingSystem"] == "WINDOWS"
    assert provider.unchanged(baseline, "b", given)
    changed = {**given, "approvalRules": [{**rule, "approveAfterDays": 0}]}
    provider.up(baseline, "b", changed)
    (found,) = aws("ssm").get_patch_baseline(BaselineId=made.id)["ApprovalRules"]["PatchRules"]
    assert (found["ApproveAfterDays"], found["ComplianceLevel"]) == (0, "UNSPECIFIED")
    assert list(provider.diff(baseline, "b", {**changed, "operatingSystem": "UBUNTU"}).replaces) == ["operatingSystem"]
    grouped = provider.up(group, "g", {"baselineId": made.id, "patchGroup": "dc"})
    assert grouped.id == f"dc,{made.id}"
    aws("ssm").deregister_patch_baseline_for_patch_group(BaselineId=made.id, PatchGroup="dc")
    assert provider.refresh(group, "g") is None


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        (window, {"startDate": "2027-01-01"}, "not supported"),
        (window, {"name": "a b"}, "alphanumeric"),
        (baseline, {"name": "b", "rejectedPatches": ["KB1"]}, "not supported"),
    ],
)
def test_maintenance_rejects_what_it_does_not_know(
    provider: Any, kind: str, change: dict[str, Any], reason: str
) -> None:
    given = WINDOW if kind == window else {}
    with pytest.raises(Exception, match=reason):
        provider.check(kind, "w", {**given, **change})
