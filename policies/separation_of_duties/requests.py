"""Requests that somebody, whoever it is, could make: the keys of which conditions are worth what they cost to meet.

A rule of the pack knows neither who will hold a policy nor from where. So whatever a condition compares counts as met,
and as not met, unless the key is one that decides the rule. What cannot be told counts as allowed.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from components.iam.choices import Choice, any_value, situations
from components.iam.context import ABSENT, UNKNOWN, known
from components.iam.evaluation import Grant, Permissions, Target, grants
from components.iam.variables import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.iam.documents import Policy, Statement

SOMEBODY: Final = "arn:aws:iam::111122223333:role/somebody"
APPROVED: Final = "i-0feedfacecafebeef"
"""The instance that was approved."""

_IDS: Final = tuple(
    Choice(known(each)) for each in ("i-0123456789abcdef0", "mi-0123456789abcdef0", "0123456789abcdef0")
)
"""What a variable may stand for in the ARN of a node."""

_WHO: Final = "aws:principalarn"
_PARTITION: Final = re.compile(r"arn:(aws-[a-z-]+):")


class Requests:
    """Knowledge of requests of which a rule fixes some keys.

    A key that ends in a slash is a prefix.
    """

    def __init__(self, given: Mapping[str, tuple[Choice, ...]], admitted: Sequence[str] = ()) -> None:
        """Fixes keys.

        Args:
            given: by key in small letters.
            admitted: principals that may do what the rule is about: `role/Administrator`, with wildcards.
        """
        self._given, self._admitted = given, admitted

    def fixes(self, key: str) -> bool:
        """Whether the rule itself says what a key can be."""
        return key in self._given or any(start.endswith("/") and key.startswith(start) for start in self._given)

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        """What somebody can make of a key."""
        found = self._given.get(key) or next(
            (choices for start, choices in self._given.items() if start.endswith("/") and key.startswith(start)), None
        )
        if found is not None:
            return found
        if key == _WHO:
            others = tuple(each for each in mentioned if not is_admitted(each.partition("::")[2], self._admitted))
            return (Choice(known(SOMEBODY)), *any_value(others, optional=False)[1:])
        return any_value(mentioned)


def is_admitted(principal: str, admitted: Iterable[str]) -> bool:
    """Whether a principal is among those admitted.

    Args:
        principal: `role/Name`, with an account number and a path or without.
        admitted: `role/Name`, with wildcards.
    """
    kind, _, name = principal.partition("/")
    if kind != "permission-set":
        kind, name = kind.rpartition(":")[2], name.rpartition("/")[2]
    return any(fnmatchcase(f"{kind}/{name}".lower(), each.lower()) for each in admitted)


class _WithVariables:
    """Requests in which a variable in a resource can have any value, such as the ID of a node that its holder chose.

    Where something else than the resource depends on the key, too, a few such IDs are tried, lest the two be taken for
    independent of each other.
    """

    def __init__(self, requests: Requests, free: frozenset[str], bound: frozenset[str]) -> None:
        self._requests, self._free, self._bound = requests, free, bound

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        choices = self._requests.choices(key, mentioned)
        if key in self._free and not mentioned:
            return (*choices, Choice(UNKNOWN))
        return (*choices, *_IDS) if key in self._free | self._bound else choices


def allowed(policies: Sequence[Policy], action: str, target: Target, requests: Requests) -> list[Grant]:
    """The statements of some policies that allow an action on some resource of a target, also where that is doubtful."""
    permissions = Permissions(identity=tuple(policies))
    statements = [each for policy in policies for each in policy.covering(action)]
    in_allow = _variables(each for each in statements if each.allows) - {
        *filter(requests.fixes, _variables(statements))
    }
    in_deny = _variables(each for each in statements if not each.allows)
    knowledge = _WithVariables(requests, in_allow - in_deny, in_allow & in_deny) if in_allow else requests
    return grants(permissions, action, target, situations(permissions, action, knowledge))


def _variables(statements: Iterable[Statement]) -> frozenset[str]:
    """The keys that variables in resources name."""
    return frozenset(
        name
        for statement in statements
        if statement.variables
        for resource in statement.resources
        for name in names_in(resource)
    )


def values_of(policies: Iterable[Policy], actions: Iterable[str], key: str) -> tuple[str, ...]:
    """The plain values, without wildcards and variables, that statements about some actions compare a key with."""
    wanted = tuple(actions)
    return tuple(
        dict.fromkeys(
            value
            for policy in policies
            for action in wanted
            for statement in policy.covering(action)
            for condition in statement.conditions
            if condition.key == key and condition.operator != "null"
            for value in condition.values
            if not set("*?$") & set(value)
        )
    )


def partitions(policies: Iterable[Policy], actions: Iterable[str]) -> tuple[str, ...]:
    """The partitions that count: what denies names its own, and `aws` counts lest a wrong one be taken for it."""
    wanted = tuple(actions)
    resources = (
        resource
        for policy in policies
        for action in wanted
        for statement in policy.covering(action)
        for resource in statement.resources
    )
    named = (_PARTITION.match(resource) for resource in resources)
    return tuple(dict.fromkeys(("aws", *(each[1] for each in named if each))))


def each_once(found: Iterable[Grant]) -> list[Grant]:
    """A grant for each statement and action."""
    return list({(each.statement, each.action): each for each in found}.values())


def one(value: str | None) -> tuple[Choice, ...]:
    """A key that has one value, or is absent."""
    return (Choice(ABSENT if value is None else known(value)),)
