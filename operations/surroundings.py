"""What commands get from outside, so that tests run them without the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from operations.stack import StackConfiguration, StackState, read_outputs, read_stack, read_state

if TYPE_CHECKING:
    import typer

StackReader = Callable[[Path, str | None], StackConfiguration]
"""Reads the configuration of a stack: the program's directory, and the stack's name (None: the selected one)."""

OutputReader = Callable[[Path, str | None], Mapping[str, Any]]
"""Reads the outputs of a stack, likewise."""


StateReader = Callable[[Path, str | None], StackState]
"""Reads the state of a stack, likewise."""


def _now() -> datetime:
    """In the time zone of the person at the terminal."""
    return datetime.now().astimezone()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is not the commands' own.

    Attributes:
        read_stack: where a stack's configuration comes from.
        read_outputs: where its outputs come from.
        read_state: where its state comes from.
        now: the time, with its zone.
        pause: waits, in seconds, before something is looked at again.
    """

    read_stack: StackReader = read_stack
    read_outputs: OutputReader = read_outputs
    read_state: StateReader = read_state
    now: Callable[[], datetime] = _now
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, context: typer.Context) -> Surroundings:
        """Those that the command line was started with, or the real ones."""
        return cast("Surroundings | None", context.obj) or cls()
