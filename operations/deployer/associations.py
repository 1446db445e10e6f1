"""Permissions for State Manager associations and maintenance windows: the documents that may run, and the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.domain_controllers.names import DOCUMENTS
from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from components.nodes.names import UPDATE_DOCUMENT
from operations.deployer.scope import System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

_RUN: Final = ("ssm:CreateAssociation", "ssm:UpdateAssociation")
_CHANGES: Final = (
    "ssm:AddTagsToResource",
    "ssm:DeleteAssociation",
    "ssm:RemoveTagsFromResource",
    "ssm:UpdateAssociation",
)

_PART_CHANGES: Final = (
    "ssm:DeregisterTargetFromMaintenanceWindow",
    "ssm:DeregisterTaskFromMaintenanceWindow",
    "ssm:UpdateMaintenanceWindowTarget",
    "ssm:UpdateMaintenanceWindowTask",
)
_WINDOW_CHANGES: Final = (
    "ssm:DeleteMaintenanceWindow",
    "ssm:DeletePatchBaseline",
    "ssm:DeregisterPatchBaselineForPatchGroup",
    "ssm:RegisterPatchBaselineForPatchGroup",
    "ssm:RegisterTargetWithMaintenanceWindow",
    "ssm:RegisterTaskWithMaintenanceWindow",
    "ssm:UpdateMaintenanceWindow",
    "ssm:UpdatePatchBaseline",
    *_PART_CHANGES,
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
            (*_CHANGES, *(_WINDOW_CHANGES if patches else ())),
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
