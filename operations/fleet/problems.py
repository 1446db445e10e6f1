"""Problems of a fleet file, reported together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.problems import listed
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from common.problems import Problem


class FleetFileError(UnusableError):
    """Unusable fleet file; no operation was started.

    Attributes:
        problems: Problems, one line each, in the order of the file.
    """

    def __init__(self, file: Path, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = f"{file} has {'a problem' if count == 1 else f'{count} problems'}; nothing was begun:"
        super().__init__("\n".join([heading, *listed(self.problems)]))


def worded(problem: Problem) -> str:
    """Return a problem with its location in the file: `waves.1.concurrency: 0 given; ...`."""
    _, _, text = str(problem).partition(":")
    return text if problem.path else text.removeprefix(": ")
