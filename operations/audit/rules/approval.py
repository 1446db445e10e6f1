"""E: what the approval rests on: runbook, template, signals, settings, preferences."""

from __future__ import annotations

from typing import Final

from components.approval.names import TAG_KEY
from operations.audit.catalogue import Exempt, On, Rule, need, one_of, way
from operations.audit.rules.keys import (
    ACCESS_TYPES,
    APPROVAL_TYPES,
    NODE_TAGS_MET,
    SESSION_TYPE,
    UNTAGGED,
    passed_to,
)
from operations.audit.severity import Severity

_AUTO = {"ssm:autoapprove": one_of("true"), **UNTAGGED}
_EITHER = {"ssm:autoapprove": one_of("false", "true"), **UNTAGGED}
_EDITING = ("ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion")
_SIGNAL = need("ssm:SendAutomationSignal", on=On.EXECUTIONS, given=UNTAGGED)
_SSM = "ssm.amazonaws.com"

APPROVAL: Final = (
    Rule(
        id="E1",
        title="Edits the runbook or the template",
        gives="The next approved request runs other steps: for longer, for another principal, or without an approval.",
        ways=(
            way(Severity.CRITICAL, need(*_EDITING, on=On.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES)),
            way(
                Severity.CRITICAL,
                need("ssm:DeleteDocument", on=On.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES),
                need("ssm:CreateDocument", on=On.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES),
            ),
            way(Severity.MEDIUM, need("ssm:DeleteDocument", on=On.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES)),
        ),
        remedy="Deny changes of both documents to every principal but the deployment role.",
        source="SAR Systems Manager; botocore DocumentType; the post",
    ),
    Rule(
        id="E2",
        title="Reviews or shares the template",
        gives="Approves its own change of the template, or lends the documents to other accounts.",
        ways=(
            way(
                Severity.HIGH,
                need("ssm:UpdateDocumentMetadata", on=On.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES),
                need("ssm:UpdateDocument", on=On.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES),
            ),
            way(Severity.MEDIUM, need("ssm:UpdateDocumentMetadata", on=On.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES)),
            way(
                Severity.LOW,
                need("ssm:ModifyDocumentPermission", "ssm:PutResourcePolicy", on=On.APPROVAL_DOCUMENTS),
            ),
        ),
        remedy="Let one principal review the template and another edit it.",
        source="API reference: UpdateDocumentMetadata; botocore DocumentReviewAction; SAR Systems Manager",
    ),
    Rule(
        id="E3",
        title="Starts the runbook without a request",
        gives="The tag is set without an approval.",
        ways=(
            way(
                Severity.CRITICAL,
                need("ssm:StartAutomationExecution", on=On.RUNBOOK),
                need("iam:PassRole", on=On.RUNBOOK_ROLE, given=passed_to(_SSM)),
            ),
            way(Severity.MEDIUM, need("ssm:StartAutomationExecution", on=On.RUNBOOK)),
        ),
        remedy="Keep the runbook out of ssm:StartAutomationExecution; requests go through the change template.",
        source="SAR Systems Manager; User Guide: Automation troubleshooting (PassRole)",
        exempt=frozenset({Exempt.AUTOMATION_MODE}),
    ),
    Rule(
        id="E11",
        title="Starts another version of the runbook",
        gives="A version from before the workflow, which the stack keeps when it adopts a runbook, may lack the approval step.",
        ways=(
            way(
                Severity.CRITICAL,
                need("ssm:StartAutomationExecution", on=On.OTHER_VERSIONS),
                need("iam:PassRole", on=On.RUNBOOK_ROLE, given=passed_to(_SSM)),
            ),
            way(Severity.MEDIUM, need("ssm:StartAutomationExecution", on=On.OTHER_VERSIONS)),
        ),
        remedy="End the resource in AllowStartSsmSession:$DEFAULT, so that requests start the current approval.",
        source="SAR Systems Manager; API reference: StartAutomationExecution",
        silent_under=("E3",),
    ),
    Rule(
        id="E4",
        title="Requests without reviewers",
        gives="Requests automatic approval, or picks a laxer template for the same runbook.",
        ways=(
            way(
                Severity.HIGH,
                need("ssm:StartChangeRequestExecution", on=On.TEMPLATE, given=_AUTO),
            ),
            way(
                Severity.HIGH,
                need("ssm:StartChangeRequestExecution", on=On.OTHER_TEMPLATES, given=_EITHER),
            ),
        ),
        remedy="Name only this template and its executions, and require ssm:AutoApprove to be false.",
        source="User Guide: Controlling access to auto-approval runbook workflows; SAR Systems Manager",
    ),
    Rule(
        id="E5",
        title="Signals approvals",
        gives="Approves, resumes or steers a waiting run; with a requester's or an operator's rights, its own.",
        ways=(
            way(
                Severity.CRITICAL,
                _SIGNAL,
                need("ssm:StartChangeRequestExecution", on=On.TEMPLATE, given=_EITHER),
            ),
            way(Severity.CRITICAL, _SIGNAL, need("ssm:StartAutomationExecution", on=On.RUNBOOK)),
            way(Severity.CRITICAL, _SIGNAL, need("ssm:StartSession", on=On.APPROVED_NODE, given=NODE_TAGS_MET)),
            way(
                Severity.CRITICAL,
                _SIGNAL,
                need("iam:TagUser", "iam:TagRole", on=On.OPERATORS, tag=TAG_KEY),
            ),
            way(Severity.MEDIUM, _SIGNAL),
        ),
        remedy="Keep ssm:SendAutomationSignal to approvers who neither request nor operate, and declare them.",
        source="API reference: SendAutomationSignal; User Guide: aws:approve; SAR Systems Manager",
        exempt=frozenset({Exempt.APPROVER}),
    ),
    Rule(
        id="E6",
        title="Silences the topic of requests",
        gives="Approvers are not notified of requests, grants and rejections.",
        ways=(
            way(
                Severity.LOW,
                need(
                    "sns:SetTopicAttributes",
                    "sns:DeleteTopic",
                    "sns:RemovePermission",
                    "sns:AddPermission",
                    on=On.TOPIC,
                ),
            ),
        ),
        remedy="Leave changes of the topic to the deployment.",
        source="SAR Amazon SNS",
    ),
    Rule(
        id="E7",
        title="Edits the session preferences",
        gives="Approved sessions run as another user, with commands at the start, or unlogged.",
        ways=(
            way(Severity.HIGH, need(*_EDITING, on=On.SESSION_DOCUMENT, given=SESSION_TYPE)),
            way(Severity.HIGH, need("ssm:DeleteDocument", on=On.SESSION_DOCUMENT, given=SESSION_TYPE)),
            way(Severity.LOW, need("ssm:CreateDocument", on=On.SESSION_DOCUMENT, given=SESSION_TYPE)),
        ),
        remedy="Leave document/SSM-SessionManagerRunShell to the deployment and to declared administrators.",
        source="User Guide: Grant or deny a user permissions to update Session Manager preferences",
    ),
    Rule(
        id="E8",
        title="Changes the service's settings",
        gives="Settings decide which role manages nodes, who shares documents, how access is approved and logged.",
        ways=(
            way(Severity.MEDIUM, need("ssm:UpdateServiceSetting", "ssm:ResetServiceSetting", on=On.SERVICE_SETTINGS)),
        ),
        remedy="Leave service settings to administrators.",
        source="SAR Systems Manager; API reference: UpdateServiceSetting",
    ),
    Rule(
        id="E9",
        title="Writes the rules of just-in-time access",
        gives="Decides which nodes just-in-time access opens, and which requests need no approval.",
        ways=(
            way(
                Severity.MEDIUM,
                need("ssm:CreateDocument", *_EDITING, "ssm:DeleteDocument", on=On.ANY_DOCUMENT, given=ACCESS_TYPES),
            ),
        ),
        remedy="Limit ssm:DocumentType so that it excludes AutoApprovalPolicy and ManualApprovalPolicy.",
        source="User Guide: Create an auto-approval policy for just-in-time node access; botocore DocumentType",
    ),
    Rule(
        id="E10",
        title="Keeps a grant from ending",
        gives="A run that is stopped may leave the tag until the reaper comes; without its schedule it never does.",
        ways=(
            way(Severity.MEDIUM, need("scheduler:UpdateSchedule", "scheduler:DeleteSchedule", on=On.SCHEDULE)),
            way(Severity.LOW, need("ssm:StopAutomationExecution", on=On.EXECUTIONS, given=UNTAGGED)),
        ),
        remedy="Leave stopping to approvers, and the reaper's schedule to the deployment.",
        source="SAR Systems Manager and EventBridge Scheduler; User Guide: onCancel",
        exempt=frozenset({Exempt.APPROVER}),
    ),
    Rule(
        id="E13",
        title="An accepted exception has expired",
        gives="The finding that it covered counts again.",
        severity="medium",
        remedy="Remove the permission, or have the owner renew the exception with a new day.",
        source="NIST SP 800-53 CA-5",
    ),
    Rule(
        id="E14",
        title="Is one person on both sides of a request",
        gives="Approves its own request, through one principal or through two roles that it can assume.",
        severity="critical",
        remedy="Let different people assume the operators' and the approvers' roles; remove the person from one side.",
        source="NIST SP 800-53 AC-5; IAM User Guide: Principal element and role trust",
    ),
)

FOREIGN_RUNBOOK: Final = Rule(
    id="E12",
    title="The runbook is not the stack's",
    gives="Requests run other steps: approval may be missing, or the tag may stay.",
    remedy="Run pulumi up --refresh, and find in CloudTrail which principal published that version.",
    source="User Guide: Working with runbooks; API reference: UpdateDocumentDefaultVersion",
)
"""About the account's document, not about a principal; `operations.audit.documents` looks for it."""
