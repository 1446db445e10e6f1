"""Roles of nodes and runbooks cannot give permissions to principals, apart from named policies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.choices import Choice
from common.iam.context import known
from common.iam.documents import Policy
from common.iam.evaluation import Target
from common.iam.patterns import SOME
from policies.foundations.resource_policies import policy_in
from policies.parameters import Parameter
from policies.rule import Rule
from policies.separation_of_duties.attachments import AttachedPolicies, PolicyReporter, judgeable
from policies.separation_of_duties.aws_managed import WIDEN
from policies.separation_of_duties.identity_actions import WIDENING
from policies.separation_of_duties.identity_policies import ROLE
from policies.separation_of_duties.requests import Requests, allowed, each_once, one
from policies.separation_of_duties.resource_checks import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource
    from policies.stack import Stack

_SERVICES: Final = Parameter(
    name="services",
    description="The services whose roles are looked at, by the principals that trust policies name.",
    default=["ec2.amazonaws.com", "ssm.amazonaws.com"],
    schema={"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
)

SERVICE_ROLE_PERMISSIONS_LIMITED = Rule(
    id="service-role-permissions-limited",
    title="Roles of nodes and runbooks cannot extend permissions",
    severity=Severity.CRITICAL,
    risk="a principal with a shell on the node, or with the right to change the runbook, becomes administrator",
    remedy="Remove these actions, or name in a condition on iam:PolicyARN the policies that may be attached",
    source='AWS Security Blog "How to automate Session Manager preferences across your organization" (its remediation '
    "attaches one policy); NIST SP 800-53 r5 AC-6, AC-6(1); Well-Architected SEC03-BP02",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html",
    parameters=(_SERVICES, POLICIES),
)

_POLICY_ARN: Final = "iam:policyarn"
_BOUNDARY: Final = "iam:permissionsboundary"
_PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov")
_ACCOUNT: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:policy/")
_ANY_PRINCIPAL: Final = Target((f"arn:{SOME}:iam::{SOME}:{SOME}",))


@SERVICE_ROLE_PERMISSIONS_LIMITED.on_stack
def _widen_nothing(stack: Stack) -> Findings:
    report, attachments = PolicyReporter(stack.settings, WIDEN), AttachedPolicies(stack)
    for role in stack.of(ROLE):
        services = _services_of(role)
        if services is None:
            yield role.unseen("assumeRolePolicy")
        elif services & set(stack.settings[_SERVICES.name]):
            attached_policies = attachments.of_role(role)
            expected = f"no way for {role.name}, a role of {', '.join(sorted(services))}, to widen permissions"
            yield from report.on(attached_policies, widening(judgeable(attached_policies)), expected)


def widening(policies: Sequence[Policy]) -> list[AllowingStatement]:
    """Return the statements that allow a role to give a principal more than named policies.

    Statements that require a permissions boundary are accepted.
    """
    some = frozenset[str]().union(*(policy.allowed(WIDENING) for policy in policies))
    attached = tuple(Choice(known(arn)) for arn in _unnamed(policies))
    requests = Requests({_POLICY_ARN: attached, _BOUNDARY: one(None)})
    found = (allowed(policies, action, _ANY_PRINCIPAL, requests) for action in WIDENING if action in some)
    return each_once(each for several in found for each in several)


def _unnamed(policies: Sequence[Policy]) -> Iterator[str]:
    """Return policies that no condition names: the one that allows everything, and one of each account."""
    yield from (f"arn:{partition}:iam::aws:policy/AdministratorAccess" for partition in _PARTITIONS)
    values = (
        value
        for policy in policies
        for statement in policy.statements
        for condition in statement.conditions
        if condition.key == _POLICY_ARN
        for value in condition.values
    )
    accounts = (_ACCOUNT.match(value) for value in values)
    yield from dict.fromkeys(f"{each[0]}some-other-policy" for each in accounts if each)


def _services_of(role: Resource) -> set[str] | None:
    """Return the services that a role trusts; None where they are not known yet."""
    if role.value("assumeRolePolicy") in (None, ""):
        return set()
    trust = policy_in(role, "assumeRolePolicy")
    if trust is None:
        return None
    if not isinstance(trust, Policy):
        return set()
    principals = (each.principals for each in trust.statements if each.allows)
    return {service for each in principals if each for service in each.services}
