"""AWS Organizations and IAM Identity Center as documented by AWS, where moto lacks it.

IAM Identity Center, the roles of permission sets: IAM Identity Center User Guide, "Referencing permission sets in resource policies, Amazon EKS Cluster config maps, and AWS
KMS key policies" and "Permission sets"; API_… pages:
https://docs.aws.amazon.com/singlesignon/latest/APIReference/.

AWS Organizations, which accounts may list delegated administrators:
https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedAdministrators.html: the management account and
delegated administrators. Quick Setup's service principal: AWS Managed Policy Reference,
AWSSystemsManagerJustInTimeNodeAccessRolePropagationPolicy.
"""

import json
import secrets
from functools import cache
from typing import Any, Final

from moto.iam.models import iam_backends
from moto.organizations.exceptions import AWSOrganizationsNotInUseException, OrganizationsClientError
from moto.organizations.models import FakeDelegatedAdministrator, FakeServiceAccess, organizations_backends
from moto.organizations.responses import OrganizationsResponse
from moto.ssoadmin.responses import SSOAdminResponse

PARTITION: Final = "aws"
PATH: Final = "/aws-reserved/sso.amazonaws.com/"
PREFIX: Final = "AWSReservedSSO_"
US_EAST_1: Final = "us-east-1"
INLINE_POLICY: Final = "AwsSSOInlinePolicy"
SAML_PROVIDER: Final = "saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"
DEFAULT_DURATION: Final = "PT1H"
MAX_SESSION_SECONDS: Final = "43200"


class LocalIdentityCenter(SSOAdminResponse):
    """moto's IAM Identity Center, whose assignments provision the role of the permission set in the account."""

    def create_account_assignment(self) -> str:
        """API_CreateAccountAssignment: the first assignment in an account creates the role, with a new suffix."""
        answer = super().create_account_assignment()
        self._provision(self._get_param("TargetId"), self._get_param("PermissionSetArn"))
        return answer

    def delete_account_assignment(self) -> str:
        """API_DeleteAccountAssignment: the last assignment in an account takes the role with it."""
        answer = super().delete_account_assignment()
        account, permission_set = self._get_param("TargetId"), self._get_param("PermissionSetArn")
        left = (each for each in self.ssoadmin_backend.account_assignments if each.target_id == account)
        if not any(each.permission_set_arn == permission_set for each in left):
            iam, role = self._role(account, permission_set)
            if role is not None:
                role.managed_policies.clear()
                role.policies.clear()
                iam.delete_role(role.name)
        return answer

    def describe_permission_set(self) -> str:
        """API_PermissionSet: sessions last an hour by default, and what is not set is left out."""
        found: dict[str, Any] = json.loads(super().describe_permission_set())["PermissionSet"]
        duration = str(found["SessionDuration"])
        found["SessionDuration"] = duration if duration.startswith("P") else DEFAULT_DURATION
        return json.dumps({"PermissionSet": {key: value for key, value in found.items() if value is not None}})

    def put_inline_policy_to_permission_set(self) -> str:
        """API_PutInlinePolicyToPermissionSet; AWS changes the roles once the permission set is provisioned again."""
        answer = super().put_inline_policy_to_permission_set()
        permission_set = self._get_param("PermissionSetArn")
        assigned = {
            each.target_id
            for each in self.ssoadmin_backend.account_assignments
            if each.permission_set_arn == permission_set
        }
        for account in assigned:
            self._provision(account, permission_set)
        return answer

    def _provision(self, account: str, permission_set: str) -> None:
        iam, role = self._role(account, permission_set)
        found = self._permission_set(permission_set)
        if role is None:
            region = "" if self.region == US_EAST_1 else f"{self.region}/"
            provider = f"arn:{PARTITION}:iam::{account}:{SAML_PROVIDER}"
            trust = {
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
                "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
            }
            role = iam.create_role(
                role_name=f"{PREFIX}{found.name}_{secrets.token_hex(8)}",
                assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
                path=f"{PATH}{region}",
                permissions_boundary=None,
                description=found.description or "",
                tags=[],
                max_session_duration=MAX_SESSION_SECONDS,
            )
        if found.inline_policy:
            role.policies[INLINE_POLICY] = found.inline_policy

    def _role(self, account: str, permission_set: str) -> tuple[Any, Any]:
        iam: Any = iam_backends[account][PARTITION]
        prefix = f"{PREFIX}{self._permission_set(permission_set).name}_"
        suffix = len(secrets.token_hex(8))
        named = (each for each in iam.get_roles() if each.name[:-suffix] == prefix and each.path.startswith(PATH))
        return iam, next(named, None)

    def _permission_set(self, arn: str) -> Any:
        return next(each for each in self.ssoadmin_backend.permission_sets if each.permission_set_arn == arn)


# AWS Organizations.


QUICK_SETUP: Final = "ssm-quicksetup.amazonaws.com"
ACCOUNT_ACCESS: Final = "account-access.amazonaws.com"
"""Service principal of account access manager (IAM User Guide, "Getting started with account access manager")."""


@cache
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
