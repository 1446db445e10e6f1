"""What commands get from outside, so that tests run them without the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from operations.stack import StackConfiguration, read_stack

if TYPE_CHECKING:
    import typer

StackReader = Callable[[Path, str | None], StackConfiguration]
"""Reads the configuration of a stack: the program's directory, and the stack's name (None: the selected one)."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is not the commands' own.

    Attributes:
        read_stack: where a stack's configuration comes from.
    """

    read_stack: StackReader = read_stack

    @classmethod
    def of(cls, context: typer.Context) -> Surroundings:
        """Those that the command line was started with, or the real ones."""
        return cast("Surroundings | None", context.obj) or cls()
