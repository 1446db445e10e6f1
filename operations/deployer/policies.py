"""Policies of the deployer and of the roles with read-only access."""

from __future__ import annotations

from operations.deployer.detection import detection_permissions
from operations.deployer.iam import iam_permissions
from operations.deployer.named_resources import monitoring_permissions, named_resource_permissions
from operations.deployer.names import Role
from operations.deployer.nodes import association_permissions, node_permissions
from operations.deployer.read_permissions import doctor_permissions, entitlement_permissions, read_permissions
from operations.deployer.scope import DeploymentScope, System
from operations.deployer.statement import AllowedActions, Policy, packed
from operations.deployer.tagged_resources import (
    ec2_permissions,
    key_permissions,
    name_resolution_permissions,
    volume_key_permissions,
)


def permissions(scope: DeploymentScope, role: Role = Role.DEPLOYER) -> list[AllowedActions]:
    """Return the permissions of a role for stacks of a scope."""
    match role:
        case Role.DEPLOYER:
            return [*_needed(read_permissions(scope)), *_changing(scope)]
        case Role.PREVIEW:
            return _needed(read_permissions(scope))
        case Role.DOCTOR:
            return _needed(doctor_permissions(scope))


def policies(scope: DeploymentScope, role: Role = Role.DEPLOYER) -> list[Policy]:
    """Return the permissions as managed policies within the size limit of IAM.

    Raises:
        TooMuchError: The settings have more names than fit into the policies of a role.
    """
    return packed(permissions(scope, role), scope)


def named_policies(scope: DeploymentScope, role: Role, *, beyond_reading: bool = False) -> dict[str, Policy]:
    """Return the managed policies of one role by name: `ShellAccessDeployer1` and so on.

    With `beyond_reading`, a deployer gets the policies of `Role.PREVIEW` besides, so that these lack what they have.
    """
    found = packed(_changing(scope), scope) if beyond_reading else policies(scope, role)
    return {f"{role}{number}": each for number, each in enumerate(found, start=1)}


def _changing(scope: DeploymentScope) -> list[AllowedActions]:
    keys = scope.systems - {System.ENDPOINTS, System.NODES, System.CONTROLLER_OPERATIONS, System.CONTROLLER_PATCHING}
    found = [
        *named_resource_permissions(scope),
        *iam_permissions(scope),
        *entitlement_permissions(scope),
        *(key_permissions(scope) if keys else []),
        *(volume_key_permissions(scope) if System.CONTROLLERS in scope.systems else []),
        *monitoring_permissions(scope),
        *ec2_permissions(scope),
        *name_resolution_permissions(scope),
        *node_permissions(scope),
        *association_permissions(scope),
        *detection_permissions(scope),
    ]
    return _needed(found)


def _needed(found: list[AllowedActions]) -> list[AllowedActions]:
    """Return the permissions that have actions and resources: a permission on the resources of no system has none."""
    return [each for each in found if each.actions and each.resources]
