"""Permissions for node readiness: a rule of AWS Config with its remediation, and a service setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.nodes import names
from operations.deployer.scope import System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

_REMEDIATION_CHANGES: Final = ("config:DeleteRemediationConfiguration", "config:PutRemediationConfigurations")
_SETTING_CHANGES: Final = ("ssm:ResetServiceSetting", "ssm:UpdateServiceSetting")
EARLIER_HOST_ROLES: Final = (
    names.AWS_HOST_ROLE,
    "AWS-QuickSetup-SSM-DefaultEC2MgmtRole-*",
)
"""Roles of the console and Quick Setup of Systems Manager: destroying a stack restores one that was set before."""
_SEEN: Final = (
    "config:DescribeConfigRuleEvaluationStatus",
    "config:DescribeConfigRules",
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeConfigurationRecorders",
    "config:DescribeRemediationConfigurations",
    "config:GetCustomRulePolicy",
    "config:ListTagsForResource",
    "ssm:DescribeAssociation",
    "ssm:ListAssociations",
)


def service_setting(scope: DeploymentScope) -> str:
    """Return the ARN of the service setting of Default Host Management Configuration."""
    return scope.arn("ssm", f"servicesetting{names.HOST_MANAGEMENT_SETTING}")


def host_managed_policy(scope: DeploymentScope) -> str:
    """Return the ARN of the only AWS managed policy that a stack attaches to a role."""
    return f"arn:{scope.partition}:iam::aws:policy/{names.HOST_MANAGED_POLICY}"


def node_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for rules with our tag, the remediation, and the service setting."""
    if System.NODES not in scope.systems:
        return []
    rules = (scope.arn("config", "config-rule/*"),)
    return [
        AllowedActions(
            "CreateRules", ("config:PutConfigRule", "config:TagResource"), rules, {"StringEquals": scope.requested}
        ),
        AllowedActions(
            "ChangeRules",
            ("config:DeleteConfigRule", "config:PutConfigRule", "config:TagResource", "config:UntagResource"),
            rules,
            {"StringEquals": scope.tagged},
        ),
        # It has no tags, and the rule that it belongs to is not evaluated (Service Authorization Reference).
        AllowedActions(
            "ManageRemediation", _REMEDIATION_CHANGES, (scope.arn("config", "remediation-configuration/*"),)
        ),
        AllowedActions("ManageHostManagement", _SETTING_CHANGES, (service_setting(scope),)),
        AllowedActions(
            "RestoreHostRole",
            ("iam:PassRole",),
            tuple(scope.iam(f"role/{name}") for name in EARLIER_HOST_ROLES),
            {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
            everywhere=True,
        ),
        AllowedActions(
            "AttachHostPolicy",
            ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
            (scope.iam(f"role/{names.HOST_ROLE_NAME}"),),
            {"ArnEquals": {"iam:PolicyARN": host_managed_policy(scope)}},
            everywhere=True,
        ),
    ]


def node_read_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read all of it."""
    if System.NODES not in scope.systems:
        return []
    return [
        AllowedActions("ReadNodes", _SEEN),
        AllowedActions("ReadHostManagement", ("ssm:GetServiceSetting",), (service_setting(scope),)),
    ]
