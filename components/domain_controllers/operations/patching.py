"""Patching of controllers: a baseline, one maintenance window per Availability Zone, and hooks that check health. Pure.

Sources: Systems Manager User Guide, "Patch baselines", "Patch groups", "Maintenance windows", and "SSM Command document for
patching: AWS-RunPatchBaselineWithHooks"; Microsoft, "Securing domain controllers against attack" (controllers are patched apart
from other servers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.problems import Problem
from common.validation import WEEKDAYS
from components.domain_controllers.names import ALARMS, document_name
from components.domain_controllers.operations.documents import command_document, powershell, script
from components.domain_controllers.operations.health import CHECK_MINUTES, limits
from components.domain_controllers.operations.settings import HealthSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.adoption.document_content import PlannedDocument
    from components.domain_controllers.operations.settings import PatchingSettings

PATCH_DOCUMENT: Final = "AWS-RunPatchBaselineWithHooks"
BASELINE: Final = f"{ALARMS}windows"
"""Name of the patch baseline."""
PATCH_GROUP: Final = f"{ALARMS}windows"
"""Value of the tag with the patch group."""
PATCH_GROUP_TAG: Final = "PatchGroup"
"""Key of the tag; the other spelling has a space, which tags in instance metadata exclude."""
TASK_SETTINGS: Final = {"maxConcurrency": "1", "maxErrors": "0"}
"""One controller at a time, and none after an error."""
PRODUCTS: Final = ("WindowsServer2016", "WindowsServer2019", "WindowsServer2022", "WindowsServer2025")
CLASSIFICATIONS: Final = ("CriticalUpdates", "SecurityUpdates", "UpdateRollups")
DELIVERY_SECONDS: Final = 600
"""Time within which an instance has to begin with the command."""

_WEEK: Final = 7 * 24
_WAIT_MINUTES: Final = 30


@dataclass(frozen=True, kw_only=True)
class PatchWindow:
    """A maintenance window for the controllers of a zone.

    The schedule is a cron expression in UTC, the start an hour of the week from Sunday at 0:00.
    """

    zone: str
    name: str
    schedule: str
    start_hour: int
    controllers: tuple[str, ...]


def plan_windows(
    settings: PatchingSettings, zones: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[PatchWindow, ...]]:
    """Return the windows of every site: zones of all sites (by Region and controller) follow each other at a distance."""
    windows: dict[str, tuple[PatchWindow, ...]] = {}
    position = 0
    for region, by_controller in zones.items():
        found: list[PatchWindow] = []
        for zone in sorted(set(by_controller.values())):
            hour = settings.start_hour + WEEKDAYS.index(settings.day) * 24 + position * settings.hours_between_zones
            found.append(_window(zone, hour % _WEEK, [name for name, each in by_controller.items() if each == zone]))
            position += 1
        windows[region] = tuple(found)
    return windows


def _window(zone: str, hour: int, controllers: Sequence[str]) -> PatchWindow:
    day, of_day = divmod(hour, 24)
    return PatchWindow(
        zone=zone,
        name=f"{ALARMS}{zone}",
        schedule=f"cron(0 {of_day} ? * {WEEKDAYS[day]} *)",
        start_hour=hour,
        controllers=tuple(controllers),
    )


def window_problems(settings: PatchingSettings, windows: Mapping[str, Sequence[PatchWindow]]) -> list[Problem]:
    """Return the problem of windows that do not fit into a week, so that two of them would be open at a time."""
    number = sum(len(each) for each in windows.values())
    if number * settings.hours_between_zones <= _WEEK:
        return []
    message = (
        f"expected at most {_WEEK // number} hours, as {number} Availability Zones have a window in each week, got "
        f"{settings.hours_between_zones}. Use a smaller distance"
    )
    return [Problem(path=("domainControllers", "patching", "hoursBetweenZones"), message=message)]


def approval_rule(settings: PatchingSettings) -> dict[str, Any]:
    """Return the one rule of the baseline: days until a patch is approved, and filters by key."""
    filters = {"PRODUCT": sorted(PRODUCTS), "CLASSIFICATION": sorted(CLASSIFICATIONS)}
    return {"approve_after_days": settings.approve_after_days, "filters": filters}


def task_parameters() -> dict[str, str]:
    """Return the parameters of the task.

    The hook on exit runs after the restart, the one before the installation ends the patching if it fails.
    """
    return {
        "Operation": "Install",
        "RebootOption": "RebootIfNeeded",
        "PreInstallHookDocName": document_name("BeforePatch"),
        "OnExitHookDocName": document_name("AfterPatch"),
    }


def hook_documents(health: HealthSettings | None) -> list[PlannedDocument]:
    """Return the documents that run before and after a controller is patched."""
    values = {
        "FUNCTIONS": script("health_functions"),
        "OTHERS": script("other_controllers"),
        "WAIT_MINUTES": str(_WAIT_MINUTES),
        **limits(health or HealthSettings()),
    }
    before, after = script("before_patch", values), script("after_patch", values)
    return [
        command_document(
            "BeforePatch",
            "Checks that a domain controller and the others of its domain are healthy before it is patched",
            powershell("CheckBeforePatch", before, minutes=CHECK_MINUTES),
        ),
        command_document(
            "AfterPatch",
            "Checks that a domain controller and the others of its domain are healthy after it was patched",
            powershell("CheckAfterPatch", after, minutes=_WAIT_MINUTES + CHECK_MINUTES),
        ),
    ]
