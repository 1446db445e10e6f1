"""What is wrong with a configuration, collected so that a person reads everything at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

NAMESPACE = "shell-access"

_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One wrong value.

    Attributes:
        path: from the section down, `("sessionManager", "idleSessionTimeout")`.
        message: what was given and what is allowed.
    """

    path: tuple[str, ...]
    message: str

    @property
    def key(self) -> str:
        """The key as it stands in a stack's configuration: `shell-access:sessionManager.idleSessionTimeout`."""
        return f"{NAMESPACE}:{'.'.join(self.path)}"

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class SettingsError(Exception):
    """The configuration cannot be used; nothing has been touched.

    Attributes:
        problems: every one that was found, in the order of the configuration.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "The configuration has a problem" if count == 1 else f"The configuration has {count} problems"
        super().__init__("\n".join([f"{heading}; nothing was changed:", *(f"  {each}" for each in self.problems)]))


class Collector:
    """Collects the problems of several steps, so that a person reads everything at once.

    Each `with` block may raise a SettingsError, after which the program goes on behind it.
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
        """Passes where no block had a problem.

        Raises:
            SettingsError: with the problems of all blocks, each once.
        """
        if self._problems:
            raise SettingsError(self._problems)


def raise_problems(problems: Iterable[Problem]) -> None:
    """Pass where there is no problem.

    Raises:
        SettingsError: There is one; with all of them.
    """
    found = tuple(problems)
    if found:
        raise SettingsError(found)


def shown(value: Any) -> str:
    """A value as the configuration file would have it, shortened: error messages must not flood a terminal."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError):  # it contains itself, or has keys that are no texts
        text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
