"""Output of all nodes: a table with counts, or a JSON document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from operations.doctor.findings import Status, Verdict
from operations.doctor.report import VERDICTS, plain
from operations.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from operations.doctor.findings import Diagnosis
    from operations.doctor.run import Survey

_COUNTED: Final = (Status.PROBLEM, Status.CANNOT_TELL)


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
        "cannotTell": [
            {"region": region, "action": why.action, "cause": why.cause, "remedy": why.remedy}
            for region, why in survey.unread
        ],
    }


def show(survey: Survey, console: Console) -> None:
    """Print all nodes: the table, the frequency of each cause, and the counts last."""
    for region, why in survey.unread:
        said = f": the nodes of {region}: {why.action}: {why.cause}"
        console.print(Text.assemble(("cannot tell", "bold magenta"), said), soft_wrap=True)
        console.print(Text(f"  remedy: {why.remedy}"), soft_wrap=True)
    if survey.nodes:
        console.print(_table(survey))
    for cause, count in _causes(survey):
        console.print(Text(f"{count:5}  {cause}"), soft_wrap=True)
    console.print(_summary(survey), soft_wrap=True)


def _table(survey: Survey) -> Table:
    account = f", account {survey.account_id}" if survey.account_id else ""
    table = Table(title=Text(f"Stack {survey.stack}{account}"), title_justify="left", title_style="bold")
    for heading in ("Region", "Node", "Result"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Why", overflow="fold")
    for each in survey.nodes:
        said, style = VERDICTS[each.verdict]
        name = "".join(letter if letter.isprintable() else "?" for letter in each.name)
        node = f"{name} {each.node_id}" if name else each.node_id
        table.add_row(Text(each.region), Text(node), Text(said, style=style), Text(_why(each)))
    return table


def _why(diagnosis: Diagnosis) -> str:
    """Return the causes, the most likely first; `doctor` reports the details."""
    causes: dict[str, list[str]] = {}
    for each in diagnosis.findings:
        if each.status in _COUNTED:
            causes.setdefault(each.cause, []).append(each.about)
    return ", ".join(
        f"{cause} ({len(about)})" if len(about) > 1 else f"{cause} {about[0]}".rstrip()
        for cause, about in causes.items()
    )


def _causes(survey: Survey) -> list[tuple[str, int]]:
    """Return the number of nodes per cause, the most frequent first."""
    counts = Counter(
        cause
        for node in survey.nodes
        for cause in {each.cause.value for each in node.findings if each.status in _COUNTED}
    )
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _count(survey: Survey, verdict: Verdict) -> int:
    return sum(each.verdict is verdict for each in survey.nodes)


def _summary(survey: Survey) -> Text:
    counts = [f"{_count(survey, each)} {VERDICTS[each][0]}" for each in Verdict if _count(survey, each)]
    number = len(survey.nodes)
    said = f"{number} node{'' if number == 1 else 's'}{': ' if counts else ''}{', '.join(counts)}"
    if survey.unread:
        said = f"Incomplete: {f'at least {said}' if number else 'the number of nodes is not known'}"
    said += ". Why and what to do: python -m operations doctor NODE" if exit_code(survey) else ""
    return Text(said, style="bold red" if exit_code(survey) else "bold green")
