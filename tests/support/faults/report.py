"""Table of the fault matrix: `python -m tests.support.faults.report`, `make faults`."""

import contextlib
import io
from collections.abc import Callable

from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from tests.support.faults.arena import running_arena
from tests.support.faults.faults import Call, Fault, Times
from tests.support.faults.matrix import USUAL, BrokenPromiseError, Matrix, Stage

Outcomes = dict[tuple[Stage, Call, Fault], dict[Times, set[str]]]
"""Results of a cell of the table; some stages make the same write more than once."""

_CONVERGED = "converged"
_BROKEN = "BROKEN"
_WIDTH = 170


def print_matrix() -> bool:
    """Run the matrix, print it with every broken promise, and return whether all promises held."""
    output, progress = Console(), Console(stderr=True)
    output.width = max(output.width, _WIDTH)
    with running_arena() as arena:
        matrix = Matrix(arena)
        outcomes, broken = _run(matrix, progress)
        output.print(_table(matrix, outcomes))
    for message in broken:
        output.print(message, style="red", highlight=False)
    output.print("Every promise held." if not broken else f"{len(broken)} promises were broken.")
    return not broken


def _run(matrix: Matrix, console: Console) -> tuple[Outcomes, list[str]]:
    outcomes: Outcomes = {}
    broken: list[str] = []
    with Progress(console=console, transient=True) as progress, _silently():
        every = [
            cell for stage in USUAL for fault in Fault for times in Times for cell in matrix.cells(stage, fault, times)
        ]
        step = _step(progress, len(every))
        for cell in every:
            try:
                outcome = matrix.run(cell)
            except BrokenPromiseError as promise:
                outcome = _BROKEN
                broken.append(str(promise))
            place = outcomes.setdefault((cell.stage, cell.call, cell.fault), {})
            place.setdefault(cell.times, set()).add(outcome)
            step()
    return outcomes, broken


def _step(progress: Progress, total: int) -> Callable[[], None]:
    task = progress.add_task("runs with a fault", total=total)
    return lambda: progress.advance(task)


def _silently() -> contextlib.AbstractContextManager[object]:
    """Return a context that suppresses the provider's messages to the user of the engine."""
    return contextlib.redirect_stderr(io.StringIO())


def _table(matrix: Matrix, outcomes: Outcomes) -> Table:
    table = Table(
        Column("call", no_wrap=True),
        *Fault,
        title="once, then forever: converged (+), or the cause for which the run stopped",
    )
    for stage in USUAL:
        table.add_section()
        table.add_row(f"[bold]{stage}[/]")
        for call in dict.fromkeys(matrix.calls(stage)):
            table.add_row(str(call), *(_outcome(outcomes[stage, call, fault]) for fault in Fault))
    return table


def _outcome(by_times: dict[Times, set[str]]) -> str:
    return ", ".join("/".join(sorted(by_times[times])) for times in Times).replace(_CONVERGED, "+")


if __name__ == "__main__":
    raise SystemExit(not print_matrix())
