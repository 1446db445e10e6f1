"""Operators cannot change what the approval depends on: identities, permissions, documents, decisions.

The approval tag is checked by `approval-tag-set-by-runbook`, for all principals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.evaluation import AllowingStatement, Target
from common.iam.patterns import SOME
from policies.rule import Rule
from policies.separation_of_duties.attachments import PolicyReporter
from policies.separation_of_duties.aws_managed import CHANGE
from policies.separation_of_duties.identity_actions import IDENTITIES
from policies.separation_of_duties.operators import ANY_ACCOUNT, OPERATORS, operators_in
from policies.separation_of_duties.requests import Requests, allowed, each_once, one
from policies.separation_of_duties.resource_checks import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from common.iam.documents import Policy
    from policies.findings import Findings
    from policies.separation_of_duties.operators import AccountPattern
    from policies.stack import Stack

OPERATORS_CANNOT_CHANGE_APPROVAL = Rule(
    id="operators-cannot-change-approval",
    title="Operators cannot change identities or documents, or decide requests",
    severity=Severity.CRITICAL,
    risk="an operator extends their own permissions, changes the runbook, or approves their own request",
    remedy="Remove the statement from operators, or deny these actions in another of their policies",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-5, AC-6, AC-6(1), CM-5",
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
    """Return the statements that allow to change identities or documents, or to decide requests.

    Args:
        policies: All policies of the operator.
        account: Account of the sessions.
    """
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
