"""Principals of an account with their policies, from `iam:GetAccountAuthorizationDetails`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from common.aws.arns import split_arn
from common.iam.context import ABSENT, UNKNOWN, RequestContext, Value, known
from common.iam.documents import Policy, parse
from common.iam.evaluation import Permissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Details = Mapping[str, Any]
"""`UserDetailList`, `GroupDetailList`, `RoleDetailList` and `Policies` of all pages, as boto3 returns them."""

SERVICE_LINKED: str = "/aws-service-role/"
"""Path of service-linked roles (IAM User Guide, "Create a service-linked role")."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Principal:
    """A user or a role.

    Attributes:
        kind: `user` or `role`.
        name: Name without path.
        arn: ARN.
        unique_id: `AIDA...`, `AROA...`.
        tags: Tags by key in lower case, as IAM ignores the case of keys (IAM User Guide, "Tags for IAM").
        permissions: Policies that apply to it.
        groups: Groups of a user.
        through: Group by policy, for policies of groups.
        trust: Trust policy of a role.
        attached: ARNs of managed policies, including those of groups.
        boundary: ARN of the permissions boundary.
    """

    kind: str
    name: str
    arn: str
    unique_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    permissions: Permissions = field(default_factory=Permissions)
    groups: tuple[str, ...] = ()
    through: Mapping[Policy, str] = field(default_factory=dict["Policy", str])
    trust: Policy | None = None
    attached: tuple[str, ...] = ()
    boundary: str | None = None

    @property
    def is_service_linked(self) -> bool:
        """Return whether it is a service-linked role."""
        return f":role{SERVICE_LINKED}" in self.arn

    def context(self) -> RequestContext:
        """Return the condition keys that are properties of the principal (IAM User Guide, "AWS global condition context keys")."""
        return self._context

    @cached_property
    def _context(self) -> RequestContext:
        account, user = split_arn(self.arn).account_id, self.kind == "user"
        values: dict[str, Value] = {
            "aws:principalarn": known(self.arn),
            "aws:principalaccount": known(account),
            "aws:principaltype": known("User" if user else "AssumedRole"),
            "aws:principalisawsservice": known("false"),
            "aws:username": known(self.name) if user else ABSENT,
            "aws:userid": (known(self.unique_id) if self.unique_id else UNKNOWN)
            if user
            else known(f"{self.unique_id}:session"),
            **{f"aws:principaltag/{key}": known(value) for key, value in self.tags.items()},
        }
        return RequestContext(values, {"aws:principaltag/": ABSENT})


@dataclass(frozen=True, kw_only=True)
class ManagedPolicy:
    """The default version of a managed policy of the account, or of an AWS managed policy in use."""

    arn: str
    policy: Policy


@dataclass(frozen=True, kw_only=True)
class AuthorizationDetails:
    """IAM data of an account.

    Attributes:
        id: 12 digits.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        principals: Users and roles.
        policies: Managed policies by ARN.
        groups: ARNs of groups by name.
    """

    id: str
    partition: str = "aws"
    principals: tuple[Principal, ...] = ()
    policies: Mapping[str, ManagedPolicy] = field(default_factory=dict[str, ManagedPolicy])
    groups: Mapping[str, str] = field(default_factory=dict[str, str])


def read_account(
    details: Details, *, account_id: str, partition: str = "aws", ceilings: Sequence[Sequence[Policy]] = ()
) -> AuthorizationDetails:
    """Parse the IAM data of an account.

    `details` is the answer of `GetAccountAuthorizationDetails`. Service control policies (`ceilings`, by level) do
    not apply to service-linked roles.

    Raises:
        DocumentError: A policy document is invalid.
    """
    used = _used(details)
    policies = {each["Arn"]: _managed(each) for each in details.get("Policies", ()) if _counts(each["Arn"], used)}
    reading = _Reading(policies, tuple(tuple(level) for level in ceilings), details.get("GroupDetailList", ()))
    users = [reading.user(each) for each in details.get("UserDetailList", ())]
    roles = [reading.role(each) for each in details.get("RoleDetailList", ())]
    return AuthorizationDetails(
        id=account_id,
        partition=partition,
        principals=(*users, *roles),
        policies=policies,
        groups={each["GroupName"]: each["Arn"] for each in details.get("GroupDetailList", ())},
    )


def missing_parts(details: Details, account_id: str) -> Iterator[str]:
    """Yield what the IAM data of an account refers to and does not contain; without it, a principal would look harmless."""
    users, roles = details.get("UserDetailList", ()), details.get("RoleDetailList", ())
    if not (users or roles):
        yield "no user and no role"
    yield from (
        f"{each['Arn']} of another account"
        for each in (*users, *roles)
        if split_arn(each["Arn"]).account_id != account_id
    )
    yield from (f"no trust policy of {each['Arn']}" for each in roles if not each.get("AssumeRolePolicyDocument"))
    groups = {each["GroupName"] for each in details.get("GroupDetailList", ())}
    yield from (
        f"no group {name}, of which {each['Arn']} is a member"
        for each in users
        for name in each.get("GroupList", ())
        if name not in groups
    )
    policies = {each["Arn"] for each in details.get("Policies", ()) if _default_version(each)}
    yield from (
        f"no default version of {arn}, which {each['Arn']} has"
        for each in _holders(details)
        for arn in (*_attached(each), *filter(None, [_boundary(each)]))
        if arn not in policies
    )


def _holders(details: Details) -> list[Mapping[str, Any]]:
    """Return users, groups and roles."""
    lists = (details.get(name, ()) for name in ("UserDetailList", "GroupDetailList", "RoleDetailList"))
    return [each for several in lists for each in several]


def _used(details: Details) -> frozenset[str]:
    """Return ARNs of the managed policies that are attached or are a boundary."""
    return frozenset(arn for each in _holders(details) for arn in (*_attached(each), _boundary(each) or ""))


def _counts(arn: str, used: frozenset[str]) -> bool:
    """Return the managed policies in use: AWS has more than a thousand, of which an account uses some dozens."""
    return arn in used or not _is_of_aws(arn)


def _is_of_aws(arn: str) -> bool:
    return ":iam::aws:" in arn


def _default_version(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    versions = cast("list[Mapping[str, Any]]", given.get("PolicyVersionList", []))
    return next((each for each in versions if each.get("IsDefaultVersion")), None)


def _managed(given: Mapping[str, Any]) -> ManagedPolicy:
    version = _default_version(given)
    nothing: dict[str, Any] = {"Statement": []}
    document = version["Document"] if version else nothing
    arn = str(given["Arn"])
    return ManagedPolicy(arn=arn, policy=parse(document, name=arn, kind="managed"))


class _Reading:
    """Joins principals with their groups and managed policies."""

    def __init__(
        self,
        policies: Mapping[str, ManagedPolicy],
        ceilings: tuple[tuple[Policy, ...], ...],
        groups: Iterable[Mapping[str, Any]],
    ) -> None:
        self._policies, self._ceilings = policies, ceilings
        self._groups = {each["GroupName"]: (each, self._own(each, "GroupPolicyList")) for each in groups}

    def user(self, given: Mapping[str, Any]) -> Principal:
        policies, attached = self._own(given, "UserPolicyList"), _attached(given)
        through: dict[Policy, str] = {}
        for name in given.get("GroupList", ()):
            group, brought = self._groups.get(name, ({}, ()))
            through.update({policy: str(name) for policy in brought if policy not in policies})
            policies, attached = (*policies, *brought), (*attached, *_attached(group))
        return Principal(
            kind="user",
            name=given["UserName"],
            arn=given["Arn"],
            unique_id=given.get("UserId", ""),
            tags=_tags(given),
            permissions=self._permissions(given, policies, self._ceilings),
            groups=tuple(given.get("GroupList", ())),
            through=through,
            attached=tuple(dict.fromkeys(attached)),
            boundary=_boundary(given),
        )

    def role(self, given: Mapping[str, Any]) -> Principal:
        linked = str(given.get("Path", "/")).startswith(SERVICE_LINKED)
        trust = given.get("AssumeRolePolicyDocument")
        return Principal(
            kind="role",
            name=given["RoleName"],
            arn=given["Arn"],
            unique_id=given.get("RoleId", ""),
            tags=_tags(given),
            permissions=self._permissions(given, self._own(given, "RolePolicyList"), () if linked else self._ceilings),
            trust=parse(trust, name=f"trust of {given['RoleName']}", kind="trust") if trust else None,
            attached=_attached(given),
            boundary=_boundary(given),
        )

    def _permissions(
        self, given: Mapping[str, Any], identity: tuple[Policy, ...], ceilings: tuple[tuple[Policy, ...], ...]
    ) -> Permissions:
        boundary = _boundary(given)
        # A boundary that is not among the policies allows nothing, like an empty policy.
        bound = (
            (self._policies[boundary].policy if boundary in self._policies else Policy(name=boundary))
            if boundary
            else None
        )
        return Permissions(identity=tuple(dict.fromkeys(identity)), boundary=bound, ceilings=ceilings)

    def _own(self, given: Mapping[str, Any], inline: str) -> tuple[Policy, ...]:
        own = (parse(each["PolicyDocument"], name=each["PolicyName"]) for each in given.get(inline, ()))
        return (*own, *(self._policies[arn].policy for arn in _attached(given) if arn in self._policies))


def _attached(given: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each["PolicyArn"] for each in given.get("AttachedManagedPolicies", ()))


def _boundary(given: Mapping[str, Any]) -> str | None:
    boundary = cast("Mapping[str, str] | None", given.get("PermissionsBoundary"))
    return boundary.get("PermissionsBoundaryArn") if boundary else None


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    return {each["Key"].lower(): each["Value"] for each in given.get("Tags", ())}
