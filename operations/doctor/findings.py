"""Findings about a node: causes and verdicts, and their output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from common.problems import visible
from operations.errors import ExitCode
from operations.findings import UNKNOWN_LABEL, Finding, Status, styled
from operations.terminal import print_line

if TYPE_CHECKING:
    from rich.console import Console


class Cause(StrEnum):
    """Cause why a session may fail or may not be logged, in the order of a report: what explains most comes first."""

    STOPPED = "stopped"
    NO_INSTANCE_PROFILE = "no-instance-profile"
    METADATA_OFF = "metadata-off"
    ROLE = "role"
    NOT_MANAGED = "not-managed"
    OFFLINE = "offline"
    NO_ROUTE = "no-route"
    ENDPOINT_MISSING = "endpoint-missing"
    ENDPOINT_STATE = "endpoint-state"
    ENDPOINT_PRIVATE_DNS = "endpoint-private-dns"
    ENDPOINT_ROUTE_TABLE = "endpoint-route-table"
    ENDPOINT_SECURITY_GROUP = "endpoint-security-group"
    ENDPOINT_POLICY = "endpoint-policy"
    SECURITY_GROUP = "security-group"
    NETWORK_ACL = "network-acl"
    NETWORK = "network"
    PERMISSION = "permission"
    AGENT = "agent"
    ACCESS_SERVICE = "access-service"
    ACCESS_TAGS = "access-tags"
    ACCESS_POLICY = "access-policy"
    ACCESS_DENIED = "access-denied"
    ACCESS_REQUEST = "access-request"
    ACCESS_ROLE = "access-role"
    DATA_KEY = "data-key"
    DATA_KEY_POLICY = "data-key-policy"
    LOG_GROUP = "log-group"
    LOG_GROUP_ENCRYPTION = "log-group-encryption"
    LOG_GROUP_KEY = "log-group-key"
    BUCKET = "bucket"
    BUCKET_ENCRYPTION = "bucket-encryption"
    BUCKET_KEY = "bucket-key"
    BUCKET_KEY_POLICY = "bucket-key-policy"
    BUCKET_POLICY = "bucket-policy"
    DOCUMENT = "document"
    ENDPOINT_ELSEWHERE = "endpoint-elsewhere"
    RUN_AS = "run-as"
    NOT_SEEN = "not-seen"


class Verdict(StrEnum):
    """Verdict on a node, the worst first."""

    NOT_READY = "notReady"
    """Sessions fail or are not logged."""
    UNKNOWN = "cannotTell"
    """No problem is known, but not everything is known."""
    READY = "ready"
    """Everything that the settings need is available."""


_CAUSES: Final = tuple(Cause)
_STATUSES: Final = tuple(Status)
_VERDICTS: Final = tuple(Verdict)


def order(finding: Finding) -> tuple[int, int, str]:
    """Return the sort key of a finding: problems before doubts, and the most likely cause first."""
    return _STATUSES.index(finding.status), _CAUSES.index(Cause(finding.check)), finding.about


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Node with its findings.

    Attributes:
        node_id: ID of the node (`i-...` or `mi-...`).
        name: Name tag or computer name. Empty: none.
        findings: Findings, the most likely cause first.
    """

    node_id: str
    name: str
    region: str
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Verdict: ready only if there is no problem and everything is known."""
        statuses = {each.status for each in self.findings}
        if Status.PROBLEM in statuses:
            return Verdict.NOT_READY
        return Verdict.UNKNOWN if Status.UNKNOWN in statuses else Verdict.READY

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command."""
        return ExitCode.SUCCESS if self.verdict is Verdict.READY else ExitCode.FINDINGS

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Sort key: the worst first, then by Region and name."""
        return _VERDICTS.index(self.verdict), self.region, self.name, self.node_id


VERDICTS: Final = {
    Verdict.NOT_READY: ("not ready", "bold red"),
    Verdict.UNKNOWN: (UNKNOWN_LABEL, "bold magenta"),
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
            print_line(console, f"  {visible(each.found)}")
        if remedy:
            print_line(console, f"  remedy: {visible(remedy)}")


def called(diagnosis: Diagnosis) -> str:
    """Return a node's name, ID and Region."""
    where = f"{diagnosis.node_id}, {diagnosis.region}" if diagnosis.name else diagnosis.region
    return f"{visible(diagnosis.name) or diagnosis.node_id} ({where})"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "cause": str(finding.check),
        "status": finding.status.value,
        "about": finding.about or None,
        "found": finding.found,
        "remedy": finding.remedy or None,
    }
