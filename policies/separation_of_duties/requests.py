"""Requests of an unknown principal.

A rule of the pack knows neither the principal of a policy nor the origin of its requests. A condition therefore counts as
both met and not met, unless its key decides the rule. Uncertain results count as allowed.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from common.iam.choices import Choice, any_value, situations
from common.iam.context import ABSENT, UNKNOWN, known
from common.iam.evaluation import AllowingStatement, Permissions, Target, grants
from common.iam.variables import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from common.iam.documents import Policy, Statement

EXAMPLE_PRINCIPAL: Final = "arn:aws:iam::111122223333:role/example"
APPROVED: Final = "i-0feedfacecafebeef"
"""The approved instance."""

_IDS: Final = tuple(
    Choice(known(each)) for each in ("i-0123456789abcdef0", "mi-0123456789abcdef0", "0123456789abcdef0")
)
"""Values of a policy variable in the ARN of a node."""

_WHO: Final = "aws:principalarn"
_PARTITION: Final = re.compile(r"arn:(aws-[a-z-]+):")


class Requests:
    """Request context with some keys that a rule fixes.

    A key that ends in a slash is a prefix.
    """

    def __init__(self, given: Mapping[str, tuple[Choice, ...]], admitted: Sequence[str] = ()) -> None:
        """Initialize the context."""
        self._given, self._admitted = given, admitted

    def fixes(self, key: str) -> bool:
        """Return whether the rule fixes a key."""
        return key in self._given or any(start.endswith("/") and key.startswith(start) for start in self._given)

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        """Return the values that a principal can give a key."""
        found = self._given.get(key) or next(
            (choices for start, choices in self._given.items() if start.endswith("/") and key.startswith(start)), None
        )
        if found is not None:
            return found
        if key == _WHO:
            others = tuple(each for each in mentioned if not is_admitted(each.partition("::")[2], self._admitted))
            return (Choice(known(EXAMPLE_PRINCIPAL)), *any_value(others, optional=False)[1:])
        return any_value(mentioned)


def is_admitted(principal: str, admitted: Iterable[str]) -> bool:
    """Return whether a principal, `role/Name` with or without account ID and path, matches an admitted one."""
    kind, _, name = principal.partition("/")
    if kind != "permission-set":
        kind, name = kind.rpartition(":")[2], name.rpartition("/")[2]
    return any(fnmatchcase(f"{kind}/{name}".lower(), each.lower()) for each in admitted)


class _WithVariables:
    """Request context in which a variable of a resource can have any value, such as the ID of any node.

    Where conditions depend on the same key, some IDs are evaluated, as resource and condition are not independent.
    """

    def __init__(self, requests: Requests, free: frozenset[str], bound: frozenset[str]) -> None:
        self._requests, self._free, self._bound = requests, free, bound

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        choices = self._requests.choices(key, mentioned)
        if key in self._free and not mentioned:
            return (*choices, Choice(UNKNOWN))
        return (*choices, *_IDS) if key in self._free | self._bound else choices


def allowed(policies: Sequence[Policy], action: str, target: Target, requests: Requests) -> list[AllowingStatement]:
    """Return the statements that allow an action on some resource of a target, including uncertain ones."""
    permissions = Permissions(identity=tuple(policies))
    statements = [each for policy in policies for each in policy.covering(action)]
    in_allow = _variables(each for each in statements if each.allows) - {
        *filter(requests.fixes, _variables(statements))
    }
    in_deny = _variables(each for each in statements if not each.allows)
    knowledge = _WithVariables(requests, in_allow - in_deny, in_allow & in_deny) if in_allow else requests
    return grants(permissions, action, target, situations(permissions, action, knowledge))


def _variables(statements: Iterable[Statement]) -> frozenset[str]:
    """Return the keys of variables in resources."""
    return frozenset(
        name
        for statement in statements
        if statement.variables
        for resource in statement.resources
        for name in names_in(resource)
    )


def values_of(policies: Iterable[Policy], actions: Iterable[str], key: str) -> tuple[str, ...]:
    """Return the values without wildcards and variables that statements about some actions compare a key with."""
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
    """Return the partitions to evaluate: those of Deny statements, and `aws`."""
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


def each_once(found: Iterable[AllowingStatement]) -> list[AllowingStatement]:
    """Return one grant per statement and action."""
    return list({(each.statement, each.action): each for each in found}.values())


def one(value: str | None) -> tuple[Choice, ...]:
    """Return the choice of one value, or of none."""
    return (Choice(ABSENT if value is None else known(value)),)
