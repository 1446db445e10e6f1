"""Obfuscation of the statements behind a finding: `operations.audit.rules.obfuscation`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from common.iam.conditions import holds
from common.iam.context import ABSENT
from common.iam.truth import Truth
from operations.audit.rules import ACTIONS, position

if TYPE_CHECKING:
    from common.iam.documents import Policy, Statement
    from common.iam.evaluation import AllowingStatement
    from common.iam.principals import Principal

_RESOURCE_TAGS = ("aws:resourcetag/", "ssm:resourcetag/", "ec2:resourcetag/")
_ARN_PARTS = 6


def obfuscation(principal: Principal, granted: list[AllowingStatement]) -> tuple[str, ...]:
    """Return the IDs of what makes the granting statements hard to see through."""
    found: set[str] = set()
    for grant in granted:
        found |= _of_grant(grant)
    if principal.permissions.boundary:
        found.add("boundary-allows-action")
    if principal.permissions.ceilings:
        found.add("scp-allows-action")
    if any(_denies_something(policy) for policy in principal.permissions.every()):
        found.add("deny-does-not-apply")
    if len({grant.policy for grant in granted}) > 1 or any(grant.policy in principal.through for grant in granted):
        found.add("indirect-grant")
    return tuple(sorted(found, key=position))


def _of_grant(grant: AllowingStatement) -> set[str]:
    statement, found = grant.statement, set[str]()
    if statement.all_but_actions:
        found.add("allow-not-action")
    elif not statement.names_exactly(grant.action) or ":iam::aws:policy/" in grant.policy.name:
        found.add("action-wildcard")
    if statement.all_but_resources or any(_is_loose(each) for each in statement.resources):
        found.add("resource-wildcard")
    if statement.conditions:
        found |= _of_conditions(grant, statement)
    if not statement.variables and "${" in str(statement.raw):
        found.add("condition-on-settable-tag")
    return found


def _of_conditions(grant: AllowingStatement, statement: Statement) -> set[str]:
    """Return the IDs for conditions that hold in the request that is allowed."""
    found: set[str] = set()
    for each in statement.conditions:
        if holds(each, grant.context, variables=statement.variables) is not Truth.YES:
            continue
        found.add("condition-always-met")
        if grant.context.value(each.key) == ABSENT and each.operator != "null":
            found.add("condition-absent-key")
        if each.key.startswith(_RESOURCE_TAGS):
            found.add("condition-on-settable-tag")
    return found


def _is_loose(resource: str) -> bool:
    """Return whether a wildcard matches the service or the resource type."""
    if resource == "*":
        return False
    parts = resource.split(":", _ARN_PARTS - 1)
    return len(parts) < _ARN_PARTS or "*" in parts[2] or parts[5].startswith("*")


_DENIES: WeakKeyDictionary[Policy, bool] = WeakKeyDictionary()


def _denies_something(policy: Policy) -> bool:
    """Return whether a policy denies any action of the rules."""
    if policy not in _DENIES:
        denying = [each for each in policy.statements if not each.allows]
        _DENIES[policy] = any(each.covers(action) for each in denying for action in ACTIONS)
    return _DENIES[policy]
