"""Content and versions of documents, by AWS' documentation.

Content: the schema files name the sources, and state which rules are inferred. That of Session documents is
https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html.

Approval policies of just-in-time node access: API_CreateDocument (`DocumentType`); Systems Manager User Guide, "Create manual
approval policies for your nodes", "Create an auto-approval policy for just-in-time node access" and "Create a deny-access policy
for just-in-time node access" (names, and one per Region); for the content, AWS' templates in cloud-operations-best-practices. That
DescribeDocumentPermission fails: https://github.com/hashicorp/terraform-provider-aws/issues/45569; AWS publishes neither its error
code nor those of the other refusals here, nor whether CreateDocument validates Cedar.

Versions, under https://docs.aws.amazon.com/systems-manager/latest/APIReference/: API_GetDocument, API_DescribeDocument,
API_UpdateDocument, API_UpdateDocumentDefaultVersion, API_DeleteDocument, API_ListDocumentVersions.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from jsonschema import Draft202012Validator, ValidationError
from moto.ssm.exceptions import (
    InvalidDocument,
    InvalidDocumentVersion,
    SSMException,
    ValidationException,
)
from moto.ssm.models import Document, Documents

from components.just_in_time.cedar import SCHEMA
from components.just_in_time.names import AUTO_APPROVAL, AUTO_APPROVAL_NAME, DENY_ACCESS_NAME, MANUAL_APPROVAL
from local.automation.execution import references
from local.emulator.extension.paging import page

FOLDER: Final = Path(__file__).resolve().parents[1]
SCHEMAS: Final = {
    "Automation": FOLDER / "automation_document.schema.json",
    "Automation.ChangeTemplate": FOLDER / "change_template.schema.json",
    "Session": FOLDER / "session_document.schema.json",
}
SESSION_SCHEMA_VERSION: Final = "1.0"
_CANNOT_FOLLOW_CANCEL: Final = ("aws:sleep", "aws:approve")
_GIVEN: Final = ("automation:", "global:")


def problems(kind: str, content: Any, name: str = "") -> list[str]:
    """Return the problems in the content of a document of this type, each with its path, in the order of the paths."""
    if kind in POLICY_TYPES:
        return _policy_problems(kind, name, content)
    if kind not in SCHEMAS:
        return []
    errors: list[ValidationError] = list(_validator(kind).iter_errors(content))
    if errors:
        return [f"{error.json_path}: {error.message}" for error in sorted(errors, key=lambda error: error.json_path)]
    return _wrong_flow(content) if kind == "Automation" else []


def supports_schema_version(content: Any) -> bool:
    """Return whether Session documents support the schema version. `problems` reports a missing one."""
    if not isinstance(content, dict):
        return True
    return cast("dict[str, Any]", content).get("schemaVersion", SESSION_SCHEMA_VERSION) == SESSION_SCHEMA_VERSION


def _wrong_flow(content: dict[str, Any]) -> list[str]:
    """Return problems of the flow: targets that are not steps, and references to values that do not exist."""
    steps = cast("list[dict[str, Any]]", content["mainSteps"])
    by_name = {step["name"]: step for step in steps}
    found = ["two steps have the same name"] if len(by_name) != len(steps) else []
    known = {f"{step['name']}.{output['Name']}" for step in steps for output in step.get("outputs", [])}
    known |= set(content.get("parameters", {}))
    for step in steps:
        found += [
            f"{step['name']} leads to {target}, which is no step" for target in _targets(step) if target not in by_name
        ]
        cancel = by_name.get(step.get("onCancel", "").removeprefix("step:"))
        if cancel is not None and cancel["action"] in _CANNOT_FOLLOW_CANCEL:
            found.append(f"{step['name']}: onCancel must not lead to {cancel['action']}")
        found += [
            f"{step['name']} refers to {name}, which does not exist"
            for name in sorted(references({key: value for key, value in step["inputs"].items() if key != "Script"}))
            if name not in known and not name.startswith(_GIVEN)
        ]
    return found + [f"outputs: {name} does not exist" for name in content.get("outputs", []) if name not in known]


def _targets(step: dict[str, Any]) -> list[str]:
    jumps = [step.get(name, "") for name in ("onFailure", "onCancel")]
    targets = [jump.removeprefix("step:") for jump in jumps if jump.startswith("step:")]
    targets += [step["nextStep"]] if "nextStep" in step else []
    if step["action"] == "aws:branch":
        targets += [choice["NextStep"] for choice in step["inputs"]["Choices"]]
        targets += [step["inputs"]["Default"]] if "Default" in step["inputs"] else []
    return targets


@cache
def _validator(kind: str) -> Any:
    return Draft202012Validator(json.loads(SCHEMAS[kind].read_text(encoding="utf-8")))


# Approval policies of just-in-time node access.


POLICY_TYPES: Final = (MANUAL_APPROVAL, AUTO_APPROVAL)
MAX_MANUAL_POLICIES: Final = 50
_SECONDS: Final = {"type": "integer", "minimum": 3600, "maximum": 336 * 3600}
_TEXT: Final = {"type": "string", "minLength": 1}
_APPROVER: Final = {
    "type": "object",
    "required": ["approver", "type"],
    "additionalProperties": False,
    "properties": {"approver": _TEXT, "type": {"enum": ["SSOGroup", "SSOUser", "IamRole"]}},
}
_COMMON: Final = {
    "schemaVersion": {"const": "0.3"},
    "description": {"type": "string"},
    "accessTokenRole": {"const": "SSM-JustInTimeAccessTokenRole"},
    "accessDuration": _SECONDS,
}
_STEP: Final = {
    "type": "object",
    "required": ["name", "action", "inputs"],
    "properties": {
        "action": {"const": "aws:approve"},
        "inputs": {
            "type": "object",
            "required": ["EnhancedApprovals"],
            "properties": {
                "MinRequiredApprovals": {"type": "integer", "minimum": 1},
                "EnhancedApprovals": {
                    "type": "object",
                    "required": ["Approvers"],
                    "properties": {"Approvers": {"type": "array", "minItems": 1, "maxItems": 5, "items": _APPROVER}},
                },
            },
        },
    },
}
_MANUAL: Final = {
    "type": "object",
    "required": [*_COMMON, "targets", "mainSteps"],
    "additionalProperties": False,
    "properties": {
        **_COMMON,
        "targets": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["Key", "Values"],
                "properties": {
                    "Key": {"pattern": "^tag:."},
                    "Values": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                },
            },
        },
        "mainSteps": {"type": "array", "minItems": 1, "maxItems": 5, "items": _STEP},
    },
}
_AUTO: Final = {
    "type": "object",
    "required": [*(name for name in _COMMON if name != "description"), "AutoApprovalPolicyDocuments"],
    "additionalProperties": False,
    "properties": {
        **_COMMON,
        "accessDuration": {"const": 3600},
        "AutoApprovalPolicyDocuments": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["type", "content"],
                "additionalProperties": False,
                "properties": {
                    "id": _TEXT,
                    "description": {"type": "string"},
                    "type": {"const": "Cedar"},
                    "content": _TEXT,
                },
            },
        },
    },
}


def check_name(kind: str, name: str) -> None:
    """Check the name of a new document: of an auto-approval or deny-access policy it is fixed.

    Raises:
        SSMException: `ValidationException`.
    """
    if kind == AUTO_APPROVAL and name not in {AUTO_APPROVAL_NAME, DENY_ACCESS_NAME}:
        message = f"A document of type {AUTO_APPROVAL} must be named {AUTO_APPROVAL_NAME} or {DENY_ACCESS_NAME}."
        raise SSMException("ValidationException", message)


def check_quota(kind: str, documents: dict[str, Documents]) -> None:
    """Check that a further policy is within the quota.

    Raises:
        SSMException: `DocumentLimitExceeded`.
    """
    number = sum(each.get_default_version().document_type == MANUAL_APPROVAL for each in documents.values())
    if kind == MANUAL_APPROVAL and number >= MAX_MANUAL_POLICIES:
        raise SSMException(
            "DocumentLimitExceeded", f"You can have at most {MAX_MANUAL_POLICIES} manual approval policies."
        )


def check_permission_readable(kind: str) -> None:
    """Refuse DescribeDocumentPermission for approval policies.

    Raises:
        SSMException: `InvalidDocumentOperation`.
    """
    if kind in POLICY_TYPES:
        raise SSMException("InvalidDocumentOperation", f"Document type {kind} does not support permissions.")


def _policy_problems(kind: str, name: str, content: Any) -> list[str]:
    """Return the problems of a policy's content; that of a deny-access policy is not published, and not validated."""
    if name == DENY_ACCESS_NAME:
        return []
    validator: Any = Draft202012Validator(_MANUAL if kind == MANUAL_APPROVAL else _AUTO)
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(content)]
    return found or (_cedar_problems(content) if kind == AUTO_APPROVAL else [])


def _cedar_problems(content: Any) -> list[str]:
    import cedarpy  # noqa: PLC0415 -- loads a native library, which most runs do not need

    engine: Any = cedarpy
    results = (engine.validate_policies(each["content"], SCHEMA) for each in content["AutoApprovalPolicyDocuments"])
    return [error.error for each in results for error in each.errors]


# Versions.


DEFAULT = "$DEFAULT"
LATEST = "$LATEST"
NO_SUCH_VERSION = "The document version isn't valid or doesn't exist."
PAGE_SIZES = range(1, 51)


def find(documents: Documents, version: str | None, version_name: str | None) -> Document:
    """Return the version in a request: a number, `$DEFAULT`, `$LATEST`, a version name, or the default if omitted.

    Raises:
        InvalidDocumentVersion: The version does not exist.
    """
    if version is None and version_name:
        found = documents.find_by_version_name(version_name)
    else:
        found = documents.find_by_version(_number(documents, version))
        if found is not None and version_name and found.version_name != version_name:
            found = None
    if found is None:
        raise InvalidDocumentVersion(NO_SUCH_VERSION)
    return found


def check_updates_latest(documents: Documents, name: str, version: str | None) -> None:
    """Check that UpdateDocument changes the latest version, named by its number or `$LATEST`.

    An omitted version is also refused: that AWS requires it is inferred from the examples of the AWS CLI.
    """
    if version not in (LATEST, documents.latest_version):
        raise InvalidDocumentVersion(
            f"Version provided for document {name} is not latest. "
            f"Please provide the latest version to update document {name}"
        )


def check_number(version: str) -> None:
    """Check that UpdateDocumentDefaultVersion gets a number: its pattern excludes `$LATEST` and `$DEFAULT`."""
    if not re.fullmatch("[1-9][0-9]*", version):
        raise ValidationException(
            f"1 validation error detected: Value '{version}' at 'documentVersion' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (^[1-9][0-9]*$)"
        )


def version_to_delete(documents: Documents, version: str | None, version_name: str | None) -> str | None:
    """Return the version that DeleteDocument names, or None for all versions; moto refuses the default version.

    Raises:
        InvalidDocument: The version does not exist; this action has no `InvalidDocumentVersion`.
    """
    if not version and not version_name:
        return None
    try:
        return find(documents, version, version_name).document_version
    except InvalidDocumentVersion as missing:
        raise InvalidDocument("The specified SSM document doesn't exist.") from missing


def newest_first(documents: Documents) -> list[Document]:
    """Return all versions, newest first (AWS documents no order)."""
    return sorted(documents.versions.values(), key=lambda version: -int(version.document_version))


def version_page(documents: Documents, max_results: int, token: str | None) -> dict[str, Any]:
    """Return one page of ListDocumentVersions."""
    if max_results not in PAGE_SIZES:
        raise ValidationException(
            f"1 validation error detected: Value '{max_results}' at 'maxResults' failed to satisfy constraint: "
            "Member must have value between 1 and 50"
        )
    if token is not None and not token.isdecimal():
        raise SSMException("InvalidNextToken", "The specified token isn't valid.")
    versions, more = page(newest_first(documents), max_results, token)
    return {"DocumentVersions": [_list_entry(documents, version) for version in versions], **more}


def _number(documents: Documents, version: str | None) -> str:
    if version in (None, DEFAULT):
        return documents.default_version
    return documents.latest_version if version == LATEST else version


def _list_entry(documents: Documents, version: Document) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Name": version.name,
        "DocumentVersion": version.document_version,
        "CreatedDate": version.created_date,
        "IsDefaultVersion": version.document_version == documents.default_version,
        "DocumentFormat": version.document_format,
        "Status": version.status,
    }
    if version.version_name:
        entry["VersionName"] = version.version_name
    return entry
