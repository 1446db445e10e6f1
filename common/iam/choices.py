"""Requests that a caller can make, by the values that it can give their condition keys."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Protocol

from common.iam.context import ABSENT, UNKNOWN, Known, RequestContext, Value
from common.iam.evaluation import Situation
from common.iam.patterns import has_wildcard, plain
from common.iam.variables import Expanded, expand, keys_of, variable_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from common.iam.documents import Statement
    from common.iam.evaluation import Permissions

SOMETHING_ELSE: Final = "something-else"
"""Placeholder for a value that no policy names, or that the caller set for a policy variable."""

MOST_SITUATIONS: Final = 400
"""Maximum of situations; beyond it, the keys with the most choices count as unknown, and findings as uncertain."""


@dataclass(frozen=True)
class Choice:
    """A value of a condition key, and whether the caller can certainly give it."""

    value: Value
    certain: bool = True


class Knowledge(Protocol):
    """Source of the values that condition keys of requests can have."""

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        """Return the values that the caller can give a key.

        Args:
            key: Key in lower case.
            mentioned: Values that policies compare it with.
        """
        ...


def situations(permissions: Permissions, action: str, knowledge: Knowledge) -> Iterator[Situation]:
    """Yield every combination of values for the condition keys that a principal's policies name for an action."""
    statements = [each for policy in permissions.every() for each in policy.covering(action)]
    return combined(statements, knowledge)


def combined(statements: Sequence[Statement], knowledge: Knowledge) -> Iterator[Situation]:
    """Yield every combination of values for the condition keys that statements name."""
    mentioned: dict[str, dict[str, None]] = {key: {} for each in statements for key in sorted(keys_of(each))}
    texts: dict[str, list[str]] = {key: [] for key in mentioned}
    for condition in (condition for statement in statements for condition in statement.conditions):
        mentioned[condition.key].update(dict.fromkeys(condition.values))
        texts[condition.key].append(condition.text)
        for variable in filter(None, map(variable_in, condition.values)):
            # The caller may set the variable's key to the value of the condition's key.
            if variable in mentioned:
                mentioned[variable][f"${{{condition.key}}}"] = None
    options = {key: knowledge.choices(key, tuple(values)) for key, values in mentioned.items()}
    _limit(options)
    for picked in product(*options.values()):
        yield Situation(
            RequestContext({key: choice.value for key, choice in zip(options, picked, strict=True)}),
            doubts=tuple(
                text
                for key, choice in zip(options, picked, strict=True)
                if not choice.certain
                for text in texts[key] or [f"policy variable {key}"]
            ),
        )


def any_value(
    mentioned: Iterable[str], *, optional: bool = True, many: bool = False, context: RequestContext | None = None
) -> tuple[Choice, ...]:
    """Return the choices for a key that the caller sets freely: absent, another value, or a value that policies name.

    Args:
        mentioned: Values that policies compare the key with.
        optional: Whether the request may lack the key.
        many: Whether the key has several values.
        context: Keys of the caller, to resolve policy variables; None: the caller is not known.
    """
    texts = [text for each in mentioned for text in samples(each, context)]
    chosen = tuple(Choice(Known((text,), many=many)) for text in dict.fromkeys((SOMETHING_ELSE, *texts)))
    return (Choice(ABSENT), *chosen) if optional else chosen


def samples(pattern: str, context: RequestContext | None = None) -> tuple[str, ...]:
    """Return texts that match a pattern of a condition, with its policy variables resolved.

    A variable has the caller's own value, and `SOMETHING_ELSE`, which stands for any value that the caller may have
    chosen before.

    Args:
        pattern: Value of a condition.
        context: Keys of the caller; None: the caller is not known.
    """
    if "${" not in pattern:
        return (_sample(pattern),)
    chosen = expand(pattern, RequestContext(otherwise=Known((SOMETHING_ELSE,))))
    own = expand(pattern, context) if context else Expanded(None)
    known_own = () if own.doubtful or own.pattern is None else (own.pattern,)
    texts = (*known_own, *(() if chosen.pattern is None else (chosen.pattern,)))
    return tuple(dict.fromkeys(plain(_sample(each)) for each in texts))


def _sample(pattern: str) -> str:
    """Return a text that matches a pattern."""
    return pattern.replace("*", "").replace("?", "x") if has_wildcard(pattern) else pattern


def _limit(options: dict[str, tuple[Choice, ...]]) -> None:
    while True:
        count = 1
        for each in options.values():
            count *= len(each)
        if count <= MOST_SITUATIONS:
            return
        widest = max(options, key=lambda key: len(options[key]))
        options[widest] = (Choice(UNKNOWN),)
