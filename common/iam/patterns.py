"""Wildcard patterns as sets of texts: membership, and an exact search for a text in a combination of sets.

`*` stands for any text, `?` for one character, and both cross colons and slashes (IAM User Guide, "IAM JSON policy
elements: Resource"). A pattern is a plain text; the two characters themselves, which a policy writes as `${*}`
and `${?}`, are kept as `LITERAL_STAR` and `LITERAL_QUESTION`.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import eq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LITERAL_STAR: Final = "\ue02a"
LITERAL_QUESTION: Final = "\ue03f"

SOME: Final = "\ue02b"
"""One or more characters without colons, as in a part of an ARN; for targets only, as policies cannot express it."""

MOST_STATES: Final = 60_000
"""Maximum of states of a search; usual patterns need some hundreds."""

_WILD: Final = frozenset({"*", "?", SOME})

_SPARE: Final = "0xyz789_~"
"""Representatives of the characters that no pattern names."""


class UndecidedError(Exception):
    """The combination of the patterns is too complex to be searched."""


@dataclass(frozen=True)
class Texts:
    """Texts that match one of the patterns, or with `negated` all others."""

    patterns: tuple[str, ...]
    negated: bool = False


EVERYTHING: Final = Texts(("*",))


def literal(text: str) -> str:
    """Return the pattern that only this text matches."""
    return text.replace("*", LITERAL_STAR).replace("?", LITERAL_QUESTION)


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches, case-sensitive."""
    return _matcher(pattern)(text)


def is_in(text: str, texts: Texts) -> bool:
    """Return whether a text is in a set."""
    return any(matches(pattern, text) for pattern in texts.patterns) != texts.negated


def has_wildcard(pattern: str) -> bool:
    """Return whether more than one text matches."""
    return "*" in pattern or "?" in pattern or SOME in pattern


@lru_cache(maxsize=65_536)
def overlap(one: str, other: str) -> bool:
    """Return whether some text matches both patterns."""
    return find((Texts((one,)),), (Texts((other,)),)) is not None


def find(*inside: tuple[Texts, ...], outside: tuple[Texts, ...] = ()) -> str | None:
    """Return a text that is in one set of every group of `inside` and in no set of `outside`, or None.

    A simple text where one is found quickly, else a shortest one.

    Raises:
        UndecidedError: The search would take too long.
    """
    groups = tuple(group for group in inside if EVERYTHING not in group)
    return _find(groups, outside)


@lru_cache(maxsize=8_192)
def _matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that compares a text; compiling an expression takes longer than most of its uses."""
    if _EXPRESSIONS.keys().isdisjoint(start := pattern.removesuffix("*")) and "*" not in start:
        return (lambda text: text.startswith(start)) if start != pattern else partial(eq, pattern)
    expression = _expression(pattern)
    return lambda text: expression.fullmatch(text) is not None


def _expression(pattern: str) -> re.Pattern[str]:
    first, *others = pattern.split("*")
    *middle, last = others or [""]
    # Between two asterisks the first place that matches is as good as any other. Kept for good, it is not tried again for
    # each place of those before, which would take longer than any account deserves.
    joined = "".join(f".*{_parts(each)}" if SOME in each else f"(?>.*?{_parts(each)})" for each in middle)
    return re.compile(f"{_parts(first)}{joined}{'.*' if others else ''}{_parts(last)}", re.DOTALL)


def _parts(text: str) -> str:
    return "".join(map(_part, text))


def _part(character: str) -> str:
    return _EXPRESSIONS.get(character) or re.escape(character)


_EXPRESSIONS: Final = {"?": ".", SOME: "[^:]+", LITERAL_STAR: r"\*", LITERAL_QUESTION: r"\?"}


@lru_cache(maxsize=65_536)
def _find(inside: tuple[tuple[Texts, ...], ...], outside: tuple[Texts, ...]) -> str | None:
    candidates = next((given for group in inside if (given := _written_out(group)) is not None), None)
    if candidates is not None:
        return next((text for text in candidates if _is_found(text, inside, outside)), None)
    narrowed = _narrowed(inside)
    if narrowed is None:
        return None
    filled = sorted(
        {_filled(each) for group in narrowed for texts in group for each in texts.patterns},
        key=lambda text: (len(text), text),
    )
    easy = next((text for text in filled if _is_found(text, narrowed, outside)), None)
    return _search(narrowed, outside) if easy is None else easy


def _filled(pattern: str) -> str:
    """Return the simplest text that matches a pattern."""
    return plain(pattern.replace("*", "").replace("?", _SPARE[0]).replace(SOME, _SPARE[0]))


def _narrowed(inside: tuple[tuple[Texts, ...], ...]) -> tuple[tuple[Texts, ...], ...] | None:
    """Drop patterns that cannot meet any pattern of another group; None: a group has none left.

    Cheap tests that avoid most searches, whose cost grows with the number of patterns.
    """
    patterns = [_all_patterns(group) for group in inside]
    narrowed: list[tuple[Texts, ...]] = []
    for number, group in enumerate(inside):
        others = [each for place, each in enumerate(patterns) if place != number and each is not None]
        kept = [_kept(texts, others) for texts in group]
        if not any(texts.patterns or texts.negated for texts in kept):
            return None
        narrowed.append(tuple(texts for texts in kept if texts.patterns or texts.negated))
    return tuple(narrowed)


def _kept(texts: Texts, others: list[tuple[str, ...]]) -> Texts:
    if texts.negated:
        return texts
    return Texts(
        tuple(
            each for each in texts.patterns if all(any(_may_meet(each, one) for one in several) for several in others)
        )
    )


def _all_patterns(group: tuple[Texts, ...]) -> tuple[str, ...] | None:
    """Return the patterns of a group; None where the group has a negated set."""
    if any(texts.negated for texts in group):
        return None
    return tuple(pattern for texts in group for pattern in texts.patterns)


@lru_cache(maxsize=262_144)
def _may_meet(one: str, other: str) -> bool:
    """Return whether the fixed ends and the parts between colons permit a common text."""
    (start, end), (other_start, other_end) = _ends(one), _ends(other)
    if not (start.startswith(other_start) or other_start.startswith(start)):
        return False
    if not (end.endswith(other_end) or other_end.endswith(end)):
        return False
    return _fits(one, other) and _fits(other, one)


def _fits(pattern: str, parts: str) -> bool:
    """Return whether the texts after a pattern's colons can follow a colon of `parts`, whose wildcards match no colon."""
    if "*" in parts or "?" in parts:
        return True
    places = [place for place, one in enumerate(parts) if one == ":"]
    return all(any(_agree(each, parts[place:]) for place in places) for each in _after_colons(pattern))


def _agree(fixed: str, parts: str) -> bool:
    """Return whether a fixed text can begin where some parts do; after a wildcard of the parts it can."""
    literal_part = parts.partition(SOME)[0]
    if SOME not in parts and len(fixed) > len(literal_part):
        return False
    return literal_part.startswith(fixed) or fixed.startswith(literal_part)


@lru_cache(maxsize=65_536)
def _after_colons(pattern: str) -> tuple[str, ...]:
    """Return the fixed stretches of a pattern, each from its last colon."""
    stretches = re.split(f"[*?{SOME}]", pattern)
    return tuple(each[each.rindex(":") :] for each in stretches if ":" in each)


@lru_cache(maxsize=65_536)
def _ends(pattern: str) -> tuple[str, str]:
    first = next((place for place, one in enumerate(pattern) if one in _WILD), None)
    if first is None:
        return pattern, pattern
    last = next(place for place in range(len(pattern) - 1, -1, -1) if pattern[place] in _WILD)
    return pattern[:first], pattern[last + 1 :]


def _written_out(group: tuple[Texts, ...]) -> tuple[str, ...] | None:
    """Return the texts of a group without wildcards, the shortest first."""
    patterns = [pattern for texts in group for pattern in texts.patterns]
    if any(texts.negated for texts in group) or any(map(has_wildcard, patterns)):
        return None
    return tuple(sorted(map(plain, patterns), key=len))


def _is_found(text: str, inside: tuple[tuple[Texts, ...], ...], outside: tuple[Texts, ...]) -> bool:
    return all(any(is_in(text, texts) for texts in group) for group in inside) and not any(
        is_in(text, texts) for texts in outside
    )


def _search(inside: tuple[tuple[Texts, ...], ...], outside: tuple[Texts, ...]) -> str | None:
    """Search the product of the patterns' automata breadth-first."""
    product = _Product(inside, outside)
    waiting = deque([product.start])
    came: dict[int, tuple[int, str] | None] = {product.start: None}
    while waiting:
        state = waiting.popleft()
        if product.accepts(state):
            return _path(came, state)
        for character, leading, staying in product.moves:
            following = ((state & leading) << 1) | (state & staying)
            if following not in came and product.is_alive(following):
                came[following] = (state, character)
                waiting.append(following)
        if len(came) > MOST_STATES:
            raise UndecidedError(f"{product.size} patterns")
    return None


def _path(came: dict[int, tuple[int, str] | None], state: int) -> str:
    characters: list[str] = []
    while (step := came[state]) is not None:
        state, character = step
        characters.append(character)
    return plain("".join(reversed(characters)))


def plain(pattern: str) -> str:
    """Return the text that a pattern without wildcards matches."""
    return pattern.replace(LITERAL_STAR, "*").replace(LITERAL_QUESTION, "?")


class _Product:
    """All patterns in parallel.

    A state is one number with a field of bits per pattern: bit n of a field is set where n characters are matched.
    """

    def __init__(self, inside: tuple[tuple[Texts, ...], ...], outside: tuple[Texts, ...]) -> None:
        every = [*(texts for group in inside for texts in group), *outside]
        patterns = tuple(dict.fromkeys(pattern for texts in every for pattern in texts.patterns))
        alphabet = _alphabet(patterns)
        leading, staying = dict.fromkeys(alphabet, 0), dict.fromkeys(alphabet, 0)
        ends: dict[str, int] = {}
        fields: dict[str, int] = {}
        place = self.start = 0
        for pattern in patterns:
            length, leads, anywhere, within = _positions(pattern)
            any_character, some_character = leads.get("?", 0), leads.get(SOME, 0)
            for character in alphabet:
                is_colon = character == ":"
                led = leads.get(character, 0) | any_character | (0 if is_colon else some_character)
                leading[character] |= led << place
                staying[character] |= (anywhere | (0 if is_colon else within)) << place
            self.start |= 1 << place
            ends[pattern] = 1 << (place + length)
            fields[pattern] = ((1 << (length + 1)) - 1) << place
            place += length + 1
        self.size = len(patterns)
        self.moves = [(character, leading[character], staying[character]) for character in alphabet]
        self._inside = [[(_union(texts, ends), texts.negated) for texts in group] for group in inside]
        self._outside = [(_union(texts, ends), texts.negated) for texts in outside]
        self._needed = [
            _union(Texts(patterns), fields) for group in inside if (patterns := _all_patterns(group)) is not None
        ]

    def accepts(self, state: int) -> bool:
        return all(any(bool(state & end) != negated for end, negated in group) for group in self._inside) and not any(
            bool(state & end) != negated for end, negated in self._outside
        )

    def is_alive(self, state: int) -> bool:
        """Return whether every group can still be matched: a pattern whose field is zero cannot."""
        for field in self._needed:  # noqa: SIM110 -- called for every state, where a generator takes as long again
            if not state & field:
                return False
        return True


@lru_cache(maxsize=65_536)
def _positions(pattern: str) -> tuple[int, Mapping[str, int], int, int]:
    """Return the number of positions, those that each token leads on from, and those to stay at: stars, within `SOME`."""
    anywhere = within = position = 0
    leads: dict[str, int] = {}
    for one in pattern:
        if one == "*":
            anywhere |= 1 << position
        else:
            leads[one] = leads.get(one, 0) | 1 << position
            position += 1
            within |= (1 << position) if one == SOME else 0
    return position, leads, anywhere, within


def _alphabet(patterns: tuple[str, ...]) -> tuple[str, ...]:
    named = sorted({character for pattern in patterns for character in pattern} - {"*", "?", SOME} | {":"})
    other = next((spare for spare in _SPARE if spare not in named), "\ue000")
    return (other, *named)


def _union(texts: Texts, bits: dict[str, int]) -> int:
    """Return the bits of all patterns of a set."""
    found = 0
    for pattern in texts.patterns:
        found |= bits[pattern]
    return found
