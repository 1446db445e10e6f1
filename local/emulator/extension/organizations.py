"""AWS Organizations as documented by AWS, where moto lacks it: which accounts may list delegated administrators.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedAdministrators.html: the management account and
delegated administrators. Quick Setup's service principal: AWS Managed Policy Reference,
AWSSystemsManagerJustInTimeNodeAccessRolePropagationPolicy.
"""

import json
from typing import Any, Final

from moto.organizations.exceptions import AWSOrganizationsNotInUseException, OrganizationsClientError
from moto.organizations.models import FakeDelegatedAdministrator, FakeServiceAccess, organizations_backends
from moto.organizations.responses import OrganizationsResponse

QUICK_SETUP: Final = "ssm-quicksetup.amazonaws.com"
ACCOUNT_ACCESS: Final = "account-access.amazonaws.com"
"""Service principal of account access manager (IAM User Guide, "Getting started with account access manager")."""


def apply() -> None:
    """Add services that moto does not know."""
    FakeDelegatedAdministrator.SUPPORTED_SERVICES.extend((QUICK_SETUP, ACCOUNT_ACCESS))
    FakeServiceAccess.TRUSTED_SERVICES.append(ACCOUNT_ACCESS)


class LocalOrganizations(OrganizationsResponse):
    """moto's AWS Organizations with corrected access to delegated administrators."""

    def list_delegated_administrators(self) -> str:
        backend: Any = self.organizations_backend
        managing: dict[str, Any] = vars(organizations_backends)["master_accounts"]
        if backend.org is not None:
            return super().list_delegated_administrators()
        if self.current_account not in managing:
            raise AWSOrganizationsNotInUseException
        account, partition = managing[self.current_account]
        manager: Any = organizations_backends[account][partition]
        if self.current_account not in {each.account.id for each in manager.admins}:
            raise OrganizationsClientError(
                "AccessDeniedException", "You don't have permissions to access this resource."
            )
        return json.dumps(manager.list_delegated_administrators(**self.request_params))
