"""How the statements behind a finding hide: the G entries of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from components.iam.conditions import holds
from components.iam.context import ABSENT
from components.iam.truth import Truth
from operations.audit.rules import ACTIONS

if TYPE_CHECKING:
    from components.iam.documents import Policy, Statement
    from components.iam.evaluation import Grant
    from components.iam.principals import Principal

_RESOURCE_TAGS = ("aws:resourcetag/", "ssm:resourcetag/", "ec2:resourcetag/")
_ARN_PARTS = 6


def obfuscation(principal: Principal, found: list[Grant]) -> tuple[str, ...]:
    """The ids of how the statements hide that let a principal do something."""
    marks: set[str] = set()
    for grant in found:
        marks |= _of_grant(grant)
    if principal.permissions.boundary:
        marks.add("boundary-allows-action")
    if principal.permissions.ceilings:
        marks.add("scp-allows-action")
    if any(_denies_something(policy) for policy in principal.permissions.every()):
        marks.add("deny-does-not-apply")
    if len({grant.policy for grant in found}) > 1 or any(grant.policy in principal.through for grant in found):
        marks.add("indirect-grant")
    return tuple(sorted(marks, key=lambda each: int(each[1:])))


def _of_grant(grant: Grant) -> set[str]:
    statement, marks = grant.statement, set[str]()
    if statement.all_but_actions:
        marks.add("allow-not-action")
    elif not statement.names_exactly(grant.action) or ":iam::aws:policy/" in grant.policy.name:
        marks.add("action-wildcard")
    if statement.all_but_resources or any(_is_loose(each) for each in statement.resources):
        marks.add("resource-wildcard")
    if statement.conditions:
        marks |= _of_conditions(grant, statement)
    if not statement.variables and "${" in str(statement.raw):
        marks.add("condition-on-settable-tag")
    return marks


def _of_conditions(grant: Grant, statement: Statement) -> set[str]:
    """Conditions that hold in the request that is allowed, and why."""
    marks: set[str] = set()
    for each in statement.conditions:
        if holds(each, grant.context, variables=statement.variables) is not Truth.YES:
            continue
        marks.add("condition-always-met")
        if grant.context.value(each.key) == ABSENT and each.operator != "null":
            marks.add("condition-absent-key")
        if each.key.startswith(_RESOURCE_TAGS):
            marks.add("condition-on-settable-tag")
    return marks


def _is_loose(resource: str) -> bool:
    """Whether a wildcard stands for the service, or for the type of resource."""
    if resource == "*":
        return False
    parts = resource.split(":", _ARN_PARTS - 1)
    return len(parts) < _ARN_PARTS or "*" in parts[2] or parts[5].startswith("*")


_DENIES: WeakKeyDictionary[Policy, bool] = WeakKeyDictionary()


def _denies_something(policy: Policy) -> bool:
    """Whether a policy denies any action of the rules."""
    if policy not in _DENIES:
        denying = [each for each in policy.statements if not each.allows]
        _DENIES[policy] = any(each.covers(action) for each in denying for action in ACTIONS)
    return _DENIES[policy]
