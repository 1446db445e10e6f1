"""A: sessions that are started, resumed or ended outside the approved path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.audit.catalogue import On, Rule, Shape, Way, need, way
from operations.audit.rules.keys import (
    ACCESS_CHECKED,
    ACCESS_NOT_CHECKED,
    NO_APPROVAL,
    NODE_TAGS_MET,
    NODE_TAGS_NOT_MET,
    SOMEBODY_ELSE,
)
from operations.audit.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.iam.choices import Choice

_START = "ssm:StartSession"
_ANY_NODE = {**NO_APPROVAL, **NODE_TAGS_NOT_MET}
_STANDING = {**NO_APPROVAL, **NODE_TAGS_MET}


def _shell(severity: Severity, on: On, given: Mapping[str, tuple[Choice, ...]], shape: Shape) -> tuple[Way, Way]:
    """A shell on a node: by the default document, or where documents are checked, with one that opens a shell."""
    return (
        way(severity, need(_START, on=on, given={**given, **ACCESS_NOT_CHECKED}, shape=shape)),
        way(
            severity,
            need(_START, on=on, given={**given, **ACCESS_CHECKED}, shape=shape),
            need(_START, on=On.SHELL_DOCUMENTS, given={**given, **ACCESS_CHECKED}),
            fallback=True,
        ),
    )


SESSIONS: Final = (
    Rule(
        id="A1",
        title="Starts a session on every node",
        gives="A standing shell on nodes without an approval.",
        ways=_shell(Severity.CRITICAL, On.ANY_NODE, _ANY_NODE, Shape.BESIDE_VARIABLE),
        remedy="Leave only the instance that the principal's own SecurityAllowSessionInstance tag names, as the operator "
        "policy does.",
        source="SAR Systems Manager; pathfinding ssm-001; PMapper ssm_edges; prowler",
    ),
    Rule(
        id="A2",
        title="Starts a session on fixed or tagged nodes",
        gives="A shell without approval on the nodes that the statement names, or that carry a tag.",
        ways=_shell(Severity.HIGH, On.NODES, _STANDING, Shape.PLAIN),
        remedy="Replace the instances by the principal's own tag, or remove the statement from this principal.",
        source="User Guide: Additional sample IAM policies for Session Manager",
        silent_under=("A1",),
    ),
    Rule(
        id="A3",
        title="Starts sessions beyond the approved instance",
        gives="The approval tag is required, but more than the one approved instance matches.",
        ways=_shell(Severity.HIGH, On.NODES, NODE_TAGS_MET, Shape.VARIABLE),
        remedy="Make ${aws:PrincipalTag/SecurityAllowSessionInstance} the whole instance id: no default, no wildcard, no "
        "second resource.",
        source="IAM User Guide: Policy variables, default values and no value",
        silent_under=("A1",),
    ),
    Rule(
        id="A4",
        title="Starts sessions with other documents",
        gives="Port forwarding, SSH or single commands in place of the shell that is logged.",
        ways=(
            way(Severity.HIGH, need(_START, on=On.REMOTE_HOST_DOCUMENT), need(_START, on=On.APPROVED_NODE)),
            way(Severity.MEDIUM, need(_START, on=On.OTHER_SESSION_DOCUMENTS), need(_START, on=On.APPROVED_NODE)),
        ),
        remedy="Allow StartSession with document/SSM-SessionManagerRunShell of this account and no other.",
        source="User Guide: Start a session with a document by specifying the session documents in IAM policies",
    ),
    Rule(
        id="A5",
        title="Opens a shell in a container",
        gives="A command or shell in a running task, through the same agent, without approval.",
        ways=(way(Severity.HIGH, need("ecs:ExecuteCommand")),),
        remedy="Remove ecs:ExecuteCommand, or limit it to clusters where nothing is governed.",
        source="SAR Elastic Container Service; ECS Developer Guide: ECS Exec",
    ),
    Rule(
        id="A6",
        title="Resumes another principal's session",
        gives="Takes over a session that another principal was approved for.",
        ways=(way(Severity.MEDIUM, need("ssm:ResumeSession", on=On.OTHERS_SESSIONS, given=SOMEBODY_ELSE)),),
        remedy="Remove ssm:ResumeSession, or limit it to session/${aws:userid}-*.",
        source="User Guide: Additional sample IAM policies for Session Manager (own sessions)",
    ),
    Rule(
        id="A7",
        title="Has a second request path",
        gives="Just-in-time node access or GUI Connect open a node under rules of their own.",
        ways=(
            way(Severity.MEDIUM, need("ssm:StartAccessRequest", "ssm:GetAccessToken")),
            way(
                Severity.MEDIUM,
                need("ssm-guiconnect:StartConnection"),
                need(_START, on=On.NODES, given=NODE_TAGS_MET),
            ),
        ),
        remedy="Deny ssm:StartAccessRequest, ssm:GetAccessToken and ssm-guiconnect:StartConnection unless they are an "
        "accepted path here.",
        source="User Guide: Just-in-time node access; SAR Systems Manager GUI Connect",
    ),
    Rule(
        id="A8",
        title="Ends another principal's session",
        gives="Interrupts the work of others; no access of its own.",
        ways=(way(Severity.LOW, need("ssm:TerminateSession", on=On.OTHERS_SESSIONS, given=SOMEBODY_ELSE)),),
        remedy="Limit ssm:TerminateSession to session/${aws:userid}-*.",
        source="User Guide: Additional sample IAM policies for Session Manager (own sessions)",
    ),
)
