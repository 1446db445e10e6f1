"""Patch baseline and maintenance windows of domain controllers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.domain_controllers.names import ALARMS
from components.domain_controllers.operations.patching import BASELINE
from operations.inventory.reader import returns_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.inventory.reader import Answer, Reader


@dataclass(frozen=True, kw_only=True)
class WindowFacts:
    """A maintenance window in the format of the API.

    Attributes:
        tasks: Its tasks, with their invocation parameters.
    """

    window: Answer
    targets: tuple[Answer, ...]
    tasks: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class PatchingFacts:
    """Patching of a Region.

    Attributes:
        baselines: Patch baselines with the stack's name, in the format of the API.
        windows: Maintenance windows with the stack's prefix, by name; several can have the same name.
    """

    baselines: tuple[Answer, ...] = ()
    windows: Mapping[str, tuple[WindowFacts, ...]] = field(default_factory=dict[str, "tuple[WindowFacts, ...]"])


@returns_failure
def read_patching(reader: Reader) -> PatchingFacts:
    """Read the patch baseline and the maintenance windows."""
    named = [{"Key": "NAME_PREFIX", "Values": [BASELINE]}, {"Key": "OWNER", "Values": ["Self"]}]
    baselines = [
        reader.get("ssm", "get_patch_baseline", BaselineId=each["BaselineId"])
        for each in reader.items("ssm", "describe_patch_baselines", "BaselineIdentities", Filters=named)
    ]
    windows: dict[str, tuple[WindowFacts, ...]] = {}
    for each in reader.items("ssm", "describe_maintenance_windows", "WindowIdentities"):
        name = str(each.get("Name", ""))
        if name.startswith(ALARMS):
            windows[name] = (*windows.get(name, ()), _window(reader, str(each["WindowId"])))
    return PatchingFacts(baselines=tuple(baselines), windows=windows)


def _window(reader: Reader, window_id: str) -> WindowFacts:
    named: dict[str, Any] = {"WindowId": window_id}
    tasks = reader.items("ssm", "describe_maintenance_window_tasks", "Tasks", **named)
    return WindowFacts(
        window=reader.get("ssm", "get_maintenance_window", **named),
        targets=tuple(reader.items("ssm", "describe_maintenance_window_targets", "Targets", **named)),
        tasks=tuple(
            reader.get("ssm", "get_maintenance_window_task", WindowTaskId=each["WindowTaskId"], **named)
            for each in tasks
        ),
    )
