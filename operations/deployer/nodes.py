"""Permissions for nodes: a rule of AWS Config with its remediation, a service setting, associations and maintenance windows."""

from __future__ import annotations

from typing import Final

from components.domain_controllers.names import DOCUMENTS, ROLE_TAG
from components.nodes import names
from components.nodes.names import UPDATE_DOCUMENT
from operations.deployer.scope import DeploymentScope, System
from operations.deployer.statement import AllowedActions, actions_of

_REMEDIATION_CHANGES: Final = ("config:DeleteRemediationConfiguration", "config:PutRemediationConfigurations")
_SETTING_CHANGES: Final = ("ssm:ResetServiceSetting", "ssm:UpdateServiceSetting")
EARLIER_HOST_ROLES: Final = (
    names.AWS_HOST_ROLE,
    "AWS-QuickSetup-SSM-DefaultEC2MgmtRole-*",
)
"""Roles of the console and Quick Setup of Systems Manager: destroying a stack restores one that was set before."""
_SEEN: Final = actions_of(
    "config: DescribeConfigRuleEvaluationStatus DescribeConfigRules DescribeConfigurationRecorderStatus",
    "config: DescribeConfigurationRecorders DescribeRemediationConfigurations GetCustomRulePolicy",
    "config: ListTagsForResource",
    "ssm: DescribeAssociation ListAssociations",
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


_RUN: Final = ("ssm:CreateAssociation", "ssm:UpdateAssociation")
_CHANGES: Final = actions_of("ssm: AddTagsToResource DeleteAssociation RemoveTagsFromResource UpdateAssociation")

_PART_CHANGES: Final = actions_of(
    "ssm: DeregisterTargetFromMaintenanceWindow DeregisterTaskFromMaintenanceWindow UpdateMaintenanceWindowTarget",
    "ssm: UpdateMaintenanceWindowTask",
)
_WINDOW_CHANGES: Final = actions_of(
    "ssm: DeleteMaintenanceWindow DeletePatchBaseline DeregisterPatchBaselineForPatchGroup",
    "ssm: RegisterPatchBaselineForPatchGroup RegisterTargetWithMaintenanceWindow RegisterTaskWithMaintenanceWindow",
    "ssm: UpdateMaintenanceWindow UpdatePatchBaseline",
)


def association_documents(scope: DeploymentScope) -> list[str]:
    """Return the ARNs of documents that may run on nodes: the one of AWS that updates agents, and ours for controllers."""
    updates = [f"arn:{scope.partition}:ssm:*::document/{UPDATE_DOCUMENT}"] if System.NODES in scope.systems else []
    own = [scope.arn("ssm", f"document/{DOCUMENTS}*")] if System.CONTROLLER_OPERATIONS in scope.systems else []
    return [*updates, *own]


def association_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for associations with our tag.

    Where agents are updated, any node may be a target, and IAM cannot tell which document runs on which node; else the
    controllers alone.
    """
    documents = association_documents(scope)
    if not documents:
        return []
    owned = _owned(scope)
    patches = System.CONTROLLER_PATCHING in scope.systems
    instances = (scope.arn("ec2", "instance/*"),)
    role = {"StringEquals": {f"aws:ResourceTag/{ROLE_TAG[0]}": ROLE_TAG[1]}}
    controllers = AllowedActions("OperateControllers", _RUN, instances, role)
    nodes = AllowedActions("UpdateAgents", _RUN, (*instances, scope.arn("ssm", "managed-instance/*")))
    return [
        AllowedActions("UseDocuments", _RUN, tuple(documents)),
        nodes if System.NODES in scope.systems else controllers,
        AllowedActions(
            "CreateAssociations",
            ("ssm:AddTagsToResource", "ssm:CreateAssociation"),
            owned,
            {"StringEquals": scope.requested},
        ),
        AllowedActions(
            "ChangeAssociations",
            (*_CHANGES, *((*_WINDOW_CHANGES, *_PART_CHANGES) if patches else ())),
            owned,
            {"StringEquals": scope.tagged},
        ),
        *(_windows(scope) if patches else ()),
    ]


def _owned(scope: DeploymentScope) -> tuple[str, ...]:
    """Return what carries our tag: associations, and windows and baselines where controllers are patched."""
    kinds = ("maintenancewindow", "patchbaseline") if System.CONTROLLER_PATCHING in scope.systems else ()
    return tuple(scope.arn("ssm", f"{kind}/*") for kind in ("association", *kinds))


def _windows(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for maintenance windows that no tag limits.

    A task of a window runs any document on the window's targets, and IAM has no condition for either (Service
    Authorization Reference): only stacks that patch controllers need them.
    """
    # Targets and tasks have no tags; the window that they belong to is evaluated, too.
    parts = (scope.arn("ssm", "windowtarget/*"), scope.arn("ssm", "windowtask/*"))
    return [
        AllowedActions(
            "CreateWindows",
            ("ssm:CreateMaintenanceWindow", "ssm:CreatePatchBaseline"),
            conditions={"StringEquals": scope.requested},
        ),
        AllowedActions("ChangeWindowParts", _PART_CHANGES, parts),
    ]
