"""Optional fences around the workflow, as plain data: for operators, and for a whole organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import (
    APPROVER_POLICY_NAME,
    CHANGE_TEMPLATE_NAME,
    DOCUMENT_NAMES,
    GUARD_RAIL_POLICY_NAME,
    OPERATOR_POLICY_NAME,
    REAPER_SCHEDULE_ROLE_NAME,
    REQUESTER_POLICY_NAME,
    ROLE_NAME,
    RUNBOOK_NAME,
    TAG_KEY,
    Place,
    PolicyDocument,
)
from components.approval.settings import ApproverType
from components.session_manager.document import DOCUMENT_NAME

if TYPE_CHECKING:
    from components.approval.settings import ApprovalSettings

_CHANGING_PRINCIPALS: Final = [
    *("iam:Add*", "iam:Attach*", "iam:Create*", "iam:Deactivate*", "iam:Delete*", "iam:Detach*", "iam:Enable*"),
    *("iam:Put*", "iam:Remove*", "iam:Reset*", "iam:Set*", "iam:Tag*", "iam:Untag*", "iam:Update*", "iam:Upload*"),
]
_SETTING_TAGS: Final = ["iam:TagRole", "iam:TagUser", "iam:CreateRole", "iam:CreateUser", "sts:TagSession"]
"""Session tags override those of the principal (IAM User Guide, "Pass session tags in AWS STS")."""
_REMOVING_TAGS: Final = ["iam:UntagRole", "iam:UntagUser"]
_RUNNING_WITH_A_ROLE: Final = [
    *("ssm:StartAutomationExecution", "ssm:StartChangeRequestExecution", "ssm:CreateAssociation*"),
    *("ssm:UpdateAssociation", "ssm:RegisterTaskWithMaintenanceWindow", "ssm:UpdateMaintenanceWindowTask"),
]
"""Who asks for a session may pass the runbooks' role; with any other runbook it could do something else."""
_POLICY_NAMES: Final = (OPERATOR_POLICY_NAME, REQUESTER_POLICY_NAME, APPROVER_POLICY_NAME, GUARD_RAIL_POLICY_NAME)


def operator_deny_policy(settings: ApprovalSettings, place: Place) -> PolicyDocument:
    """Operators cannot change what the approval rests on, nor decide, whatever else their policies allow.

    Args:
        settings: of the workflow.
        place: where it lives.
    """
    protected = [
        *place.principals("role", [*settings.operator_roles, ROLE_NAME, REAPER_SCHEDULE_ROLE_NAME]),
        *place.principals("user", settings.operator_users),
        *(place.iam(f"policy/{name}") for name in _POLICY_NAMES),
    ]
    approvers = place.principals(
        "role", [each.bare_name for each in settings.approvers if each.type is ApproverType.IAM_ROLE]
    )
    documents = [place.ssm(f"document/{name}", "*") for name in (*DOCUMENT_NAMES, DOCUMENT_NAME)]
    changing_documents = [
        *("ssm:CreateDocument", "ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion"),
        *("ssm:UpdateDocumentMetadata", "ssm:DeleteDocument", "ssm:ModifyDocumentPermission"),
        "ssm:PutResourcePolicy",
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _deny("KeepPrincipals", _CHANGING_PRINCIPALS, protected),
            _deny("KeepTag", [*_SETTING_TAGS, *_REMOVING_TAGS], "*", _names_the_tag()),
            _deny("KeepDocuments", changing_documents, documents),
            _deny("DecideNothing", ["ssm:SendAutomationSignal"], place.ssm("automation-execution/*", "*")),
            *([_deny("BecomeNoApprover", ["sts:AssumeRole*"], approvers)] if approvers else []),
            _only_on("RunNothingElse", _RUNNING_WITH_A_ROLE, _requests(place)),
        ],
    }


def tag_control_policy(place: Place) -> PolicyDocument:
    """A service control policy: only the runbooks' role sets or removes the tag, and nobody passes it as a session tag.

    To be attached in the organization's management account, to the accounts that use this workflow.

    Args:
        place: of the workflow; in every account of the organization the role has the same name.
    """
    role = f"arn:{place.partition}:iam::*:role/{ROLE_NAME}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _deny(
                "OnlyTheRunbook",
                [*_SETTING_TAGS, *_REMOVING_TAGS],
                "*",
                {**_names_the_tag(), "ArnNotLike": {"aws:PrincipalArn": [role]}},
            )
        ],
    }


def _names_the_tag() -> dict[str, object]:
    # IAM takes tag keys that differ in case alone for the same one (IAM User Guide, "Tags for IAM resources").
    return {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]}}


def _requests(place: Place) -> list[str]:
    names = (RUNBOOK_NAME, CHANGE_TEMPLATE_NAME)
    return [*(arn for name in names for arn in place.default_version(name)), place.ssm("automation-execution/*")]


def _only_on(sid: str, action: list[str], resources: list[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Deny", "Action": action, "NotResource": resources}


def _deny(
    sid: str, action: list[str], resource: str | list[str], condition: dict[str, object] | None = None
) -> dict[str, object]:
    statement: dict[str, object] = {"Sid": sid, "Effect": "Deny", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement
