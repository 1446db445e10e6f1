"""Maintenance windows and patch baselines of Systems Manager, stored as given; no window ever opens.

moto has parts of them, without updates. API_… pages: https://docs.aws.amazon.com/systems-manager/latest/APIReference/.
"""

import re
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

_KEPT: Final = "_local_maintenance"
TAGGED: Final = {"MaintenanceWindow": "windows", "PatchBaseline": "baselines"}
"""Collections by the resource type of their tags."""
_WINDOW: Final = (
    *("Name", "Description", "Schedule", "ScheduleTimezone", "ScheduleOffset", "StartDate", "EndDate", "Duration"),
    *("Cutoff", "AllowUnassociatedTargets", "Enabled"),
)
_TARGET: Final = ("ResourceType", "Targets", "OwnerInformation", "Name", "Description")
_TASK: Final = (
    *("Targets", "TaskArn", "ServiceRoleArn", "TaskType", "TaskParameters", "TaskInvocationParameters", "Priority"),
    *("MaxConcurrency", "MaxErrors", "Name", "Description", "CutoffBehavior"),
)
_BASELINE: Final = (
    *("Name", "OperatingSystem", "Description", "GlobalFilters", "ApprovalRules", "ApprovedPatches", "RejectedPatches"),
    *("ApprovedPatchesComplianceLevel", "ApprovedPatchesEnableNonSecurity", "RejectedPatchesAction", "Sources"),
)
_SCHEDULE: Final = re.compile(r"(rate|cron|at)\(.+\)")

Item = dict[str, Any]


def _missing(message: str) -> SSMException:
    return SSMException("DoesNotExistException", message)


class MaintenanceActions(SimpleSystemManagerResponse):
    """Maintenance windows with targets and tasks, patch baselines and patch groups."""

    def create_maintenance_window(self) -> ActionResult:
        """API_CreateMaintenanceWindow."""
        made = {"Enabled": True, **self._maintenance_given(_WINDOW)}
        self._check_window(made)
        id_ = f"mw-{secrets.token_hex(9)[:17]}"
        self._maintenance("windows")[id_] = {"WindowId": id_, **made, "CreatedDate": datetime.now(UTC)}
        self._tag_maintenance("MaintenanceWindow", id_)
        return ActionResult({"WindowId": id_})

    def get_maintenance_window(self) -> ActionResult:
        """API_GetMaintenanceWindow."""
        return ActionResult(self._window())

    def update_maintenance_window(self) -> ActionResult:
        """API_UpdateMaintenanceWindow: with `Replace`, omitted optional fields are removed."""
        found = self._window()
        kept = {"WindowId": found["WindowId"], "CreatedDate": found["CreatedDate"], "Enabled": True}
        changed = {**(kept if self._get_param("Replace") else found), **self._maintenance_given(_WINDOW)}
        self._check_window(changed)
        self._maintenance("windows")[found["WindowId"]] = changed
        return ActionResult(changed)

    def delete_maintenance_window(self) -> ActionResult:
        """API_DeleteMaintenanceWindow, with its targets and tasks."""
        id_ = self._get_param("WindowId")
        self._maintenance("windows").pop(id_, None)
        for name in ("targets", "tasks"):
            for key in [key for key, each in self._maintenance(name).items() if each["WindowId"] == id_]:
                del self._maintenance(name)[key]
        return ActionResult({"WindowId": id_})

    def describe_maintenance_windows(self) -> ActionResult:
        """API_DescribeMaintenanceWindows, with the filter `Name`."""
        shown = ("WindowId", "Name", "Description", "Enabled", "Duration", "Cutoff", "Schedule", "ScheduleTimezone")
        found = self._filtered(self._maintenance("windows"), {"Name": "Name"})
        return ActionResult({"WindowIdentities": [{key: each[key] for key in shown if key in each} for each in found]})

    def register_target_with_maintenance_window(self) -> ActionResult:
        """API_RegisterTargetWithMaintenanceWindow."""
        window, id_ = self._window()["WindowId"], str(uuid.uuid4())
        made = {"WindowId": window, "WindowTargetId": id_, **self._maintenance_given(_TARGET)}
        self._maintenance("targets")[id_] = made
        return ActionResult({"WindowTargetId": id_})

    def update_maintenance_window_target(self) -> ActionResult:
        """API_UpdateMaintenanceWindowTarget."""
        found = self._part("targets", "WindowTargetId")
        found.update(self._maintenance_given(_TARGET))
        return ActionResult(found)

    def describe_maintenance_window_targets(self) -> ActionResult:
        """API_DescribeMaintenanceWindowTargets, with the filter `WindowTargetId`."""
        self._window()
        return ActionResult({"Targets": self._parts("targets", "WindowTargetId")})

    def deregister_target_from_maintenance_window(self) -> ActionResult:
        """API_DeregisterTargetFromMaintenanceWindow."""
        found = self._part("targets", "WindowTargetId")
        del self._maintenance("targets")[found["WindowTargetId"]]
        return ActionResult({"WindowId": found["WindowId"], "WindowTargetId": found["WindowTargetId"]})

    def register_task_with_maintenance_window(self) -> ActionResult:
        """API_RegisterTaskWithMaintenanceWindow."""
        window, id_ = self._window()["WindowId"], str(uuid.uuid4())
        made = {"WindowId": window, "WindowTaskId": id_, "Priority": 1, **self._maintenance_given(_TASK)}
        self._maintenance("tasks")[id_] = made
        return ActionResult({"WindowTaskId": id_})

    def get_maintenance_window_task(self) -> ActionResult:
        """API_GetMaintenanceWindowTask."""
        return ActionResult(self._part("tasks", "WindowTaskId"))

    def update_maintenance_window_task(self) -> ActionResult:
        """API_UpdateMaintenanceWindowTask: with `Replace`, omitted optional fields are removed."""
        found = self._part("tasks", "WindowTaskId")
        kept = {key: found[key] for key in ("WindowId", "WindowTaskId", "TaskType")}
        changed = {**(kept if self._get_param("Replace") else found), **self._maintenance_given(_TASK)}
        self._maintenance("tasks")[found["WindowTaskId"]] = changed
        return ActionResult(changed)

    def describe_maintenance_window_tasks(self) -> ActionResult:
        """API_DescribeMaintenanceWindowTasks; the answer calls the document or function `TaskArn` and the type `Type`."""
        self._window()
        listed = [{**each, "Type": each["TaskType"]} for each in self._parts("tasks", "WindowTaskId")]
        return ActionResult({"Tasks": listed})

    def deregister_task_from_maintenance_window(self) -> ActionResult:
        """API_DeregisterTaskFromMaintenanceWindow."""
        found = self._part("tasks", "WindowTaskId")
        del self._maintenance("tasks")[found["WindowTaskId"]]
        return ActionResult({"WindowId": found["WindowId"], "WindowTaskId": found["WindowTaskId"]})

    def create_patch_baseline(self) -> ActionResult:
        """API_CreatePatchBaseline."""
        id_ = f"pb-{secrets.token_hex(9)[:17]}"
        defaults = {"OperatingSystem": "WINDOWS", "ApprovedPatchesComplianceLevel": "UNSPECIFIED"}
        made = {"BaselineId": id_, **defaults, **self._maintenance_given(_BASELINE)}
        self._maintenance("baselines")[id_] = made
        self._tag_maintenance("PatchBaseline", id_)
        return ActionResult({"BaselineId": id_})

    def get_patch_baseline(self) -> ActionResult:
        """API_GetPatchBaseline, with its patch groups."""
        found = self._baseline()
        groups = [name for name, id_ in self._maintenance("groups").items() if id_ == found["BaselineId"]]
        return ActionResult({**found, "PatchGroups": groups})

    def update_patch_baseline(self) -> ActionResult:
        """API_UpdatePatchBaseline."""
        found = self._baseline()
        found.update(self._maintenance_given(_BASELINE))
        return ActionResult(found)

    def delete_patch_baseline(self) -> ActionResult:
        """API_DeletePatchBaseline: one that a patch group uses is in use."""
        id_ = self._get_param("BaselineId")
        if id_ in self._maintenance("groups").values():
            raise SSMException("ResourceInUseException", "The patch baseline is used by a patch group.")
        self._maintenance("baselines").pop(id_, None)
        return ActionResult({"BaselineId": id_})

    def describe_patch_baselines(self) -> ActionResult:
        """API_DescribePatchBaselines: those of the account, by name prefix."""
        found = self._filtered(self._maintenance("baselines"), {"NAME_PREFIX": "Name"})
        listed = [
            {"BaselineId": each["BaselineId"], "BaselineName": each["Name"], "OperatingSystem": each["OperatingSystem"]}
            for each in found
        ]
        return ActionResult({"BaselineIdentities": listed})

    def register_patch_baseline_for_patch_group(self) -> ActionResult:
        """API_RegisterPatchBaselineForPatchGroup: a group has one baseline of an operating system."""
        found, group = self._baseline()["BaselineId"], self._get_param("PatchGroup")
        if self._maintenance("groups").get(group, found) != found:
            raise SSMException("AlreadyExistsException", "The patch group has a patch baseline already.")
        self._maintenance("groups")[group] = found
        return ActionResult({"BaselineId": found, "PatchGroup": group})

    def deregister_patch_baseline_for_patch_group(self) -> ActionResult:
        """API_DeregisterPatchBaselineForPatchGroup."""
        found, group = self._get_param("BaselineId"), self._get_param("PatchGroup")
        if self._maintenance("groups").get(group) != found:
            raise _missing("Patch group is not registered with this baseline.")
        del self._maintenance("groups")[group]
        return ActionResult({"BaselineId": found, "PatchGroup": group})

    def describe_patch_groups(self) -> ActionResult:
        """API_DescribePatchGroups."""
        listed = [
            {"PatchGroup": name, "BaselineIdentity": {"BaselineId": id_}}
            for name, id_ in self._maintenance("groups").items()
        ]
        return ActionResult({"Mappings": listed})

    def add_tags_to_resource(self) -> ActionResult:
        """API_AddTagsToResource, including these types."""
        if self._get_param("ResourceType") not in TAGGED:
            return super().add_tags_to_resource()
        self._tag_maintenance(self._get_param("ResourceType"), self._tagged_maintenance())
        return EmptyResult()

    def remove_tags_from_resource(self) -> ActionResult:
        """API_RemoveTagsFromResource, including these types."""
        if self._get_param("ResourceType") not in TAGGED:
            return super().remove_tags_from_resource()
        for key in self._get_param("TagKeys"):
            self._tags_of_kind(self._get_param("ResourceType"))[self._tagged_maintenance()].pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        """API_ListTagsForResource, including these types."""
        if self._get_param("ResourceType") not in TAGGED:
            return super().list_tags_for_resource()
        tags = self._tags_of_kind(self._get_param("ResourceType"))[self._tagged_maintenance()]
        return ActionResult({"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]})

    def _maintenance(self, name: str) -> dict[str, Any]:
        """Return a collection, which is stored with moto's state, so that a reset deletes it."""
        return vars(self.ssm_backend).setdefault(_KEPT, {}).setdefault(name, {})

    def _maintenance_given(self, names: tuple[str, ...]) -> Item:
        given = {key: self._get_param(key) for key in names}
        return {key: value for key, value in given.items() if value is not None}

    def _check_window(self, window: Item) -> None:
        """API_CreateMaintenanceWindow: valid ranges; a window ends after its cutoff."""
        if not _SCHEDULE.fullmatch(str(window.get("Schedule", ""))):
            raise SSMException("ValidationException", "Schedule is invalid.")
        if not (1 <= window["Duration"] <= 24 and 0 <= window["Cutoff"] < window["Duration"]):  # noqa: PLR2004
            raise SSMException("ValidationException", "Cutoff must be less than duration, which is 1 to 24 hours.")

    def _window(self) -> Item:
        found = self._maintenance("windows").get(self._get_param("WindowId"))
        if found is None:
            raise _missing("Maintenance window does not exist.")
        return found

    def _part(self, name: str, key: str) -> Item:
        found = self._maintenance(name).get(self._get_param(key))
        if found is None or found["WindowId"] != self._get_param("WindowId"):
            raise _missing(f"{key} does not exist in the maintenance window.")
        return found

    def _parts(self, name: str, key: str) -> list[Item]:
        window = self._get_param("WindowId")
        held = {id_: each for id_, each in self._maintenance(name).items() if each["WindowId"] == window}
        return self._filtered(held, {key: key})

    def _baseline(self) -> Item:
        found = self._maintenance("baselines").get(self._get_param("BaselineId"))
        if found is None:
            raise _missing("Patch baseline does not exist.")
        return found

    def _filtered(self, held: dict[str, Item], names: dict[str, str]) -> list[Item]:
        """Return the items that pass the filters; a name prefix is one, an owner is always this account."""
        found = list(held.values())
        filters: list[dict[str, Any]] = self._get_param("Filters") or []
        for each in filters:
            if each["Key"] not in names:
                continue
            if each["Key"] == "NAME_PREFIX":
                found = [item for item in found if str(item["Name"]).startswith(tuple(each["Values"]))]
            else:
                found = [item for item in found if item.get(names[each["Key"]]) in each["Values"]]
        return found

    def _tags_of_kind(self, kind: str) -> Any:
        return vars(self.ssm_backend)["_resource_tags"][kind]

    def _tag_maintenance(self, kind: str, id_: str) -> None:
        tags: list[dict[str, str]] = self._get_param("Tags") or []
        self._tags_of_kind(kind)[id_].update({tag["Key"]: tag["Value"] for tag in tags})

    def _tagged_maintenance(self) -> str:
        id_ = str(self._get_param("ResourceId"))
        if id_ not in self._maintenance(TAGGED[self._get_param("ResourceType")]):
            raise SSMException("InvalidResourceId", "The resource ID isn't valid.")
        return id_
