"""Names of deployment roles and policies; the same in every account, as the fleet file and these policies use them."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A role for deployment or checks; the names of its policies have this prefix."""

    DEPLOYER = "ShellAccessDeployer"
    PREVIEW = "ShellAccessPreview"
    """Role for previews, drift and verification, with read-only access."""
    DOCTOR = "ShellAccessDoctor"
    """Role for `doctor` and `nodes`, which an operator starts, with read-only access."""


BOUNDARY: Final = "ShellAccessDeployerBoundary"
"""Name of the permissions boundary of the deployer."""
ROLES_BOUNDARY: Final = "ShellAccessRoleBoundary"
"""Name of the permissions boundary of the roles that the deployer creates."""

OWN: Final = (Role.DEPLOYER, Role.PREVIEW, Role.DOCTOR, ROLES_BOUNDARY)
"""Prefixes of all these names; the deployer cannot change such roles and policies."""
