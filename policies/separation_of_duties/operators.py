"""Operators of a stack, and their policies.

Operators are the principals that may start a session on the instance of the approval tag, and those of the configuration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.iam.evaluation import Target
from common.iam.patterns import SOME
from policies.parameters import Parameter
from policies.separation_of_duties.attachments import AttachedPolicies, judgeable
from policies.separation_of_duties.requests import APPROVED, Requests, allowed, is_admitted, one
from policies.separation_of_duties.sessions import APPROVAL_KEY, START

if TYPE_CHECKING:
    from common.iam.documents import Policy
    from policies.separation_of_duties.attachments import AttachedPolicy
    from policies.stack import Stack

OPERATORS: Final = Parameter(
    name="operators",
    description="Operators besides those who hold a policy of the stack that allows sessions by the approval tag: "
    "role/Name, user/Name, group/Name or permission-set/ARN (* and ? match any characters).",
    default=[],
    schema={"type": "array", "items": {"type": "string", "pattern": "^(role|user|group|permission-set)/."}},
)


_NUMBER: Final = re.compile(r"\d{12}")


@dataclass(frozen=True, kw_only=True)
class AccountPattern:
    """An account, as patterns of ARN parts.

    Attributes:
        partition: `aws`, or a wildcard.
        number: 12 digits, or a wildcard.
    """

    partition: str
    number: str


ANY_ACCOUNT: Final = AccountPattern(partition=SOME, number=SOME)


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """A principal that starts approved sessions.

    Attributes:
        name: `role/Operator`.
        attached_policies: All policies that the stack attaches.
        account: Account of the sessions.
    """

    name: str
    attached_policies: tuple[AttachedPolicy, ...] = ()
    account: AccountPattern = ANY_ACCOUNT

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Policies that can be evaluated."""
        return judgeable(self.attached_policies)


def operators_in(stack: Stack) -> tuple[Operator, ...]:
    """Return the operators of a stack with a known name."""
    named: list[str] = stack.settings[OPERATORS.name]
    found: list[Operator] = []
    for name, attached_policies in AttachedPolicies(stack).by_holder().items():
        accounts = {account for each in attached_policies if each.policy for account in starts_by_approval(each.policy)}
        if accounts or is_admitted(name, named):
            account = accounts.pop() if len(accounts) == 1 else ANY_ACCOUNT
            found.append(Operator(name=name, attached_policies=tuple(attached_policies), account=account))
    return tuple(found)


def starts_by_approval(policy: Policy) -> set[AccountPattern]:
    """Return the accounts where a policy allows a session on the approved instance, and on no other."""
    approved = Target((f"arn:{SOME}:ec2:{SOME}:{SOME}:instance/{APPROVED}",))
    with_tag, without = Requests({APPROVAL_KEY: one(APPROVED)}), Requests({APPROVAL_KEY: one(None)})
    if allowed([policy], START, approved, without):
        return set()
    return {_account(each.example) for each in allowed([policy], START, approved, with_tag)}


def _account(arn: str) -> AccountPattern:
    """Return the account of an allowed ARN, in which wildcards have example values."""
    parts = split_arn(arn)
    return AccountPattern(
        partition=parts.partition if parts.partition.startswith("aws") else SOME,
        number=parts.account_id if _NUMBER.fullmatch(parts.account_id) else SOME,
    )
