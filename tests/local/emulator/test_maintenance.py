"""Maintenance windows and patch baselines (Systems Manager, API reference)."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

WINDOW: dict[str, Any] = {
    "Name": "dc-a",
    "Schedule": "cron(0 2 ? * SUN *)",
    "Duration": 4,
    "Cutoff": 1,
    "AllowUnassociatedTargets": False,
}
TARGETS = [{"Key": "InstanceIds", "Values": ["i-0123456789abcdef0"]}]
TASK: dict[str, Any] = {"TaskArn": "AWS-RunPatchBaselineWithHooks", "TaskType": "RUN_COMMAND", "Targets": TARGETS}


def window(ssm: Any) -> str:
    return ssm.create_maintenance_window(**WINDOW, Description="d", Tags=[{"Key": "a", "Value": "1"}])["WindowId"]


def test_window_is_replaced_by_an_update(ssm: Any) -> None:
    """API_UpdateMaintenanceWindow, Replace."""
    id_ = window(ssm)
    ssm.update_maintenance_window(WindowId=id_, Enabled=False)
    assert ssm.get_maintenance_window(WindowId=id_)["Description"] == "d"
    ssm.update_maintenance_window(WindowId=id_, Replace=True, Enabled=True, **WINDOW)
    found = ssm.get_maintenance_window(WindowId=id_)
    assert ("Description" in found, found["Enabled"]) == (False, True)
    named = [{"Key": "Name", "Values": ["dc-a"]}]
    assert [each["WindowId"] for each in ssm.describe_maintenance_windows(Filters=named)["WindowIdentities"]] == [id_]
    tags = ssm.list_tags_for_resource(ResourceType="MaintenanceWindow", ResourceId=id_)["TagList"]
    assert tags == [{"Key": "a", "Value": "1"}]
    ssm.delete_maintenance_window(WindowId=id_)
    with pytest.raises(ClientError, match="DoesNotExistException"):
        ssm.get_maintenance_window(WindowId=id_)


@pytest.mark.parametrize("change", [{"Cutoff": 4}, {"Duration": 24, "Cutoff": 24}, {"Schedule": "weekly"}])
def test_impossible_window_is_rejected(ssm: Any, change: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        ssm.create_maintenance_window(**WINDOW | change)


def test_targets_and_tasks_belong_to_their_window(ssm: Any) -> None:
    id_, other = window(ssm), ssm.create_maintenance_window(**WINDOW | {"Name": "dc-b"})["WindowId"]
    target = ssm.register_target_with_maintenance_window(WindowId=id_, ResourceType="INSTANCE", Targets=TARGETS)
    task = ssm.register_task_with_maintenance_window(WindowId=id_, MaxConcurrency="1", MaxErrors="0", **TASK)
    named = {"WindowId": id_, "WindowTaskId": task["WindowTaskId"]}
    assert ssm.get_maintenance_window_task(**named)["MaxErrors"] == "0"
    ssm.update_maintenance_window_task(**named, MaxConcurrency="2")
    assert ssm.describe_maintenance_window_tasks(WindowId=id_)["Tasks"][0]["MaxConcurrency"] == "2"
    assert ssm.describe_maintenance_window_tasks(WindowId=other)["Tasks"] == []
    with pytest.raises(ClientError, match="DoesNotExistException"):
        ssm.get_maintenance_window_task(WindowId=other, WindowTaskId=task["WindowTaskId"])
    wanted = {"WindowId": id_, "WindowTargetId": target["WindowTargetId"]}
    ssm.update_maintenance_window_target(**wanted, Targets=[{"Key": "tag:a", "Values": ["b"]}])
    (found,) = ssm.describe_maintenance_window_targets(WindowId=id_)["Targets"]
    assert found["Targets"][0]["Key"] == "tag:a"
    ssm.deregister_target_from_maintenance_window(**wanted)
    ssm.deregister_task_from_maintenance_window(**named)
    assert ssm.describe_maintenance_window_targets(WindowId=id_)["Targets"] == []


def test_group_has_one_baseline_that_is_in_use(ssm: Any) -> None:
    """API_RegisterPatchBaselineForPatchGroup, API_DeletePatchBaseline."""
    first, second = (ssm.create_patch_baseline(Name=f"windows-{each}")["BaselineId"] for each in "ab")
    ssm.register_patch_baseline_for_patch_group(BaselineId=first, PatchGroup="dc")
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        ssm.register_patch_baseline_for_patch_group(BaselineId=second, PatchGroup="dc")
    with pytest.raises(ClientError, match="ResourceInUseException"):
        ssm.delete_patch_baseline(BaselineId=first)
    assert ssm.get_patch_baseline(BaselineId=first)["PatchGroups"] == ["dc"]
    ssm.update_patch_baseline(BaselineId=first, Description="changed")
    assert ssm.get_patch_baseline(BaselineId=first)["Description"] == "changed"
    named = [{"Key": "NAME_PREFIX", "Values": ["windows-a"]}]
    assert len(ssm.describe_patch_baselines(Filters=named)["BaselineIdentities"]) == 1
    ssm.deregister_patch_baseline_for_patch_group(BaselineId=first, PatchGroup="dc")
    assert ssm.describe_patch_groups()["Mappings"] == []
    ssm.delete_patch_baseline(BaselineId=first)
