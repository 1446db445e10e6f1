"""Findings about resources that carry the stack's owner tag and are not in its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.inventory.orphans import GLOBAL
from operations.verify.findings import Finding, cannot_tell, compared, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.inventory.orphans import Orphan, Orphans

_EXPECTED: Final = "everything with the stack's owner tag is in its state"
_MOST: Final = 5
"""Maximum number of ARNs in a finding; the command `orphans` lists all."""


def orphan_findings(orphans: Orphans, home: str) -> dict[str, list[Finding]]:
    """Return the findings by Region.

    Args:
        orphans: Result of the search.
        home: Region with which IAM's resources are reported.
    """
    findings: dict[str, list[Finding]] = {}
    for place in sorted({*orphans.found, *orphans.unread}, key=lambda each: each == GLOBAL):
        why = orphans.unread.get(place)
        found = cannot_tell(_check(place), _EXPECTED, why) if why else _finding(place, orphans.found[place])
        findings.setdefault(home if place == GLOBAL else place, []).append(found)
    return findings


def _finding(place: str, orphans: Sequence[Orphan]) -> Finding:
    arns = [each.arn for each in orphans]
    named = listed(arns[:_MOST]) + (f" and {len(arns) - _MOST} more" if len(arns) > _MOST else "")
    return compared(
        _check(place),
        same=not arns,
        expected=_EXPECTED,
        found=f"not in the state: {named}" if arns else _EXPECTED,
        remedy="Run `pulumi up`, which imports what the stack still asks for; then `python -m operations orphans` lists the "
        "rest, with a command that deletes each",
    )


def _check(place: str) -> str:
    return "orphans-iam" if place == GLOBAL else "orphans"
