"""Removal of secret configuration values from findings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from components.secret_texts import SHOWN
from operations.verify.findings import Finding, Status

if TYPE_CHECKING:
    from operations.stack import StackConfiguration

_OF_ENDPOINTS = ("network", "endpoint-")
_OF_DIRECTORY = "directory-"
_OF_APPROVAL = "approval-"
_WITHOUT_VALUES = ("account", "document")
"""Checks whose texts contain no values of the settings: of the document's content, only names; see `Asked`."""


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
        remedy=stack.without_secrets(finding.remedy) if finding.remedy else None,
    )


def _section(check: str) -> str:
    if check.startswith(_OF_DIRECTORY):
        return "domainControllers"
    if check.startswith(_OF_APPROVAL):
        return "approval"
    return "endpoints" if check.startswith(_OF_ENDPOINTS) else "sessionManager"
