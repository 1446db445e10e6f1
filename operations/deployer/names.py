"""Names of the roles and policies that deploy. The same in every account: the fleet's file and these policies go by them."""

from typing import Final

DEPLOYER_ROLE: Final = "ShellAccessDeployer"
PREVIEW_ROLE: Final = "ShellAccessPreview"
"""For previews, drift and verification: changes nothing."""

BOUNDARY: Final = "ShellAccessDeployerBoundary"
"""The most that the deployer may ever do."""
ROLES_BOUNDARY: Final = "ShellAccessRoleBoundary"
"""The most that the roles which the deployer makes may ever do."""

OWN: Final = (DEPLOYER_ROLE, PREVIEW_ROLE, ROLES_BOUNDARY)
"""What the names of all of these begin with: the deployer touches none of them."""
