"""Results of an audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from common.iam.patterns import matches
from operations.audit.catalog import Severity
from operations.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from common.iam.documents import Statement
    from common.iam.principals import Principal
    from operations.inventory.reader import ReadFailure


@dataclass(frozen=True, kw_only=True)
class MatchedStatement:
    """A statement that allows a principal an action.

    Attributes:
        policy: Name, or ARN of a managed policy.
        kind: `inline`, `managed`, `trust`.
        group: Group that the policy is attached to; empty: none.
        index: Index of the statement in its document, from 0.
        sid: Sid of the statement; empty: none.
        actions: Actions of the rule that it allows.
        statement: Statement as written.
    """

    policy: str
    kind: str
    group: str = ""
    index: int
    sid: str = ""
    actions: tuple[str, ...]
    statement: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of_trust(cls, role: Principal, statement: Statement, action: str) -> MatchedStatement:
        """Return a statement of a role's trust policy."""
        return cls(
            policy=f"trust policy of {role.name}",
            kind="trust",
            index=statement.index,
            sid=statement.sid,
            actions=(action,),
            statement=statement.raw,
        )

    @property
    def place(self) -> str:
        """Policy, group and statement as text."""
        policy = self.policy if self.kind == "trust" else f"{self.kind} policy {self.policy}"
        through = f" of group {self.group}" if self.group else ""
        named = f" ({self.sid})" if self.sid else ""
        return f"{policy}{through}, statement {self.index}{named}"


@dataclass(frozen=True, kw_only=True)
class BypassFinding:
    """An approval bypass that a principal has.

    Attributes:
        severity: Severity; one level lower where there are doubts.
        doubts: Conditions that IAM data does not decide; empty where it is certain.
        obfuscation: IDs of what makes the statements hard to see through.
        path: ARNs of the roles that are assumed, in order; empty: none.
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
        kind: `user`, `role`, `outside` for principals of other accounts, `document` for a runbook that is not the stack's,
            `exception` for accepted exceptions.
        findings: Findings, the worst first.
    """

    arn: str
    kind: str
    findings: tuple[BypassFinding, ...]

    @property
    def worst(self) -> Severity:
        """Severity of the worst finding."""
        return max(each.severity for each in self.findings)


@dataclass(frozen=True, kw_only=True)
class AcceptedException:
    """An entry of the file of exceptions.

    Attributes:
        principal: ARN, or a pattern of ARNs.
        owner: Who is accountable for it.
        until: Last day on which it counts.
    """

    principal: str
    rule: str
    reason: str
    owner: str
    until: date

    def covers(self, arn: str, rule: str) -> bool:
        """Return whether the entry is about a finding of a principal."""
        return rule == self.rule and matches(self.principal, arn)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A finding that an exception covers.

    Attributes:
        arn: Of the principal.
    """

    arn: str
    finding: BypassFinding
    exception: AcceptedException


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Result of an audit.

    Attributes:
        account_id: Account; None where AWS did not answer.
        caller: ARN of the principal that audits; None where AWS did not answer.
        time: Time of the audit, ISO 8601.
        principals: Number of principals that were evaluated.
        audited: Principals with findings, the worst first.
        services: Roles that only services assume, for information; not counted.
        administrators: ARNs of declared administrators; not counted.
        service_linked: Number of service-linked roles, which are not evaluated.
        accepted: Findings that an accepted exception covers; not counted.
        unused: Accepted exceptions that cover nothing.
        by_design: What the configuration itself allows, each once.
        unread: Data that could not be read, so that the audit is incomplete.
        limits: Data that was not taken into account, so that too much may be reported.
    """

    stack: str = ""
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
    unread: tuple[ReadFailure, ...] = ()
    limits: tuple[str, ...] = ()

    def count(self, *severities: Severity) -> int:
        """Return the number of findings with these severities; without severities of all."""
        wanted = severities or tuple(Severity)
        return sum(finding.severity in wanted for each in self.audited for finding in each.findings)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command."""
        return ExitCode.FINDINGS if self.unread or self.count() else ExitCode.SUCCESS


def worst_first(several: Iterable[Audited]) -> tuple[Audited, ...]:
    """Sort principals by severity, number of findings and ARN."""
    return tuple(sorted(several, key=lambda each: (-each.worst, -len(each.findings), each.arn)))
