"""Policy documents, parsed into one form.

Lists may be single values, `Action` may be `NotAction` and so on (IAM User Guide, "IAM JSON policy elements reference").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final, cast

from common.iam.patterns import has_wildcard, matches

VARIABLES_SINCE: Final = "2012-10-17"
"""Version with policy variables; in an earlier version, or without one, `${...}` is text (IAM User Guide, "Version")."""

_MOST_LISTS: Final = 8_192
"""Maximum of cached lists of actions."""

_SET_OPERATORS: Final = ("forallvalues", "foranyvalue")


class DocumentError(ValueError):
    """The text is not a valid policy document."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition: one operator and one key.

    Attributes:
        operator: Operator in lower case, without set operator and IfExists: `stringequals`.
        over: `forallvalues`, `foranyvalue` or empty.
        if_exists: Whether the condition holds where the key is absent.
        key: Key in lower case.
        values: Values, of which one must match.
        text: Condition as written.
    """

    operator: str
    over: str = ""
    if_exists: bool = False
    key: str
    values: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class PrincipalElement:
    """Principals of a statement of a trust policy.

    Attributes:
        aws: Account IDs, ARNs, unique IDs, `*`.
        services: `ssm.amazonaws.com`.
        federated: ARNs or names of identity providers.
        negated: Whether all others are meant (`NotPrincipal`).
    """

    aws: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Statement:
    """A statement. Equality is identity.

    Attributes:
        allows: Whether the effect is Allow.
        actions: Patterns; of NotAction with `all_but_actions`.
        resources: Patterns with variables; of NotResource with `all_but_resources`.
        conditions: Conditions, all of which must hold.
        principals: Principals, in trust policies only.
        variables: Whether `${...}` is a policy variable.
        index: Index in the document, from 0.
        sid: Sid; empty: none.
        raw: Statement as written.
    """

    allows: bool
    actions: tuple[str, ...]
    all_but_actions: bool = False
    resources: tuple[str, ...] = ()
    all_but_resources: bool = False
    conditions: tuple[Condition, ...] = ()
    principals: PrincipalElement | None = None
    variables: bool = True
    index: int = 0
    sid: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def covers(self, action: str) -> bool:
        """Return whether the statement is about an action (`ssm:StartSession`), regardless of case."""
        return _covers(*self._split, action) != self.all_but_actions

    @cached_property
    def _split(self) -> tuple[frozenset[str], tuple[str, ...]]:
        return _split(self.actions)

    def names_exactly(self, action: str) -> bool:
        """Return whether the statement names the action without wildcards."""
        return not self.all_but_actions and any(action.lower() == each.lower() for each in self.actions)


@lru_cache(_MOST_LISTS)
def _split(actions: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return actions in lowercase: those that are written out, and the patterns, the widest first."""
    names = {each.lower() for each in actions}
    patterns = sorted((each for each in names if has_wildcard(each)), key=len)
    return frozenset(each for each in names if not has_wildcard(each)), tuple(patterns)


def _covers(exact: frozenset[str], patterns: tuple[str, ...], action: str) -> bool:
    name = action.lower()
    return name in exact or any(matches(each, name) for each in patterns)


@lru_cache(_MOST_LISTS)
def _covered(listed: tuple[str, ...], all_but: bool, actions: tuple[str, ...]) -> frozenset[str]:  # noqa: FBT001 -- two elements of a statement
    """Return those of some actions that the list of a statement covers; many statements have the same list."""
    exact, patterns = _split(listed)
    return frozenset(each for each in actions if _covers(exact, patterns, each) != all_but)


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy:
    """A policy.

    Attributes:
        name: Name; ARN of a managed policy.
        kind: `inline`, `managed`, `boundary`, `trust`, `service control`.
        statements: Statements in order.
    """

    name: str
    kind: str = "inline"
    statements: tuple[Statement, ...] = ()
    _allowed: dict[tuple[str, ...], frozenset[str]] = field(
        default_factory=dict[tuple[str, ...], frozenset[str]], repr=False, init=False
    )
    _covering: dict[str, tuple[Statement, ...]] = field(
        default_factory=dict[str, tuple[Statement, ...]], repr=False, init=False
    )

    def covering(self, action: str) -> tuple[Statement, ...]:
        """Return the statements about an action; cached, as thousands of principals share a policy."""
        found = self._covering.get(action)
        if found is None:
            found = self._covering[action] = tuple(each for each in self.statements if each.covers(action))
        return found

    def allowed(self, actions: tuple[str, ...]) -> frozenset[str]:
        """Return those of some actions that a statement allows on any resource; cached."""
        found = self._allowed.get(actions)
        if found is None:
            allowing = {(each.actions, each.all_but_actions) for each in self.statements if each.allows}
            found = frozenset[str]().union(*(_covered(*each, actions) for each in allowing))
            self._allowed[actions] = found
        return found


_ELEMENTS: Final = frozenset(
    {
        *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
        *("Resource", "NotResource", "Condition"),
    }
)
_ELEMENTS_IN_LOWERCASE: Final = frozenset(map(str.lower, _ELEMENTS))


def parse(document: Any, *, name: str = "", kind: str = "inline") -> Policy:
    """Parse a policy document, decoded or JSON text.

    Raises:
        DocumentError: The document is invalid; with the element.
    """
    read = _decoded(document, name)
    version = str(read.get("Version", ""))
    given = read.get("Statement", [])
    several = cast("list[object]", given) if isinstance(given, list) else [given]
    statements = tuple(
        _statement(each, index, variables=version >= VARIABLES_SINCE, where=f"{name or 'policy'}, statement {index}")
        for index, each in enumerate(several)
    )
    return Policy(name=name, kind=kind, statements=statements)


def _decoded(document: Any, name: str) -> Mapping[str, Any]:
    if isinstance(document, str):
        try:
            document = json.loads(document, object_pairs_hook=unique_keys)
        except ValueError:
            raise DocumentError(f"{name or 'policy'}: not JSON, or a key is repeated in one object") from None
    if not isinstance(document, Mapping):
        raise DocumentError(f"{name or 'policy'}: expected an object with Version and Statement, got {document!r}")
    return cast("Mapping[str, Any]", document)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object that gives each key once: readers of JSON do not agree on which of several counts.

    Raises:
        ValueError: A key is repeated.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _statement(given: Any, index: int, *, variables: bool, where: str) -> Statement:
    if not isinstance(given, Mapping):
        raise DocumentError(f"{where}: expected an object, got {given!r}")
    raw = cast("Mapping[str, Any]", given)
    misspelled = [key for key in raw if key not in _ELEMENTS and key.lower() in _ELEMENTS_IN_LOWERCASE]
    if misspelled:
        # IAM may refuse or accept them: no interpretation is safe.
        raise DocumentError(f"{where}: expected {', '.join(sorted(_ELEMENTS))}, got {', '.join(misspelled)}")
    effect = raw.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise DocumentError(f"{where}: expected Effect Allow or Deny, got {effect!r}")
    return Statement(
        allows=effect == "Allow",
        actions=_texts(raw.get("NotAction", raw.get("Action"))),
        all_but_actions="NotAction" in raw,
        resources=_texts(raw.get("NotResource", raw.get("Resource"))),
        all_but_resources="NotResource" in raw,
        conditions=_conditions(raw.get("Condition") or {}, where),
        principals=_principals(raw),
        variables=variables,
        index=index,
        sid=str(raw.get("Sid", "")),
        raw=raw,
    )


def _texts(given: Any) -> tuple[str, ...]:
    """Return values as a list of texts; a single value is a list of one."""
    if given is None:
        return ()
    values = cast("list[object]", given) if isinstance(given, list) else [given]
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def _conditions(given: Any, where: str) -> tuple[Condition, ...]:
    if not isinstance(given, Mapping):
        raise DocumentError(f"{where}: expected an object as Condition, got {given!r}")
    found: list[Condition] = []
    for operator, keys in cast("Mapping[str, Any]", given).items():
        if not isinstance(keys, Mapping):
            raise DocumentError(f"{where}: expected an object as Condition.{operator}, got {keys!r}")
        over, _, base = operator.lower().rpartition(":")
        if_exists = base.endswith("ifexists")
        for key, values in cast("Mapping[str, Any]", keys).items():
            text = f"{operator} {key} {json.dumps(values, ensure_ascii=False)}"
            found.append(
                Condition(
                    operator=base.removesuffix("ifexists") if over in ("", *_SET_OPERATORS) else operator.lower(),
                    over=over if over in _SET_OPERATORS else "",
                    if_exists=if_exists,
                    key=key.lower(),
                    values=_texts(values),
                    text=text,
                )
            )
    return tuple(found)


def _principals(raw: Mapping[str, Any]) -> PrincipalElement | None:
    negated = "NotPrincipal" in raw
    given = raw.get("NotPrincipal", raw.get("Principal"))
    if given is None:
        return None
    if not isinstance(given, Mapping):
        return PrincipalElement(aws=_texts(given), negated=negated)
    kinds = cast("Mapping[str, Any]", given)
    return PrincipalElement(
        aws=_texts(kinds.get("AWS")),
        services=_texts(kinds.get("Service")),
        federated=_texts(kinds.get("Federated")),
        negated=negated,
    )
