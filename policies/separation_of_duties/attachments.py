"""All policies that a stack attaches to a principal, evaluated together: a Deny of one applies to the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from common.json_values import listed
from policies.findings import IDENTITIES, Findings, Resource
from policies.separation_of_duties.aws_managed import name_of
from policies.separation_of_duties.identity_policies import CARRIERS, POLICY, Held, held_in
from policies.separation_of_duties.resource_checks import POLICIES, described

if TYPE_CHECKING:
    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.stack import Stack

_NAMES_A_ROLE: Final = ("role", "roles", "roleName")


@dataclass(frozen=True, kw_only=True, eq=False)
class AttachedPolicy:
    """A policy of a principal, in the resource with the document, or that attaches an AWS managed policy."""

    carrier: Resource
    held: Held

    @property
    def policy(self) -> Policy | None:
        """Policy that can be evaluated."""
        return self.held.reading.policy if self.held.reading else None


def judgeable(attached_policies: Iterable[AttachedPolicy]) -> tuple[Policy, ...]:
    """Return the policies that can be evaluated."""
    return tuple(each.policy for each in attached_policies if each.policy)


class AttachedPolicies:
    """Policies of the principals of a stack.

    A stack with thousands of roles has as many policies, so each policy is looked up by the references to it.
    """

    def __init__(self, stack: Stack) -> None:
        """Read every policy and attachment of a stack."""
        managed = [(policy, held) for policy in stack.of(POLICY) for held in held_in(policy)]
        managed_by_key = _positions(_own_keys(policy) for policy, _ in managed)
        self._carried = [(carrier, held) for carrier in stack.of(*CARRIERS) for held in held_in(carrier)]
        self._given = [
            _given(carrier, held, [managed[each] for each in _found(managed_by_key, _attached_keys(carrier, held))])
            for carrier, held in self._carried
        ]
        self._by_role_key = _positions(_role_keys(carrier, held) for carrier, held in self._carried)

    def by_holder(self) -> Mapping[str, list[AttachedPolicy]]:
        """Return the policies of each principal with a known name: `role/Operator`, `user/...`."""
        found: dict[str, list[AttachedPolicy]] = {}
        for (_, held), given in zip(self._carried, self._given, strict=True):
            for holder in held.holders:
                if isinstance(holder, str):
                    found.setdefault(holder, []).extend(given)
        return found

    def of_role(self, role: Resource) -> tuple[AttachedPolicy, ...]:
        """Return the policies of a role of the stack, also where its name is not known yet."""
        keys = [*_own_keys(role), (_Key.HOLDER, f"role/{role.value('name')}".lower())]
        return tuple(attached for each in _found(self._by_role_key, keys) for attached in self._given[each])


class _Key(Enum):
    """Reference of one resource to another."""

    URN = auto()
    VALUE = auto()
    HOLDER = auto()


_Keys = Iterable[tuple[_Key, str]]


def _own_keys(resource: Resource) -> _Keys:
    """Return the keys by which others refer to a resource."""
    values = (resource.value(each) for each in IDENTITIES)
    return [(_Key.URN, resource.urn), *((_Key.VALUE, each) for each in values if isinstance(each, str))]


def _referred_keys(resource: Resource, name: str) -> _Keys:
    """Return the keys that a property refers to."""
    value = resource.value(name)
    sources = ((_Key.URN, urn) for urn in resource.sources.get(name, ()))
    return [*sources, *((_Key.VALUE, each) for each in listed(value) if isinstance(each, str))]


def _attached_keys(carrier: Resource, held: Held) -> _Keys:
    return [] if held.reading else _referred_keys(carrier, held.property.partition("[")[0])


def _role_keys(carrier: Resource, held: Held) -> _Keys:
    return [
        (_Key.URN, carrier.urn),
        *(key for name in _NAMES_A_ROLE for key in _referred_keys(carrier, name)),
        *((_Key.HOLDER, each.lower()) for each in held.holders if isinstance(each, str)),
    ]


def _positions(all_keys: Iterable[_Keys]) -> dict[tuple[_Key, str], list[int]]:
    found: dict[tuple[_Key, str], list[int]] = {}
    for position, keys in enumerate(all_keys):
        for key in keys:
            found.setdefault(key, []).append(position)
    return found


def _found(positions: Mapping[tuple[_Key, str], list[int]], keys: _Keys) -> list[int]:
    return sorted({position for key in keys for position in positions.get(key, ())})


class PolicyReporter:
    """Reports each policy of a stack once, even if several principals have it."""

    def __init__(self, settings: Mapping[str, Sequence[str]], of_aws: frozenset[str]) -> None:
        """Initialize the report."""
        self._admitted, self._of_aws = settings[POLICIES.name], of_aws
        self._reported: set[tuple[str, str]] = set()

    def on(
        self, attached_policies: Iterable[AttachedPolicy], found: Sequence[AllowingStatement], expected: str
    ) -> Findings:
        """Return violations, and unseen properties where a policy is not known yet."""
        for attached in attached_policies:
            held, carrier = attached.held, attached.carrier
            place = (carrier.urn, held.property)
            if place in self._reported or any(fnmatchcase(held.name, pattern) for pattern in self._admitted):
                continue
            if text := self._let(attached, found):
                self._reported.add(place)
                yield carrier.violation(held.property, expected, found=text)
            elif held.reading and not held.reading.is_complete:
                self._reported.add(place)
                yield carrier.unseen(held.property)

    def _let(self, attached: AttachedPolicy, found: Sequence[AllowingStatement]) -> str:
        here = [each for each in found if each.policy is attached.policy]
        of_aws = name_of(attached.held.arn) if isinstance(attached.held.arn, str) else ""
        return described(here) if here else f"{of_aws}, which AWS manages" if of_aws in self._of_aws else ""


def _given(carrier: Resource, held: Held, attached: list[tuple[Resource, Held]]) -> list[AttachedPolicy]:
    """Return the policies of the stack that an attachment names, or the carrier itself."""
    if attached:
        return [AttachedPolicy(carrier=policy, held=document) for policy, document in attached]
    return [AttachedPolicy(carrier=carrier, held=held)]
