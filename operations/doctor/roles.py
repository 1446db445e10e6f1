"""Reading of roles with all policies that apply to them, each once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from common.iam.documents import DocumentError
from common.iam.principals import read_account
from operations.audit.organization import read_organization
from operations.inventory.iam import NO_ENTITY, read_inline_policies
from operations.inventory.reader import Reader, ReadFailure, known, returns_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from common.aws.session import Clients
    from common.iam.principals import Principal
    from operations.audit.organization import Organization
    from operations.inventory.reader import Answer, Identity


ValueT = TypeVar("ValueT")


class Memo:
    """Values by key; concurrent callers for the same key wait for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], ValueT]) -> ValueT:
        """Return the value of a key, created by the first caller; an exception is raised for every caller."""
        mine = Future[Any]()
        with self._lock:
            made = self._made.setdefault(key, mine)
        if made is mine:
            try:
                mine.set_result(make())
            except BaseException as failed:
                mine.set_exception(failed)
                raise
        return made.result()


class Roles:
    """Roles of an account."""

    def __init__(self, clients: Clients, identity: Identity, region: str) -> None:
        """Initialize the reader."""
        self._clients, self._identity, self._region = clients, identity, region
        self._reader = Reader(clients, region, identity.arn)
        self._memo = Memo()

    def organization(self) -> Organization:
        """Return the organization's policies, if they can be read."""
        return self._memo.get("organization", lambda: read_organization(self._clients, self._region, self._identity))

    def of_profile(self, arn: str) -> Principal | ReadFailure | None:
        """Return the role of an instance profile. None: it has no role."""
        return self._memo.get(("profile", arn), lambda: self._of_profile(arn))

    def named(self, name: str) -> Principal | ReadFailure | None:
        """Return a role by its name without the path. None: it does not exist."""
        return self._memo.get(("role", name), lambda: self._named(name))

    @returns_failure
    def _of_profile(self, arn: str) -> Principal | None:
        name = arn.rpartition("/")[2]
        # EC2 has named the profile: whether the agent gets credentials without it is not known.
        answer = self._reader.get("iam", "get_instance_profile", InstanceProfileName=name)
        roles: list[dict[str, Any]] = answer["InstanceProfile"]["Roles"]
        return known(self.named(roles[0]["RoleName"])) if roles else None

    @returns_failure
    def _named(self, name: str) -> Principal | ReadFailure | None:
        answer = self._reader.find("iam", "get_role", absent=NO_ENTITY, RoleName=name)
        if answer is None:
            return None
        role: dict[str, Any] = answer["Role"]
        own = read_inline_policies(self._reader, name)
        attached = self._reader.items("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        arns = [*(each["PolicyArn"] for each in attached), *([boundary] if boundary else [])]
        inline = [{"PolicyName": each, "PolicyDocument": document} for each, document in own.items()]
        details = {
            "RoleDetailList": [role | {"RolePolicyList": inline, "AttachedManagedPolicies": attached}],
            "Policies": [known(self._memo.get(("policy", arn), lambda arn=arn: self._policy(arn))) for arn in arns],
        }
        return self._principal(name, details)

    def _principal(self, name: str, details: dict[str, Any]) -> Principal | ReadFailure:
        try:
            account = read_account(
                details,
                account_id=self._identity.account_id,
                partition=self._identity.partition,
                ceilings=self.organization().ceilings,
            )
        except DocumentError as wrong:
            return ReadFailure(action="iam:GetRolePolicy", cause=str(wrong), remedy=f"fix the policies of role {name}")
        return account.principals[0]

    @returns_failure
    def _policy(self, arn: str) -> Answer:
        """Return a managed policy in the form of IAM's account authorization details."""
        policy = self._reader.get("iam", "get_policy", PolicyArn=arn)
        if not policy:
            return {"Arn": arn}
        version = policy["Policy"]["DefaultVersionId"]
        content = self._reader.get("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
        if not content:
            return {"Arn": arn}
        document = content["PolicyVersion"]["Document"]
        return {"Arn": arn, "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document}]}
