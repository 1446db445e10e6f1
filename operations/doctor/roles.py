"""Reading of roles with all policies that apply to them, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.iam.documents import DocumentError
from common.iam.principals import read_account
from operations.audit.organization import read_organization
from operations.doctor.memo import Memo
from operations.reading import Reader, Unread

if TYPE_CHECKING:
    from common.iam.principals import Principal
    from operations.audit.organization import Organization
    from operations.reading import Answer, Clients, Identity

_NO_SUCH = ("NoSuchEntity",)


class Roles:
    """Roles of an account."""

    def __init__(self, clients: Clients, identity: Identity, region: str) -> None:
        """Initialize the reader.

        Args:
            clients: Clients for the calls.
            identity: Caller, and its account.
            region: Region for calls to IAM.
        """
        self._clients, self._identity, self._region = clients, identity, region
        self._reader = Reader(clients, region, identity.arn)
        self._memo = Memo()

    def organization(self) -> Organization:
        """Return the organization's policies, if they can be read."""
        return self._memo.get("organization", lambda: read_organization(self._clients, self._region, self._identity))

    def of_profile(self, arn: str) -> Principal | Unread | None:
        """Return the role of an instance profile. None: it does not exist or has no role.

        Args:
            arn: ARN of the instance profile.
        """
        return self._memo.get(("profile", arn), lambda: self._of_profile(arn))

    def named(self, name: str) -> Principal | Unread | None:
        """Return a role. None: it does not exist.

        Args:
            name: Name without the path.
        """
        return self._memo.get(("role", name), lambda: self._named(name))

    def _of_profile(self, arn: str) -> Principal | Unread | None:
        name = arn.rpartition("/")[2]
        answer = self._reader.read("iam", "get_instance_profile", absent=_NO_SUCH, InstanceProfileName=name)
        if answer is None or isinstance(answer, Unread):
            return answer
        roles: list[dict[str, Any]] = answer["InstanceProfile"]["Roles"]
        return self.named(roles[0]["RoleName"]) if roles else None

    def _named(self, name: str) -> Principal | Unread | None:
        role = self._reader.read("iam", "get_role", absent=_NO_SUCH, RoleName=name)
        if role is None or isinstance(role, Unread):
            return role
        own = self._inline(name)
        if isinstance(own, Unread):
            return own
        attached = self._reader.read("iam", "list_attached_role_policies", RoleName=name)
        if isinstance(attached, Unread):
            return attached
        given: dict[str, Any] = role["Role"]
        boundary = given.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        holds: list[dict[str, str]] = list((attached or {}).get("AttachedPolicies", ()))
        policies: list[Answer] = []
        for arn in [*(each["PolicyArn"] for each in holds), *([boundary] if boundary else [])]:
            policy = self._memo.get(("policy", arn), lambda arn=arn: self._policy(arn))
            if isinstance(policy, Unread):
                return policy
            policies.append(policy)
        details = {
            "RoleDetailList": [given | {"RolePolicyList": own, "AttachedManagedPolicies": holds}],
            "Policies": policies,
        }
        return self._principal(name, details)

    def _principal(self, name: str, details: dict[str, Any]) -> Principal | Unread:
        try:
            account = read_account(
                details,
                account_id=self._identity.account_id,
                partition=self._identity.partition,
                ceilings=self.organization().ceilings,
            )
        except DocumentError as wrong:
            return Unread(action="iam:GetRolePolicy", cause=str(wrong), remedy=f"mend the policies of role {name}")
        return account.principals[0]

    def _inline(self, name: str) -> list[dict[str, Any]] | Unread:
        listed = self._reader.read("iam", "list_role_policies", RoleName=name)
        if isinstance(listed, Unread):
            return listed
        found: list[dict[str, Any]] = []
        for each in (listed or {}).get("PolicyNames", ()):
            policy = self._reader.read("iam", "get_role_policy", RoleName=name, PolicyName=each)
            if isinstance(policy, Unread):
                return policy
            if policy:
                found.append({"PolicyName": each, "PolicyDocument": policy["PolicyDocument"]})
        return found

    def _policy(self, arn: str) -> Answer | Unread:
        """Return a managed policy in the form of IAM's account authorization details."""
        policy = self._reader.read("iam", "get_policy", PolicyArn=arn)
        if policy is None or isinstance(policy, Unread):
            return policy or {"Arn": arn}
        version = policy["Policy"]["DefaultVersionId"]
        content = self._reader.read("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
        if content is None or isinstance(content, Unread):
            return content or {"Arn": arn}
        document = content["PolicyVersion"]["Document"]
        return {"Arn": arn, "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document}]}
