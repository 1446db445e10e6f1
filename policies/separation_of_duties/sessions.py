"""Policy statements that start, resume and terminate sessions.

Source: Systems Manager User Guide, "Additional sample IAM policies for Session Manager"; Service Authorization Reference,
"Actions, resources, and condition keys for AWS Systems Manager".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.evaluation import AllowingStatement, Target
from common.iam.patterns import SOME, literal
from components.approval.names import TAG_KEY
from policies.separation_of_duties.requests import (
    APPROVED,
    Requests,
    allowed,
    each_once,
    one,
    partitions,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy

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

    Args:
        policies: All policies of a principal.
        admitted: Principals that may.
        by_tag: Whether the approval tag names an approved node; else no node is approved.
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
    """Return the statements that allow a session with a document that is not governed.

    Args:
        policies: All policies of a principal.
        documents: Names of the governed documents.
        admitted: Principals that may.
    """
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
    """Return the statements that resume or terminate sessions of other principals.

    Args:
        policies: All policies of a principal.
        admitted: Principals that may.
    """
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
