"""Output of a diagnosis: text for a terminal, or one JSON document."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from operations.doctor.findings import Status, Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from operations.doctor.findings import Diagnosis, Finding

VERDICTS: Final = {
    Verdict.NOT_READY: ("not ready", "bold red"),
    Verdict.CANNOT_TELL: ("cannot tell", "bold magenta"),
    Verdict.READY: ("ready", "bold green"),
}
_STATUSES: Final = {
    Status.PROBLEM: ("problem", "bold red"),
    Status.CANNOT_TELL: ("cannot tell", "bold magenta"),
    Status.WARNING: ("warning", "yellow"),
    Status.NOTE: ("note", "cyan"),
}


def plain(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as JSON values."""
    return {
        "node": diagnosis.node_id,
        "name": diagnosis.name or None,
        "region": diagnosis.region,
        "verdict": diagnosis.verdict.value,
        "findings": [_plain(each) for each in diagnosis.findings],
    }


def as_json(value: Any) -> str:
    """Return one JSON document in ASCII, so that names from outside reach the terminal only in escaped form."""
    return json.dumps(value, indent=2)


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print a diagnosis: the verdict, then the findings, grouped by remedy."""
    said, style = VERDICTS[diagnosis.verdict]
    _line(console, Text.assemble((called(diagnosis), "bold"), ": ", (said, style)))
    for (status, cause, remedy), several in groupby(
        diagnosis.findings, lambda each: (each.status, each.cause, each.remedy)
    ):
        word, colour = _STATUSES[status]
        findings = list(several)
        # In a group of findings, each names its own subject.
        about = f" {findings[0].about}" if len(findings) == 1 and findings[0].about else ""
        _line(console, Text())
        _line(console, Text.assemble((word, colour), f": {cause}{about}"))
        for each in findings:
            _line(console, Text(f"  {_visible(each.found)}"))
        if remedy:
            _line(console, Text(f"  remedy: {_visible(remedy)}"))


def called(diagnosis: Diagnosis) -> str:
    """Return a node's name, ID and Region."""
    name = _visible(diagnosis.name)
    where = f"{diagnosis.node_id}, {diagnosis.region}" if name else diagnosis.region
    return f"{name or diagnosis.node_id} ({where})"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "cause": finding.cause.value,
        "status": finding.status.value,
        "about": finding.about or None,
        "found": finding.found,
        "remedy": finding.remedy or None,
    }


def _visible(text: str) -> str:
    """Return a text without control characters, which could manipulate the terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _line(console: Console, text: Text) -> None:
    """Print a line without wrapping, so that commands can be copied."""
    console.print(text, soft_wrap=True)
