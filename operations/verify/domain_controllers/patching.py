"""Patching of domain controllers, compared with the settings: the baseline, and a maintenance window per Availability Zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from components.domain_controllers.names import ALARMS
from components.domain_controllers.operations.patching import (
    BASELINE,
    PATCH_DOCUMENT,
    PATCH_GROUP,
    TASK_SETTINGS,
    approval_rule,
    task_parameters,
)
from operations.inventory.reader import Answer, Reader, ReadFailure, known, returns_failure
from operations.verify.findings import Check, unequal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.domain_controllers.operations.patching import PatchWindow
    from components.domain_controllers.operations.settings import PatchingSettings
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.domain_controllers import ControllerFacts


_COMMAND: Final = frozenset({"Parameters", "TimeoutSeconds"})
"""Settings of the command that ours has; others pin a version of the document, or send its output elsewhere."""


@dataclass(frozen=True, kw_only=True)
class PatchingFacts:
    """Patching of a Region.

    Attributes:
        baselines: Patch baselines with the stack's name, in the format of the API.
        windows: Maintenance windows with the stack's prefix by name: GetMaintenanceWindow, with its `Targets` and `Tasks`;
            several can have the same name.
    """

    baselines: Sequence[Answer] = ()
    windows: Mapping[str, Sequence[Answer]] = field(default_factory=dict[str, "Sequence[Answer]"])


@returns_failure
def read_patching(reader: Reader) -> PatchingFacts:
    """Read the patch baseline and the maintenance windows."""
    named = [{"Key": "NAME_PREFIX", "Values": [BASELINE]}, {"Key": "OWNER", "Values": ["Self"]}]
    baselines = [
        reader.get("ssm", "get_patch_baseline", BaselineId=each["BaselineId"])
        for each in reader.items("ssm", "describe_patch_baselines", "BaselineIdentities", Filters=named)
    ]
    windows: dict[str, list[Answer]] = {}
    for each in reader.items("ssm", "describe_maintenance_windows", "WindowIdentities"):
        name = str(each.get("Name", ""))
        if name.startswith(ALARMS):
            windows.setdefault(name, []).append(_read_window(reader, {"WindowId": str(each["WindowId"])}))
    return PatchingFacts(baselines=baselines, windows=windows)


def _read_window(reader: Reader, named: dict[str, str]) -> Answer:
    tasks = reader.items("ssm", "describe_maintenance_window_tasks", "Tasks", **named)
    return {
        **reader.get("ssm", "get_maintenance_window", **named),
        "Targets": reader.items("ssm", "describe_maintenance_window_targets", "Targets", **named),
        "Tasks": [
            reader.get("ssm", "get_maintenance_window_task", WindowTaskId=each["WindowTaskId"], **named)
            for each in tasks
        ],
    }


def patching_findings(
    site: SiteDeployment,
    windows: Sequence[PatchWindow],
    live: PatchingFacts | ReadFailure,
    controllers: Sequence[ControllerFacts] | ReadFailure,
) -> list[Finding]:
    """Compare the patching of a site."""
    settings = site.section.patching
    if settings is None or not windows:
        return []
    return [
        _baseline(site, settings, live),
        *(_window(site, settings, each, live, controllers) for each in windows),
        _unplanned(site, windows, live),
    ]


def _baseline(site: SiteDeployment, settings: PatchingSettings, live: PatchingFacts | ReadFailure) -> Finding:
    check = Check(
        "directory-patch-baseline",
        f"baseline {BASELINE} approves updates after {settings.approve_after_days} days for the group {PATCH_GROUP}",
        site.deployment.repair,
    )
    return check.compare(live, partial(_baseline_differences, settings))


def _baseline_differences(settings: PatchingSettings, live: PatchingFacts) -> list[str]:
    if not live.baselines:
        return ["no such baseline"]
    found = live.baselines[0]
    rules: list[dict[str, Any]] = found.get("ApprovalRules", {}).get("PatchRules", [])
    seen = [
        {
            "approve_after_days": rule.get("ApproveUntilDate") or rule.get("ApproveAfterDays"),
            "filters": {each["Key"]: sorted(each["Values"]) for each in rule["PatchFilterGroup"]["PatchFilters"]},
        }
        for rule in rules
    ]
    pairs: dict[str, tuple[object, object]] = {
        "rules": ([approval_rule(settings)], seen),
        "rejected patches": ([], list(found.get("RejectedPatches", []))),
        "approved patches": ([], list(found.get("ApprovedPatches", []))),
        "filters of all rules": ([], list(found.get("GlobalFilters", {}).get("PatchFilters", []))),
        "patch group": (True, PATCH_GROUP in found.get("PatchGroups", [])),
    }
    return unequal(pairs) + (["several baselines have this name"] if len(live.baselines) > 1 else [])


def _window(
    site: SiteDeployment,
    settings: PatchingSettings,
    planned: PatchWindow,
    live: PatchingFacts | ReadFailure,
    controllers: Sequence[ControllerFacts] | ReadFailure,
) -> Finding:
    check = Check(
        f"directory-patch-window-{planned.zone}",
        f"window {planned.name} patches {', '.join(planned.controllers)} at {planned.schedule}, one at a time",
        site.deployment.repair,
    )

    def differences(facts: PatchingFacts) -> list[str]:
        ids = sorted(each.id for each in known(controllers) if each.name in planned.controllers)
        found = facts.windows.get(planned.name, ())
        if not found:
            return ["no such window"]
        several = [] if len(found) == 1 else [f"{len(found)} windows have this name"]
        return [*several, *_differences(settings, planned, ids, found[0])]

    return check.compare(live, differences)


def _differences(settings: PatchingSettings, planned: PatchWindow, ids: list[str], window: Answer) -> list[str]:
    targets: list[Answer] = window["Targets"]
    pairs: dict[str, tuple[object, object]] = {
        "enabled": (True, window.get("Enabled")),
        "schedule": (planned.schedule, window.get("Schedule")),
        "time zone": ("Etc/UTC", window.get("ScheduleTimezone")),
        "hours": (settings.window_hours, window.get("Duration")),
        "cutoff": (1, window.get("Cutoff")),
        "targets besides the registered ones": (False, bool(window.get("AllowUnassociatedTargets"))),
        "offset": (None, window.get("ScheduleOffset")),
        "first and last day": ((None, None), (window.get("StartDate") or None, window.get("EndDate") or None)),
        "targets": ([[("InstanceIds", ids)]], [_targets(each.get("Targets", [])) for each in targets]),
        "tasks": (1, len(window["Tasks"])),
    }
    for task in window["Tasks"][:1]:
        given: dict[str, Any] = task.get("TaskInvocationParameters", {}).get("RunCommand", {})
        registered = [str(each["WindowTargetId"]) for each in targets]
        pairs |= {
            "document": (PATCH_DOCUMENT, task.get("TaskArn")),
            "parameters": (
                {name: [value] for name, value in task_parameters().items()},
                dict(given.get("Parameters", {})),
            ),
            "other settings of the command": ([], sorted(key for key in set(given) - _COMMAND if given[key])),
            "role": (True, _is_linked_role(str(task.get("ServiceRoleArn") or ""))),
            "alarms that stop it": (None, task.get("AlarmConfiguration") or None),
            "concurrency": (TASK_SETTINGS["maxConcurrency"], task.get("MaxConcurrency")),
            "errors": (TASK_SETTINGS["maxErrors"], task.get("MaxErrors")),
            "task's targets": ([("WindowTargetIds", sorted(registered))], _targets(task.get("Targets", []))),
        }
    return unequal(pairs)


def _is_linked_role(arn: str) -> bool:
    """Return whether a task has no role, or the one that Systems Manager makes for itself."""
    return not arn or "/aws-service-role/ssm.amazonaws.com/" in arn


def _targets(given: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(str(each["Key"]), sorted(each["Values"])) for each in given]


def _unplanned(site: SiteDeployment, windows: Sequence[PatchWindow], live: PatchingFacts | ReadFailure) -> Finding:
    """Report windows with our prefix that are not planned: they may be open beside another one."""
    planned = {each.name for each in windows}
    remedy = f"aws ssm delete-maintenance-window --window-id ID --region {site.deployment.region}"
    check = Check("directory-patch-windows", "no other maintenance windows with the stack's prefix", remedy)
    return check.compare(live, lambda found: [f"{each} exists" for each in sorted(set(found.windows) - planned)])
