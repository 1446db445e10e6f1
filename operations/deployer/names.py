"""Names of the roles and policies that deploy. The same in every account: the fleet's file and these policies go by them."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Who needs rights in an account; the names of its policies begin with it."""

    DEPLOYER = "ShellAccessDeployer"
    PREVIEW = "ShellAccessPreview"
    """For previews, drift and verification: changes nothing."""
    DOCTOR = "ShellAccessDoctor"
    """For `doctor` and `nodes`, which a person runs: changes nothing."""


BOUNDARY: Final = "ShellAccessDeployerBoundary"
"""The most that the deployer may ever do."""
ROLES_BOUNDARY: Final = "ShellAccessRoleBoundary"
"""The most that the roles which the deployer makes may ever do."""

OWN: Final = (Role.DEPLOYER, Role.PREVIEW, Role.DOCTOR, ROLES_BOUNDARY)
"""What the names of all of these begin with: the deployer touches none of them."""
