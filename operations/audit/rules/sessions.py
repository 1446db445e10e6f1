"""Rules about sessions that are started, resumed or ended outside the approved path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.audit.catalog import (
    AuditRule,
    EscalationPath,
    Exempt,
    StatementKind,
    TargetKind,
    escalation,
    high,
    low,
    medium,
    requirement,
)
from operations.audit.rules.keys import (
    ACCESS_CHECKED,
    ACCESS_NOT_CHECKED,
    NO_APPROVAL,
    NODE_TAGS_MET,
    NODE_TAGS_NOT_MET,
    OTHER_PRINCIPAL,
)
from operations.audit.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.iam.choices import Choice

_START = "ssm:StartSession"
_ANY_NODE = {**NO_APPROVAL, **NODE_TAGS_NOT_MET}
_STANDING = {**NO_APPROVAL, **NODE_TAGS_MET}


def _shell(
    severity: Severity, on: TargetKind, given: Mapping[str, tuple[Choice, ...]], statement_kind: StatementKind
) -> tuple[EscalationPath, EscalationPath]:
    """Return the paths to a shell: with the default document, or where documents are checked, with one that opens a shell."""
    return (
        escalation(
            severity, requirement(_START, on=on, given={**given, **ACCESS_NOT_CHECKED}, statement_kind=statement_kind)
        ),
        escalation(
            severity,
            requirement(_START, on=on, given={**given, **ACCESS_CHECKED}, statement_kind=statement_kind),
            requirement(_START, on=TargetKind.SHELL_DOCUMENTS, given={**given, **ACCESS_CHECKED}),
            fallback=True,
        ),
    )


SESSIONS: Final = (
    AuditRule(
        id="session-any-node",
        title="Starts a session on every node",
        impact="A standing shell on nodes without an approval.",
        escalations=_shell(Severity.CRITICAL, TargetKind.ANY_NODE, _ANY_NODE, StatementKind.BESIDE_VARIABLE),
        remedy="Leave only the instance that the principal's own SecurityAllowSessionInstance tag names, as the operator "
        "policy does.",
        source="SAR Systems Manager; pathfinding ssm-001; PMapper ssm_edges; prowler",
    ),
    AuditRule(
        id="session-fixed-nodes",
        title="Starts a session on fixed or tagged nodes",
        impact="A shell without approval on the nodes that the statement names, or that carry a tag.",
        escalations=_shell(Severity.HIGH, TargetKind.NODES, _STANDING, StatementKind.PLAIN),
        remedy="Replace the instances by the principal's own tag, or remove the statement from this principal.",
        source="User Guide: Additional sample IAM policies for Session Manager",
        silent_under=("session-any-node",),
    ),
    AuditRule(
        id="session-beyond-approved-instance",
        title="Starts sessions beyond the approved instance",
        impact="The approval tag is required, but more than the one approved instance matches.",
        escalations=_shell(Severity.HIGH, TargetKind.NODES, NODE_TAGS_MET, StatementKind.VARIABLE),
        remedy="Make ${aws:PrincipalTag/SecurityAllowSessionInstance} the whole instance id: no default, no wildcard, no "
        "second resource.",
        source="IAM User Guide: Policy variables, default values and no value",
        silent_under=("session-any-node",),
    ),
    AuditRule(
        id="session-other-documents",
        title="Starts sessions with other documents",
        impact="Port forwarding, SSH or single commands in place of the shell that is logged.",
        escalations=(
            high(
                requirement(_START, on=TargetKind.REMOTE_HOST_DOCUMENT),
                requirement(_START, on=TargetKind.APPROVED_NODE),
            ),
            medium(
                requirement(_START, on=TargetKind.OTHER_SESSION_DOCUMENTS),
                requirement(_START, on=TargetKind.APPROVED_NODE),
            ),
        ),
        remedy="Allow StartSession with document/SSM-SessionManagerRunShell of this account and no other.",
        source="User Guide: Start a session with a document by specifying the session documents in IAM policies",
    ),
    AuditRule(
        id="ecs-execute-command",
        title="Opens a shell in a container",
        impact="A command or shell in a running task, through the same agent, without approval.",
        escalations=(high(requirement("ecs:ExecuteCommand")),),
        remedy="Remove ecs:ExecuteCommand, or limit it to clusters where nothing is governed.",
        source="SAR Elastic Container Service; ECS Developer Guide: ECS Exec",
    ),
    AuditRule(
        id="session-resume-others",
        title="Resumes another principal's session",
        impact="Takes over a session that another principal was approved for.",
        escalations=(medium(requirement("ssm:ResumeSession", on=TargetKind.OTHERS_SESSIONS, given=OTHER_PRINCIPAL)),),
        remedy="Remove ssm:ResumeSession, or limit it to session/${aws:userid}-*.",
        source="User Guide: Additional sample IAM policies for Session Manager (own sessions)",
    ),
    AuditRule(
        id="session-second-request-path",
        title="Has a second request path",
        impact="Just-in-time node access or GUI Connect open a node under rules of their own.",
        escalations=(
            medium(requirement("ssm:StartAccessRequest", "ssm:GetAccessToken")),
            medium(
                requirement("ssm-guiconnect:StartConnection"),
                requirement(_START, on=TargetKind.NODES, given=NODE_TAGS_MET),
            ),
        ),
        remedy="Deny ssm:StartAccessRequest, ssm:GetAccessToken and ssm-guiconnect:StartConnection unless they are an "
        "accepted path here.",
        source="User Guide: Just-in-time node access; SAR Systems Manager GUI Connect",
        exempt=frozenset({Exempt.JUST_IN_TIME_MODE}),
    ),
    AuditRule(
        id="session-terminate-others",
        title="Ends another principal's session",
        impact="Interrupts the work of others; no access of its own.",
        escalations=(low(requirement("ssm:TerminateSession", on=TargetKind.OTHERS_SESSIONS, given=OTHER_PRINCIPAL)),),
        remedy="Limit ssm:TerminateSession to session/${aws:userid}-*.",
        source="User Guide: Additional sample IAM policies for Session Manager (own sessions)",
    ),
)
