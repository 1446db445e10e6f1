"""IAM resources of an account with domain controllers: the controllers' role and profile, and the managed policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from components.domain_controllers.iam_policies import deployers, managed_policies, role_arns, trust_policy
from components.domain_controllers.names import (
    ACCESS_RESTRICTION_POLICY,
    CONTROLLERS_ROLE,
    PORT_FORWARDING_POLICY,
)
from components.domain_controllers.operations.promotion import secret_readers
from operations.inventory.iam import RoleFacts, read_policy, read_role
from operations.inventory.reader import Answer, Reader, ReadFailure
from operations.verify.findings import Check
from operations.verify.policies import DesiredRole, policy_finding, role_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.iam import PolicyFacts

_PRINCIPAL: Final = "aws:PrincipalArn"
_CHECKS: Final = {
    PORT_FORWARDING_POLICY: "directory-port-forwarding-policy",
    ACCESS_RESTRICTION_POLICY: "directory-access-restriction-policy",
}
"""Checks of the policies that are not the controllers' own."""


@dataclass(frozen=True, kw_only=True)
class IdentityFacts:
    """IAM resources of domain controllers.

    Attributes:
        policies: Managed policies by name; None: the policy does not exist.
        role: Role of the controllers; None: it does not exist, or was not read.
        profile_roles: Roles of the instance profile; None: the profile does not exist, or was not read.
    """

    policies: Mapping[str, PolicyFacts | ReadFailure | None]
    role: RoleFacts | ReadFailure | None = None
    profile_roles: tuple[str, ...] | ReadFailure | None = None


def read_identities(reader: Reader, site: SiteDeployment) -> IdentityFacts:
    """Read the IAM resources of domain controllers."""
    names = managed_policies(site.section, site.scope)
    policies = {name: read_policy(reader, site.scope.iam(f"policy/{name}")) for name in names}
    if not _has_controllers(site):
        return IdentityFacts(policies=policies)
    return IdentityFacts(
        policies=policies, role=read_role(reader, CONTROLLERS_ROLE), profile_roles=_profile_roles(reader)
    )


def _profile_roles(reader: Reader) -> tuple[str, ...] | ReadFailure | None:
    named = {"InstanceProfileName": CONTROLLERS_ROLE}
    answer = reader.read("iam", "get_instance_profile", absent=("NoSuchEntity",), **named)
    if answer is None or isinstance(answer, ReadFailure):
        return answer
    roles: list[Answer] = answer["InstanceProfile"].get("Roles", [])
    return tuple(str(each["RoleName"]) for each in roles)


def identity_findings(
    site: SiteDeployment, live: IdentityFacts, *, instance_policies: tuple[str, ...]
) -> list[Finding]:
    """Compare managed policies, and the role and the instance profile of controllers."""
    findings = [_policy(site, name, policy) for name, policy in live.policies.items()]
    if not _has_controllers(site):
        return findings
    own = (name for name in live.policies if name not in _CHECKS)
    role = DesiredRole(
        check="directory-instance-role",
        name=CONTROLLERS_ROLE,
        trust=trust_policy(site.deployment.partition),
        attached=frozenset(site.scope.iam(f"policy/{name}") for name in (*own, *instance_policies)),
        inline={},
        boundary=site.boundary,
    )
    return [*findings, role_finding(site.deployment, role, live.role), _profile(site, live.profile_roles)]


def _policy(site: SiteDeployment, name: str, live: PolicyFacts | ReadFailure | None) -> Finding:
    check = _CHECKS.get(name, "directory-agent-policy")
    if live is None or isinstance(live, ReadFailure):
        exists = Check(check, f"managed policy {name} exists", site.deployment.repair)
        return exists.report_missing(live, "no such policy")
    known = None if isinstance(live.content, ReadFailure) else live.content
    desired = managed_policies(site.section, site.scope, deployers_of(site, known))[name]
    return policy_finding(check, site.deployment, desired, live.content)


def _profile(site: SiteDeployment, live: tuple[str, ...] | ReadFailure | None) -> Finding:
    expected = f"instance profile {CONTROLLERS_ROLE} has the role of its name"
    check = Check("directory-instance-profile", expected, site.deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return check.report_missing(live, "no such instance profile")
    return check.judge(f"it has {', '.join(live) or 'no role'}", same=live == (CONTROLLERS_ROLE,))


def _has_controllers(site: SiteDeployment) -> bool:
    return any(each.controllers for each in site.section.sites.values())


def team(site: SiteDeployment) -> list[str]:
    """Return the ARNs of the directory team's roles."""
    return role_arns(site.section.administrator_roles, site.scope)


def deployers_of(site: SiteDeployment, policy: Mapping[str, Any] | None) -> list[str]:
    """Return the ARNs of the principals that run the program, as a policy names them.

    Without `deployerRoles` that is the principal that ran the last update. The settings do not name it, so it is read
    from the policy: if the policy names one principal besides the directory team, it is that one; if several, none.
    """
    if site.section.deployer_roles:
        return deployers(site.section.deployer_roles, "", site.scope)
    stem = site.scope.iam("role/")
    readers = secret_readers(site.section, site.scope)
    known = {*team(site), *readers, *(f"{stem}{each}" for each in site.section.administrator_roles)}
    more = sorted(set(_principals(policy or {})) - known)
    names = {each.rsplit("/", 1)[-1] for each in more}
    if len(names) != 1 or "*" in names.pop():
        return []
    of_role = [f"{stem}*/{more[0].rsplit('/', 1)[-1]}", f"{stem}{more[0].rsplit('/', 1)[-1]}"]
    return more if more == of_role or (len(more) == 1 and "*" not in more[0]) else []


def _principals(policy: Mapping[str, Any]) -> Iterator[str]:
    statements: Any = policy.get("Statement", [])
    for statement in cast("list[dict[str, Any]]", statements if isinstance(statements, list) else [statements]):
        conditions: dict[str, dict[str, Any]] = statement.get("Condition", {})
        for keys in conditions.values():
            named = keys.get(_PRINCIPAL, [])
            yield from [named] if isinstance(named, str) else named
