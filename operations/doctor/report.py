"""Output of a diagnosis: text for a terminal, or one JSON document."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from operations.doctor.findings import Verdict
from operations.findings import CANNOT_TELL, print_line, styled

if TYPE_CHECKING:
    from rich.console import Console

    from operations.doctor.findings import Diagnosis
    from operations.findings import Finding

VERDICTS: Final = {
    Verdict.NOT_READY: ("not ready", "bold red"),
    Verdict.CANNOT_TELL: (CANNOT_TELL, "bold magenta"),
    Verdict.READY: ("ready", "bold green"),
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
    text, style = VERDICTS[diagnosis.verdict]
    print_line(console, (called(diagnosis), "bold"), ": ", (text, style))
    for (status, cause, remedy), several in groupby(
        diagnosis.findings, lambda each: (each.status, each.check, each.remedy)
    ):
        findings = list(several)
        # In a group of findings, each names its own subject.
        about = f" {findings[0].about}" if len(findings) == 1 and findings[0].about else ""
        print_line(console)
        print_line(console, styled(status), f": {cause}{about}")
        for each in findings:
            print_line(console, f"  {_visible(each.found)}")
        if remedy:
            print_line(console, f"  remedy: {_visible(remedy)}")


def called(diagnosis: Diagnosis) -> str:
    """Return a node's name, ID and Region."""
    name = _visible(diagnosis.name)
    where = f"{diagnosis.node_id}, {diagnosis.region}" if name else diagnosis.region
    return f"{name or diagnosis.node_id} ({where})"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "cause": str(finding.check),
        "status": finding.status.value,
        "about": finding.about or None,
        "found": finding.found,
        "remedy": finding.remedy or None,
    }


def _visible(text: str) -> str:
    """Return a text without control characters, which could manipulate the terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)
