"""Changes of permissions: by operators, and by roles of nodes and runbooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.choices import Choice
from common.iam.context import known
from common.iam.documents import Policy
from common.iam.evaluation import AllowingStatement, Target
from common.iam.patterns import SOME
from policies.foundations.resource_policies import policy_in
from policies.parameters import TEXTS, Parameter
from policies.rule import DUTIES_POST, Rule
from policies.separation_of_duties.attachments import AttachedPolicies, PolicyReporter, judgeable
from policies.separation_of_duties.aws_managed import CHANGE, WIDEN
from policies.separation_of_duties.identity_policies import ROLE
from policies.separation_of_duties.operators import ANY_ACCOUNT, OPERATORS, AccountPattern, operators_in
from policies.separation_of_duties.requests import Requests, allowed, each_once, one
from policies.separation_of_duties.resource_checks import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policies.findings import Findings, Resource
    from policies.stack import Stack

WIDENING: Final = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy"),
    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion"),
    *("iam:DeleteGroupPolicy", "iam:DeletePolicy", "iam:DeletePolicyVersion"),
    *("iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy", "iam:DeleteUserPermissionsBoundary"),
    *("iam:DeleteUserPolicy", "iam:DetachGroupPolicy", "iam:DetachRolePolicy", "iam:DetachUserPolicy"),
    *("iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary"),
    *("iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy", "iam:UpdateLoginProfile"),
)
"""Actions that give an existing principal more permissions, or remove a Deny."""

IDENTITIES: Final = (*WIDENING, "iam:CreatePolicy", "iam:CreateRole", "iam:CreateUser")
"""Those actions, and actions that create a principal."""


OPERATORS_CANNOT_CHANGE_APPROVAL = Rule(
    id="operators-cannot-change-approval",
    title="Operators cannot change identities or documents, or decide requests",
    severity=Severity.CRITICAL,
    risk="an operator extends their own permissions, changes the runbook, or approves their own request",
    remedy="Remove the statement from operators, or deny these actions in another of their policies",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-5, AC-6, AC-6(1), CM-5",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_controlling.html",
    parameters=(OPERATORS, POLICIES),
)

_DOCUMENTS: Final = (
    *("ssm:CreateDocument", "ssm:DeleteDocument", "ssm:ModifyDocumentPermission", "ssm:PutResourcePolicy"),
    *("ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", "ssm:UpdateDocumentMetadata"),
)
_DECISIONS: Final = ("ssm:SendAutomationSignal",)
_SIGN_IN: Final = (
    *("account-access:CreateEntitlement", "identitystore:CreateGroupMembership", "identitystore:CreateUser"),
    *("identitystore:UpdateUser", "sso:CreateAccountAssignment", "sso:PutInlinePolicyToPermissionSet"),
)
"""Actions that decide which person has a role of IAM Identity Center, or the user name of an operator."""

_CALLER: Final = "caller"
ACTIONS: Final = (*IDENTITIES, *_DOCUMENTS, *_DECISIONS, *_SIGN_IN)


@OPERATORS_CANNOT_CHANGE_APPROVAL.on_stack
def _change_nothing(stack: Stack) -> Findings:
    report = PolicyReporter(stack.settings, CHANGE)
    for operator in operators_in(stack):
        expected = f"nothing of the kind for {operator.name}, who is an operator"
        yield from report.on(operator.attached_policies, changes(operator.policies, operator.account), expected)


def changes(policies: Sequence[Policy], account: AccountPattern = ANY_ACCOUNT) -> list[AllowingStatement]:
    """Return the statements that allow to change identities or documents, or to decide requests."""
    requests = Requests({"aws:username": one(_CALLER)})
    some = frozenset[str]().union(*(policy.allowed(ACTIONS) for policy in policies))
    found = (allowed(policies, action, target, requests) for action, target in _targets(account) if action in some)
    return each_once(each for several in found for each in several)


def _targets(account: AccountPattern) -> Iterator[tuple[str, Target]]:
    iam = f"arn:{account.partition}:iam::{account.number}:"
    ssm = f"arn:{account.partition}:ssm:{SOME}:{account.number}:"
    # A user's own keys and password are the user's.
    identities = Target((f"{iam}{SOME}",), excluded=(f"{iam}user/{_CALLER}",))
    yield from ((action, identities) for action in IDENTITIES)
    yield from ((action, Target((f"{ssm}document/{SOME}",))) for action in _DOCUMENTS)
    yield from ((action, Target((f"{ssm}automation-execution/{SOME}",))) for action in _DECISIONS)
    yield from ((action, Target(tuple(_sign_in_resources(account.partition)))) for action in _SIGN_IN)


def _sign_in_resources(partition: str) -> Iterator[str]:
    for resource in (
        f"account-access:{SOME}:{SOME}:application/{SOME}",
        f"identitystore::{SOME}:identitystore/{SOME}",
        f"identitystore:::group/{SOME}",
        f"identitystore:::user/{SOME}",
        f"sso:::account/{SOME}",
        f"sso:::instance/{SOME}",
        f"sso:::permissionSet/{SOME}/{SOME}",
    ):
        yield f"arn:{partition}:{resource}"


_SERVICES: Final = Parameter(
    name="services",
    description="The services whose roles are looked at, by the principals that trust policies name.",
    default=["ec2.amazonaws.com", "ssm.amazonaws.com"],
    schema={**TEXTS, "minItems": 1},
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
