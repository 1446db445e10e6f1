"""The names of what makes nodes ready, and where it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RULE_NAME: Final = "shell-access-node-roles"
RUNBOOK_NAME: Final = "AttachShellAccessNodePolicy"
REMEDIATION_ROLE_NAME: Final = "ShellAccessNodeRemediation"
HOST_ROLE_NAME: Final = "ShellAccessDefaultHostManagement"
ASSOCIATION_NAME: Final = "shell-access-agent-updates"

HOST_MANAGEMENT_SETTING: Final = "/ssm/managed-instance/default-ec2-instance-management-role"
"""The service setting of Default Host Management Configuration: the role's path and name, without a slash in front."""
HOST_MANAGED_POLICY: Final = "AmazonSSMManagedEC2InstanceDefaultPolicy"
"""AWS' own: what the SSM Agent needs of a role to be managed, and no parameters or objects of the account."""
AWS_HOST_ROLE: Final = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
"""The one that the console makes (User Guide, "Default Host Management Configuration")."""
UPDATE_DOCUMENT: Final = "AWS-UpdateSSMAgent"
"""AWS' own document."""
UPDATE_PARAMETERS: Final = {"allowDowngrade": "false"}
"""Parameters of that document."""

ROLE_TYPE: Final = "AWS::IAM::Role"

PolicyDocument = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class NodesPlace:
    """Whose nodes they are.

    Attributes:
        partition: Partition of the account.
        account_id: Account of the stack.
    """

    partition: str
    account_id: str

    @property
    def remediation_role_arn(self) -> str:
        """Of the role that the runbook runs with."""
        return self.iam(f"role/{REMEDIATION_ROLE_NAME}")

    def iam(self, resource: str) -> str:
        """An ARN of this account's IAM."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"
