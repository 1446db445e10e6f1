"""`doctor` and `nodes`: reasons why sessions on a node, or on all nodes, would fail or would not be logged."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from common.problems import visible
from operations.command_line import CommandContext, Cwd, Json, Regions, Stack
from operations.doctor.findings import Cause, Verdict
from operations.doctor.run import Doctor
from operations.errors import ExitCode
from operations.findings import UNKNOWN_LABEL, Status, counted, print_unread, stack_table, styled, unread_as_json
from operations.terminal import Terminal, print_json, print_line, program_name, working

if TYPE_CHECKING:
    from rich.console import Console

    from operations.doctor.findings import Diagnosis
    from operations.doctor.run import Survey

_VERDICTS: Final = {
    Verdict.NOT_READY: ("not ready", "bold red"),
    Verdict.UNKNOWN: (UNKNOWN_LABEL, "bold magenta"),
    Verdict.READY: ("ready", "bold green"),
}
_COUNTED: Final = (Status.PROBLEM, Status.UNKNOWN)


def doctor(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="ID (i-..., mi-...) or Name tag, such as app-1.")],
    *,
    region: Regions = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """Diagnose why a session on a node would fail or would not be logged, the most likely cause first. Changes nothing.

    Evaluates the instance, SSM Agent, the effective permissions of its role, the network path from its subnet to each
    service that the stack's settings require, and keys, log group, bucket and document. Each cause has a remediation.

    A resource that cannot be read is reported as "cannot tell", with the permission that it requires; such a node is
    never reported as ready.

    Exit codes: 0 ready (warnings allowed), 1 not ready, cannot tell, or no such node, 2 the command line or the
    configuration is not usable.
    """
    configuration = CommandContext.of(context).read_stack(cwd, stack)
    with working("Diagnosing the node ..."):
        found = Doctor(configuration, region).diagnose(instance)
    if json_output:
        print_json(_diagnosis_document(found))
    else:
        _print_diagnosis(found, Terminal())
    raise typer.Exit(found.exit_code)


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
    is_ready = not found.unread and all(each.verdict is Verdict.READY for each in found.nodes)
    if json_output:
        print_json(_survey_document(found))
    else:
        _print_survey(found, Terminal(), is_ready=is_ready)
    raise typer.Exit(ExitCode.SUCCESS if is_ready else ExitCode.FINDINGS)


def _survey(doctor: Doctor, *, running_only: bool) -> Survey:
    errors = Terminal(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("Listing nodes", total=None)
        return doctor.survey(
            running_only=running_only,
            progress=lambda what, done, of: progress.update(task, description=what, completed=done, total=of),
        )


def _diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "node": diagnosis.node_id,
        "name": diagnosis.name or None,
        "region": diagnosis.region,
        "verdict": diagnosis.verdict.value,
        "findings": [
            {
                "cause": str(each.check),
                "status": each.status.value,
                "about": each.about or None,
                "found": each.found,
                "remedy": each.remedy or None,
            }
            for each in diagnosis.findings
        ],
    }


def _survey_document(survey: Survey) -> dict[str, Any]:
    return {
        "stack": survey.stack,
        "accountId": survey.account_id,
        "nodes": [_diagnosis_document(each) for each in survey.nodes],
        "counts": {each.value: _count(survey, each) for each in Verdict},
        "causes": dict(_causes(survey)),
        "cannotTell": [unread_as_json(region, why) for region, why in survey.unread],
    }


def _print_diagnosis(diagnosis: Diagnosis, console: Console) -> None:
    """Print the verdict, then the findings, grouped by remedy."""
    where = f"{diagnosis.node_id}, {diagnosis.region}" if diagnosis.name else diagnosis.region
    name = f"{visible(diagnosis.name) or diagnosis.node_id} ({where})"
    print_line(console, (name, "bold"), ": ", _VERDICTS[diagnosis.verdict])
    for (status, cause, remedy), several in groupby(
        diagnosis.findings, lambda each: (each.status, each.check, each.remedy)
    ):
        findings = list(several)
        # In a group of findings, each names its own subject.
        about = f" {findings[0].about}" if len(findings) == 1 and findings[0].about else ""
        print_line(console)
        print_line(console, styled(status), f": {cause}{about}")
        for each in findings:
            print_line(console, f"  {visible(each.found)}")
        if remedy:
            print_line(console, f"  remedy: {visible(remedy)}")


def _print_survey(survey: Survey, console: Console, *, is_ready: bool) -> None:
    """Print the table, the frequency of each cause, and the counts last."""
    for region, why in survey.unread:
        print_unread(console, f"the nodes of {region}", why)
    if survey.nodes:
        table = stack_table(survey.stack, survey.account_id)
        for heading in ("Region", "Node", "Result"):
            table.add_column(heading, no_wrap=True)
        table.add_column("Causes", overflow="fold")
        for each in survey.nodes:
            node = f"{visible(each.name)} {each.node_id}".lstrip()
            table.add_row(Text(each.region), Text(node), Text(*_VERDICTS[each.verdict]), Text(_causes_of(each)))
        console.print(table)
    for cause, count in _causes(survey):
        print_line(console, f"{count:5}  {cause}")
    limits = (each.found for node in survey.nodes for each in node.findings if each.check == Cause.NOT_SEEN)
    for limit in dict.fromkeys(limits):
        print_line(console, f"Note: {limit}.")
    counts = [f"{_count(survey, each)} {text}" for each, (text, _) in _VERDICTS.items() if _count(survey, each)]
    text = f"{counted(len(survey.nodes), 'node')}{': ' if counts else ''}{', '.join(counts)}"
    if survey.unread:
        text = f"Incomplete: {f'at least {text}' if survey.nodes else 'the number of nodes is not known'}"
    text += "" if is_ready else f". For causes and remedies: {program_name()} doctor NODE"
    print_line(console, text, style="bold green" if is_ready else "bold red")


def _causes_of(diagnosis: Diagnosis) -> str:
    """Return the causes of one node, the most likely first; `doctor` reports the details."""
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
