"""What is found about a node: the causes, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from operations.reading import Unread


class Cause(StrEnum):
    """Why a session may fail or go unlogged. The order is that of a report: what explains most comes first."""

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


class Status(StrEnum):
    """What a finding comes to."""

    PROBLEM = "problem"
    """A session fails or goes unlogged."""
    CANNOT_TELL = "cannotTell"
    """A call was refused or failed, or the answer lies where nobody can look from outside."""
    WARNING = "warning"
    """Sessions work, and something is worth a look."""
    NOTE = "note"
    """Said for completeness: it follows from another finding, or cannot be known from outside by anybody."""


class Verdict(StrEnum):
    """What a node is, the worst first."""

    NOT_READY = "notReady"
    """A session fails or goes unlogged."""
    CANNOT_TELL = "cannotTell"
    """Nothing is known to be in the way, and not everything is known."""
    READY = "ready"
    """Everything that the settings need is met."""


_CAUSES: Final = tuple(Cause)
_STATUSES: Final = tuple(Status)
_VERDICTS: Final = tuple(Verdict)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause.

    Attributes:
        cause: what it is.
        status: what it comes to.
        about: what it is about: an action, a service, an endpoint; empty where the cause says it.
        found: what is so, in words.
        remedy: a command or a setting; empty where there is nothing to do.
    """

    cause: Cause
    status: Status = Status.PROBLEM
    about: str = ""
    found: str
    remedy: str = ""

    @property
    def order(self) -> tuple[int, int, str]:
        """Problems before doubts, and the most likely cause first."""
        return _STATUSES.index(self.status), _CAUSES.index(self.cause), self.about


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A node and what was found.

    Attributes:
        node_id: `i-...` or `mi-...`.
        name: its Name tag or computer name; empty: none.
        region: where it is.
        findings: the most likely cause first.
    """

    node_id: str
    name: str
    region: str
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Ready only where nothing is in the way and everything is known."""
        statuses = {each.status for each in self.findings}
        if Status.PROBLEM in statuses:
            return Verdict.NOT_READY
        return Verdict.CANNOT_TELL if Status.CANNOT_TELL in statuses else Verdict.READY

    @property
    def exit_code(self) -> ExitCode:
        """What a shell is told."""
        return ExitCode.AS_ASKED if self.verdict is Verdict.READY else ExitCode.DIFFERENT

    @property
    def order(self) -> tuple[int, str, str, str]:
        """The worst first, then by place and name."""
        return _VERDICTS.index(self.verdict), self.region, self.name, self.node_id


def cannot_tell(cause: Cause, why: Unread, about: str = "") -> Finding:
    """A finding about something that could not be read."""
    found = f"{why.action}: {why.cause}"
    return Finding(cause=cause, status=Status.CANNOT_TELL, about=about, found=found, remedy=why.remedy)
