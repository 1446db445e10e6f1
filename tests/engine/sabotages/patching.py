"""Changes of maintenance windows and patch baselines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.engine.sabotages.sabotage import REFRESH, Sabotage, do
from tests.engine.sabotages.tags import ssm_tag

if TYPE_CHECKING:
    from tests.engine.sabotages.resource import Live, Resource, Undo


def window(live: Live, each: Resource, **change: Any) -> Undo:
    ssm = live.aws("ssm", each.region)
    names = ("Name", "Description", "Schedule", "ScheduleTimezone", "Duration", "Cutoff", "Enabled")
    found = ssm.get_maintenance_window(WindowId=each.id)
    before = {key: found[key] for key in (*names, "AllowUnassociatedTargets")}
    ssm.update_maintenance_window(WindowId=each.id, **{**before, **change})
    return lambda: ssm.update_maintenance_window(WindowId=each.id, **before)


def window_target(live: Live, each: Resource) -> Undo:
    update = partial(
        live.aws("ssm", each.region).update_maintenance_window_target,
        WindowId=each.inputs["windowId"],
        WindowTargetId=each.id,
    )
    before = [{"Key": one["key"], "Values": one["values"]} for one in each.inputs["targets"]]
    update(Targets=[{"Key": "tag:never", "Values": ["x"]}])
    return lambda: update(Targets=before)


def window_task(live: Live, each: Resource, **change: Any) -> Undo:
    ssm, named = live.aws("ssm", each.region), {"WindowId": each.inputs["windowId"], "WindowTaskId": each.id}
    found = ssm.get_maintenance_window_task(**named)
    names = ("Targets", "TaskArn", "TaskInvocationParameters", "Priority", "MaxConcurrency", "MaxErrors", "Name")
    before = {key: found[key] for key in names}
    ssm.update_maintenance_window_task(**named, **{**before, **change})
    return lambda: ssm.update_maintenance_window_task(**named, **before)


def baseline(live: Live, each: Resource, **change: Any) -> Undo:
    ssm = live.aws("ssm", each.region)
    found = ssm.get_patch_baseline(BaselineId=each.id)
    before = {key: found[key] for key in change}
    ssm.update_patch_baseline(BaselineId=each.id, **change)
    return lambda: ssm.update_patch_baseline(BaselineId=each.id, **before)


def patch_group_left(live: Live, each: Resource) -> Undo:
    ssm = live.aws("ssm", each.region)
    named = {"BaselineId": each.inputs["baselineId"], "PatchGroup": each.inputs["patchGroup"]}
    ssm.deregister_patch_baseline_for_patch_group(**named)
    return lambda: ssm.register_patch_baseline_for_patch_group(**named)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("MaintenanceWindow", "enabled", do(window, Enabled=False)),
    Sabotage("MaintenanceWindow", "schedule", do(window, Schedule="cron(0 9 ? * MON *)")),
    Sabotage("MaintenanceWindow", "scheduleTimezone", do(window, ScheduleTimezone="Europe/Berlin")),
    Sabotage("MaintenanceWindow", "duration", do(window, Duration=8)),
    Sabotage("MaintenanceWindow", "cutoff", do(window, Cutoff=0)),
    Sabotage("MaintenanceWindow", "allowUnassociatedTargets", do(window, AllowUnassociatedTargets=True)),
    Sabotage("MaintenanceWindow", "description", do(window, Description="changed"), REFRESH),
    Sabotage("MaintenanceWindow", "tags", do(ssm_tag, key="owner", kind="MaintenanceWindow"), REFRESH),
    Sabotage("MaintenanceWindowTarget", "targets", window_target),
    Sabotage("MaintenanceWindowTask", "taskArn", do(window_task, TaskArn="AWS-RunPowerShellScript")),
    Sabotage("MaintenanceWindowTask", "maxConcurrency", do(window_task, MaxConcurrency="100%")),
    Sabotage("MaintenanceWindowTask", "maxErrors", do(window_task, MaxErrors="100%")),
    Sabotage(
        "MaintenanceWindowTask",
        "taskInvocationParameters",
        do(window_task, TaskInvocationParameters={"RunCommand": {"Parameters": {"Operation": ["Install"]}}}),
    ),
    Sabotage(
        "MaintenanceWindowTask", "targets", do(window_task, Targets=[{"Key": "InstanceIds", "Values": ["i-0123"]}])
    ),
    Sabotage("MaintenanceWindowTask", "priority", do(window_task, Priority=5), REFRESH),
    Sabotage("PatchBaseline", "approvalRules", do(baseline, ApprovalRules={"PatchRules": []})),
    Sabotage("PatchBaseline", "description", do(baseline, Description="changed"), REFRESH),
    Sabotage("PatchBaseline", "tags", do(ssm_tag, key="owner", kind="PatchBaseline"), REFRESH),
    Sabotage("PatchGroup", "patchGroup", patch_group_left),
)
