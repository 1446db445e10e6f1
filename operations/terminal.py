"""The terminal of the person who runs a command."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from components.problems import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType


class Terminal(Console):
    """A console on which nothing that others named or wrote moves the cursor, changes colors or turns the direction."""

    def __init__(self, *, stderr: bool = False, **options: Any) -> None:
        super().__init__(stderr=stderr, highlight=False, **options)
        self._rendering = threading.local()

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with everything escaped that does not show, but for line ends."""
        if getattr(self._rendering, "within", False):
            # What holds it escapes it, once no cell of a table can cut it short any more.
            yield from super().render(renderable, options)
            return
        self._rendering.within = True
        try:
            for text, style, control in super().render(renderable, options):
                shown = text if control else "\n".join(map(visible, text.split("\n")))
                yield Segment(shown, style, control)
        finally:
            self._rendering.within = False
