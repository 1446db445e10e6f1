"""The requests that a caller can make, where it has the choice of some of their keys."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Protocol

from components.iam.context import ABSENT, UNKNOWN, Context, Known, Value
from components.iam.evaluation import Situation
from components.iam.patterns import has_wildcard
from components.iam.variables import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from components.iam.documents import Statement
    from components.iam.evaluation import Permissions

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
    options = {key: knowledge.choices(key, tuple(values)) for key, values in mentioned.items()}
    _limit(options)
    return [
        Situation(
            Context({key: choice.value for key, choice in zip(options, picked, strict=True)}),
            doubts=tuple(
                text for key, choice in zip(options, picked, strict=True) if not choice.certain for text in texts[key]
            ),
        )
        for picked in product(*options.values())
    ]


def any_value(mentioned: Iterable[str], *, optional: bool = True, many: bool = False) -> tuple[Choice, ...]:
    """A key that the caller sets as it likes: absent, something else, or whatever the policies ask for."""
    texts = [_sample(each) for each in mentioned if "${" not in each]
    chosen = tuple(Choice(Known((text,), many=many)) for text in dict.fromkeys(("something-else", *texts)))
    return (Choice(ABSENT), *chosen) if optional else chosen


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
