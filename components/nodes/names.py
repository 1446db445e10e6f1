"""Names of the resources that prepare nodes, and the trust policy of their role."""

from __future__ import annotations

from typing import Final

from common.iam.statements import allow, document

RULE_NAME: Final = "shell-access-node-roles"
RUNBOOK_NAME: Final = "AttachShellAccessNodePolicy"
REMEDIATION_ROLE_NAME: Final = "ShellAccessNodeRemediation"
HOST_ROLE_NAME: Final = "ShellAccessDefaultHostManagement"
ASSOCIATION_NAME: Final = "shell-access-agent-updates"

HOST_MANAGEMENT_SETTING: Final = "/ssm/managed-instance/default-ec2-instance-management-role"
"""Service setting of Default Host Management Configuration: path and name of the role, without a leading slash."""
HOST_MANAGED_POLICY: Final = "AmazonSSMManagedEC2InstanceDefaultPolicy"
"""AWS managed policy: permissions that SSM Agent needs, without access to the account's parameters or objects."""
AWS_HOST_ROLE: Final = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
"""Role that the console creates (User Guide, "Default Host Management Configuration")."""
UPDATE_DOCUMENT: Final = "AWS-UpdateSSMAgent"
"""Document of AWS that updates SSM Agent."""
UPDATE_PARAMETERS: Final = {"allowDowngrade": "false"}
"""Parameters of that document."""

ROLE_TYPE: Final = "AWS::IAM::Role"

PolicyDocument = dict[str, object]


def host_trust() -> PolicyDocument:
    """Return the trust policy: Systems Manager assumes the role for the nodes that it manages.

    The documented trust policy has no condition (User Guide, "Default Host Management Configuration"). Whether the
    service sends its source account is not documented either; if it does not, a condition on it would exclude every
    node. Only an administrator who may pass the role can configure it for the account.
    """
    return document([allow("", "sts:AssumeRole", principal={"Service": "ssm.amazonaws.com"})])
