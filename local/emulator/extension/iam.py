"""AWS Identity and Access Management (IAM) as documented by AWS, where moto accepts more.

API_… pages: https://docs.aws.amazon.com/IAM/latest/APIReference/.

AWS managed policies are loaded on first use: moto loads all of them, which takes about half a second, when any service first uses
an account, and after every reset.
"""

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

from moto.core.responses import ActionResult
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.exceptions import DeleteConflictException, LimitExceededException, NotFoundException
from moto.iam.models import AWSManagedPolicy, IAMBackend, Role, User
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator
from moto.iam.responses import IamResponse
from moto.iam.utils import generate_access_key_id_from_account_id

MANAGED_POLICY = 6_144
ROLE_POLICIES = 10_240
USER_POLICIES = 2_048
TRUST_POLICY = 2_048
ATTACHED_POLICIES = 10
"""Default quotas (IAM User Guide, "IAM and AWS STS quotas"); white space in policies does not count."""


SET_CONTEXT = "sts:SetContext"
"""Action of trust policies that moto does not know (Service Authorization Reference, AWS Security Token Service)."""


def apply() -> None:
    """Accept an action of trust policies that moto does not know."""
    validator: Any = IAMTrustPolicyDocumentValidator
    of_moto = validator._validate_trust_policy_action  # noqa: SLF001 -- moto validates there

    def validate(action: str) -> None:
        if action != SET_CONTEXT:
            of_moto(action)

    validator._validate_trust_policy_action = staticmethod(validate)  # noqa: SLF001


class LocalIam(IamResponse):
    """moto's IAM with corrected role updates, quotas and policy deletion."""

    def create_policy(self) -> ActionResult:
        """API_CreatePolicy: LimitExceeded if the document is too long."""
        check_size([self._get_param("PolicyDocument")], MANAGED_POLICY, "PolicySize")
        return super().create_policy()

    def create_policy_version(self) -> ActionResult:
        """API_CreatePolicyVersion: LimitExceeded if the document is too long."""
        check_size([self._get_param("PolicyDocument")], MANAGED_POLICY, "PolicySize")
        return super().create_policy_version()

    def create_role(self) -> ActionResult:
        """API_CreateRole: LimitExceeded if the trust policy is too long."""
        check_size([self._get_param("AssumeRolePolicyDocument")], TRUST_POLICY, "ACLSizePerRole")
        return super().create_role()

    def update_assume_role_policy(self) -> ActionResult:
        """API_UpdateAssumeRolePolicy: LimitExceeded if the trust policy is too long."""
        check_size([self._get_param("PolicyDocument")], TRUST_POLICY, "ACLSizePerRole")
        return super().update_assume_role_policy()

    def put_role_policy(self) -> ActionResult:
        """API_PutRolePolicy: all inline policies of a role share one quota."""
        role = self.backend.get_role(self._get_param("RoleName"))
        policies = {**role.policies, self._get_param("PolicyName"): self._get_param("PolicyDocument")}
        if counted(policies.values()) > ROLE_POLICIES:
            message = f"Maximum policy size of {ROLE_POLICIES} bytes exceeded for role {role.name}"
            raise LimitExceededException(message)
        return super().put_role_policy()

    def put_user_policy(self) -> ActionResult:
        """API_PutUserPolicy: all inline policies of a user share one quota."""
        user = self.backend.get_user(self._get_param("UserName"))
        policies = {**user.policies, self._get_param("PolicyName"): self._get_param("PolicyDocument")}
        if counted(policies.values()) > USER_POLICIES:
            message = f"Maximum policy size of {USER_POLICIES} bytes exceeded for user {user.name}"
            raise LimitExceededException(message)
        return super().put_user_policy()

    def attach_role_policy(self) -> ActionResult:
        """API_AttachRolePolicy: idempotent; LimitExceeded if the role has the maximum number of managed policies."""
        role = self.backend.get_role(self._get_param("RoleName"))
        check_attachment(role.managed_policies, self._get_param("PolicyArn"), "PoliciesPerRole")
        return self._attached_once(role, super().attach_role_policy)

    def attach_user_policy(self) -> ActionResult:
        """API_AttachUserPolicy: idempotent; LimitExceeded if the user has the maximum number of managed policies."""
        user = self.backend.get_user(self._get_param("UserName"))
        check_attachment(user.managed_policies, self._get_param("PolicyArn"), "PoliciesPerUser")
        return self._attached_once(user, super().attach_user_policy)

    def get_account_authorization_details(self) -> ActionResult:
        """API_GetAccountAuthorizationDetails: AWS managed policies only if they are in use.

        Of AWS managed policies it returns attached ones only: https://github.com/cloudquery/cloudquery/pull/13322. moto
        returns all of them, a thousand.
        """
        answer = super().get_account_authorization_details()
        details = cast("dict[str, Any]", answer.result)
        roles: Iterable[Any] = self.backend.roles.values()
        boundaries = {each.permissions_boundary_arn for each in roles}
        policies: Iterable[Any] = details["Policies"]
        details["Policies"] = [
            each
            for each in policies
            if each.attachment_count or each.arn in boundaries or not isinstance(each, AWSManagedPolicy)
        ]
        return answer

    def update_role(self) -> ActionResult:
        """API_UpdateRole: keeps the description if the request has none."""
        role = self.backend.get_role(self._get_param("RoleName"))
        kept = role.description
        result = super().update_role()
        if self._get_param("Description") is None:
            role.description = kept
        return result

    def create_user(self) -> ActionResult:
        """API_CreateUser: the ID begins with AIDA (IAM User Guide, "Unique identifiers")."""
        answer = super().create_user()
        made = self.backend.get_user(self._get_param("UserName"))
        made.id = generate_access_key_id_from_account_id(
            account_id=self.current_account, prefix="AIDA", total_length=21
        )
        return answer

    def _attached_once(self, principal: Role | User, attach: Callable[[], ActionResult]) -> ActionResult:
        """Keep the attachment count if the policy is already attached; moto increments it each time."""
        policy = principal.managed_policies.get(self._get_param("PolicyArn"))
        answer = attach()
        if policy is not None:
            policy.attachment_count -= 1
        return answer

    def remove_role_from_instance_profile(self) -> ActionResult:
        """API_RemoveRoleFromInstanceProfile: NoSuchEntity if the profile does not have the role."""
        name, role = self._get_param("InstanceProfileName"), self._get_param("RoleName")
        if role not in [each.name for each in self.backend.get_instance_profile(name).roles]:
            raise NotFoundException(f"The role with name {role} cannot be found in instance profile {name}.")
        return super().remove_role_from_instance_profile()

    def delete_policy(self) -> ActionResult:
        """API_DeletePolicy: requires that the policy is detached and has no other versions."""
        policy = self.backend.get_policy(self._get_param("PolicyArn"))
        if policy.attachment_count:
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            raise DeleteConflictException(
                "This policy has more than one version. "
                "Before you delete a policy, you must delete the policy's versions. "
                "The default version is deleted with the policy."
            )
        return super().delete_policy()


def counted(documents: Iterable[str]) -> int:
    """Return the number of characters that IAM counts: all except white space."""
    return sum(len("".join(document.split())) for document in documents)


def check_size(documents: Iterable[str], maximum: int, quota: str) -> None:
    """Check the length of policies.

    Raises:
        LimitExceededException: The policies are too long.
    """
    if counted(documents) > maximum:
        raise LimitExceededException(f"Cannot exceed quota for {quota}: {maximum}")


def check_attachment(attached: Iterable[str], arn: str, quota: str) -> None:
    """Check the number of managed policies; a policy that is already attached is not counted twice.

    Raises:
        LimitExceededException: The principal has the maximum number of managed policies.
    """
    if len({*attached, arn}) > ATTACHED_POLICIES:
        raise LimitExceededException(f"Cannot exceed quota for {quota}: {ATTACHED_POLICIES}")


# AWS managed policies.


KEPT = "policies_by_arn"


def load_policies_on_first_use() -> None:
    """Defer loading to the first action that needs a managed policy."""
    backend: Any = IAMBackend
    backend._init_aws_policies = _nothing_yet  # noqa: SLF001
    backend._init_managed_policies = _nothing_yet  # noqa: SLF001
    backend.aws_managed_policies = property(of_aws, _ignore)
    backend.managed_policies = property(of_account, _ignore)


def of_account(backend: Any) -> dict[str, Any]:
    """Return all managed policies by ARN: AWS managed policies, and those created since."""
    state = cast("dict[str, Any]", vars(backend))
    if KEPT not in state:
        mine = [_belonging_to(policy, backend.account_id) for policy in _templates(backend.region_name)]
        state[KEPT] = {policy.arn: policy for policy in mine}
    return state[KEPT]


def of_aws(backend: Any) -> list[Any]:
    """Return the AWS managed policies."""
    return [policy for policy in of_account(backend).values() if isinstance(policy, AWSManagedPolicy)]


@cache
def _templates(region: str) -> list[Any]:
    """Return AWS managed policies as moto creates them, without an account."""
    make: Any = AWSManagedPolicy.from_data
    parsed = json.loads(aws_managed_policies_data)
    return [make(name, "", region, data) for name, data in parsed.items()]


def _belonging_to(template: Any, account_id: str) -> Any:
    """Return a copy for one account: attachments are counted per account."""
    return _copy(template, account_id=account_id, versions=[_copy(version) for version in template.versions])


def _copy(template: Any, **changes: object) -> Any:
    """Return a shallow copy; `copy.copy` takes twice as long, for a thousand policies per account."""
    made = object.__new__(cast("type[object]", type(template)))
    vars(made).update(cast("dict[str, object]", vars(template)), **changes)
    return made


def _nothing_yet(_backend: object) -> list[Any]:
    return []


def _ignore(_backend: object, _policies: object) -> None:
    """Ignore moto's own assignment of an empty collection."""
