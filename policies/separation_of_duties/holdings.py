"""What somebody holds of all that a stack gives, judged together: what one policy denies another does not allow."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from policies.findings import Violation
from policies.separation_of_duties.aws_managed import name_of
from policies.separation_of_duties.identity_policies import CARRIERS, POLICY, held_in, holds
from policies.separation_of_duties.judging import POLICIES, described

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from components.iam.documents import Policy
    from components.iam.evaluation import Grant
    from policies.findings import Findings, Resource
    from policies.separation_of_duties.identity_policies import Held
    from policies.stack import Stack

_NAMES_A_ROLE: Final = ("role", "roles", "roleName")


@dataclass(frozen=True, kw_only=True, eq=False)
class Holding:
    """A policy that somebody has.

    Attributes:
        carrier: the resource that the policy's document is in, or that attaches what AWS manages.
        held: as the carrier has it.
    """

    carrier: Resource
    held: Held

    @property
    def policy(self) -> Policy | None:
        """What can be judged."""
        return self.held.reading.policy if self.held.reading else None


def judgeable(holdings: Iterable[Holding]) -> tuple[Policy, ...]:
    """The policies among what somebody holds that can be judged."""
    return tuple(each.policy for each in holdings if each.policy)


def held_by_holder(stack: Stack) -> Mapping[str, list[Holding]]:
    """What everybody holds who is known by name: `role/Operator`, `user/...` and so on."""
    managed = _managed_in(stack)
    found: dict[str, list[Holding]] = {}
    for carrier in stack.of(*CARRIERS):
        for held in held_in(carrier):
            for holder in held.holders:
                if isinstance(holder, str):
                    found.setdefault(holder, []).extend(_given(carrier, held, managed))
    return found


def held_by_role(role: Resource, stack: Stack) -> tuple[Holding, ...]:
    """What a role of the stack holds, also where its name is not known yet."""
    managed, name = _managed_in(stack), f"role/{role.value('name')}"
    return tuple(
        holding
        for carrier in stack.of(*CARRIERS)
        for held in held_in(carrier)
        if carrier.urn == role.urn
        or any(carrier.refers(each, role) for each in _NAMES_A_ROLE)
        or any(holds(holder, name) for holder in held.holders)
        for holding in _given(carrier, held, managed)
    )


class Report:
    """Tells of each policy of a stack once, however many hold it."""

    def __init__(self, settings: Mapping[str, Sequence[str]], of_aws: frozenset[str]) -> None:
        """Begins.

        Args:
            settings: the rule's parameters, `POLICIES` among them.
            of_aws: policies that AWS manages and that let do what the rule is about.
        """
        self._admitted, self._of_aws = settings[POLICIES.name], of_aws
        self._told: set[tuple[str, str]] = set()

    def on(self, holdings: Iterable[Holding], found: Sequence[Grant], expected: str) -> Findings:
        """Violations, and advice where a policy is not known yet.

        Args:
            holdings: of somebody.
            found: the statements among them that let do what the rule is about.
            expected: for the message.
        """
        for holding in holdings:
            held, carrier = holding.held, holding.carrier
            place = (carrier.urn, held.property)
            if place in self._told or any(fnmatchcase(held.name, pattern) for pattern in self._admitted):
                continue
            if text := self._let(holding, found):
                self._told.add(place)
                yield Violation(held.property, text, expected, about=carrier)
            elif held.reading and not held.reading.is_complete:
                self._told.add(place)
                yield carrier.unseen(held.property)

    def _let(self, holding: Holding, found: Sequence[Grant]) -> str:
        here = [each for each in found if each.policy is holding.policy]
        of_aws = name_of(holding.held.arn) if isinstance(holding.held.arn, str) else ""
        return described(here) if here else f"{of_aws}, which AWS manages" if of_aws in self._of_aws else ""


def _managed_in(stack: Stack) -> list[tuple[Resource, Held]]:
    return [(policy, held) for policy in stack.of(POLICY) for held in held_in(policy)]


def _given(carrier: Resource, held: Held, managed: list[tuple[Resource, Held]]) -> list[Holding]:
    itself = [Holding(carrier=carrier, held=held)]
    return itself if held.reading else list(_attached(carrier, held, managed)) or itself


def _attached(carrier: Resource, held: Held, managed: list[tuple[Resource, Held]]) -> Iterator[Holding]:
    """The policies of the stack that an attachment names."""
    name = held.property.partition("[")[0]
    for policy, document in managed:
        if carrier.refers(name, policy):
            yield Holding(carrier=policy, held=document)
