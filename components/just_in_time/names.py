"""Fixed names of just-in-time node access.

Sources: Systems Manager User Guide, "Just-in-time node access using Systems Manager" and its subpages; AWS Managed Policy
Reference, AWSSystemsManagerJustInTimeAccessTokenPolicy.
"""

from __future__ import annotations

from typing import Final

MANUAL_APPROVAL: Final = "ManualApprovalPolicy"
AUTO_APPROVAL: Final = "AutoApprovalPolicy"
DOCUMENT_TYPES: Final[tuple[str, ...]] = (MANUAL_APPROVAL, AUTO_APPROVAL)
AUTO_APPROVAL_NAME: Final = "SSM-JustInTimeAccessAutoApprovalPolicy"
DENY_ACCESS_NAME: Final = "SSM-JustInTimeAccessDenyAccessOrgPolicy"
"""One per organization, of the type `AutoApprovalPolicy`; accounts have replicas."""
TOKEN_ROLE: Final = "SSM-JustInTimeAccessTokenRole"  # noqa: S105 -- the name of a role
TOKEN_SERVICE: Final = "justintimeaccess.ssm.amazonaws.com"  # noqa: S105 -- a service principal
TOKEN_POLICY: Final = "AWSSystemsManagerJustInTimeAccessTokenPolicy"  # noqa: S105 -- the name of a policy
SERVICE_ROLE: Final = "AWSServiceRoleForSystemsManagerJustInTimeAccess"
NOTIFICATIONS_ROLE: Final = "AWSServiceRoleForSystemsManagerNotifications"
QUICK_SETUP: Final = "ssm-quicksetup.amazonaws.com"
"""Service principal of the delegated administrator."""
QUICK_SETUP_TYPES: Final = ("AWSQuickSetupType-SSM", "AWSQuickSetupType-JITNA")
"""The unified console, and just-in-time node access, which needs it."""
RECORDING: Final = "ssm-guiconnect.amazonaws.com"
"""Service principal that stores recordings of RDP connections."""
IDENTITY_PROVIDER_SETTING: Final = "/ssm/just-in-time-access/identity-provider"
IDENTITY: Final = r"([0-9a-f]{10}-)?[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}"
"""ID of a user or group of IAM Identity Center."""
MANAGED_TAG: Final = {"SystemsManagerJustInTimeNodeAccessManaged": "true"}
"""The token role uses only keys with this tag (AWSSystemsManagerJustInTimeAccessTokenPolicy)."""
