"""What a verification comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from operations.reading import Unread


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    """As asked."""
    DIFFERENT = "different"
    """Not as asked."""
    CANNOT_TELL = "cannotTell"
    """A call was refused or failed; for the exit code that is a difference."""
    WARNING = "warning"
    """Nothing that the settings ask for, yet worth a look; no difference for the exit code."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check in one Region.

    Attributes:
        check: its id, the same in every Region and release.
        status: how it ended.
        expected: what the settings ask for.
        found: what is live, or why that cannot be told.
        remedy: what to do; None where nothing is to be done.
    """

    check: str
    status: Status
    expected: str
    found: str
    remedy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verification:
    """All findings of a stack.

    Attributes:
        stack: its name.
        account_id: 12 digits; None where nothing was asked for or nobody answered.
        regions: findings by Region, in the order of the settings; empty where there is nothing to verify.
    """

    stack: str
    account_id: str | None
    regions: dict[str, tuple[Finding, ...]]

    def count(self, *statuses: Status) -> int:
        """How many findings ended so; without statuses all of them."""
        wanted = statuses or tuple(Status)
        return sum(finding.status in wanted for findings in self.regions.values() for finding in findings)

    @property
    def differences(self) -> int:
        """Findings that are not as asked or cannot be told."""
        return self.count(Status.DIFFERENT, Status.CANNOT_TELL)

    @property
    def exit_code(self) -> ExitCode:
        """What a shell is told."""
        return ExitCode.DIFFERENT if self.differences else ExitCode.AS_ASKED


def compared(check: str, *, same: bool, expected: str, found: str, remedy: str) -> Finding:
    """A finding that is as asked or not; the remedy is kept only where it is not."""
    if same:
        return Finding(check=check, status=Status.OK, expected=expected, found=found)
    return Finding(check=check, status=Status.DIFFERENT, expected=expected, found=found, remedy=remedy)


def cannot_tell(check: str, expected: str, why: Unread) -> Finding:
    """A finding about something that could not be read."""
    found = f"{why.action}: {why.cause}"
    return Finding(check=check, status=Status.CANNOT_TELL, expected=expected, found=found, remedy=why.remedy)


def listed(names: list[str] | tuple[str, ...]) -> str:
    """`a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
