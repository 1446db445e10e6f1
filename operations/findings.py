"""Findings of verify, doctor, nodes and orphans, and their output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from operations.terminal import print_line, titled_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from operations.inventory.reader import ReadFailure


class Status(StrEnum):
    """Status of a finding."""

    PROBLEM = "problem"
    """Sessions fail or are not logged."""
    DIFFERENT = "different"
    """The resource differs from the settings."""
    UNKNOWN = "cannotTell"
    """A call was denied or failed, or the answer cannot be determined; never counts as OK."""
    WARNING = "warning"
    """It needs attention; does not affect the exit code."""
    NOTE = "note"
    """For completeness: it follows from another finding, or can never be known from outside the node."""
    OK = "ok"
    """No differences."""


STYLES: Final = {
    Status.PROBLEM: "bold red",
    Status.DIFFERENT: "bold red",
    Status.UNKNOWN: "bold magenta",
    Status.WARNING: "yellow",
    Status.NOTE: "cyan",
    Status.OK: "green",
}
UNKNOWN_LABEL: Final = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Finding about a resource or a node.

    Attributes:
        check: ID of the check, or the cause, the same in every Region and release.
        about: Subject, such as an action, a service or an endpoint. Empty if the check names it.
        expected: Value in the settings. Empty: the check compares no value.
        found: Actual value or description, or the reason why it is not known.
        remedy: Command or setting that fixes it. Empty if there is nothing to do.
    """

    check: str
    status: Status = Status.PROBLEM
    about: str = ""
    expected: str = ""
    found: str
    remedy: str = ""


def unknown_finding(check: str, why: ReadFailure, *, expected: str = "", about: str = "") -> Finding:
    """Return the finding about a resource that cannot be read."""
    return Finding(
        check=check,
        status=Status.UNKNOWN,
        about=about,
        expected=expected,
        found=why.explanation,
        remedy=why.remedy,
    )


def listed(names: list[str] | tuple[str, ...], most: int | None = None) -> str:
    """Return the names as a list in a sentence: `a, b and c`."""
    left = 0 if most is None else len(names) - most
    named = names[:most]
    text = " and ".join(part for part in (", ".join(named[:-1]), *named[-1:]) if part)
    return f"{text} and {left} more" if left > 0 else text


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 node`, `2 nodes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def styled(status: Status) -> Text:
    """Return a status for a terminal."""
    return Text(UNKNOWN_LABEL if status is Status.UNKNOWN else status.value, style=STYLES[status])


def print_unread(console: Console, subject: str, why: ReadFailure) -> None:
    """Print that a Region, or a part of it, cannot be read, with the remediation."""
    print_line(console, styled(Status.UNKNOWN), f": {subject}: {why.explanation}")
    print_line(console, f"  remedy: {why.remedy}")


def unread_as_json(region: str, why: ReadFailure) -> dict[str, Any]:
    """Return the reason for which a Region cannot be read, as JSON values."""
    return {"region": region, "action": why.action, "cause": why.cause, "remedy": why.remedy}


def stack_title(stack: str, account_id: str | None) -> str:
    """Return the heading of a report: `Stack dev, account 123456789012`."""
    return f"Stack {stack}{f', account {account_id}' if account_id else ''}"


def stack_table(stack: str, account_id: str | None) -> Table:
    """Return an empty table with the stack and the account as its title."""
    return titled_table(stack_title(stack, account_id))
