"""Findings about a node: causes and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.iam.truth import Truth
from operations.errors import ExitCode
from operations.findings import Finding, Status


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


def status_of(met: Truth) -> Status:
    """Return the status of a finding about a requirement that is not met, or may not be."""
    return Status.PROBLEM if met is Truth.NO else Status.UNKNOWN


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
