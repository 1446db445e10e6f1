"""All policies that a stack attaches to a principal, evaluated together: a Deny of one applies to the others."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from policies.findings import Violation
from policies.separation_of_duties.aws_managed import name_of
from policies.separation_of_duties.identity_policies import CARRIERS, POLICY, held_in, holds
from policies.separation_of_duties.resource_checks import POLICIES, described

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from components.iam.documents import Policy
    from components.iam.evaluation import Grant
    from policies.findings import Findings, Resource
    from policies.separation_of_duties.identity_policies import Held
    from policies.stack import Stack

_NAMES_A_ROLE: Final = ("role", "roles", "roleName")


@dataclass(frozen=True, kw_only=True, eq=False)
class AttachedPolicy:
    """A policy of a principal.

    Attributes:
        carrier: Resource with the policy document, or that attaches an AWS managed policy.
        held: The policy in the carrier.
    """

    carrier: Resource
    held: Held

    @property
    def policy(self) -> Policy | None:
        """Policy that can be evaluated."""
        return self.held.reading.policy if self.held.reading else None


def judgeable(attached_policies: Iterable[AttachedPolicy]) -> tuple[Policy, ...]:
    """Return the policies that can be evaluated."""
    return tuple(each.policy for each in attached_policies if each.policy)


def held_by_holder(stack: Stack) -> Mapping[str, list[AttachedPolicy]]:
    """Return the policies of each principal with a known name: `role/Operator`, `user/...`."""
    managed = _managed_in(stack)
    found: dict[str, list[AttachedPolicy]] = {}
    for carrier in stack.of(*CARRIERS):
        for held in held_in(carrier):
            for holder in held.holders:
                if isinstance(holder, str):
                    found.setdefault(holder, []).extend(_given(carrier, held, managed))
    return found


def held_by_role(role: Resource, stack: Stack) -> tuple[AttachedPolicy, ...]:
    """Return the policies of a role of the stack, also where its name is not known yet."""
    managed, name = _managed_in(stack), f"role/{role.value('name')}"
    return tuple(
        attached
        for carrier in stack.of(*CARRIERS)
        for held in held_in(carrier)
        if carrier.urn == role.urn
        or any(carrier.refers(each, role) for each in _NAMES_A_ROLE)
        or any(holds(holder, name) for holder in held.holders)
        for attached in _given(carrier, held, managed)
    )


class Report:
    """Reports each policy of a stack once, even if several principals have it."""

    def __init__(self, settings: Mapping[str, Sequence[str]], of_aws: frozenset[str]) -> None:
        """Initialize the report.

        Args:
            settings: Parameters of the rule, including `POLICIES`.
            of_aws: AWS managed policies that allow what the rule is about.
        """
        self._admitted, self._of_aws = settings[POLICIES.name], of_aws
        self._reported: set[tuple[str, str]] = set()

    def on(self, attached_policies: Iterable[AttachedPolicy], found: Sequence[Grant], expected: str) -> Findings:
        """Return violations, and unseen properties where a policy is not known yet.

        Args:
            attached_policies: Policies of a principal.
            found: Statements that allow what the rule is about.
            expected: Expected value, for the message.
        """
        for attached in attached_policies:
            held, carrier = attached.held, attached.carrier
            place = (carrier.urn, held.property)
            if place in self._reported or any(fnmatchcase(held.name, pattern) for pattern in self._admitted):
                continue
            if text := self._let(attached, found):
                self._reported.add(place)
                yield Violation(held.property, text, expected, about=carrier)
            elif held.reading and not held.reading.is_complete:
                self._reported.add(place)
                yield carrier.unseen(held.property)

    def _let(self, attached: AttachedPolicy, found: Sequence[Grant]) -> str:
        here = [each for each in found if each.policy is attached.policy]
        of_aws = name_of(attached.held.arn) if isinstance(attached.held.arn, str) else ""
        return described(here) if here else f"{of_aws}, which AWS manages" if of_aws in self._of_aws else ""


def _managed_in(stack: Stack) -> list[tuple[Resource, Held]]:
    return [(policy, held) for policy in stack.of(POLICY) for held in held_in(policy)]


def _given(carrier: Resource, held: Held, managed: list[tuple[Resource, Held]]) -> list[AttachedPolicy]:
    itself = [AttachedPolicy(carrier=carrier, held=held)]
    return itself if held.reading else list(_attached(carrier, held, managed)) or itself


def _attached(carrier: Resource, held: Held, managed: list[tuple[Resource, Held]]) -> Iterator[AttachedPolicy]:
    """Return the policies of the stack that an attachment names."""
    name = held.property.partition("[")[0]
    for policy, document in managed:
        if carrier.refers(name, policy):
            yield AttachedPolicy(carrier=policy, held=document)
