"""Policies of the deployer and of the roles with read-only access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.deployer.doctor import doctor_permits
from operations.deployer.documents import document_permits
from operations.deployer.identities import identity_permits
from operations.deployer.keys import key_permits, volume_key_permits
from operations.deployer.names import Role
from operations.deployer.networks import network_permits
from operations.deployer.nodes import node_permits
from operations.deployer.reading import reading_permits
from operations.deployer.scope import System
from operations.deployer.statement import packed
from operations.deployer.surveillance import approval_alarm_permits, surveillance_permits

if TYPE_CHECKING:
    from operations.deployer.scope import Scope
    from operations.deployer.statement import Permit, Policy


def permits(scope: Scope, role: Role = Role.DEPLOYER) -> list[Permit]:
    """Return the permissions of a role for stacks of a scope.

    Args:
        scope: Scope of the policies.
        role: Role that gets the permissions.
    """
    match role:
        case Role.DEPLOYER:
            return [*reading_permits(scope), *_changing(scope)]
        case Role.PREVIEW:
            return reading_permits(scope)
        case Role.DOCTOR:
            return doctor_permits(scope)


def policies(scope: Scope, role: Role = Role.DEPLOYER) -> list[Policy]:
    """Return the permissions as managed policies within the size limit of IAM.

    Args:
        scope: Scope of the policies.
        role: Role that gets the policies.

    Raises:
        TooMuchError: The settings have more names than fit into the policies of a role.
    """
    return packed(permits(scope, role), scope)


def _changing(scope: Scope) -> list[Permit]:
    keys = scope.systems - {System.ENDPOINTS, System.NODES}
    return [
        *document_permits(scope),
        *identity_permits(scope),
        *(key_permits(scope) if keys else []),
        *(volume_key_permits(scope) if System.CONTROLLERS in scope.systems else []),
        *surveillance_permits(scope),
        *approval_alarm_permits(scope),
        *network_permits(scope),
        *node_permits(scope),
    ]
