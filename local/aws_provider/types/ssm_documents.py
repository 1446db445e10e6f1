"""SSM documents. Source: Terraform AWS provider, `internal/service/ssm/document.go`."""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import (
    Change,
    Naming,
    Property,
    ResourceType,
    output,
    records,
    text,
    text_map,
)
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

share_chunk: Final = 20
"""Maximum number of accounts per ModifyDocumentPermission call."""
ready_seconds: Final = 120
_types = (
    *("Command", "Policy", "Automation", "Session", "Package", "ApplicationConfiguration"),
    *("ApplicationConfigurationSchema", "DeploymentStrategy", "ChangeCalendar", "Automation.ChangeTemplate"),
    *("ProblemAnalysis", "ProblemAnalysisTemplate", "CloudFormation", "ConformancePackTemplate"),
    *("QuickSetup", "ManualApprovalPolicy", "AutoApprovalPolicy"),
)
_name_checks = (
    validators.length(3, 128),
    validators.matches(r"[0-9A-Za-z_.-]+", "must hold only alphanumeric characters and _.-"),
)


def _attachments(wanted: Values) -> list[Values] | None:
    listed = [
        {"Key": item["key"], "Values": item["values"], **({"Name": item["name"]} if "name" in item else {})}
        for item in wanted.get("attachmentsSources", [])
    ]
    return listed or None


def _create(aws: Aws, wanted: Values) -> str:
    aws.call(
        "CreateDocument",
        Name=wanted["name"],
        Content=wanted["content"],
        DocumentFormat=wanted["documentFormat"],
        DocumentType=wanted["documentType"],
        TargetType=wanted.get("targetType"),
        VersionName=wanted.get("versionName"),
        Attachments=_attachments(wanted),
        Tags=pairs(wanted["tagsAll"]) or None,
    )
    return wanted["name"]


def _settle(aws: Aws, name: str, wanted: Values) -> None:
    _share(aws, name, set(), _accounts(wanted))
    _wait_active(aws, name)


def _wait_active(aws: Aws, name: str) -> None:
    def active() -> bool:
        return aws.call("DescribeDocument", Name=name)["Document"].get("Status", "Active") == "Active"

    aws.wait_until(active, f"document {name} becoming active", ready_seconds)


def _accounts(values: Values) -> set[str]:
    permissions: dict[str, str] = values.get("permissions") or {}
    listed = permissions.get("account_ids", "")
    return {account.strip() for account in listed.split(",") if account.strip()}


def _share(aws: Aws, name: str, old: set[str], new: set[str]) -> None:
    for argument, accounts in (
        ("AccountIdsToAdd", sorted(new - old)),
        ("AccountIdsToRemove", sorted(old - new)),
    ):
        for start in range(0, len(accounts), share_chunk):
            chunk: Values = {argument: accounts[start : start + share_chunk]}
            aws.call("ModifyDocumentPermission", Name=name, PermissionType="Share", **chunk)


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    found = aws.call("DescribeDocument", Name=name)["Document"]
    layout = known.get("documentFormat") or found.get("DocumentFormat") or "JSON"
    content = aws.call("GetDocument", Name=name, DocumentFormat=layout, DocumentVersion="$LATEST")
    tags = aws.call("ListTagsForResource", ResourceType="Document", ResourceId=name).get("TagList")
    shared = aws.call("DescribeDocumentPermission", Name=name, PermissionType="Share").get("AccountIds", [])
    created = found.get("CreatedDate")
    return {
        "arn": aws.arn("ssm", f"document/{name}"),
        "attachmentsSources": known.get("attachmentsSources"),
        "content": content["Content"],
        "createdDate": created.strftime("%Y-%m-%dT%H:%M:%SZ") if created is not None else None,
        "defaultVersion": found.get("DefaultVersion"),
        "description": found.get("Description"),
        "documentFormat": found.get("DocumentFormat"),
        "documentType": found.get("DocumentType"),
        "documentVersion": found.get("DocumentVersion"),
        "hash": found.get("Hash"),
        "hashType": found.get("HashType"),
        "latestVersion": found.get("LatestVersion"),
        "name": name,
        "owner": found.get("Owner"),
        "parameters": [_parameter(item) for item in found.get("Parameters", [])],
        "permissions": {"type": "Share", "account_ids": ",".join(shared)} if shared else None,
        "platformTypes": found.get("PlatformTypes", []),
        "schemaVersion": found.get("SchemaVersion"),
        "status": found.get("Status"),
        "tags": from_pairs(tags),
        "targetType": found.get("TargetType"),
        "versionName": found.get("VersionName"),
    }


def _parameter(item: Values) -> Values:
    names = {"Name": "name", "Type": "type", "DefaultValue": "defaultValue", "Description": "description"}
    return {ours: item[theirs] for theirs, ours in names.items() if theirs in item}


def _update(aws: Aws, change: Change) -> None:
    if change.has("permissions"):
        _share(aws, change.object_id, _accounts(change.old), _accounts(change.new))
    if not change.changed - {"permissions"}:
        return
    if change.old.get("schemaVersion", "").startswith("1.") and not change.has("content"):
        return
    new = change.new
    try:
        # The document type is not sent: AWS keeps that of the creation.
        answer = aws.call(
            "UpdateDocument",
            Name=change.object_id,
            Content=new["content"],
            DocumentFormat=new["documentFormat"],
            DocumentVersion=change.old["defaultVersion"],
            TargetType=new.get("targetType"),
            VersionName=new.get("versionName"),
            Attachments=_attachments(new),
        )
        version = answer["DocumentDescription"]["DocumentVersion"]
    except AwsError as failure:
        if failure.code != "DuplicateDocumentContent":
            raise
        version = change.old["latestVersion"]
    aws.call("UpdateDocumentDefaultVersion", Name=change.object_id, DocumentVersion=version)
    _wait_active(aws, change.object_id)


def _delete(aws: Aws, name: str, known: Values) -> None:
    _share(aws, name, _accounts(known), set())
    aws.call("DeleteDocument", Name=name)


def _retag(aws: Aws, name: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("RemoveTagsFromResource", ResourceType="Document", ResourceId=name, TagKeys=removed)
    if added:
        aws.call("AddTagsToResource", ResourceType="Document", ResourceId=name, Tags=pairs(added))


def _permission_map(value: Any) -> str | None:
    # Keys of a map are those of the upstream provider, not converted to camelCase.
    if set(value) != {"type", "account_ids"} or value["type"] != "Share":
        return 'must have exactly the keys "type" (being "Share") and "account_ids"'
    return None


def _same_accounts(old: Any, new: Any) -> bool:
    return _accounts({"permissions": old}) == _accounts({"permissions": new})


DOCUMENT = ResourceType(
    name="aws:ssm/document:Document",
    service="ssm",
    properties={
        "arn": output(),
        "attachmentsSources": records(
            {
                "key": text(
                    required=True,
                    checks=(validators.one_of("SourceUrl", "S3FileUrl", "AttachmentReference"),),
                ),
                "name": text(),
                "values": Property(kind="list", items=text(), required=True),
            },
            checks=(validators.items_at_most(20),),
        ),
        "content": text(required=True),
        "createdDate": output(),
        "defaultVersion": output(),
        "description": output(),
        "documentFormat": text(default="JSON", checks=(validators.one_of("JSON", "YAML", "TEXT"),)),
        "documentType": text(required=True, checks=(validators.one_of(*_types),)),
        "documentVersion": output(),
        "hash": output(),
        "hashType": output(),
        "latestVersion": output(),
        "name": text(replaces=True, naming=Naming(), checks=_name_checks),
        "owner": output(),
        "parameters": output("list"),
        "permissions": text_map(checks=(_permission_map,), same=_same_accounts),
        "platformTypes": output("list"),
        "schemaVersion": output(),
        "status": output(),
        "targetType": text(
            checks=(validators.matches(r"/[\w.:/-]{0,199}", "must begin with / and hold only word . - : /"),)
        ),
        "versionName": text(checks=_name_checks),
    },
    calls={
        "create": ("CreateDocument", "ModifyDocumentPermission"),
        "read": ("DescribeDocument", "GetDocument", "DescribeDocumentPermission", "ListTagsForResource"),
        "update": (
            *("UpdateDocument", "UpdateDocumentDefaultVersion", "ModifyDocumentPermission"),
            *("AddTagsToResource", "RemoveTagsFromResource"),
        ),
        "delete": ("ModifyDocumentPermission", "DeleteDocument"),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"InvalidDocument"}),
    moves=dict.fromkeys(("defaultVersion", "documentVersion", "hash", "latestVersion", "parameters"), ("content",)),
)

RESOURCES = (DOCUMENT,)
