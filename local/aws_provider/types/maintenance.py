"""Maintenance windows, patch baselines and patch groups. Source: Terraform AWS provider, `internal/service/ssm`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import (
    Code,
    Item,
    Operation,
    Property,
    ResourceType,
    flag,
    name,
    record,
    records,
    same_by,
    text,
    whole,
)
from local.aws_provider.types.ssm import ssm_name, ssm_tagging
from local.aws_provider.wire import Values

_amount: Final = validators.matches(r"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%", "must be a number or a percentage")
_gone: Final = frozenset({"DoesNotExistException"})


# Patch baselines: patch_baseline.go.

_levels: Final = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED")


PATCH_BASELINE = ResourceType(
    name="aws:ssm/patchBaseline:PatchBaseline",
    service="ssm",
    properties={
        "approvalRules": records(
            {
                "approveAfterDays": whole(validators.between(0, 360), required=True),
                "complianceLevel": text(validators.one_of(*_levels), default="UNSPECIFIED"),
                "enableNonSecurity": flag(default=False),
                "patchFilters": records(
                    {"key": text(required=True), "values": Property(kind="list", items=Property(), required=True)},
                    required=True,
                    aws="PatchFilterGroup.PatchFilters",
                ),
            },
            aws="ApprovalRules.PatchRules",
        ),
        "approvedPatchesComplianceLevel": text(validators.one_of(*_levels), default="UNSPECIFIED"),
        "description": text(validators.length(0, 1024)),
        "name": name(ssm_name, longest=128, replaces=False),
        "operatingSystem": text(default="WINDOWS", replaces=True),
    },
    outputs="arn json",
    refused=(
        "approvedPatches approvedPatchesEnableNonSecurity availableSecurityUpdatesComplianceStatus globalFilters "
        "rejectedPatches rejectedPatchesAction sources"
    ),
    arn="patchbaseline/{id}",
    create=(Operation("CreatePatchBaseline", result="BaselineId"),),
    read=(Operation("GetPatchBaseline", {"BaselineId": "id"}),),
    update=(Operation("UpdatePatchBaseline", {"BaselineId": "id"}),),
    delete=(Operation("DeletePatchBaseline", {"BaselineId": "id"}),),
    tagging=ssm_tagging("PatchBaseline"),
    gone=_gone,
)


def _find_group(aws: Aws, group: Item) -> Values | None:
    listed = aws.pages("DescribePatchGroups", "Mappings")
    wanted = (group.values["patchGroup"], group.values["baselineId"])
    found = next(
        (each for each in listed if (each["PatchGroup"], each["BaselineIdentity"]["BaselineId"]) == wanted), None
    )
    return {"patchGroup": wanted[0], "baselineId": wanted[1]} if found else None


PATCH_GROUP = ResourceType(
    name="aws:ssm/patchGroup:PatchGroup",
    service="ssm",
    properties={
        "baselineId": text(required=True, replaces=True),
        "patchGroup": text(validators.length(1, 256), required=True, replaces=True),
    },
    id="{patchGroup},{baselineId}",
    create=(Operation("RegisterPatchBaselineForPatchGroup"),),
    read=(Code(_find_group, "DescribePatchGroups"),),
    delete=(
        Operation("DeregisterPatchBaselineForPatchGroup", {"BaselineId": "baselineId", "PatchGroup": "patchGroup"}),
    ),
    gone=_gone,
)


# Maintenance windows: maintenance_window.go, maintenance_window_target.go, maintenance_window_task.go.

MAINTENANCE_WINDOW = ResourceType(
    name="aws:ssm/maintenanceWindow:MaintenanceWindow",
    service="ssm",
    properties={
        "allowUnassociatedTargets": flag(default=False),
        "cutoff": whole(required=True),
        "description": text(),
        "duration": whole(required=True),
        "enabled": flag(default=True),
        "name": name(ssm_name, longest=128, replaces=False),
        "schedule": text(required=True),
        "scheduleTimezone": text(),
    },
    refused="endDate scheduleOffset startDate",
    # CreateMaintenanceWindow has no `Enabled`.
    create=(
        Operation("CreateMaintenanceWindow", result="WindowId"),
        Operation("UpdateMaintenanceWindow", {"WindowId": "id", "Enabled": "enabled", "Replace": False}),
    ),
    read=(Operation("GetMaintenanceWindow", {"WindowId": "id"}),),
    # An update removes what it does not send, so all arguments are sent.
    update=(Operation("UpdateMaintenanceWindow", {"WindowId": "id", "Replace": True}),),
    delete=(Operation("DeleteMaintenanceWindow", {"WindowId": "id"}),),
    tagging=ssm_tagging("MaintenanceWindow"),
    gone=_gone,
)

_targets: Final[dict[str, Property]] = {
    "key": text(required=True),
    "values": Property(kind="list", items=Property(), required=True),
}


def _find_target(aws: Aws, target: Item) -> Values | None:
    window = target.values["windowId"]
    wanted = [{"Key": "WindowTargetId", "Values": [target.id]}]
    listed = aws.pages("DescribeMaintenanceWindowTargets", "Targets", WindowId=window, Filters=wanted)
    return next((each for each in listed if each["WindowTargetId"] == target.id), None)


MAINTENANCE_WINDOW_TARGET = ResourceType(
    name="aws:ssm/maintenanceWindowTarget:MaintenanceWindowTarget",
    service="ssm",
    properties={
        "description": text(validators.length(3, 128)),
        "name": name(ssm_name, longest=128, replaces=False, naming=None),
        "resourceType": text(validators.one_of("INSTANCE", "RESOURCE_GROUP"), required=True, replaces=True),
        "targets": records(_targets, required=True, checks=(validators.items_at_most(5),)),
        "windowId": text(required=True, replaces=True),
    },
    refused="ownerInformation",
    import_id="{windowId}/{id}",
    create=(Operation("RegisterTargetWithMaintenanceWindow", result="WindowTargetId"),),
    read=(Code(_find_target, "DescribeMaintenanceWindowTargets"),),
    update=(Operation("UpdateMaintenanceWindowTarget", {"WindowTargetId": "id", "WindowId": "windowId"}),),
    delete=(Operation("DeregisterTargetFromMaintenanceWindow", {"WindowTargetId": "id", "WindowId": "windowId"}),),
    gone=_gone,
)


def _sent_invocation(value: Values) -> Values:
    given: Values = value["runCommandParameters"]
    parameters = {each["name"]: each["values"] for each in given.get("parameters", [])}
    more = {"TimeoutSeconds": given["timeoutSeconds"]} if given.get("timeoutSeconds") else {}
    return {"RunCommand": {"Parameters": parameters, **more}}


def _shown_invocation(found: Values) -> Values:
    given: Values = found.get("RunCommand", {})
    listed = [{"name": key, "values": values} for key, values in sorted(given.get("Parameters", {}).items())]
    more = {"timeoutSeconds": given["TimeoutSeconds"]} if "TimeoutSeconds" in given else {}
    return {"runCommandParameters": {"parameters": listed, **more}}


MAINTENANCE_WINDOW_TASK = ResourceType(
    name="aws:ssm/maintenanceWindowTask:MaintenanceWindowTask",
    service="ssm",
    properties={
        "description": text(validators.length(3, 128)),
        "maxConcurrency": text(_amount, computed=True),
        "maxErrors": text(_amount, computed=True),
        "name": name(ssm_name, longest=128, replaces=False),
        "priority": whole(default=1),
        "targets": records(_targets, checks=(validators.items_at_most(5),)),
        "taskArn": text(required=True),
        "taskInvocationParameters": record(
            {
                "runCommandParameters": record(
                    {
                        "parameters": records(
                            {
                                "name": text(required=True),
                                "values": Property(kind="list", items=Property(), required=True),
                            }
                        ),
                        "timeoutSeconds": whole(),
                    }
                )
            },
            sent_as=_sent_invocation,
            read_as=_shown_invocation,
            same=same_by(_sent_invocation),
        ),
        "taskType": text(validators.one_of("RUN_COMMAND"), required=True, replaces=True),
        "windowId": text(required=True, replaces=True),
    },
    outputs="arn windowTaskId",
    refused="cutoffBehavior serviceRoleArn",
    import_id="{windowId}/{id}",
    arn="windowtask/{id}",
    create=(Operation("RegisterTaskWithMaintenanceWindow", result="WindowTaskId"),),
    read=(Operation("GetMaintenanceWindowTask", {"WindowTaskId": "id", "WindowId": "windowId"}),),
    update=(Operation("UpdateMaintenanceWindowTask", {"WindowTaskId": "id", "WindowId": "windowId", "Replace": True}),),
    delete=(Operation("DeregisterTaskFromMaintenanceWindow", {"WindowTaskId": "id", "WindowId": "windowId"}),),
    gone=_gone,
)

RESOURCES = (PATCH_BASELINE, PATCH_GROUP, MAINTENANCE_WINDOW, MAINTENANCE_WINDOW_TARGET, MAINTENANCE_WINDOW_TASK)
