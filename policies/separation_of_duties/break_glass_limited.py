"""The emergency access role: who assumes it, for how long, with which permissions, and that each use raises an alarm.

`session-start-needs-approval` accepts the role with this name, and no other.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.documents import Policy, Statement
from components.approval.names import BREAK_GLASS_ROLE_NAME, BREAK_GLASS_SECONDS
from policies.findings import UNKNOWN, Findings, Resource
from policies.foundations.resource_policies import policy_in
from policies.rule import Rule
from policies.separation_of_duties.attachments import AttachedPolicies, AttachedPolicy
from policies.separation_of_duties.identity_policies import ROLE, holds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

BREAK_GLASS_LIMITED = Rule(
    id="break-glass-limited",
    title="Emergency access is for named users with MFA, for an hour, and raises an alarm",
    severity=Severity.CRITICAL,
    risk="a principal has a standing shell on nodes without an approval, which no one notices",
    remedy="Deploy the role with shell-access:approval.breakGlass, or give the role another name",
    source="NIST SP 800-53 r5 AC-2(2), AC-6(9), IA-2(1); Well-Architected SEC03-BP03; IAM User Guide, "
    '"Secure API access with MFA"',
    url="https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/sec_permissions_emergency_process.html",
)

_EVENT_RULE: Final = "aws:cloudwatch/eventRule:EventRule"
_EVENT_TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"
_USER: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:user/[^*?]+")
_CONDITIONS: Final = (
    ("bool", "aws:multifactorauthpresent", ("true",)),
    ("stringequals", "sts:rolesessionname", ("${aws:username}",)),
)
_ACTIONS: Final = frozenset(
    {"kms:generatedatakey", "ssm:startsession", "ssm:terminatesession", "ssmmessages:opendatachannel"}
)


@BREAK_GLASS_LIMITED.on_stack
def _is_limited(stack: Stack) -> Findings:
    attachments = AttachedPolicies(stack)
    for role in stack.of(ROLE):
        name = role.value("name")
        if name is UNKNOWN or not holds(f"role/{name}", f"role/{BREAK_GLASS_ROLE_NAME}"):
            continue
        yield from _trust_findings(role)
        yield from role.require(
            "maxSessionDuration",
            lambda seconds: seconds is None or seconds <= BREAK_GLASS_SECONDS,
            f"at most {BREAK_GLASS_SECONDS} seconds",
        )
        for attached in attachments.of_role(role):
            yield from _permission_findings(attached)
        if not any(_is_alarm(stack, rule) for rule in stack.of(_EVENT_RULE)):
            expected = "an EventBridge rule with a target for the calls of the role"
            yield role.violation("name", expected, found="no alarm on its use")


def _trust_findings(role: Resource) -> Findings:
    trust = policy_in(role, "assumeRolePolicy")
    if trust is None:
        yield role.unseen("assumeRolePolicy")
    elif isinstance(trust, Policy):
        for statement in trust.statements:
            if statement.allows and not _names_users(statement):
                place = f"assumeRolePolicy.Statement[{statement.index}].Principal"
                yield role.violation(place, "IAM users by name", found="other principals")
            if statement.allows and not _has_conditions(statement):
                place = f"assumeRolePolicy.Statement[{statement.index}].Condition"
                expected = "aws:MultiFactorAuthPresent true, sts:RoleSessionName ${aws:username}"
                yield role.violation(place, expected, found="other conditions")


def _names_users(statement: Statement) -> bool:
    named = statement.principals
    if named is None or named.services or named.federated or named.negated:
        return False
    return all(_USER.fullmatch(each) for each in named.aws)


def _has_conditions(statement: Statement) -> bool:
    found = {
        (each.operator, each.key, tuple(value.lower() if each.operator == "bool" else value for value in each.values))
        for each in statement.conditions
        if not (each.over or each.if_exists)
    }
    return found.issuperset(_CONDITIONS)


def _permission_findings(attached: AttachedPolicy) -> Findings:
    held, carrier = attached.held, attached.carrier
    if attached.policy is None:
        if carrier.given(held.property.partition("[")[0]) is None:
            return  # the provider fills it in
        if held.reading or held.arn is UNKNOWN:
            yield carrier.unseen(held.property)
        else:
            yield carrier.violation(held.property, "no managed policy", found=str(held.arn))
        return
    for statement in attached.policy.statements:
        actions = {each.lower() for each in statement.actions}
        if statement.allows and (statement.all_but_actions or actions - _ACTIONS):
            place = f"{held.property}.Statement[{statement.index}].Action"
            expected = "what a session needs: " + ", ".join(sorted(_ACTIONS))
            yield carrier.violation(place, expected, found=", ".join(sorted(actions - _ACTIONS)))


def _is_alarm(stack: Stack, rule: Resource) -> bool:
    pattern, name = rule.value("eventPattern"), rule.value("name")
    if pattern is UNKNOWN or rule.value("state") == "DISABLED":
        return pattern is UNKNOWN
    try:
        arns = list(_issuers(json.loads(pattern or "{}")))
    except ValueError:
        return False
    if not any(str(each).endswith(f":role/{BREAK_GLASS_ROLE_NAME}") for each in arns):
        return False
    return any(target.value("rule") in (name, UNKNOWN) for target in stack.of(_EVENT_TARGET))


def _issuers(pattern: Any) -> Iterator[object]:
    """Yield the roles whose calls an event pattern matches, in each of its alternatives."""
    detail = _inside(pattern, "detail")
    for each in (detail, *_listed(_inside(detail, "$or"))):
        yield from _listed(_inside(each, "userIdentity", "sessionContext", "sessionIssuer", "arn"))


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
    return value


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
