"""IAM resources of an account with domain controllers: the controllers' role and profile, and the managed policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from components.domain_controllers import access_restriction_policy, instance_role, port_forwarding_policy
from components.domain_controllers.key_policy import deployers, role_arns
from components.domain_controllers.settings import ManagementAccess
from operations.inventory.iam import RoleFacts, read_policy, read_role
from operations.reading import Answer, Reader, Unread
from operations.verify.findings import Finding, cannot_tell, compared
from operations.verify.policy_document import policy_finding
from operations.verify.roles import WantedRole, role_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from operations.desired import AskedSite
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

    policies: Mapping[str, PolicyFacts | Unread | None]
    role: RoleFacts | Unread | None = None
    profile_roles: tuple[str, ...] | Unread | None = None


def read_identities(reader: Reader, wanted: AskedSite) -> IdentityFacts:
    """Read the IAM resources of domain controllers.

    Args:
        reader: Reader of any Region.
        wanted: Settings of the Region where the stack keeps resources that exist once per account.
    """
    names = _policy_names(wanted)
    policies = {name: read_policy(reader, _policy_arn(wanted, name)) for name in names}
    if not _has_controllers(wanted):
        return IdentityFacts(policies=policies)
    return IdentityFacts(
        policies=policies, role=read_role(reader, instance_role.NAME), profile_roles=_profile_roles(reader)
    )


def _profile_roles(reader: Reader) -> tuple[str, ...] | Unread | None:
    named = {"InstanceProfileName": instance_role.NAME}
    answer = reader.read("iam", "get_instance_profile", absent=("NoSuchEntity",), **named)
    if answer is None or isinstance(answer, Unread):
        return answer
    roles: list[Answer] = answer["InstanceProfile"].get("Roles", [])
    return tuple(str(each["RoleName"]) for each in roles)


def identity_findings(wanted: AskedSite, live: IdentityFacts, *, instance_policies: tuple[str, ...]) -> list[Finding]:
    """Compare managed policies, and the role and the instance profile of controllers.

    Args:
        wanted: Settings of the Region where the stack keeps resources that exist once per account.
        live: IAM resources of the account.
        instance_policies: Names of the policies that managed sessions require.
    """
    findings = [
        _policy(wanted, check, name, live.policies[name]) for check, name in _checks().items() if name in live.policies
    ]
    if not _has_controllers(wanted):
        return findings
    attached = [instance_role.NAME, *instance_policies]
    role = WantedRole(
        check="directory-instance-role",
        name=instance_role.NAME,
        trust=instance_role.trust_policy(wanted.partition),
        attached=frozenset(_policy_arn(wanted, name) for name in attached),
        inline={},
        boundary=wanted.boundary,
    )
    return [*findings, role_finding(wanted.asked, role, live.role), _profile(wanted, live.profile_roles)]


def _policy(wanted: AskedSite, check: str, name: str, live: PolicyFacts | Unread | None) -> Finding:
    expected = f"managed policy {name} exists"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    if live is None:
        return compared(check, same=False, expected=expected, found="no such policy", remedy=wanted.asked.repair)
    return policy_finding(check, wanted.asked, _content(wanted, name, live.content), live.content)


def _profile(wanted: AskedSite, live: tuple[str, ...] | Unread | None) -> Finding:
    check, expected = "directory-instance-profile", f"instance profile {instance_role.NAME} has the role of its name"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    found = "no such instance profile" if live is None else f"it has {', '.join(live) or 'no role'}"
    same = live == (instance_role.NAME,)
    return compared(check, same=same, expected=expected, found=found, remedy=wanted.asked.repair)


def _checks() -> dict[str, str]:
    return {
        "directory-agent-policy": instance_role.NAME,
        "directory-port-forwarding-policy": port_forwarding_policy.POLICY_NAME,
        "directory-access-restriction-policy": access_restriction_policy.POLICY_NAME,
    }


def _policy_names(wanted: AskedSite) -> list[str]:
    """Return the names of the policies that the settings define."""
    section = wanted.section
    conditions = {
        instance_role.NAME: _has_controllers(wanted),
        port_forwarding_policy.POLICY_NAME: section.management_access is ManagementAccess.SESSION_MANAGER,
        access_restriction_policy.POLICY_NAME: bool(section.administrator_roles),
    }
    return [name for name, is_asked in conditions.items() if is_asked]


def _has_controllers(wanted: AskedSite) -> bool:
    return any(each.controllers for each in wanted.section.sites.values())


def _policy_arn(wanted: AskedSite, name: str) -> str:
    return f"arn:{wanted.partition}:iam::{wanted.asked.account_id}:policy/{name}"


def _content(wanted: AskedSite, name: str, live: Mapping[str, Any] | Unread) -> dict[str, Any]:
    partition, account_id, section = wanted.partition, wanted.asked.account_id, wanted.section
    if name == instance_role.NAME:
        return instance_role.agent_policy()
    if name == port_forwarding_policy.POLICY_NAME:
        return port_forwarding_policy.port_forwarding_policy(
            partition=partition, account_id=account_id, require_mfa=section.require_mfa
        )
    found = None if isinstance(live, Unread) else live
    return access_restriction_policy.access_restriction_policy(
        partition=partition,
        account_id=account_id,
        team_roles=section.administrator_roles,
        deployer_arns=[*team(wanted), *deployers_of(wanted, found)],
    )


def team(wanted: AskedSite) -> list[str]:
    """Return the ARNs of the directory team's roles."""
    return role_arns(wanted.section.administrator_roles, partition=wanted.partition, account_id=wanted.asked.account_id)


def deployers_of(wanted: AskedSite, policy: Mapping[str, Any] | None) -> list[str]:
    """Return the ARNs of the principals that run the program, as a policy names them.

    Without `deployerRoles` that is the principal that ran the last update. The settings do not name it, so it is read
    from the policy: if the policy names one principal besides the directory team, it is that one; if several, none.

    Args:
        wanted: Settings of the Region.
        policy: The policy of the account; None: not known.
    """
    partition, account_id = wanted.partition, wanted.asked.account_id
    if wanted.section.deployer_roles:
        return deployers(wanted.section.deployer_roles, "", partition=partition, account_id=account_id)
    stem = f"arn:{partition}:iam::{account_id}:role/"
    known = {*team(wanted), *(f"{stem}{each}" for each in wanted.section.administrator_roles)}
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
