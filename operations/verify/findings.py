"""Results of a verification."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from operations.errors import ExitCode

if TYPE_CHECKING:
    from operations.reading import Unread


class Status(StrEnum):
    """Result of a check."""

    OK = "ok"
    """No differences."""
    DIFFERENT = "different"
    """The resource differs from the settings."""
    CANNOT_TELL = "cannotTell"
    """A call was denied or failed; counts as a difference for the exit code."""
    WARNING = "warning"
    """The settings do not define it, but it needs attention; does not affect the exit code."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check in one Region.

    Attributes:
        check: ID of the check, the same in every Region and release.
        status: Result of the check.
        expected: Value in the settings.
        found: Actual value, or the reason why it is not known.
        remedy: Remediation; None: nothing to fix.
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
        stack: Name of the stack.
        account_id: ID of the account; None: nothing to verify, or the account is not known.
        regions: Findings by Region, in the order of the settings; empty: nothing to verify.
    """

    stack: str
    account_id: str | None
    regions: dict[str, tuple[Finding, ...]]

    def count(self, *statuses: Status) -> int:
        """Return the number of findings with one of the statuses; without statuses, of all findings."""
        wanted = statuses or tuple(Status)
        return sum(finding.status in wanted for findings in self.regions.values() for finding in findings)

    @property
    def differences(self) -> int:
        """Number of findings that differ or cannot be evaluated."""
        return self.count(Status.DIFFERENT, Status.CANNOT_TELL)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command."""
        return ExitCode.FINDINGS if self.differences else ExitCode.SUCCESS


def compared(check: str, *, same: bool, expected: str, found: str, remedy: str) -> Finding:
    """Return the finding of a comparison; the remedy is dropped if there is no difference."""
    if same:
        return Finding(check=check, status=Status.OK, expected=expected, found=found)
    return Finding(check=check, status=Status.DIFFERENT, expected=expected, found=found, remedy=remedy)


def cannot_tell(check: str, expected: str, why: Unread) -> Finding:
    """Return the finding about a resource that cannot be read."""
    found = f"{why.action}: {why.cause}"
    return Finding(check=check, status=Status.CANNOT_TELL, expected=expected, found=found, remedy=why.remedy)


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Return the names as a list in a sentence: `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
