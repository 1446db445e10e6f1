"""Findings of a stack, without secret configuration values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.secret_texts import SHOWN
from operations.exit_codes import ExitCode
from operations.findings import Finding, Status

if TYPE_CHECKING:
    from operations.stack import StackConfiguration

_OF_ENDPOINTS = ("network", "endpoint-")
_OF_DIRECTORY = "directory-"
_OF_APPROVAL = "approval-"
_WITHOUT_VALUES = ("account", "document")
"""Checks whose texts contain no values of the settings: of the document's content, only names; see `Asked`."""


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
        chosen = statuses or tuple(Status)
        return sum(finding.status in chosen for findings in self.regions.values() for finding in findings)

    @property
    def differences(self) -> int:
        """Number of findings that differ or cannot be evaluated."""
        return self.count(Status.DIFFERENT, Status.CANNOT_TELL)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command."""
        return ExitCode.DIFFERENT if self.differences else ExitCode.AS_ASKED


def without_secrets(finding: Finding, stack: StackConfiguration) -> Finding:
    """Return the finding without values of a secret part of the configuration.

    The engine only reports that a section contains a secret, not where, so all values of the section are removed. The
    reason for an unreadable resource is AWS' own text, and is kept, except for the secrets themselves.
    """
    section = _section(finding.check)
    if stack.is_secret(section) and not finding.check.startswith(_WITHOUT_VALUES):
        finding = replace(finding, expected=SHOWN)
        if finding.status is not Status.CANNOT_TELL:
            finding = replace(finding, found=SHOWN)
    return replace(
        finding,
        expected=stack.without_secrets(finding.expected),
        found=stack.without_secrets(finding.found),
        remedy=stack.without_secrets(finding.remedy),
    )


def _section(check: str) -> str:
    if check.startswith(_OF_DIRECTORY):
        return "domainControllers"
    if check.startswith(_OF_APPROVAL):
        return "approval"
    return "endpoints" if check.startswith(_OF_ENDPOINTS) else "sessionManager"
