"""`nodes`: show all managed nodes in all Regions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from common.problems import visible
from operations.command_line import CommandContext, Cwd, Json, Regions, Stack
from operations.doctor.findings import VERDICTS, Cause, Verdict, plain
from operations.doctor.run import Doctor
from operations.errors import ExitCode
from operations.findings import Status, counted, print_unread, stack_table, unread_as_json
from operations.terminal import Terminal, print_json, print_line, program_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from operations.doctor.findings import Diagnosis
    from operations.doctor.run import Survey


def nodes(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    *,
    running: Annotated[bool, typer.Option("--running", help="Omit instances that are not running.")] = False,
    region: Regions = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """List all managed nodes of the stack's Regions, and running instances that are not managed. Changes nothing.

    Each is evaluated as by `doctor`: ready, not ready, or cannot tell, the worst first, with the causes.

    Exit codes: 0 all ready, 1 a node is not ready or cannot be evaluated, 2 the command line or the configuration is not
    usable.
    """
    configuration = CommandContext.of(context).read_stack(cwd, stack)
    found = _survey(Doctor(configuration, region), running_only=running)
    if json_output:
        print_json(as_plain(found))
    else:
        show(found, Terminal())
    raise typer.Exit(exit_code(found))


def _survey(doctor: Doctor, *, running_only: bool) -> Survey:
    errors = Terminal(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("Listing nodes", total=None)
        return doctor.survey(
            running_only=running_only,
            progress=lambda what, done, of: progress.update(task, description=what, completed=done, total=of),
        )


_COUNTED: Final = (Status.PROBLEM, Status.UNKNOWN)


def exit_code(survey: Survey) -> ExitCode:
    """Return the exit code of the command."""
    ready = all(each.verdict is Verdict.READY for each in survey.nodes)
    return ExitCode.SUCCESS if ready and not survey.unread else ExitCode.FINDINGS


def as_plain(survey: Survey) -> dict[str, Any]:
    """Return all nodes as one JSON document."""
    return {
        "stack": survey.stack,
        "accountId": survey.account_id,
        "nodes": [plain(each) for each in survey.nodes],
        "counts": {each.value: _count(survey, each) for each in Verdict},
        "causes": dict(_causes(survey)),
        "cannotTell": [unread_as_json(region, why) for region, why in survey.unread],
    }


def show(survey: Survey, console: Console) -> None:
    """Print all nodes: the table, the frequency of each cause, and the counts last."""
    for region, why in survey.unread:
        print_unread(console, f"the nodes of {region}", why)
    if survey.nodes:
        console.print(_table(survey))
    for cause, count in _causes(survey):
        print_line(console, f"{count:5}  {cause}")
    for limit in dict.fromkeys(
        each.found for node in survey.nodes for each in node.findings if each.check == Cause.NOT_SEEN
    ):
        print_line(console, f"Note: {limit}.")
    print_line(console, _summary(survey))


def _table(survey: Survey) -> Table:
    table = stack_table(survey.stack, survey.account_id)
    for heading in ("Region", "Node", "Result"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Causes", overflow="fold")
    for each in survey.nodes:
        text, style = VERDICTS[each.verdict]
        node = f"{visible(each.name)} {each.node_id}".lstrip()
        table.add_row(Text(each.region), Text(node), Text(text, style=style), Text(_why(each)))
    return table


def _why(diagnosis: Diagnosis) -> str:
    """Return the causes, the most likely first; `doctor` reports the details."""
    causes: dict[str, list[str]] = {}
    for each in diagnosis.findings:
        if each.status in _COUNTED:
            causes.setdefault(each.check, []).append(each.about)
    return ", ".join(
        f"{cause} ({len(about)})" if len(about) > 1 else f"{cause} {about[0]}".rstrip()
        for cause, about in causes.items()
    )


def _causes(survey: Survey) -> list[tuple[str, int]]:
    """Return the number of nodes per cause, the most frequent first."""
    counts = Counter(
        cause
        for node in survey.nodes
        for cause in {str(each.check) for each in node.findings if each.status in _COUNTED}
    )
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _count(survey: Survey, verdict: Verdict) -> int:
    return sum(each.verdict is verdict for each in survey.nodes)


def _summary(survey: Survey) -> Text:
    counts = [f"{_count(survey, each)} {VERDICTS[each][0]}" for each in Verdict if _count(survey, each)]
    number = len(survey.nodes)
    text = f"{counted(number, 'node')}{': ' if counts else ''}{', '.join(counts)}"
    if survey.unread:
        text = f"Incomplete: {f'at least {text}' if number else 'the number of nodes is not known'}"
    text += f". For causes and remedies: {program_name()} doctor NODE" if exit_code(survey) else ""
    return Text(text, style="bold red" if exit_code(survey) else "bold green")
