"""IAM resources of an account with domain controllers: the controllers' role and profile, and the managed policies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from components.domain_controllers import access_restriction_policy, instance_role, port_forwarding_policy
from components.domain_controllers.key_policy import deployers, role_arns
from components.domain_controllers.operations.plan import role_statements
from components.domain_controllers.operations.promotion import secret_readers
from components.domain_controllers.settings import ManagementAccess
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
    names = _policy_names(site)
    policies = {name: read_policy(reader, _policy_arn(site, name)) for name in names}
    if not _has_controllers(site):
        return IdentityFacts(policies=policies)
    return IdentityFacts(
        policies=policies, role=read_role(reader, instance_role.NAME), profile_roles=_profile_roles(reader)
    )


def _profile_roles(reader: Reader) -> tuple[str, ...] | ReadFailure | None:
    named = {"InstanceProfileName": instance_role.NAME}
    answer = reader.read("iam", "get_instance_profile", absent=("NoSuchEntity",), **named)
    if answer is None or isinstance(answer, ReadFailure):
        return answer
    roles: list[Answer] = answer["InstanceProfile"].get("Roles", [])
    return tuple(str(each["RoleName"]) for each in roles)


def identity_findings(
    site: SiteDeployment, live: IdentityFacts, *, instance_policies: tuple[str, ...]
) -> list[Finding]:
    """Compare managed policies, and the role and the instance profile of controllers."""
    findings = [
        _policy(site, check, name, live.policies[name]) for check, name in _checks().items() if name in live.policies
    ]
    if not _has_controllers(site):
        return findings
    attached = [instance_role.NAME, *instance_policies]
    role = DesiredRole(
        check="directory-instance-role",
        name=instance_role.NAME,
        trust=instance_role.trust_policy(site.deployment.partition),
        attached=frozenset(_policy_arn(site, name) for name in attached),
        inline={},
        boundary=site.boundary,
    )
    return [*findings, role_finding(site.deployment, role, live.role), _profile(site, live.profile_roles)]


def _policy(site: SiteDeployment, check: str, name: str, live: PolicyFacts | ReadFailure | None) -> Finding:
    if live is None or isinstance(live, ReadFailure):
        exists = Check(check, f"managed policy {name} exists", site.deployment.repair)
        return exists.report_missing(live, "no such policy")
    return policy_finding(check, site.deployment, _content(site, name, live.content), live.content)


def _profile(site: SiteDeployment, live: tuple[str, ...] | ReadFailure | None) -> Finding:
    expected = f"instance profile {instance_role.NAME} has the role of its name"
    check = Check("directory-instance-profile", expected, site.deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return check.report_missing(live, "no such instance profile")
    return check.judge(f"it has {', '.join(live) or 'no role'}", same=live == (instance_role.NAME,))


def _checks() -> dict[str, str]:
    return {
        "directory-agent-policy": instance_role.NAME,
        "directory-port-forwarding-policy": port_forwarding_policy.POLICY_NAME,
        "directory-access-restriction-policy": access_restriction_policy.POLICY_NAME,
    }


def _policy_names(site: SiteDeployment) -> list[str]:
    """Return the names of the policies that the settings define."""
    section = site.section
    conditions = {
        instance_role.NAME: _has_controllers(site),
        port_forwarding_policy.POLICY_NAME: section.management_access is ManagementAccess.SESSION_MANAGER,
        access_restriction_policy.POLICY_NAME: bool(section.administrator_roles),
    }
    return [name for name, is_required in conditions.items() if is_required]


def _has_controllers(site: SiteDeployment) -> bool:
    return any(each.controllers for each in site.section.sites.values())


def _policy_arn(site: SiteDeployment, name: str) -> str:
    return site.deployment.iam_arn(f"policy/{name}")


def _content(site: SiteDeployment, name: str, live: Mapping[str, Any] | ReadFailure) -> dict[str, Any]:
    partition, account_id, section = site.deployment.partition, site.deployment.account_id, site.section
    if name == instance_role.NAME:
        scopes = [replace(site.scope, region=region) for region in section.sites]
        return instance_role.agent_policy(role_statements(section, scopes))
    if name == port_forwarding_policy.POLICY_NAME:
        return port_forwarding_policy.port_forwarding_policy(
            partition=partition, account_id=account_id, require_mfa=section.require_mfa
        )
    found = None if isinstance(live, ReadFailure) else live
    return access_restriction_policy.access_restriction_policy(
        partition=partition,
        account_id=account_id,
        team_roles=section.administrator_roles,
        deployer_arns=[*team(site), *deployers_of(site, found)],
        dedicated_account=section.dedicated_account,
        secret_readers=secret_readers(section, partition=partition, account_id=account_id),
    )


def team(site: SiteDeployment) -> list[str]:
    """Return the ARNs of the directory team's roles."""
    return role_arns(
        site.section.administrator_roles, partition=site.deployment.partition, account_id=site.deployment.account_id
    )


def deployers_of(site: SiteDeployment, policy: Mapping[str, Any] | None) -> list[str]:
    """Return the ARNs of the principals that run the program, as a policy names them.

    Without `deployerRoles` that is the principal that ran the last update. The settings do not name it, so it is read
    from the policy: if the policy names one principal besides the directory team, it is that one; if several, none.
    """
    partition, account_id = site.deployment.partition, site.deployment.account_id
    if site.section.deployer_roles:
        return deployers(site.section.deployer_roles, "", partition=partition, account_id=account_id)
    stem = f"arn:{partition}:iam::{account_id}:role/"
    readers = secret_readers(site.section, partition=partition, account_id=account_id)
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
