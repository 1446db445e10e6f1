"""Resources of Systems Manager that are stored as given: associations, maintenance windows and patch baselines.

No association is executed, and no window ever opens. moto has parts of windows and baselines, without updates. API_… pages:
https://docs.aws.amazon.com/systems-manager/latest/APIReference/.
"""

import json
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.exceptions import InvalidDocument, InvalidResourceId, SSMException
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from local.emulator.settings import reported

_STORE: Final = "_local_resources"
_SCHEDULE: Final = re.compile(r"(rate|cron|at)\(.+\)")
_NOT_STORED: Final = ("Tags", "ClientToken", "Replace")
_GONE: Final = "DoesNotExistException"

Item = dict[str, Any]


@dataclass(frozen=True)
class StoredKind:
    """A kind of resource.

    Attributes:
        id: Member with the ID.
        code: Error code for one that does not exist.
        prefix: Prefix of IDs; "": the ID is a UUID.
        tags: Type of the resource in actions for tags; "": it has no tags.
        kept: Members that an update keeps if it replaces the others.
    """

    id: str
    code: str
    message: str
    prefix: str = ""
    tags: str = ""
    kept: tuple[str, ...] = ()


_ASSOCIATION: Final = StoredKind(
    "AssociationId",
    "AssociationDoesNotExist",
    "The specified association doesn't exist.",
    tags="Association",
    kept=("AssociationId", "AssociationVersion", "Date", "DocumentVersion", "Name", "Overview"),
)
_WINDOW: Final = StoredKind(
    "WindowId", _GONE, "Maintenance window does not exist.", "mw-", "MaintenanceWindow", ("WindowId", "CreatedDate")
)
_TARGET: Final = StoredKind("WindowTargetId", _GONE, "WindowTargetId does not exist in the maintenance window.")
_TASK: Final = StoredKind(
    "WindowTaskId",
    _GONE,
    "WindowTaskId does not exist in the maintenance window.",
    kept=("WindowId", "WindowTaskId", "TaskType"),
)
_BASELINE: Final = StoredKind("BaselineId", _GONE, "Patch baseline does not exist.", "pb-", "PatchBaseline")
_TAGGED: Final = {each.tags: each for each in (_ASSOCIATION, _WINDOW, _BASELINE)}


def accept_tags() -> None:
    """API_AddTagsToResource and others: also of these kinds, which moto does not find."""
    backend: Any = SimpleSystemManagerBackend
    moto_validate = backend._validate_resource_type_and_id  # noqa: SLF001 -- moto validates there

    def validate(self: Any, resource_type: str, resource_id: str) -> str:
        kind = _TAGGED.get(resource_type)
        if kind is None:
            return moto_validate(self, resource_type, resource_id)
        if resource_id not in _held(self, kind):
            raise InvalidResourceId
        return resource_id

    backend._validate_resource_type_and_id = validate  # noqa: SLF001


def _held(backend: Any, kind: StoredKind) -> dict[str, Item]:
    """Return the resources of a kind, which are stored with moto's state, so that a reset deletes them."""
    return cast("Item", vars(backend)).setdefault(_STORE, {}).setdefault(kind.id, {})


class StoredResourceActions(SimpleSystemManagerResponse):
    """Associations, maintenance windows with targets and tasks, patch baselines and patch groups."""

    def create_association(self) -> ActionResult:
        name = str(self._get_param("Name"))
        if not name.startswith("AWS-") and name not in vars(self.ssm_backend)["_documents"]:
            raise InvalidDocument(f"Document with name {name} does not exist.")
        self._check_schedule()
        made = self._create(
            _ASSOCIATION,
            AssociationVersion="1",
            Date=datetime.now(UTC),
            DocumentVersion="$DEFAULT",
            Overview={"Status": "Pending", "DetailedStatus": "Creating"},
        )
        return ActionResult({"AssociationDescription": made})

    def update_association(self) -> ActionResult:
        """API_UpdateAssociation: removes omitted optional parameters from the association."""
        found = self._find(_ASSOCIATION)
        self._check_schedule()
        changed = self._changed(_ASSOCIATION, replaces=True)
        changed["AssociationVersion"] = str(int(found["AssociationVersion"]) + 1)
        changed["LastUpdateAssociationDate"] = datetime.now(UTC)
        return ActionResult({"AssociationDescription": self._put(_ASSOCIATION, changed)})

    def describe_association(self) -> ActionResult:
        """API_DescribeAssociation, by ID, with the reported states."""
        found = self._find(_ASSOCIATION)
        return ActionResult({"AssociationDescription": {**found, **reported(found["AssociationId"])}})

    def list_associations(self) -> ActionResult:
        """API_ListAssociations, with the filter `AssociationName`."""
        filters: list[dict[str, str]] = self._get_param("AssociationFilterList") or []
        named = {each["value"] for each in filters if each["key"] == "AssociationName"}
        listed = self._all(_ASSOCIATION)
        return ActionResult(
            {"Associations": [each for each in listed if not named or each.get("AssociationName") in named]}
        )

    def delete_association(self) -> ActionResult:
        """API_DeleteAssociation, by ID."""
        self._find(_ASSOCIATION)
        self._delete(_ASSOCIATION)
        return EmptyResult()

    def create_maintenance_window(self) -> ActionResult:
        _check_window(self._given())
        made = self._create(_WINDOW, Enabled=True, CreatedDate=datetime.now(UTC))
        return ActionResult({"WindowId": made["WindowId"]})

    def get_maintenance_window(self) -> ActionResult:
        return ActionResult(self._find(_WINDOW))

    def update_maintenance_window(self) -> ActionResult:
        """API_UpdateMaintenanceWindow: with `Replace`, omitted optional fields are removed."""
        changed = {"Enabled": True, **self._changed(_WINDOW, replaces=self._get_param("Replace"))}
        _check_window(changed)
        return ActionResult(self._put(_WINDOW, changed))

    def delete_maintenance_window(self) -> ActionResult:
        """API_DeleteMaintenanceWindow, with its targets and tasks."""
        for kind in (_TARGET, _TASK):
            for each in self._parts(kind):
                del _held(self.ssm_backend, kind)[each[kind.id]]
        return self._delete(_WINDOW)

    def describe_maintenance_windows(self) -> ActionResult:
        """API_DescribeMaintenanceWindows, with the filter `Name`."""
        return ActionResult({"WindowIdentities": self._filtered(self._all(_WINDOW), "Name")})

    def register_target_with_maintenance_window(self) -> ActionResult:
        self._find(_WINDOW)
        return ActionResult({"WindowTargetId": self._create(_TARGET)["WindowTargetId"]})

    def update_maintenance_window_target(self) -> ActionResult:
        return ActionResult(self._put(_TARGET, self._changed(_TARGET)))

    def describe_maintenance_window_targets(self) -> ActionResult:
        """API_DescribeMaintenanceWindowTargets, with the filter `WindowTargetId`."""
        self._find(_WINDOW)
        return ActionResult({"Targets": self._filtered(self._parts(_TARGET), "WindowTargetId")})

    def deregister_target_from_maintenance_window(self) -> ActionResult:
        self._find(_TARGET)
        return self._delete(_TARGET, "WindowId")

    def register_task_with_maintenance_window(self) -> ActionResult:
        self._find(_WINDOW)
        return ActionResult({"WindowTaskId": self._create(_TASK, Priority=1)["WindowTaskId"]})

    def get_maintenance_window_task(self) -> ActionResult:
        return ActionResult(self._find(_TASK))

    def update_maintenance_window_task(self) -> ActionResult:
        """API_UpdateMaintenanceWindowTask: with `Replace`, omitted optional fields are removed."""
        return ActionResult(self._put(_TASK, self._changed(_TASK, replaces=self._get_param("Replace"))))

    def describe_maintenance_window_tasks(self) -> ActionResult:
        """API_DescribeMaintenanceWindowTasks; the answer calls the document or function `TaskArn` and the type `Type`."""
        self._find(_WINDOW)
        listed = self._filtered(self._parts(_TASK), "WindowTaskId")
        return ActionResult({"Tasks": [{**each, "Type": each["TaskType"]} for each in listed]})

    def deregister_task_from_maintenance_window(self) -> ActionResult:
        self._find(_TASK)
        return self._delete(_TASK, "WindowId")

    def create_patch_baseline(self) -> ActionResult:
        defaults = {"OperatingSystem": "WINDOWS", "ApprovedPatchesComplianceLevel": "UNSPECIFIED"}
        return ActionResult({"BaselineId": self._create(_BASELINE, **defaults)["BaselineId"]})

    def get_patch_baseline(self) -> ActionResult:
        """API_GetPatchBaseline, with its patch groups."""
        found = self._find(_BASELINE)
        groups = [name for name, id_ in self._patch_groups().items() if id_ == found["BaselineId"]]
        return ActionResult({**found, "PatchGroups": groups})

    def update_patch_baseline(self) -> ActionResult:
        return ActionResult(self._put(_BASELINE, self._changed(_BASELINE)))

    def delete_patch_baseline(self) -> ActionResult:
        """API_DeletePatchBaseline: one that a patch group uses is in use."""
        if self._get_param("BaselineId") in self._patch_groups().values():
            raise SSMException("ResourceInUseException", "The patch baseline is used by a patch group.")
        return self._delete(_BASELINE)

    def describe_patch_baselines(self) -> ActionResult:
        """API_DescribePatchBaselines: those of the account, by name prefix."""
        found = self._filtered(self._all(_BASELINE), "NAME_PREFIX")
        return ActionResult({"BaselineIdentities": [{**each, "BaselineName": each["Name"]} for each in found]})

    def register_patch_baseline_for_patch_group(self) -> ActionResult:
        """API_RegisterPatchBaselineForPatchGroup: a group has one baseline of an operating system."""
        found, group = self._find(_BASELINE)["BaselineId"], self._get_param("PatchGroup")
        if self._patch_groups().setdefault(group, found) != found:
            raise SSMException("AlreadyExistsException", "The patch group has a patch baseline already.")
        return ActionResult({"BaselineId": found, "PatchGroup": group})

    def deregister_patch_baseline_for_patch_group(self) -> ActionResult:
        found, group = self._get_param("BaselineId"), self._get_param("PatchGroup")
        if self._patch_groups().get(group) != found:
            raise SSMException(_GONE, "Patch group is not registered with this baseline.")
        del self._patch_groups()[group]
        return ActionResult({"BaselineId": found, "PatchGroup": group})

    def describe_patch_groups(self) -> ActionResult:
        groups = self._patch_groups().items()
        listed = [{"PatchGroup": name, "BaselineIdentity": {"BaselineId": id_}} for name, id_ in groups]
        return ActionResult({"Mappings": listed})

    def _given(self) -> Item:
        """Return what the request gives to store."""
        return {key: value for key, value in json.loads(self.body).items() if key not in _NOT_STORED}

    def _create(self, kind: StoredKind, **defaults: Any) -> Item:
        id_ = f"{kind.prefix}{secrets.token_hex(9)[:17]}" if kind.prefix else str(uuid.uuid4())
        made = self._put(kind, {**defaults, **self._given(), kind.id: id_})
        if kind.tags:
            tags: list[dict[str, str]] = self._get_param("Tags") or []
            self.ssm_backend.add_tags_to_resource(kind.tags, id_, {each["Key"]: each["Value"] for each in tags})
        return made

    def _put(self, kind: StoredKind, item: Item) -> Item:
        _held(self.ssm_backend, kind)[item[kind.id]] = item
        return item

    def _find(self, kind: StoredKind) -> Item:
        """Return the resource in the request; a part of a window is one of the window in the request."""
        found = _held(self.ssm_backend, kind).get(str(self._get_param(kind.id)))
        if found is None or found.get("WindowId") != self._get_param("WindowId"):
            raise SSMException(kind.code, kind.message)
        return found

    def _changed(self, kind: StoredKind, *, replaces: bool | None = False) -> Item:
        """Return the resource in the request with what the request gives."""
        found = self._find(kind)
        return {**({key: found[key] for key in kind.kept} if replaces else found), **self._given()}

    def _delete(self, kind: StoredKind, *shown: str) -> ActionResult:
        """Delete the resource in the request, if it exists; return its ID, and further members of the request."""
        id_ = str(self._get_param(kind.id))
        _held(self.ssm_backend, kind).pop(id_, None)
        vars(self.ssm_backend)["_resource_tags"][kind.tags].pop(id_, None)
        return ActionResult({kind.id: id_, **{each: self._get_param(each) for each in shown}})

    def _all(self, kind: StoredKind) -> list[Item]:
        return list(_held(self.ssm_backend, kind).values())

    def _parts(self, kind: StoredKind) -> list[Item]:
        return [each for each in self._all(kind) if each["WindowId"] == self._get_param("WindowId")]

    def _filtered(self, found: list[Item], key: str) -> list[Item]:
        """Return the items that pass the filter of this key; an owner, another one, is always this account."""
        filters: list[dict[str, Any]] = self._get_param("Filters") or []
        for values in (each["Values"] for each in filters if each["Key"] == key):
            if key == "NAME_PREFIX":
                found = [each for each in found if str(each["Name"]).startswith(tuple(values))]
            else:
                found = [each for each in found if each.get(key) in values]
        return found

    def _patch_groups(self) -> dict[str, Any]:
        """Return the IDs of baselines by the names of their groups."""
        return vars(self.ssm_backend).setdefault("_local_patch_groups", {})

    def _check_schedule(self) -> None:
        schedule = self._get_param("ScheduleExpression")
        if schedule is not None and not _SCHEDULE.fullmatch(schedule):
            raise SSMException("InvalidSchedule", "The schedule is invalid. Verify your cron or rate expression.")


def _check_window(window: Item) -> None:
    """API_CreateMaintenanceWindow: valid ranges; a window ends after its cutoff."""
    if not _SCHEDULE.fullmatch(str(window.get("Schedule", ""))):
        raise SSMException("ValidationException", "Schedule is invalid.")
    if not (1 <= window["Duration"] <= 24 and 0 <= window["Cutoff"] < window["Duration"]):  # noqa: PLR2004
        raise SSMException("ValidationException", "Cutoff must be less than duration, which is 1 to 24 hours.")
