"""Names of the workflow's resources: those of the AWS post, and our own where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from common.aws.arns import Scope

TAG_KEY: Final = "SecurityAllowSessionInstance"
RUNBOOK_NAME: Final = "AllowStartSsmSession"
CHANGE_TEMPLATE_NAME: Final = "AllowSsmSessionStartTemplate"
OPERATOR_POLICY_NAME: Final = "AllowStartSsmSessionBasedOnIamTags"
TOPIC_NAME: Final = "change-manager-ssm-approval"
ROLE_NAME: Final = "SsmSessionControlChangeMangerRole"
"""Spelling of the AWS post."""

REAPER_NAME: Final = "RemoveExpiredSsmSessionGrants"
REAPER_SCHEDULE_NAME: Final = "remove-expired-ssm-session-grants"
REAPER_SCHEDULE_ROLE_NAME: Final = "SsmSessionGrantReaperSchedule"
REQUESTER_POLICY_NAME: Final = "RequestSsmSessions"
APPROVER_POLICY_NAME: Final = "DecideSsmSessionRequests"
GUARD_RAIL_POLICY_NAME: Final = "DenyChangingSsmSessionApproval"
IDENTITIES_GUARD_RAIL_POLICY_NAME: Final = "ShellAccessGuardRails"
KEY_ALIAS: Final = "alias/shell-access/approval"

OPERATORS_PATH: Final = "/shell-access/operators/"
"""Path of the roles of operators who sign in through IAM Identity Center; no other role is below it."""
OPERATOR_ROLE_PREFIX: Final = "ShellOperator-"
"""Prefix of the names of these roles; the ID of the person's user in IAM Identity Center follows."""
OPERATOR_BOUNDARY_NAME: Final = "ShellAccessOperatorBoundary"
RESERVED_PATH: Final = "/aws-reserved/sso.amazonaws.com/"
"""Path of the roles of permission sets, which IAM Identity Center alone creates and changes."""

REAPER_SCHEDULE_GROUP: Final = "shell-access-approval"
"""A separate group, as Amazon CloudWatch counts invocations per schedule group."""
ALARM_PREFIX: Final = "shell-access-approval-"
"""Prefix of all EventBridge rules and CloudWatch alarms of the workflow."""
EVENT_FORWARDING_ROLE_NAME: Final = "ShellAccessApprovalEvents"
BREAK_GLASS_ROLE_NAME: Final = "ShellAccessBreakGlass"
"""The one role that starts sessions without an approval."""
BREAK_GLASS_SECONDS: Final = 3600
"""Its maximum session duration, the shortest of a role (IAM User Guide, "Update the maximum session duration")."""

EVIDENCE_RUNBOOK_NAME: Final = "ExportSessionEvidence"
EVIDENCE_ROLE_NAME: Final = "ShellAccessEvidenceExport"
EVIDENCE_SCHEDULE_ROLE_NAME: Final = "ShellAccessEvidenceSchedule"
EVIDENCE_SCHEDULE_NAME: Final = "export-session-evidence"
EVIDENCE_SCHEDULE_GROUP: Final = "shell-access-evidence"
EVIDENCE_KEY_ALIAS: Final = "alias/shell-access/evidence"
EVIDENCE_BUCKET: Final = "shell-access-evidence"
"""Prefix of the bucket, before account and Region: the names of buckets are global."""
EVIDENCE_DATABASE: Final = "shell_access_evidence"
EVIDENCE_WORKGROUP: Final = "shell-access-evidence"
TRAIL_TABLE: Final = "trail"
EVIDENCE_TABLE: Final = "records"
DEFAULT_VALIDITY_MINUTES: Final = 10
"""Minutes after the approval within which a session may be started; also what the policy pack allows by default."""

ROLES: Final = (ROLE_NAME, REAPER_SCHEDULE_ROLE_NAME, EVENT_FORWARDING_ROLE_NAME)
"""Roles of every workflow."""
EVIDENCE_ROLES: Final = (EVIDENCE_ROLE_NAME, EVIDENCE_SCHEDULE_ROLE_NAME)
WORKFLOW_ROLES: Final = (*ROLES, BREAK_GLASS_ROLE_NAME, *EVIDENCE_ROLES)
"""Roles that a stack creates for approval, with any settings."""

POLICY_NAMES: Final = (
    OPERATOR_POLICY_NAME,
    REQUESTER_POLICY_NAME,
    APPROVER_POLICY_NAME,
    GUARD_RAIL_POLICY_NAME,
    IDENTITIES_GUARD_RAIL_POLICY_NAME,
)
DOCUMENT_NAMES: Final = (RUNBOOK_NAME, CHANGE_TEMPLATE_NAME, REAPER_NAME)

AUTOMATION: Final = "Automation"
CHANGE_TEMPLATE: Final = "Automation.ChangeTemplate"

_CONSOLES: Final = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


@dataclass(frozen=True, kw_only=True)
class WorkflowLocation(Scope):
    """Account and Region of the workflow's documents, topic and key."""

    @property
    def role_arn(self) -> str:
        """ARN of the role that the runbooks assume."""
        return self.iam(f"role/{ROLE_NAME}")

    @property
    def topic_arn(self) -> str:
        """ARN of the topic for notifications."""
        return self.arn("sns", TOPIC_NAME)

    @property
    def event_bus_arn(self) -> str:
        """ARN of the default event bus in the Region of the workflow."""
        return self.arn("events", "event-bus/default")

    def rule_arn(self, name: str, region: str = "") -> str:
        """Return the ARN of an EventBridge rule on the default event bus, by default in the Region of the workflow."""
        return self.arn("events", f"rule/{name}", region)

    def alarm_arn(self, name: str) -> str:
        """Return the ARN of a CloudWatch alarm."""
        return self.arn("cloudwatch", f"alarm:{name}")

    def console_link(self, execution: str) -> str:
        """Return the URL of an execution in the partition's console.

        Source: AWS General Reference, "AWS Management Console endpoints".
        """
        domain = _CONSOLES.get(self.partition, "console.aws.amazon.com")
        return f"https://{self.region}.{domain}/systems-manager/automation/execution/{execution}?region={self.region}"

    @property
    def operator_roles(self) -> str:
        """ARN pattern of the roles of operators who sign in through IAM Identity Center."""
        return self.iam(f"role{OPERATORS_PATH}*")

    @property
    def break_glass_arn(self) -> str:
        """ARN of the emergency access role."""
        return self.iam(f"role/{BREAK_GLASS_ROLE_NAME}")

    @property
    def evidence_bucket(self) -> str:
        """Name of the bucket for exported records."""
        return f"{EVIDENCE_BUCKET}-{self.account_id}-{self.region}"

    @property
    def work_group_arn(self) -> str:
        """ARN of the workgroup for queries about the trail."""
        return self.arn("athena", f"workgroup/{EVIDENCE_WORKGROUP}")

    def ssm(self, resource: str, region: str = "") -> str:
        """Return an ARN of Systems Manager in this account, by default in the Region of the workflow."""
        return self.arn("ssm", resource, region)

    def default_version(self, document: str) -> list[str]:
        """Return the ARNs of a runbook or a template, in its default version only.

        An earlier version may not require approval: a document that existed before the stack is kept as a version. The
        definition's ARN contains the version that a request names (Service Authorization Reference).
        """
        return [self.ssm(f"document/{document}"), self.ssm(f"automation-definition/{document}:$DEFAULT")]

    def starting(self, document: str) -> list[str]:
        """Return the ARNs of a permission to start a runbook or a template: it also needs one for the execution."""
        return [*self.default_version(document), self.ssm("automation-execution/*")]

    def principals(self, kind: str, names: list[str]) -> list[str]:
        """Return the ARNs of roles or users under any path: IAM names are unique in an account."""
        return [self.iam(f"{kind}/{path}{name}") for name in names for path in ("", "*/")]
