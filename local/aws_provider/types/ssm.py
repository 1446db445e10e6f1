"""SSM parameters, documents, associations, patch baselines and groups, and maintenance windows.

Source: Terraform AWS provider, `internal/service/ssm`.
"""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import RejectedValue
from local.aws_provider.model import (
    Code,
    Item,
    Operation,
    Property,
    ResourceType,
    Tagging,
    fixed,
    flag,
    name,
    record,
    records,
    same_by,
    text,
    text_map,
    whole,
)
from local.aws_provider.wire import UNKNOWN, Values

ssm_name: Final = validators.matches(
    r"[0-9A-Za-z_.-]{3,128}", "must contain only alphanumeric, underscore, hyphen, or period characters"
)
"""Validator of most names in Systems Manager."""


def ssm_tagging(kind: str) -> Tagging:
    """Return the operations for tags of a type of resource."""
    return Tagging("AddTagsToResource", "RemoveTagsFromResource", kind=kind)


# Parameters.


def _value(parameter: Values) -> str:
    return parameter["value"] if "value" in parameter else parameter["insecureValue"]


def _read_details(aws: Aws, parameter: Item) -> Values | None:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [parameter.id]}]
    described = aws.pages("DescribeParameters", "Parameters", ParameterFilters=filters)
    shown = "insecureValue" if "insecureValue" in parameter.values else "value"
    values = {"value": None, "insecureValue": None, "hasValueWo": False, shown: parameter.found["Value"]}
    arn = aws.arn(f"parameter/{parameter.id.removeprefix('/')}")
    return {**described[0], **values, "arn": arn} if described else None


def _plan_parameter(_old: Values, new: Values) -> list[RejectedValue]:
    if new.get("type") == "SecureString" and new.get("insecureValue", UNKNOWN) is not UNKNOWN:
        return [RejectedValue("insecureValue", "cannot be used with type SecureString")]
    return []


PARAMETER = ResourceType(
    name="aws:ssm/parameter:Parameter",
    service="ssm",
    properties={
        "description": text(validators.length(0, 1024)),
        "insecureValue": text(computed=True),
        "name": name(validators.length(1, 2048)),
        "type": text(validators.one_of("String", "StringList", "SecureString"), required=True),
        "value": text(computed=True, secret=True),
    },
    outputs="arn dataType hasValueWo keyId tier version",
    refused="allowedPattern arn dataType keyId overwrite tier valueWo valueWoVersion",
    id="{name}",
    create=(Operation("PutParameter", {"Value": _value}, on="insecureValue"),),
    read=(
        Operation("GetParameter", {"WithDecryption": True}, result="Parameter"),
        Code(_read_details, "DescribeParameters"),
    ),
    update=(Operation("PutParameter", {"Value": _value, "Overwrite": True}, on="insecureValue"),),
    delete=(Operation("DeleteParameter"),),
    tagging=ssm_tagging("Parameter"),
    gone=frozenset({"ParameterNotFound"}),
    exactly_one=(("value", "insecureValue", "valueWo"),),
    plan=_plan_parameter,
    moves={
        "version": ("value", "insecureValue", "description"),
        "value": ("insecureValue",),
        "insecureValue": ("value",),
    },
)


# Documents.

share_chunk: Final = 20
"""Maximum number of accounts per ModifyDocumentPermission call."""
ready_seconds: Final = 120
_types: Final = (
    *("Command", "Policy", "Automation", "Session", "Package", "ApplicationConfiguration"),
    *("ApplicationConfigurationSchema", "DeploymentStrategy", "ChangeCalendar", "Automation.ChangeTemplate"),
    *("ProblemAnalysis", "ProblemAnalysisTemplate", "CloudFormation", "ConformancePackTemplate"),
    *("QuickSetup", "ManualApprovalPolicy", "AutoApprovalPolicy"),
)


def _wait_until_active(aws: Aws, document: Item) -> None:
    def active() -> bool:
        return aws.call("DescribeDocument", Name=document.id)["Document"].get("Status", "Active") == "Active"

    aws.wait_until(active, f"document {document.id} becoming active", ready_seconds)


def _accounts(permissions: dict[str, str] | None) -> set[str]:
    listed = (permissions or {}).get("account_ids", "")
    return {account.strip() for account in listed.split(",") if account.strip()}


def _share(aws: Aws, document: Item) -> None:
    old, new = _accounts(document.old.get("permissions")), _accounts(document.values.get("permissions"))
    for argument, accounts in (("AccountIdsToAdd", sorted(new - old)), ("AccountIdsToRemove", sorted(old - new))):
        for start in range(0, len(accounts), share_chunk):
            chunk: Values = {argument: accounts[start : start + share_chunk]}
            aws.call("ModifyDocumentPermission", Name=document.id, PermissionType="Share", **chunk)


def _read_content(aws: Aws, document: Item) -> Values:
    layout = document.values.get("documentFormat") or document.found.get("DocumentFormat") or "JSON"
    content = aws.call("GetDocument", Name=document.id, DocumentFormat=layout, DocumentVersion="$LATEST")["Content"]
    shared = aws.call("DescribeDocumentPermission", Name=document.id, PermissionType="Share").get("AccountIds", [])
    permissions = {"type": "Share", "account_ids": ",".join(shared)} if shared else None
    return {"content": content, "permissions": permissions}


def _update_content(aws: Aws, document: Item) -> None:
    if document.old.get("schemaVersion", "").startswith("1.") and not document.has("content"):
        return
    new = document.values
    # The document type is not sent: AWS keeps that of the creation.
    answer = aws.attempt(
        {"DuplicateDocumentContent"},
        "UpdateDocument",
        Name=document.id,
        Content=new["content"],
        DocumentFormat=new["documentFormat"],
        DocumentVersion=document.old["defaultVersion"],
    )
    version = answer["DocumentDescription"]["DocumentVersion"] if answer else document.old["latestVersion"]
    aws.call("UpdateDocumentDefaultVersion", Name=document.id, DocumentVersion=version)
    _wait_until_active(aws, document)


def _permission_map(value: Any) -> str | None:
    # Keys of a map are those of the upstream provider, not converted to camelCase.
    if set(value) != {"type", "account_ids"} or value["type"] != "Share":
        return 'must have exactly the keys "type" (being "Share") and "account_ids"'
    return None


DOCUMENT = ResourceType(
    name="aws:ssm/document:Document",
    service="ssm",
    properties={
        "content": text(required=True),
        "documentFormat": text(validators.one_of("JSON", "YAML", "TEXT"), default="JSON"),
        "documentType": text(validators.one_of(*_types), required=True),
        "name": name(
            validators.length(3, 128),
            validators.matches(r"[0-9A-Za-z_.-]+", "must hold only alphanumeric characters and _.-"),
        ),
        "permissions": text_map(_permission_map, same=same_by(_accounts)),
    },
    outputs=(
        "arn createdDate defaultVersion description documentVersion hash hashType latestVersion owner parameters "
        "platformTypes schemaVersion status"
    ),
    refused="attachmentsSources targetType versionName",
    id="{name}",
    arn="document/{id}",
    create=(Operation("CreateDocument"), Code(_share, "ModifyDocumentPermission"), Code(_wait_until_active)),
    read=(
        Operation("DescribeDocument", result="Document"),
        Code(_read_content, "GetDocument DescribeDocumentPermission"),
    ),
    update=(
        Code(_share, "ModifyDocumentPermission", on="permissions"),
        Code(_update_content, "UpdateDocument UpdateDocumentDefaultVersion", on="content documentFormat documentType"),
    ),
    delete=(
        Code(lambda aws, document: _share(aws, Item(document.id, {}, document.values)), "ModifyDocumentPermission"),
        Operation("DeleteDocument"),
    ),
    tagging=ssm_tagging("Document"),
    gone=frozenset({"InvalidDocument"}),
    moves=dict.fromkeys(("defaultVersion", "documentVersion", "hash", "latestVersion", "parameters"), ("content",)),
)


# State Manager associations.

_amount: Final = "must be a valid number (e.g. 10) or percentage including the percent sign (e.g. 10%)"

ASSOCIATION = ResourceType(
    name="aws:ssm/association:Association",
    service="ssm",
    properties={
        "applyOnlyAtCronInterval": fixed(False),
        "associationName": text(validators.length(3, 128), ssm_name),
        "maxConcurrency": text(validators.matches(r"[1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%", _amount)),
        "maxErrors": text(validators.matches(r"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%", _amount)),
        "name": name(),
        "parameters": text_map(computed=True),
        "scheduleExpression": text(validators.length(1, 256)),
        "targets": records(
            {
                "key": text(validators.length(1, 163), required=True),
                "values": Property(
                    kind="list", items=Property(), checks=(validators.items_at_most(50),), required=True
                ),
            },
            computed=True,
            checks=(validators.items_at_most(5),),
        ),
    },
    outputs="arn associationId documentVersion",
    refused=(
        "automationTargetParameterName calendarNames complianceSeverity documentVersion outputLocation syncCompliance "
        "waitForSuccessTimeoutSeconds"
    ),
    arn="association/{id}",
    create=(Operation("CreateAssociation", result="AssociationDescription.AssociationId"),),
    read=(Operation("DescribeAssociation", {"AssociationId": "id"}, result="AssociationDescription"),),
    # An update removes what it does not send, so all arguments are sent.
    update=(Operation("UpdateAssociation", {"AssociationId": "id"}),),
    delete=(Operation("DeleteAssociation", {"AssociationId": "id"}),),
    tagging=ssm_tagging("Association"),
    gone=frozenset({"AssociationDoesNotExist"}),
)


_task_amount: Final = validators.matches(r"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%", "must be a number or a percentage")
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


PATCH_GROUP = ResourceType(
    name="aws:ssm/patchGroup:PatchGroup",
    service="ssm",
    properties={
        "baselineId": text(required=True, replaces=True),
        "patchGroup": text(validators.length(1, 256), required=True, replaces=True),
    },
    id="{patchGroup},{baselineId}",
    create=(Operation("RegisterPatchBaselineForPatchGroup"),),
    read=(
        Operation(
            "DescribePatchGroups",
            result="Mappings",
            match={"PatchGroup": "patchGroup", "BaselineIdentity.BaselineId": "baselineId"},
        ),
    ),
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
    read=(
        Operation(
            "DescribeMaintenanceWindowTargets",
            {"Filters": lambda target: [{"Key": "WindowTargetId", "Values": [target["id"]]}]},
            result="Targets",
            match={"WindowTargetId": "id"},
        ),
    ),
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
        "maxConcurrency": text(_task_amount, computed=True),
        "maxErrors": text(_task_amount, computed=True),
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
