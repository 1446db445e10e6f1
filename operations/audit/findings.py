"""What an audit comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from operations.audit.severity import Severity
from operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.audit.exceptions import Accepted, AcceptedException
    from operations.reading import Unread


@dataclass(frozen=True, kw_only=True)
class MatchedStatement:
    """A statement that lets a principal do something.

    Attributes:
        policy: name, or ARN of a managed one.
        kind: `inline`, `managed`, `trust`.
        group: that brings the policy; empty where none does.
        index: of the statement in its document, from 0.
        sid: of the statement, or empty.
        actions: of the rule that it allows.
        statement: as written.
    """

    policy: str
    kind: str
    group: str = ""
    index: int
    sid: str = ""
    actions: tuple[str, ...]
    statement: Mapping[str, Any] = field(repr=False)

    @property
    def place(self) -> str:
        """For people: policy, group, statement."""
        policy = self.policy if self.kind == "trust" else f"{self.kind} policy {self.policy}"
        through = f" of group {self.group}" if self.group else ""
        named = f" ({self.sid})" if self.sid else ""
        return f"{policy}{through}, statement {self.index}{named}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A way around that a principal has.

    Attributes:
        rule: id of the way.
        severity: lowered where it cannot be told.
        lettings: the statements that let it.
        doubts: conditions that cannot be told; empty where it is certain.
        hidden: ids of how the statements hide.
        path: ARNs of the roles that are taken on, in order; empty where none are.
        note: what else there is to say.
    """

    rule: str
    severity: Severity
    matched_statements: tuple[MatchedStatement, ...]
    doubts: tuple[str, ...] = ()
    obfuscation: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Audited:
    """A principal with its findings.

    Attributes:
        arn: of it.
        kind: `user`, `role`, `outside` for principals of other accounts, `document` for a runbook that is not the stack's,
            `exception` for accepted exceptions.
        findings: the worst first.
    """

    arn: str
    kind: str
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity:
        """Of its findings."""
        return max(each.severity for each in self.findings)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All that an audit found.

    Attributes:
        stack: its name.
        account_id: 12 digits; None where nobody answered.
        caller: ARN of the principal that audits; None where the account did not answer.
        time: When the audit ran, ISO 8601.
        principals: how many were judged.
        audited: those with findings, the worst first.
        services: roles that only services take on, with what they could do; no findings.
        administrators: ARNs of declared administrators; no findings.
        service_linked: how many roles services made for themselves; not judged.
        accepted: Findings that an accepted exception covers; no findings.
        unused: Accepted exceptions that cover nothing.
        by_design: What the configuration itself allows, said once.
        unread: what could not be read, and needs to be for an audit.
        limits: what the audit could not take into account.
    """

    stack: str
    account_id: str | None = None
    caller: str | None = None
    time: str = ""
    principals: int = 0
    audited: tuple[Audited, ...] = ()
    services: tuple[Audited, ...] = ()
    administrators: tuple[str, ...] = ()
    service_linked: int = 0
    accepted: tuple[Accepted, ...] = ()
    unused: tuple[AcceptedException, ...] = ()
    by_design: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    limits: tuple[str, ...] = ()

    def count(self, *severities: Severity) -> int:
        """How many findings are so bad; without severities all of them."""
        wanted = severities or tuple(Severity)
        return sum(finding.severity in wanted for each in self.audited for finding in each.findings)

    @property
    def exit_code(self) -> ExitCode:
        """What a shell is told."""
        return ExitCode.DIFFERENT if self.unread or self.count() else ExitCode.AS_ASKED


def worst_first(several: list[Audited]) -> tuple[Audited, ...]:
    """By severity, then by how much there is, then by name."""
    return tuple(sorted(several, key=lambda each: (-each.worst, -len(each.findings), each.arn)))
