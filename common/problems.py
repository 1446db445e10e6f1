"""Problems of a configuration, collected so that all are reported at once."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from unicodedata import category

from common.characters import hidden_character

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

NAMESPACE = "shell-access"
SettingPath = tuple[str | int, ...]
"""Path of a setting: keys of mappings, and positions in lists."""

_SHOWN_CHARACTERS = 80
_KEY_CHARACTERS = 300
_MESSAGE_CHARACTERS = 1500
_LISTED_PROBLEMS = 50
_LISTED_CHARACTERS = 15_000
_NAMED = 40
_LONGEST_KEY = 100
_MISTYPED = 0.85
_SIMILAR = 0.6
"""Similarity of two keys, from 0 to 1."""
_SUGGESTED = 3
_BARE_KEY = re.compile(r"[\w:/@+=-]+")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """An invalid value, with its path from the section down: `("approval", "approvers", 0, "name")`.

    Attributes:
        details: What the message is about, one per line.
    """

    path: SettingPath
    message: str
    details: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Key in a stack's configuration: `shell-access:approval.approvers[0].name`."""
        parts = (part if isinstance(part, int) else clipped(visible(part), _SHOWN_CHARACTERS) for part in self.path)
        return f"{NAMESPACE}:{path_text(parts)}"

    def __str__(self) -> str:
        text = f"{clipped(self.key, _KEY_CHARACTERS)}: {clipped(visible(self.message), _MESSAGE_CHARACTERS)}"
        return "\n      ".join([f"{text}:" if self.details else text, *map(visible, self.details)])


def unexpected(path: SettingPath, expected: str, got: str, fix: str = "") -> Problem:
    """Return the problem of a value that is not as expected; `fix` is a sentence without its full stop."""
    return Problem(path=path, message=f"expected {expected}, got {got}.{fix and f' {fix}'}")


def path_text(path: Iterable[str | int], parent: str = "") -> str:
    """Return a path as `pulumi config set --path` reads it: `approval.approvers[0].name`, `tags["cost.center"]`.

    `parent` is the text of a path that they continue; without it, the first key is unchanged, as it is not in a value.
    """
    text = parent
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif not text:
            text = part
        elif _BARE_KEY.fullmatch(part):
            text += f".{part}"
        else:
            quoted = part.replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


class SettingsError(Exception):
    """The configuration is invalid; nothing has been changed. Problems are in the order of the configuration."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "The configuration has a problem" if count == 1 else f"The configuration has {count} problems"
        super().__init__("\n".join([f"{heading}; nothing was changed:", *listed(self.problems)]))


def listed(problems: Sequence[object]) -> Iterator[str]:
    """Return one line per problem, and the number of those beyond the limit."""
    length = 0
    for number, problem in enumerate(problems):
        line = f"  {problem}"
        length += len(line)
        if number == _LISTED_PROBLEMS or (number and length > _LISTED_CHARACTERS):
            yield f"  ... and {len(problems) - number:,} more."
            return
        yield line


class Collector:
    """Collects the problems of several steps, so that all are reported at once.

    Each `with` block may raise a SettingsError, after which the program continues behind the block.
    """

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, SettingsError):
            self._problems |= dict.fromkeys(error.problems)
            return True
        return False

    def check(self) -> None:
        """Return where no block had a problem.

        Raises:
            SettingsError: There are problems; with those of all blocks, each once.
        """
        if self._problems:
            raise SettingsError(self._problems)


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raise the problems, if there are any.

    Raises:
        SettingsError: There are problems; with all of them.
    """
    found = tuple(problems)
    if found:
        raise SettingsError(found)


def shown(value: Any) -> str:
    """Return a value as in the configuration file, truncated: error messages must not flood a terminal."""
    if isinstance(value, str):
        value = value[: _SHOWN_CHARACTERS + 1]
    try:
        # Iterate, so that of a long value only the beginning is encoded.
        pieces = json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value)
        text = "".join(islice(pieces, _SHOWN_CHARACTERS))
    except (ValueError, TypeError):  # recursive, or keys that are not strings
        text = str(value)
    except RecursionError:
        text = f"a {'list' if isinstance(value, list) else 'mapping'} nested too deeply"
    return clipped(visible(text), _SHOWN_CHARACTERS)


def named(values: Iterable[str]) -> str:
    """Return the first of several names, and the number of the others."""
    several = list(values)
    listed = ", ".join(clipped(visible(each), _SHOWN_CHARACTERS) for each in several[:_NAMED])
    return listed if len(several) <= _NAMED else f"{listed} and {len(several) - _NAMED:,} more"


def suggestion(
    given: str, known: Mapping[str, Any] | list[str], elsewhere: Mapping[str, Sequence[SettingPath]] | None = None
) -> str:
    """Return `; did you mean ...?` for a mistyped or misplaced key, or the list of known keys.

    Args:
        given: The unknown key.
        known: Keys that are allowed in its place.
        elsewhere: Paths of keys that are allowed in other places, by key.
    """

    def closest(keys: Iterable[str], cutoff: float) -> list[str]:
        return difflib.get_close_matches(given[:_LONGEST_KEY], list(keys), n=1, cutoff=cutoff)

    # The key of another place is likelier than a key of this place that only resembles it.
    close = closest(known, _MISTYPED)
    for key in [] if close else closest(elsewhere or (), _MISTYPED):
        close = [path_text(path) for path in sorted((elsewhere or {})[key], key=len)[:_SUGGESTED]]
    close = close or closest(known, _SIMILAR)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known keys: {named(sorted(known))}"


def visible(text: str) -> str:
    r"""Return the text with all hidden characters escaped, an escape as `\x1b`.

    They could move the cursor, color or hide text on the terminal, change its direction, or begin a line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each.isprintable() and not hidden_character(each) else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    if category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def clipped(text: str, longest: int) -> str:
    """Return a text, or its first characters and an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}..."
