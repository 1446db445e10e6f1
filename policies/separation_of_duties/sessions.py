"""Policy statements that start, resume and terminate sessions.

Source: Systems Manager User Guide, "Additional sample IAM policies for Session Manager"; Service Authorization Reference,
"Actions, resources, and condition keys for AWS Systems Manager".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.evaluation import AllowingStatement, Target
from common.iam.patterns import SOME, literal
from components.approval.names import BREAK_GLASS_ROLE_NAME, TAG_KEY
from components.session_manager.document import DOCUMENT_NAME
from policies.parameters import TEXTS, Parameter
from policies.rule import DUTIES_POST, Rule
from policies.separation_of_duties import aws_managed
from policies.separation_of_duties.identity_policies import CARRIERS, held_in, holds
from policies.separation_of_duties.requests import APPROVED, Requests, allowed, each_once, one, partitions, values_of
from policies.separation_of_duties.resource_checks import (
    JUST_IN_TIME,
    POLICIES,
    PRINCIPALS,
    PRINCIPALS_WITH_RUNBOOKS,
    judged,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from policies.findings import Findings, Resource

START: Final = "ssm:StartSession"
ON_OTHERS: Final = ("ssm:ResumeSession", "ssm:TerminateSession")

APPROVAL_KEY: Final = f"aws:principaltag/{TAG_KEY}".lower()

_NODES: Final = (
    f"ec2:{SOME}:{SOME}:instance/i-{SOME}",
    f"ssm:{SOME}:{SOME}:managed-instance/mi-{SOME}",
    f"ecs:{SOME}:{SOME}:task/{SOME}",
)
_CALLER: Final = "AIDACALLER"
_USER: Final = "caller"


def starts_beyond_approval(
    policies: Sequence[Policy], admitted: Sequence[str] = (), *, by_tag: bool = True
) -> list[AllowingStatement]:
    """Return the statements that allow a session on a node other than the approved one.

    With `by_tag`, the approval tag names an approved node; else no node is approved.
    """
    where = partitions(policies, [START])
    nodes = tuple(f"arn:{partition}:{each}" for partition in where for each in _NODES)
    found: list[AllowingStatement] = []
    nodes_of_tag = (APPROVED,) if by_tag else (APPROVED, f"m{APPROVED}")
    for value in (None, *nodes_of_tag, *values_of(policies, [START], APPROVAL_KEY)):
        requests = Requests({APPROVAL_KEY: one(value)}, admitted)
        found += allowed(policies, START, Target(nodes, excluded=_named(value) if by_tag else ()), requests)
    return each_once(found)


def starts_with_other_documents(
    policies: Sequence[Policy], documents: Sequence[str], admitted: Sequence[str] = ()
) -> list[AllowingStatement]:
    """Return the statements that allow a session with a document that is not governed."""
    starts = [
        f"arn:{partition}:ssm:{SOME}:{account}:document/"
        for partition in partitions(policies, [START])
        for account in ("", SOME)
    ]
    every = tuple(f"{start}{SOME}" for start in starts)
    governed = tuple(f"{start}{literal(name)}" for start in starts for name in documents)
    requests = Requests({APPROVAL_KEY: one(APPROVED)}, admitted)
    return each_once(allowed(policies, START, Target(every, excluded=governed), requests))


def touches_others_sessions(policies: Sequence[Policy], admitted: Sequence[str] = ()) -> list[AllowingStatement]:
    """Return the statements that resume or terminate sessions of other principals."""
    found: list[AllowingStatement] = []
    sessions = [f"arn:{each}:ssm:{SOME}:{SOME}:session/" for each in partitions(policies, ON_OTHERS)]
    every = tuple(f"{start}{SOME}" for start in sessions)
    for userid in (_CALLER, *values_of(policies, ON_OTHERS, "aws:userid")):
        for username in (_USER, *values_of(policies, ON_OTHERS, "aws:username")):
            own = tuple(f"{start}{literal(each)}-*" for start in sessions for each in (userid, username))
            requests = Requests({"aws:userid": one(userid), "aws:username": one(username)}, admitted)
            for action in ON_OTHERS:
                found += allowed(policies, action, Target(every, excluded=own), requests)
    return each_once(found)


def _named(value: str | None) -> tuple[str, ...]:
    """Return the nodes that the tag's value names."""
    if value is None:
        return ()
    start, name = f"{SOME}:{SOME}:", literal(value)
    return (f"arn:{SOME}:ec2:{start}instance/{name}", f"arn:{SOME}:ssm:{start}managed-instance/{name}")


SESSION_START_NEEDS_APPROVAL = Rule(
    id="session-start-needs-approval",
    title="Principals may start sessions on the approved instance only",
    severity=Severity.CRITICAL,
    risk="the principal has a standing shell on nodes without an approval",
    remedy="Allow ssm:StartSession on instance/${aws:PrincipalTag/SecurityAllowSessionInstance} only, or remove it",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-3, AC-5, AC-6, AC-17",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
    parameters=(JUST_IN_TIME, PRINCIPALS, POLICIES),
)


@SESSION_START_NEEDS_APPROVAL.on(*CARRIERS)
def _starts_on_the_approved_only(resource: Resource) -> Findings:
    holders = [holder for held in held_in(resource) for holder in held.holders or ("",)]
    if holders and all(holds(each, f"role/{BREAK_GLASS_ROLE_NAME}") for each in holders):
        return  # `break-glass-limited` evaluates the emergency access role.
    is_just_in_time: bool = resource.settings[JUST_IN_TIME.name]
    question = partial(starts_beyond_approval, by_tag=not is_just_in_time)
    expected = (
        "no node, as AWS starts the sessions of access requests" if is_just_in_time else "no node but the approved one"
    )
    yield from judged(resource, question, expected, aws_managed.START)


_DOCUMENTS = Parameter(
    name="sessionDocuments",
    description="The governed documents, by name.",
    default=[DOCUMENT_NAME],
    schema={**TEXTS, "minItems": 1},
)

SESSION_DOCUMENTS_GOVERNED = Rule(
    id="session-documents-governed",
    title="Sessions start with governed documents only",
    severity=Severity.HIGH,
    risk="an approved session becomes a forwarded port, an SSH tunnel or a command, none of which is logged as a shell is",
    remedy="Name the governed documents in the statement that allows ssm:StartSession, and no pattern",
    source='Systems Manager User Guide, "Start a session with a document by specifying the session documents in IAM '
    'policies"; NIST SP 800-53 r5 AC-3, AC-6, AU-12',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-specify-session-document.html",
    parameters=(_DOCUMENTS, PRINCIPALS, POLICIES),
)
"""Statements that `session-start-needs-approval` reports are not reported again."""


@SESSION_DOCUMENTS_GOVERNED.on(*CARRIERS)
def _names_governed_documents(resource: Resource) -> Findings:
    governed = resource.settings[_DOCUMENTS.name]

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
        reported = {each.statement for each in starts_beyond_approval(policies, admitted)}
        found = starts_with_other_documents(policies, governed, admitted)
        return [each for each in found if each.statement not in reported]

    yield from judged(resource, question, f"no document but {', '.join(governed)}", aws_managed.DOCUMENTS)


SESSION_RESUME_OWN = Rule(
    id="session-resume-own",
    title="Principals may resume and terminate their own sessions only",
    severity=Severity.HIGH,
    risk="the principal takes over a shell that another principal was approved for, or interrupts its work",
    remedy="Limit ssm:ResumeSession and ssm:TerminateSession to session/${aws:userid}-*, or remove them",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
    parameters=(PRINCIPALS_WITH_RUNBOOKS, POLICIES),
)
"""Statements that `session-start-needs-approval` reports are not reported again."""


def _question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
    reported = {each.statement for each in starts_beyond_approval(policies, admitted)}
    return [each for each in touches_others_sessions(policies, admitted) if each.statement not in reported]


@SESSION_RESUME_OWN.on(*CARRIERS)
def _touches_own_sessions_only(resource: Resource) -> Findings:
    yield from judged(resource, _question, "one's own sessions only", aws_managed.OTHERS - aws_managed.START)
