"""Approval policies of just-in-time node access, which moto's documents lack.

Sources: API_CreateDocument (`DocumentType`); Systems Manager User Guide, "Create manual approval policies for your nodes",
"Create an auto-approval policy for just-in-time node access" and "Create a deny-access policy for just-in-time node access"
(names, and one per Region); for the content, AWS' templates in cloud-operations-best-practices. That DescribeDocumentPermission
fails: https://github.com/hashicorp/terraform-provider-aws/issues/45569; AWS publishes neither its error code nor those of
the other refusals here, nor whether CreateDocument validates Cedar.
"""

from typing import Any, Final

from jsonschema import Draft202012Validator
from moto.ssm.exceptions import SSMException
from moto.ssm.models import Documents

from components.just_in_time.cedar import SCHEMA
from components.just_in_time.names import AUTO_APPROVAL, AUTO_APPROVAL_NAME, DENY_ACCESS_NAME, MANUAL_APPROVAL

TYPES: Final = (MANUAL_APPROVAL, AUTO_APPROVAL)
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
    if kind in TYPES:
        raise SSMException("InvalidDocumentOperation", f"Document type {kind} does not support permissions.")


def problems(kind: str, name: str, content: Any) -> list[str]:
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
