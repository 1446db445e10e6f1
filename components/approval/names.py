"""The names of what the approval workflow is made of, as in the AWS post, and ours where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TAG_KEY: Final = "SecurityAllowSessionInstance"
RUNBOOK_NAME: Final = "AllowStartSsmSession"
CHANGE_TEMPLATE_NAME: Final = "AllowSsmSessionStartTemplate"
OPERATOR_POLICY_NAME: Final = "AllowStartSsmSessionBasedOnIamTags"
TOPIC_NAME: Final = "change-manager-ssm-approval"
ROLE_NAME: Final = "SsmSessionControlChangeMangerRole"
"""The post's spelling."""

REAPER_NAME: Final = "RemoveExpiredSsmSessionGrants"
REAPER_SCHEDULE_NAME: Final = "remove-expired-ssm-session-grants"
REAPER_SCHEDULE_ROLE_NAME: Final = "SsmSessionGrantReaperSchedule"
REQUESTER_POLICY_NAME: Final = "RequestSsmSessions"
APPROVER_POLICY_NAME: Final = "DecideSsmSessionRequests"
GUARD_RAIL_POLICY_NAME: Final = "DenyChangingSsmSessionApproval"
KEY_ALIAS: Final = "alias/shell-access/approval"

DOCUMENT_NAMES: Final = (RUNBOOK_NAME, CHANGE_TEMPLATE_NAME, REAPER_NAME)

AUTOMATION: Final = "Automation"
CHANGE_TEMPLATE: Final = "Automation.ChangeTemplate"

PolicyDocument = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the workflow lives.

    Attributes:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
        region: of the documents, the topic and its key.
    """

    partition: str
    account_id: str
    region: str

    @property
    def role_arn(self) -> str:
        """Of the role that the runbooks run with."""
        return self.iam(f"role/{ROLE_NAME}")

    @property
    def topic_arn(self) -> str:
        """Of the topic for notifications."""
        return f"arn:{self.partition}:sns:{self.region}:{self.account_id}:{TOPIC_NAME}"

    def iam(self, resource: str) -> str:
        """An ARN of this account's IAM."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def ssm(self, resource: str, region: str = "") -> str:
        """An ARN of this account's Systems Manager; without a Region, where the workflow lives."""
        return f"arn:{self.partition}:ssm:{region or self.region}:{self.account_id}:{resource}"

    def default_version(self, document: str) -> list[str]:
        """What starting a runbook or a template is judged on, in its default version only.

        An earlier version may ask nobody: what was there before is kept as one. The version that a request names is part
        of the definition's ARN (Service Authorization Reference).
        """
        return [self.ssm(f"document/{document}"), self.ssm(f"automation-definition/{document}:$DEFAULT")]

    def principals(self, kind: str, names: list[str]) -> list[str]:
        """ARNs of roles or users of these names, under any path: IAM names are unique in an account."""
        return [self.iam(f"{kind}/{path}{name}") for name in names for path in ("", "*/")]
