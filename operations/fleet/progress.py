"""Progress of an operation: live on a terminal, otherwise one line per account."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from operations.findings import counted
from operations.fleet.result_output import changes_text, state_text
from operations.terminal import print_line

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType

    from operations.fleet.results import AccountResult
    from operations.fleet.stack_configuration import FleetStack


class Progress:
    """Progress of every account on a console; its methods are called from several threads."""

    def __init__(self, console: Console, total: int) -> None:
        """Initialize the progress."""
        self._console = console
        self._total = total
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, str, str]] = {}
        self._ended: Counter[str] = Counter()
        self._live = Live(self._table(), console=console, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def started(self, stack: FleetStack, wave: str) -> None:
        """Show that an account has started."""
        with self._lock:
            self._running[stack.account.id] = (wave, stack.account.name, "started")
        self._show()

    def updated(self, stack: FleetStack, text: str) -> None:
        """Show the progress of an account."""
        with self._lock:
            if stack.account.id in self._running:
                wave, name, _ = self._running[stack.account.id]
                self._running[stack.account.id] = (wave, name, text)
        self._show()

    def ended(self, result: AccountResult) -> None:
        """Show that an account has finished, or will not start."""
        with self._lock:
            self._running.pop(result.id, None)
            self._ended[result.state.value] += 1
        if self._live is None:
            changes = changes_text(result)
            line = f"{result.wave or '-'}  {result.id}  {result.name}: {state_text(result.state).plain}"
            self._line(f"{line}{f' ({changes})' if changes else ''}, {result.seconds:.0f} s")
        self._show()

    def pausing(self, wave: str, minutes: int) -> None:
        """Show the pause before the next wave."""
        self._line(f"Wave {wave} is complete; the next wave starts in {counted(minutes, 'minute')}.")

    def _line(self, text: str) -> None:
        print_line(self._console, text)

    def _show(self) -> None:
        if self._live:
            self._live.update(self._table())

    def _table(self) -> RenderableType:
        with self._lock:
            running, ended = list(self._running.items()), dict(self._ended)
        counts = ", ".join(f"{count} {state}" for state, count in ended.items())
        title = f"{sum(ended.values())} of {self._total} accounts{f': {counts}' if counts else ''}"
        table = Table(box=None)
        for heading in ("Wave", "Account", "ID", ""):
            table.add_column(heading)
        for account_id, (wave, name, text) in running:
            table.add_row(Text(wave), Text(name), account_id, Text(text))
        return Group(Text(title), table) if running else Text(title)
