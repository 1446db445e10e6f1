"""Decisions about access to a node: the manual policy that applies, and who is approved automatically. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from components.just_in_time.cedar import INSTANCE, MANAGED_INSTANCE, Person, is_approved, policy_errors, references

if TYPE_CHECKING:
    from components.just_in_time.documents import ManualRule
    from operations.inventory.just_in_time import ManagedNode, Policies

_HOUR = 3600
ANY_USER = "any user"


class Outcome(StrEnum):
    """Outcome of a request for a node that is not approved automatically."""

    MANUAL = "manual"
    """One policy applies: its approvers decide."""
    NO_POLICY = "noPolicy"
    """No policy applies: AWS refuses the request."""
    CONFLICT = "conflict"
    """Several policies apply: the request fails."""
    UNKNOWN = "cannotTell"
    """A policy has content that this program does not know."""


@dataclass(frozen=True, kw_only=True)
class AccessDecision:
    """Decision about one node.

    Attributes:
        node: The node.
        outcome: Outcome of a request that is not approved automatically.
        policies: Manual policies that apply.
        approved: Users and groups that need no approval, each alone: `group 3468...`, `user 3468...`, `any user`.
        depends_on: User attributes and `principalTags` that automatic approval compares: others may be approved, too.
        may_be_denied: Whether the organization's deny-access policy may forbid automatic approval.
        unknown: Reasons for which the decision is not certain.
    """

    node: ManagedNode
    outcome: Outcome
    policies: tuple[ManualRule, ...] = ()
    approved: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    may_be_denied: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Return whether exactly one manual policy, or automatic approval alone, decides, and all is known."""
        automatic = self.outcome is Outcome.NO_POLICY and bool(self.approved)
        return not self.unknown and (self.outcome is Outcome.MANUAL or automatic)


def decide(node: ManagedNode, policies: Policies) -> AccessDecision:
    """Return the decision about a node.

    Source: Systems Manager User Guide, "Create approval policies for your nodes": deny, automatic, then manual approval.

    Args:
        node: The node.
        policies: Policies of its Region.
    """
    manual = tuple(each for each in policies.manual if each.matches(node.tags))
    errors = [f"the auto-approval policy: {each}" for each in policy_errors(policies.cedar)] if policies.cedar else []
    unknown = (*policies.unknown, *errors)
    outcome = Outcome.MANUAL if manual else Outcome.NO_POLICY
    if len(manual) > 1:
        outcome = Outcome.CONFLICT
    elif unknown:
        outcome = Outcome.UNKNOWN
    approved, depends_on = _automatic(node, policies) if policies.cedar and not errors else ((), ())
    return AccessDecision(
        node=node,
        outcome=outcome,
        policies=manual,
        approved=approved,
        depends_on=depends_on,
        may_be_denied=policies.has_deny_policy,
        unknown=unknown,
    )


def _automatic(node: ManagedNode, policies: Policies) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return who is approved, each alone, and what else the policies compare."""
    named = references(policies.cedar)
    people = {
        ANY_USER: Person(),
        **{f"group {each}": Person(groups=(each,)) for each in named.groups},
        **{f"user {each}": Person(id=each) for each in named.users},
    }
    kind = INSTANCE if node.is_instance else MANAGED_INSTANCE
    answers = is_approved(policies.cedar, list(people.values()), kind, node.tags)
    approved = tuple(label for label, answer in zip(people, answers, strict=True) if answer)
    return approved, named.needs_attributes


def plain(decision: AccessDecision) -> dict[str, Any]:
    """Return a decision as part of a JSON document."""
    return {
        "nodeId": decision.node.id,
        "name": decision.node.name,
        "region": decision.node.region,
        "outcome": decision.outcome.value,
        "manualPolicies": [
            {
                "name": each.name,
                "accessDurationHours": each.seconds / _HOUR,
                "levels": [
                    {"approvers": list(level.approvers), "minRequiredApprovals": level.required}
                    for level in each.levels
                ],
            }
            for each in decision.policies
        ],
        "approvedAutomatically": list(decision.approved),
        "automaticApprovalDependsOn": list(decision.depends_on),
        "denyPolicyInForce": decision.may_be_denied,
        "unknown": list(decision.unknown),
    }
