"""Rules about sessions that are started, resumed or ended outside the approved path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.audit.catalog import (
    ACCESS_CHECKED,
    ACCESS_NOT_CHECKED,
    NO_APPROVAL,
    NODE_TAGS_MET,
    NODE_TAGS_NOT_MET,
    OTHER_PRINCIPAL,
    AuditRule,
    EscalationPath,
    Exempt,
    Severity,
    StatementKind,
    TargetKind,
    escalation,
    high,
    low,
    medium,
    requirement,
)

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
            severity, requirement(_START, on, given={**given, **ACCESS_NOT_CHECKED}, statement_kind=statement_kind)
        ),
        escalation(
            severity,
            requirement(_START, on, given={**given, **ACCESS_CHECKED}, statement_kind=statement_kind),
            requirement(_START, TargetKind.SHELL_DOCUMENTS, given={**given, **ACCESS_CHECKED}),
            fallback=True,
        ),
    )


SESSIONS: Final = (
    AuditRule(
        id="session-any-node",
        title="Starts a session on every node",
        impact="Has a shell on all nodes without an approval.",
        escalations=_shell(Severity.CRITICAL, TargetKind.ANY_NODE, _ANY_NODE, StatementKind.BESIDE_VARIABLE),
        remedy="Limit the resource to the instance in the principal's tag SecurityAllowSessionInstance, as in the operators' "
        "policy.",
        source="SAR Systems Manager; pathfinding ssm-001; PMapper ssm_edges; prowler",
    ),
    AuditRule(
        id="session-fixed-nodes",
        title="Starts a session on specific or tagged nodes",
        impact="Has a shell without an approval on the nodes in the statement, or on nodes with a tag.",
        escalations=_shell(Severity.HIGH, TargetKind.NODES, _STANDING, StatementKind.PLAIN),
        remedy="Limit the resource to the instance in the principal's tag SecurityAllowSessionInstance, or remove the statement.",
        source="User Guide: Additional sample IAM policies for Session Manager",
        silent_under=("session-any-node",),
    ),
    AuditRule(
        id="session-beyond-approved-instance",
        title="Starts sessions beyond the approved instance",
        impact="The statement requires the approval tag, but matches more than the approved instance.",
        escalations=_shell(Severity.HIGH, TargetKind.NODES, NODE_TAGS_MET, StatementKind.VARIABLE),
        remedy="Use ${aws:PrincipalTag/SecurityAllowSessionInstance} as the complete instance ID: no default value, wildcard "
        "or second resource.",
        source="IAM User Guide: Policy variables, default values and no value",
        silent_under=("session-any-node",),
    ),
    AuditRule(
        id="session-other-documents",
        title="Starts sessions with other documents",
        impact="Forwards ports, uses SSH or runs commands instead of the logged shell.",
        escalations=(
            high(
                requirement(_START, TargetKind.REMOTE_HOST_DOCUMENT),
                requirement(_START, TargetKind.APPROVED_NODE),
            ),
            medium(
                requirement(_START, TargetKind.OTHER_SESSION_DOCUMENTS),
                requirement(_START, TargetKind.APPROVED_NODE),
            ),
        ),
        remedy="Allow ssm:StartSession only with document/SSM-SessionManagerRunShell of this account.",
        source="User Guide: Start a session with a document by specifying the session documents in IAM policies",
    ),
    AuditRule(
        id="ecs-execute-command",
        title="Opens a shell in a container",
        impact="Runs a command or shell in a running task, through SSM Agent, without an approval.",
        escalations=(high("ecs:ExecuteCommand"),),
        remedy="Remove ecs:ExecuteCommand, or limit it to clusters that are not governed.",
        source="SAR Elastic Container Service; ECS Developer Guide: ECS Exec",
    ),
    AuditRule(
        id="session-resume-others",
        title="Resumes another principal's session",
        impact="Takes over a session for which another principal has an approval.",
        escalations=(medium(requirement("ssm:ResumeSession", TargetKind.OTHERS_SESSIONS, given=OTHER_PRINCIPAL)),),
        remedy="Remove ssm:ResumeSession, or limit it to session/${aws:userid}-*.",
        source="User Guide: Additional sample IAM policies for Session Manager (own sessions)",
    ),
    AuditRule(
        id="session-second-request-path",
        title="Requests access by another method",
        impact="Just-in-time node access and GUI Connect have their own rules for access to nodes.",
        escalations=(
            medium("ssm:StartAccessRequest ssm:GetAccessToken"),
            medium(
                "ssm-guiconnect:StartConnection",
                requirement(_START, TargetKind.NODES, given=NODE_TAGS_MET),
            ),
        ),
        remedy="Deny ssm:StartAccessRequest, ssm:GetAccessToken and ssm-guiconnect:StartConnection unless you accept "
        "these methods.",
        source="User Guide: Just-in-time node access; SAR Systems Manager GUI Connect",
        exempt=frozenset({Exempt.JUST_IN_TIME_MODE}),
    ),
    AuditRule(
        id="session-terminate-others",
        title="Ends another principal's session",
        impact="Interrupts the sessions of others. This gives no access to nodes.",
        escalations=(low(requirement("ssm:TerminateSession", TargetKind.OTHERS_SESSIONS, given=OTHER_PRINCIPAL)),),
        remedy="Limit ssm:TerminateSession to session/${aws:userid}-*.",
        source="User Guide: Additional sample IAM policies for Session Manager (own sessions)",
    ),
)
