"""Identity and Access Management as AWS documents it, where moto lets more through.

API_… pages lie under https://docs.aws.amazon.com/IAM/latest/APIReference/.
"""

from moto.core.responses import ActionResult
from moto.iam import urls
from moto.iam.exceptions import DeleteConflictException
from moto.iam.responses import IamResponse
from moto.iam.utils import generate_access_key_id_from_account_id


def apply() -> None:
    """Puts the extended Identity and Access Management in place of moto's."""
    urls.url_paths["{0}/$"] = LocalIam.dispatch


class LocalIam(IamResponse):
    """moto's Identity and Access Management with changes of roles and the deletion of policies put right."""

    def update_role(self) -> ActionResult:
        """API_UpdateRole: a description that the request does not have stays."""
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

    def delete_policy(self) -> ActionResult:
        """API_DeletePolicy: detached from everything first, and every other version deleted."""
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
