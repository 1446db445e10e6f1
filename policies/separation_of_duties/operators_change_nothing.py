"""Operators cannot change what the approval rests on: identities and permissions, documents, decisions.

Who sets the tag is the business of `approval-tag-set-by-runbook`, which holds for operators as for everybody.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from components.iam.evaluation import Grant, Target
from components.iam.patterns import SOME
from policies.findings import Violation
from policies.rule import Rule
from policies.separation_of_duties.aws_managed import CHANGE, name_of
from policies.separation_of_duties.judging import POLICIES, described
from policies.separation_of_duties.operators import ANY_ACCOUNT, OPERATORS, operators_in
from policies.separation_of_duties.requests import Requests, allowed, each_once, one

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from components.iam.documents import Policy
    from policies.findings import Findings, Resource
    from policies.separation_of_duties.operators import Account, Operator
    from policies.stack import Stack

RULE = Rule(
    id="operators-change-nothing",
    title="Operators change neither identities nor documents, and decide on no request",
    severity=Severity.CRITICAL,
    risk="an operator widens their own permissions, rewrites the runbook, or approves their own request",
    remedy="Take the statement away from operators, or deny these actions in another policy that they hold",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-5, AC-6, AC-6(1), CM-5",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_controlling.html",
    parameters=(OPERATORS, POLICIES),
)

_IDENTITIES: Final = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy"),
    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicy", "iam:CreatePolicyVersion"),
    *("iam:CreateRole", "iam:CreateUser", "iam:DeleteGroupPolicy", "iam:DeletePolicy", "iam:DeletePolicyVersion"),
    *("iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy", "iam:DeleteUserPermissionsBoundary"),
    *("iam:DeleteUserPolicy", "iam:DetachGroupPolicy", "iam:DetachRolePolicy", "iam:DetachUserPolicy"),
    *("iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary"),
    *("iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy", "iam:UpdateLoginProfile"),
)
_DOCUMENTS: Final = (
    *("ssm:CreateDocument", "ssm:DeleteDocument", "ssm:ModifyDocumentPermission", "ssm:PutResourcePolicy"),
    *("ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", "ssm:UpdateDocumentMetadata"),
)
_DECISIONS: Final = ("ssm:SendAutomationSignal",)

_CALLER: Final = "caller"
ACTIONS: Final = (*_IDENTITIES, *_DOCUMENTS, *_DECISIONS)


@RULE.on_stack
def _change_nothing(stack: Stack) -> Findings:
    told: set[object] = set()
    for operator in operators_in(stack):
        found = changes(operator.policies, operator.account)
        for holding in operator.holdings:
            if _is_allowed(holding.held.name, stack.settings[POLICIES.name]):
                continue
            here = [each for each in found if each.policy is holding.policy]
            of_aws = name_of(holding.held.arn) if isinstance(holding.held.arn, str) else ""
            text = described(here) if here else f"{of_aws}, which AWS manages" if of_aws in CHANGE else ""
            place = (holding.carrier.urn, holding.held.property)
            if text and place not in told:
                told.add(place)
                yield _violation(operator, holding.held.property, text, holding.carrier)
            if holding.held.reading and not holding.held.reading.is_complete and place not in told:
                told.add(place)
                yield holding.carrier.unseen(holding.held.property)


def _violation(operator: Operator, place: str, found: str, carrier: Resource) -> Violation:
    return Violation(place, found, f"nothing of the kind for {operator.name}, who is an operator", about=carrier)


def _is_allowed(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def changes(policies: Sequence[Policy], account: Account = ANY_ACCOUNT) -> list[Grant]:
    """The statements of what somebody holds that let change identities or documents, or decide.

    Args:
        policies: all that they hold: what one of them denies another does not allow.
        account: in which it matters.
    """
    requests = Requests({"aws:username": one(_CALLER)})
    some = frozenset[str]().union(*(policy.allowed(ACTIONS) for policy in policies))
    found = (allowed(policies, action, target, requests) for action, target in _targets(account) if action in some)
    return each_once(each for several in found for each in several)


def _targets(account: Account) -> Iterator[tuple[str, Target]]:
    iam = f"arn:{account.partition}:iam::{account.number}:"
    ssm = f"arn:{account.partition}:ssm:{SOME}:{account.number}:"
    # A user's own keys and password are the user's.
    identities = Target((f"{iam}{SOME}",), spared=(f"{iam}user/{_CALLER}",))
    yield from ((action, identities) for action in _IDENTITIES)
    yield from ((action, Target((f"{ssm}document/{SOME}",))) for action in _DOCUMENTS)
    yield from ((action, Target((f"{ssm}automation-execution/{SOME}",))) for action in _DECISIONS)
