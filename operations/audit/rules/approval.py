"""Rules about the workflow: runbook, template, signals, settings, preferences."""

from typing import Final

from components.approval.names import TAG_KEY
from operations.audit.catalog import (
    ACCESS_TYPES,
    APPROVAL_TYPES,
    NODE_TAGS_MET,
    SESSION_TYPE,
    UNTAGGED,
    AuditRule,
    Exempt,
    TargetKind,
    critical,
    high,
    low,
    medium,
    one_of,
    pass_role,
    requirement,
    start_runbook,
)

_AUTO = {"ssm:autoapprove": one_of("true"), **UNTAGGED}
_EITHER = {"ssm:autoapprove": one_of("false", "true"), **UNTAGGED}
_EDITING = "ssm:UpdateDocument ssm:UpdateDocumentDefaultVersion"
_SIGNAL = requirement("ssm:SendAutomationSignal", TargetKind.EXECUTIONS, given=UNTAGGED)
_SSM = "ssm.amazonaws.com"

APPROVAL: Final = (
    AuditRule(
        id="approval-change-documents",
        title="Changes the runbook or the change template",
        impact="The next request runs other steps: a longer grant, a grant to another principal, or no approval.",
        escalations=(
            critical(requirement(_EDITING, TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES)),
            critical(
                requirement("ssm:DeleteDocument", TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES),
                requirement("ssm:CreateDocument", TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES),
            ),
            medium(requirement("ssm:DeleteDocument", TargetKind.APPROVAL_DOCUMENTS, given=APPROVAL_TYPES)),
        ),
        remedy="Deny changes to both documents to every principal except the deployment role.",
        source="SAR Systems Manager; botocore DocumentType; the post",
    ),
    AuditRule(
        id="approval-review-template",
        title="Reviews the change template, or shares documents",
        impact="Approves its own change to the template, or shares the documents with other accounts.",
        escalations=(
            high(
                requirement("ssm:UpdateDocumentMetadata", TargetKind.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES),
                requirement("ssm:UpdateDocument", TargetKind.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES),
            ),
            medium(requirement("ssm:UpdateDocumentMetadata", TargetKind.TEMPLATE_DOCUMENT, given=APPROVAL_TYPES)),
            low(requirement("ssm:ModifyDocumentPermission ssm:PutResourcePolicy", TargetKind.APPROVAL_DOCUMENTS)),
        ),
        remedy="Require different principals to edit the template and to review it.",
        source="API reference: UpdateDocumentMetadata; botocore DocumentReviewAction; SAR Systems Manager",
    ),
    AuditRule(
        id="approval-start-runbook",
        title="Starts the runbook without a change request",
        impact="Sets the approval tag without an approval.",
        escalations=(
            critical(
                start_runbook(TargetKind.RUNBOOK),
                pass_role(_SSM, TargetKind.RUNBOOK_ROLE),
            ),
            medium(start_runbook(TargetKind.RUNBOOK)),
        ),
        remedy="Remove the runbook from the resources of ssm:StartAutomationExecution. Requests use the change template.",
        source="SAR Systems Manager; User Guide: Automation troubleshooting (PassRole)",
        exempt=frozenset({Exempt.AUTOMATION_MODE}),
    ),
    AuditRule(
        id="approval-start-other-version",
        title="Starts another version of the runbook",
        impact="An earlier version, which the stack keeps when it adopts a runbook, might have no approval step.",
        escalations=(
            critical(
                start_runbook(TargetKind.OTHER_VERSIONS),
                pass_role(_SSM, TargetKind.RUNBOOK_ROLE),
            ),
            medium(start_runbook(TargetKind.OTHER_VERSIONS)),
        ),
        remedy="Limit the resource to AllowStartSsmSession:$DEFAULT, so that requests start the current version.",
        source="SAR Systems Manager; API reference: StartAutomationExecution",
        silent_under=("approval-start-runbook",),
    ),
    AuditRule(
        id="approval-request-without-review",
        title="Creates change requests without an approver",
        impact="Requests automatic approval, or uses a less restrictive template for the same runbook.",
        escalations=(
            high(requirement("ssm:StartChangeRequestExecution", TargetKind.TEMPLATE, given=_AUTO)),
            high(requirement("ssm:StartChangeRequestExecution", TargetKind.OTHER_TEMPLATES, given=_EITHER)),
        ),
        remedy="Allow only this template and its executions, and require ssm:AutoApprove to be false.",
        source="User Guide: Controlling access to auto-approval runbook workflows; SAR Systems Manager",
    ),
    AuditRule(
        id="approval-send-signal",
        title="Sends signals to executions",
        impact="Approves or resumes an execution that waits; a requester or operator could approve its own request.",
        escalations=(
            critical(_SIGNAL, requirement("ssm:StartChangeRequestExecution", TargetKind.TEMPLATE, given=_EITHER)),
            critical(_SIGNAL, start_runbook(TargetKind.RUNBOOK)),
            critical(_SIGNAL, requirement("ssm:StartSession", TargetKind.APPROVED_NODE, given=NODE_TAGS_MET)),
            critical(_SIGNAL, requirement("iam:TagUser iam:TagRole", TargetKind.OPERATORS, tag=TAG_KEY)),
            medium(_SIGNAL),
        ),
        remedy="Allow ssm:SendAutomationSignal only to approvers who are not requesters or operators, and declare them.",
        source="API reference: SendAutomationSignal; User Guide: aws:approve; SAR Systems Manager",
        exempt=frozenset({Exempt.APPROVER}),
    ),
    AuditRule(
        id="approval-change-topic",
        title="Changes the topic for notifications",
        impact="Can prevent notifications of requests, grants and rejections.",
        escalations=(
            low(
                requirement(
                    "sns:SetTopicAttributes sns:DeleteTopic sns:RemovePermission sns:AddPermission", TargetKind.TOPIC
                )
            ),
        ),
        remedy="Allow changes to the topic only to the deployment role.",
        source="SAR Amazon SNS",
    ),
    AuditRule(
        id="change-session-preferences",
        title="Changes the session preferences",
        impact="Approved sessions run as another user, run commands at their start, or are not logged.",
        escalations=(
            high(requirement(_EDITING, TargetKind.SESSION_DOCUMENT, given=SESSION_TYPE)),
            high(requirement("ssm:DeleteDocument", TargetKind.SESSION_DOCUMENT, given=SESSION_TYPE)),
            low(requirement("ssm:CreateDocument", TargetKind.SESSION_DOCUMENT, given=SESSION_TYPE)),
        ),
        remedy="Allow changes to document/SSM-SessionManagerRunShell only to the deployment role and declared administrators.",
        source="User Guide: Grant or deny a user permissions to update Session Manager preferences",
    ),
    AuditRule(
        id="change-service-settings",
        title="Changes service settings of Systems Manager",
        impact="These settings control the role of nodes, the sharing of documents, and the approval and logging of access.",
        escalations=(
            medium(requirement("ssm:UpdateServiceSetting ssm:ResetServiceSetting", TargetKind.SERVICE_SETTINGS)),
        ),
        remedy="Allow ssm:UpdateServiceSetting only to administrators.",
        source="SAR Systems Manager; API reference: UpdateServiceSetting",
    ),
    AuditRule(
        id="change-just-in-time-policies",
        title="Writes policies of just-in-time node access",
        impact="Determines the nodes of just-in-time node access, and the requests that need no approval.",
        escalations=(
            medium(
                requirement(
                    f"ssm:CreateDocument {_EDITING} ssm:DeleteDocument",
                    TargetKind.ANY_DOCUMENT,
                    given=ACCESS_TYPES,
                )
            ),
        ),
        remedy="Add a condition on ssm:DocumentType that excludes AutoApprovalPolicy and ManualApprovalPolicy.",
        source="User Guide: Create an auto-approval policy for just-in-time node access; botocore DocumentType",
    ),
    AuditRule(
        id="just-in-time-change-policy",
        title="Changes an approval policy of the stack",
        impact="Adds itself as an approver, or approves requests automatically.",
        severity="critical",
        remedy="Allow changes to the stack's approval policies only to the deployment role.",
        source="User Guide: Create approval policies for your nodes; botocore DocumentType",
    ),
    AuditRule(
        id="just-in-time-change-token-role",
        title="Changes the role of just-in-time node access",
        impact="Assumes the role that starts sessions on every node, or adds permissions to it.",
        severity="critical",
        remedy="Deny changes to SSM-JustInTimeAccessTokenRole to every principal except Quick Setup.",
        source="AWS Managed Policy Reference: AWSSystemsManagerJustInTimeAccessTokenPolicy; SAR IAM",
    ),
    AuditRule(
        id="just-in-time-tag-nodes",
        title="Sets the tags that select the approvers of nodes",
        impact="Moves a node to a policy with other approvers, or with automatic approval.",
        severity="high",
        remedy="Deny setting and removing the tags of the approval policies, with a condition on aws:TagKeys.",
        source="User Guide: Create approval policies for your nodes; SAR Amazon EC2 and Systems Manager",
    ),
    AuditRule(
        id="approval-keep-grant",
        title="Prevents the end of a grant",
        impact="The tag of a stopped execution can remain until the reaper removes it, and the reaper needs its schedule.",
        escalations=(
            medium(requirement("scheduler:UpdateSchedule scheduler:DeleteSchedule", TargetKind.SCHEDULE)),
            low(requirement("ssm:StopAutomationExecution", TargetKind.EXECUTIONS, given=UNTAGGED)),
        ),
        remedy="Allow ssm:StopAutomationExecution only to approvers, and changes to the schedule only to the deployment role.",
        source="SAR Systems Manager and EventBridge Scheduler; User Guide: onCancel",
        exempt=frozenset({Exempt.APPROVER}),
    ),
    AuditRule(
        id="exception-expired",
        title="An accepted exception has expired",
        impact="The finding is reported again.",
        severity="medium",
        remedy="Remove the permission, or ask the owner to renew the exception with a later date.",
        source="NIST SP 800-53 CA-5",
    ),
    AuditRule(
        id="same-person-both-sides",
        title="Can both request and approve a session",
        impact="Approves its own request, with one principal or with two roles that it can assume.",
        severity="critical",
        remedy="Allow different people to assume operators' and approvers' roles, and remove this person from one of them.",
        source="NIST SP 800-53 AC-5; IAM User Guide: Principal element and role trust",
    ),
)

FOREIGN_RUNBOOK: Final = AuditRule(
    id="runbook-not-of-stack",
    title="The runbook differs from the stack's",
    impact="Requests run other steps: there might be no approval, or the tag might remain.",
    remedy="Run pulumi up --refresh, and identify the principal that published the version in CloudTrail.",
    source="User Guide: Working with runbooks; API reference: UpdateDocumentDefaultVersion",
)
"""Rule of `operations.audit.run`, about a document instead of a principal."""
