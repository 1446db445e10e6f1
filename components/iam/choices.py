"""The requests that a caller can make, where it has the choice of some of their keys."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Protocol

from components.iam.context import ABSENT, UNKNOWN, Context, Known, Value
from components.iam.evaluation import Situation
from components.iam.patterns import has_wildcard, plain
from components.iam.variables import Expanded, expand, keys_of, variable_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from components.iam.documents import Statement
    from components.iam.evaluation import Permissions

SOMETHING_ELSE: Final = "something-else"
"""A value that no policy names, or that the caller chose for a policy variable."""

MOST_SITUATIONS: Final = 400
"""Beyond, the keys with the most choices count as not known: reported as such, never dropped."""


@dataclass(frozen=True)
class Choice:
    """One thing that a caller can make of a key.

    Attributes:
        value: of the key.
        certain: whether the caller surely can.
    """

    value: Value
    certain: bool = True


class Knowledge(Protocol):
    """What is known of requests."""

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        """What the caller can make of a key.

        Args:
            key: in small letters.
            mentioned: what policies compare it with.
        """
        ...


def situations(permissions: Permissions, action: str, knowledge: Knowledge) -> list[Situation]:
    """Every combination of what the caller can make of the keys that the policies mention for an action."""
    statements = [each for policy in permissions.every() for each in policy.covering(action)]
    return combined(statements, knowledge)


def combined(statements: Sequence[Statement], knowledge: Knowledge) -> list[Situation]:
    """Every combination of what the caller can make of the keys that statements mention."""
    mentioned: dict[str, dict[str, None]] = {key: {} for each in statements for key in sorted(keys_of(each))}
    texts: dict[str, list[str]] = {key: [] for key in mentioned}
    for condition in (condition for statement in statements for condition in statement.conditions):
        mentioned[condition.key].update(dict.fromkeys(condition.values))
        texts[condition.key].append(condition.text)
        for variable in filter(None, map(variable_in, condition.values)):
            # Equal either way: the variable's key may be made what the condition's key is.
            if variable in mentioned:
                mentioned[variable][f"${{{condition.key}}}"] = None
    options = {key: knowledge.choices(key, tuple(values)) for key, values in mentioned.items()}
    _limit(options)
    return [
        Situation(
            Context({key: choice.value for key, choice in zip(options, picked, strict=True)}),
            doubts=tuple(
                text
                for key, choice in zip(options, picked, strict=True)
                if not choice.certain
                for text in texts[key] or [f"policy variable {key}"]
            ),
        )
        for picked in product(*options.values())
    ]


def any_value(
    mentioned: Iterable[str], *, optional: bool = True, many: bool = False, context: Context | None = None
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


def samples(pattern: str, context: Context | None = None) -> tuple[str, ...]:
    """Return texts that match a pattern of a condition, with its policy variables resolved.

    A variable has the caller's own value, and `SOMETHING_ELSE`, which stands for any value that the caller may have
    chosen before.

    Args:
        pattern: Value of a condition.
        context: Keys of the caller; None: the caller is not known.
    """
    if "${" not in pattern:
        return (_sample(pattern),)
    chosen = expand(pattern, Context(otherwise=Known((SOMETHING_ELSE,))))
    own = expand(pattern, context) if context else Expanded(None)
    known_own = () if own.doubtful or own.pattern is None else (own.pattern,)
    texts = (*known_own, *(() if chosen.pattern is None else (chosen.pattern,)))
    return tuple(dict.fromkeys(plain(_sample(each)) for each in texts))


def _sample(pattern: str) -> str:
    """A text that matches."""
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
