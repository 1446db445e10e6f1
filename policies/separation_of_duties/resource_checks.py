"""Checks of single resources by the rules about permissions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

from common.iam.documents import Policy
from common.iam.evaluation import AllowingStatement
from common.problems import shown
from components.approval.names import ROLE_NAME
from policies.findings import UNKNOWN, Findings, Resource
from policies.parameters import TEXTS, Parameter
from policies.separation_of_duties.aws_managed import name_of
from policies.separation_of_duties.identity_policies import Held, held_in
from policies.separation_of_duties.requests import is_admitted

Question = Callable[[Sequence[Policy], Sequence[str]], list[AllowingStatement]]
"""Returns the statements that allow an action to principals that are not admitted."""

PRINCIPALS: Final = Parameter(
    name="allowedPrincipals",
    description="Principals that may nevertheless, such as administrators: role/Name, user/Name, group/Name or permission-set/ARN "
    "(* and ? match any characters), by inline policy, attachment, or a condition on aws:PrincipalArn.",
    default=[],
    schema={"type": "array", "items": {"type": "string", "pattern": "^(role|user|group|permission-set)/."}},
)

PRINCIPALS_WITH_RUNBOOKS: Final = replace(PRINCIPALS, default=[f"role/{ROLE_NAME}"])
"""The same, for what the runbooks' role does: it tags operators, and terminates the sessions of a revoked grant."""

POLICIES: Final = Parameter(
    name="allowedPolicies",
    description="Managed policies that may nevertheless, by name (* and ? match any characters).",
    default=[],
    schema=TEXTS,
)


JUST_IN_TIME: Final = Parameter(
    name="justInTimeAccess",
    description="Whether access requests of AWS' just-in-time node access are the approval (mode just-in-time of "
    "shell-access:approval), in place of the approval tag.",
    default=False,
    schema={"type": "boolean"},
)

_WRITTEN: Final = ("Action", "NotAction", "Resource", "NotResource", "Condition")


def judged(resource: Resource, question: Question, expected: str, of_aws: frozenset[str]) -> Findings:
    """Report the policies of a resource that allow what a rule is about."""
    admitted: list[str] = resource.settings[PRINCIPALS.name]
    for held in held_in(resource):
        if _is_allowed(held, resource.settings):
            continue
        found = _let(held, question, admitted, of_aws)
        if found and any(holder is UNKNOWN for holder in held.holders) and admitted:
            yield resource.unseen(f"who holds {held.property}")
        elif found:
            yield resource.violation(held.property, expected, found=found)
        # An unknown ARN is of a policy that the stack creates, which is evaluated itself.
        if held.reading and not held.reading.is_complete:
            yield resource.unseen(held.property)


def described(found: Sequence[AllowingStatement]) -> str:
    """Return the statements as text for a message."""
    statements = {each.statement: each for each in found}
    parts: list[str] = []
    for statement in statements:
        actions = sorted({each.action for each in found if each.statement is statement})
        called = f"statement {statement.sid or statement.index + 1}"
        written = {name: statement.raw[name] for name in _WRITTEN if name in statement.raw}
        parts.append(f"{called} ({', '.join(actions)}: {shown(written)})")
    return " and ".join(parts)


def _is_allowed(held: Held, settings: Any) -> bool:
    if any(fnmatchcase(held.name, pattern) for pattern in settings.get(POLICIES.name, ())):
        return True
    admitted = settings[PRINCIPALS.name]
    return bool(held.holders) and all(
        isinstance(holder, str) and is_admitted(holder, admitted) for holder in held.holders
    )


def _let(held: Held, question: Question, admitted: Sequence[str], of_aws: frozenset[str]) -> str:
    """Return the granting statements as text; empty: none."""
    if isinstance(held.arn, str) and name_of(held.arn) in of_aws:
        return f"{name_of(held.arn)}, which AWS manages"
    if held.reading is None or held.reading.policy is None:
        return ""
    return described(question((held.reading.policy,), admitted))
