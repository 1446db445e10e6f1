"""Sizes of the generated rule, runbook and policy, which contain the names of excluded roles. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.limits import DOCUMENT, GUARD_RULE, ROLE_POLICIES, TRUST_POLICY, Generated, size
from components.adoption.document_content import published_bytes
from components.nodes.names import NodesPlace
from components.nodes.remediation import remediation_role_policy, remediation_trust, runbook
from components.nodes.role_rule import role_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from components.account import Account
    from components.nodes.settings import RoleComplianceSettings


def generated_texts(
    settings: RoleComplianceSettings, account: Account, policy_names: Sequence[str]
) -> Iterator[Generated]:
    """Yield each generated resource whose size depends on settings, with its size.

    Args:
        settings: `shell-access:nodes.roleCompliance`.
        account: Account of the stack.
        policy_names: Names of the instance policies.
    """
    place = NodesPlace(partition=account.partition, account_id=account.id)
    arns, excluded = [place.iam(f"policy/{name}") for name in policy_names], sorted(settings.excluded_roles)
    measured = {
        "the rule about instance roles": (len(role_rule(arns, excluded)), GUARD_RULE),
        "the policy of the remediation's role": (size(remediation_role_policy(place, arns, excluded)), ROLE_POLICIES),
        "the trust policy of the remediation's role": (size(remediation_trust(place)), TRUST_POLICY),
        "the remediation's runbook": (published_bytes(runbook(place, arns, excluded)), DOCUMENT),
    }
    for what, (length, quota) in measured.items():
        yield Generated(
            what=what,
            size=length,
            quota=quota,
            path=("nodes", "roleCompliance", "excludedRoles"),
            given=f"{len(excluded)} excluded roles and {len(arns)} instance policies",
            fix="Exclude fewer roles",
        )
