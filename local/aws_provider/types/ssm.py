"""SSM parameters, documents and associations. Source: Terraform AWS provider, `internal/service/ssm`."""

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
    name,
    records,
    same_by,
    text,
    text_map,
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

RESOURCES = (PARAMETER, DOCUMENT, ASSOCIATION)
