"""Rules about the workflow: runbook, template, signals, settings, preferences."""

from __future__ import annotations

from typing import Final

from components.approval.names import TAG_KEY
from operations.audit.catalog import AuditRule, Exempt, TargetKind, critical, high, low, medium, one_of, requirement
from operations.audit.rules.keys import (
    ACCESS_TYPES,
    APPROVAL_TYPES,
    NODE_TAGS_MET,
    SESSION_TYPE,
    UNTAGGED,
    passed_to,
    start_runbook,
)

_AUTO = {"ssm:autoapprove": one_of("true"), **UNTAGGED}
_EITHER = {"ssm:autoapprove": one_of("false", "true"), **UNTAGGED}
_EDITING = ("ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion")
_SIGNAL = requirement("ssm:SendAutomationSignal", on=TargetKind.EXECUTIONS, given=UNTAGGED)
_SSM = "ssm.amazonaws.com"

APPROVAL: Final = (
    AuditRule(
        id="approval-change-documents",
        title="Edits the runbook or the template",
        impact="The next approved request runs other steps: for longer, for another principal, or without an approval.",
        escalations=(
            critical(requirement(*_EDITING, on=TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES)),
            critical(
                requirement("ssm:DeleteDocument", on=TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES),
                requirement("ssm:CreateDocument", on=TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES),
            ),
            medium(requirement("ssm:DeleteDocument", on=TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES)),
        ),
        remedy="Deny changes of both documents to every principal but the deployment role.",
        source="SAR Systems Manager; botocore DocumentType; the post",
    ),
    AuditRule(
        id="approval-review-template",
        title="Reviews or shares the template",
        impact="Approves its own change of the template, or lends the documents to other accounts.",
        escalations=(
            high(
                requirement("ssm:UpdateDocumentMetadata", on=TargetKind.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES),
                requirement("ssm:UpdateDocument", on=TargetKind.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES),
            ),
            medium(requirement("ssm:UpdateDocumentMetadata", on=TargetKind.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES)),
            low(requirement("ssm:ModifyDocumentPermission", "ssm:PutResourcePolicy", on=TargetKind.APPROVAL_DOCUMENTS)),
        ),
        remedy="Let one principal review the template and another edit it.",
        source="API reference: UpdateDocumentMetadata; botocore DocumentReviewAction; SAR Systems Manager",
    ),
    AuditRule(
        id="approval-start-runbook",
        title="Starts the runbook without a request",
        impact="The tag is set without an approval.",
        escalations=(
            critical(
                start_runbook(TargetKind.RUNBOOK),
                requirement("iam:PassRole", on=TargetKind.RUNBOOK_ROLE, given=passed_to(_SSM)),
            ),
            medium(start_runbook(TargetKind.RUNBOOK)),
        ),
        remedy="Keep the runbook out of ssm:StartAutomationExecution; requests go through the change template.",
        source="SAR Systems Manager; User Guide: Automation troubleshooting (PassRole)",
        exempt=frozenset({Exempt.AUTOMATION_MODE}),
    ),
    AuditRule(
        id="approval-start-other-version",
        title="Starts another version of the runbook",
        impact="A version from before the workflow, which the stack keeps when it adopts a runbook, may lack the approval step.",
        escalations=(
            critical(
                start_runbook(TargetKind.OTHER_VERSIONS),
                requirement("iam:PassRole", on=TargetKind.RUNBOOK_ROLE, given=passed_to(_SSM)),
            ),
            medium(start_runbook(TargetKind.OTHER_VERSIONS)),
        ),
        remedy="End the resource in AllowStartSsmSession:$DEFAULT, so that requests start the current approval.",
        source="SAR Systems Manager; API reference: StartAutomationExecution",
        silent_under=("approval-start-runbook",),
    ),
    AuditRule(
        id="approval-request-without-review",
        title="Requests without reviewers",
        impact="Requests automatic approval, or picks a laxer template for the same runbook.",
        escalations=(
            high(requirement("ssm:StartChangeRequestExecution", on=TargetKind.TEMPLATE, given=_AUTO)),
            high(requirement("ssm:StartChangeRequestExecution", on=TargetKind.OTHER_TEMPLATES, given=_EITHER)),
        ),
        remedy="Name only this template and its executions, and require ssm:AutoApprove to be false.",
        source="User Guide: Controlling access to auto-approval runbook workflows; SAR Systems Manager",
    ),
    AuditRule(
        id="approval-send-signal",
        title="Signals approvals",
        impact="Approves, resumes or steers a waiting run; with a requester's or an operator's rights, its own.",
        escalations=(
            critical(_SIGNAL, requirement("ssm:StartChangeRequestExecution", on=TargetKind.TEMPLATE, given=_EITHER)),
            critical(_SIGNAL, start_runbook(TargetKind.RUNBOOK)),
            critical(_SIGNAL, requirement("ssm:StartSession", on=TargetKind.APPROVED_NODE, given=NODE_TAGS_MET)),
            critical(_SIGNAL, requirement("iam:TagUser", "iam:TagRole", on=TargetKind.OPERATORS, tag=TAG_KEY)),
            medium(_SIGNAL),
        ),
        remedy="Keep ssm:SendAutomationSignal to approvers who neither request nor operate, and declare them.",
        source="API reference: SendAutomationSignal; User Guide: aws:approve; SAR Systems Manager",
        exempt=frozenset({Exempt.APPROVER}),
    ),
    AuditRule(
        id="approval-change-topic",
        title="Silences the topic of requests",
        impact="Approvers are not notified of requests, grants and rejections.",
        escalations=(
            low(
                requirement(
                    "sns:SetTopicAttributes",
                    "sns:DeleteTopic",
                    "sns:RemovePermission",
                    "sns:AddPermission",
                    on=TargetKind.TOPIC,
                )
            ),
        ),
        remedy="Leave changes of the topic to the deployment.",
        source="SAR Amazon SNS",
    ),
    AuditRule(
        id="change-session-preferences",
        title="Edits the session preferences",
        impact="Approved sessions run as another user, with commands at the start, or unlogged.",
        escalations=(
            high(requirement(*_EDITING, on=TargetKind.SESSION_DOCUMENT, given=SESSION_TYPE)),
            high(requirement("ssm:DeleteDocument", on=TargetKind.SESSION_DOCUMENT, given=SESSION_TYPE)),
            low(requirement("ssm:CreateDocument", on=TargetKind.SESSION_DOCUMENT, given=SESSION_TYPE)),
        ),
        remedy="Leave document/SSM-SessionManagerRunShell to the deployment and to declared administrators.",
        source="User Guide: Grant or deny a user permissions to update Session Manager preferences",
    ),
    AuditRule(
        id="change-service-settings",
        title="Changes the service's settings",
        impact="Settings decide which role manages nodes, who shares documents, how access is approved and logged.",
        escalations=(
            medium(requirement("ssm:UpdateServiceSetting", "ssm:ResetServiceSetting", on=TargetKind.SERVICE_SETTINGS)),
        ),
        remedy="Leave service settings to administrators.",
        source="SAR Systems Manager; API reference: UpdateServiceSetting",
    ),
    AuditRule(
        id="change-just-in-time-policies",
        title="Writes the rules of just-in-time access",
        impact="Decides which nodes just-in-time access opens, and which requests need no approval.",
        escalations=(
            medium(
                requirement(
                    "ssm:CreateDocument",
                    *_EDITING,
                    "ssm:DeleteDocument",
                    on=TargetKind.ANY_DOCUMENT,
                    given=ACCESS_TYPES,
                )
            ),
        ),
        remedy="Limit ssm:DocumentType so that it excludes AutoApprovalPolicy and ManualApprovalPolicy.",
        source="User Guide: Create an auto-approval policy for just-in-time node access; botocore DocumentType",
    ),
    AuditRule(
        id="just-in-time-change-policy",
        title="Changes an approval policy of the stack",
        impact="Names itself an approver, or approves requests automatically.",
        severity="critical",
        remedy="Leave the stack's approval policies to the deployment.",
        source="User Guide: Create approval policies for your nodes; botocore DocumentType",
    ),
    AuditRule(
        id="just-in-time-change-token-role",
        title="Changes the role of just-in-time sessions",
        impact="Assumes the role that starts sessions on every node, or gives it more permissions.",
        severity="critical",
        remedy="Deny changes of SSM-JustInTimeAccessTokenRole to every principal but Quick Setup.",
        source="AWS Managed Policy Reference: AWSSystemsManagerJustInTimeAccessTokenPolicy; SAR IAM",
    ),
    AuditRule(
        id="just-in-time-tag-nodes",
        title="Sets tags that choose the approvers of nodes",
        impact="Moves a node to a policy with other approvers, or to one that approves automatically.",
        severity="high",
        remedy="Deny setting and removing the tags of the approval policies, by aws:TagKeys.",
        source="User Guide: Create approval policies for your nodes; SAR Amazon EC2 and Systems Manager",
    ),
    AuditRule(
        id="approval-keep-grant",
        title="Keeps a grant from ending",
        impact="A run that is stopped may leave the tag until the reaper comes; without its schedule it never does.",
        escalations=(
            medium(requirement("scheduler:UpdateSchedule", "scheduler:DeleteSchedule", on=TargetKind.SCHEDULE)),
            low(requirement("ssm:StopAutomationExecution", on=TargetKind.EXECUTIONS, given=UNTAGGED)),
        ),
        remedy="Leave stopping to approvers, and the reaper's schedule to the deployment.",
        source="SAR Systems Manager and EventBridge Scheduler; User Guide: onCancel",
        exempt=frozenset({Exempt.APPROVER}),
    ),
    AuditRule(
        id="exception-expired",
        title="An accepted exception has expired",
        impact="The finding that it covered counts again.",
        severity="medium",
        remedy="Remove the permission, or have the owner renew the exception with a new day.",
        source="NIST SP 800-53 CA-5",
    ),
    AuditRule(
        id="same-person-both-sides",
        title="Is one person on both sides of a request",
        impact="Approves its own request, through one principal or through two roles that it can assume.",
        severity="critical",
        remedy="Let different people assume the operators' and the approvers' roles; remove the person from one side.",
        source="NIST SP 800-53 AC-5; IAM User Guide: Principal element and role trust",
    ),
)

FOREIGN_RUNBOOK: Final = AuditRule(
    id="runbook-not-of-stack",
    title="The runbook is not the stack's",
    impact="Requests run other steps: approval may be missing, or the tag may stay.",
    remedy="Run pulumi up --refresh, and find in CloudTrail which principal published that version.",
    source="User Guide: Working with runbooks; API reference: UpdateDocumentDefaultVersion",
)
"""Rule of `operations.audit.documents`, about a document instead of a principal."""
