"""Requests that somebody, whoever it is, could make: the keys of which conditions are worth what they cost to meet.

A rule of the pack knows neither who will hold a policy nor from where. So whatever a condition compares counts as met,
and as not met, unless the key is one that decides the rule. What cannot be told counts as allowed.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from components.iam.choices import Choice, any_value, situations
from components.iam.context import ABSENT, known
from components.iam.evaluation import Grant, Permissions, Target, grants

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.iam.documents import Policy

SOMEBODY: Final = "arn:aws:iam::111122223333:role/somebody"

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


def allowed(policies: Sequence[Policy], action: str, target: Target, requests: Requests) -> list[Grant]:
    """The statements of some policies that allow an action on some resource of a target, also where that is doubtful."""
    permissions = Permissions(identity=tuple(policies))
    return grants(permissions, action, target, situations(permissions, action, requests))


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
