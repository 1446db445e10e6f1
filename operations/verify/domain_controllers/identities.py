"""IAM resources of an account with domain controllers: the controllers' role and profile, and the managed policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from components.domain_controllers.iam_policies import deployers, managed_policies, role_arns, trust_policy
from components.domain_controllers.names import ACCESS_RESTRICTION_POLICY, CONTROLLERS_ROLE, PORT_FORWARDING_POLICY
from components.domain_controllers.operations.promotion import secret_readers
from operations.inventory.iam import NO_ENTITY, read_policy, read_role
from operations.inventory.reader import Answer, Reader, ReadFailure
from operations.verify.findings import Check
from operations.verify.policies import DesiredRole, policy_finding, role_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.deployment import SiteDeployment
    from operations.findings import Finding

_PRINCIPAL: Final = "aws:PrincipalArn"
_CHECKS: Final = {
    PORT_FORWARDING_POLICY: "directory-port-forwarding-policy",
    ACCESS_RESTRICTION_POLICY: "directory-access-restriction-policy",
}
"""Checks of the policies that are not the controllers' own."""


def identity_findings(reader: Reader, site: SiteDeployment, instance_policies: Sequence[str]) -> list[Finding]:
    """Read and compare managed policies, and the role and the instance profile of controllers."""
    names = list(managed_policies(site.section, site.scope))
    findings = [_policy(reader, site, name) for name in names]
    if not any(each.controllers for each in site.section.sites.values()):
        return findings
    own = (name for name in names if name not in _CHECKS)
    role = DesiredRole(
        check="directory-instance-role",
        name=CONTROLLERS_ROLE,
        trust=trust_policy(site.deployment.partition),
        attached=frozenset(site.scope.iam(f"policy/{name}") for name in (*own, *instance_policies)),
        inline={},
        boundary=site.boundary,
    )
    live = read_role(reader, CONTROLLERS_ROLE)
    return [*findings, role_finding(site.deployment, role, live), _profile(reader, site)]


def _policy(reader: Reader, site: SiteDeployment, name: str) -> Finding:
    check, live = _CHECKS.get(name, "directory-agent-policy"), read_policy(reader, site.scope.iam(f"policy/{name}"))
    if live is None or isinstance(live, ReadFailure):
        exists = Check(check, f"managed policy {name} exists", site.deployment.repair)
        return exists.report_missing(live, "no such policy")
    known = None if isinstance(live.content, ReadFailure) else live.content
    desired = managed_policies(site.section, site.scope, deployers_of(site, known))[name]
    return policy_finding(check, site.deployment, desired, live.content)


def _profile(reader: Reader, site: SiteDeployment) -> Finding:
    expected = f"instance profile {CONTROLLERS_ROLE} has the role of its name"
    check = Check("directory-instance-profile", expected, site.deployment.repair)
    live = reader.read("iam", "get_instance_profile", absent=NO_ENTITY, InstanceProfileName=CONTROLLERS_ROLE)

    def differences(answer: Answer) -> list[str]:
        roles = [str(each["RoleName"]) for each in answer["InstanceProfile"].get("Roles", ())]
        return [] if roles == [CONTROLLERS_ROLE] else [f"it has {', '.join(roles) or 'no role'}"]

    return check.compare(live, differences, "no such instance profile")


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
