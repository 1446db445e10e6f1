"""Comparison of the patching of domain controllers: the baseline, and a maintenance window per Availability Zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.domain_controllers.operations.patching import (
    BASELINE,
    PATCH_DOCUMENT,
    PATCH_GROUP,
    TASK_SETTINGS,
    approval_rule,
    task_parameters,
)
from operations.inventory.reader import ReadFailure, known
from operations.verify.findings import Check, unequal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.domain_controllers.operations.patching import PatchWindow
    from components.domain_controllers.operations.settings import PatchingSettings
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.domain_controllers import SiteFacts
    from operations.inventory.patching import PatchingFacts, WindowFacts


_COMMAND: Final = frozenset({"Parameters", "TimeoutSeconds"})
"""Settings of the command that ours has; others pin a version of the document, or send its output elsewhere."""


def patching_findings(site: SiteDeployment, windows: Sequence[PatchWindow], live: SiteFacts) -> list[Finding]:
    """Compare the patching of a site."""
    settings, facts = site.section.patching, live.patching
    if settings is None or not windows:
        return []
    return [
        _baseline(site, settings, facts),
        *(_window(site, settings, each, live) for each in windows),
        _unplanned(site, windows, facts),
    ]


def _baseline(site: SiteDeployment, settings: PatchingSettings, live: PatchingFacts | ReadFailure) -> Finding:
    check = Check(
        "directory-patch-baseline",
        f"baseline {BASELINE} approves updates after {settings.approve_after_days} days for the group {PATCH_GROUP}",
        site.deployment.repair,
    )
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    if not live.baselines:
        return check.reject("no such baseline")
    found = live.baselines[0]
    rules: list[dict[str, Any]] = found.get("ApprovalRules", {}).get("PatchRules", [])
    seen = [
        {
            "approve_after_days": rule.get("ApproveUntilDate") or rule.get("ApproveAfterDays"),
            "filters": {each["Key"]: sorted(each["Values"]) for each in rule["PatchFilterGroup"]["PatchFilters"]},
        }
        for rule in rules
    ]
    wanted = approval_rule(settings)
    pairs: dict[str, tuple[object, object]] = {
        "rules": ([wanted], seen),
        "rejected patches": ([], list(found.get("RejectedPatches", []))),
        "approved patches": ([], list(found.get("ApprovedPatches", []))),
        "filters of all rules": ([], list(found.get("GlobalFilters", {}).get("PatchFilters", []))),
        "patch group": (True, PATCH_GROUP in found.get("PatchGroups", [])),
    }
    differences = unequal(pairs)
    differences += ["several baselines have this name"] if len(live.baselines) > 1 else []
    return check.report(differences)


def _window(site: SiteDeployment, settings: PatchingSettings, planned: PatchWindow, live: SiteFacts) -> Finding:
    check = Check(
        f"directory-patch-window-{planned.zone}",
        f"window {planned.name} patches {', '.join(planned.controllers)} at {planned.schedule}, one at a time",
        site.deployment.repair,
    )
    for unread in (live.patching, live.controllers):
        if isinstance(unread, ReadFailure):
            return check.report_unread(unread)
    found = known(live.patching).windows.get(planned.name, ())
    if not found:
        return check.reject("no such window")
    ids = sorted(each.id for each in known(live.controllers) if each.name in planned.controllers)
    differences = [] if len(found) == 1 else [f"{len(found)} windows have this name"]
    return check.report([*differences, *_differences(settings, planned, ids, found[0])])


def _differences(settings: PatchingSettings, planned: PatchWindow, ids: list[str], found: WindowFacts) -> list[str]:
    window = found.window
    pairs: dict[str, tuple[object, object]] = {
        "enabled": (True, window.get("Enabled")),
        "schedule": (planned.schedule, window.get("Schedule")),
        "time zone": ("Etc/UTC", window.get("ScheduleTimezone")),
        "hours": (settings.window_hours, window.get("Duration")),
        "cutoff": (1, window.get("Cutoff")),
        "targets besides the registered ones": (False, bool(window.get("AllowUnassociatedTargets"))),
        "offset": (None, window.get("ScheduleOffset")),
        "first and last day": ((None, None), (window.get("StartDate") or None, window.get("EndDate") or None)),
        "targets": ([[("InstanceIds", ids)]], [_targets(each.get("Targets", [])) for each in found.targets]),
        "tasks": (1, len(found.tasks)),
    }
    if found.tasks:
        task = found.tasks[0]
        given: dict[str, Any] = task.get("TaskInvocationParameters", {}).get("RunCommand", {})
        registered = [str(each["WindowTargetId"]) for each in found.targets]
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
