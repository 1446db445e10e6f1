"""Who the operators of a stack are, and what they hold.

Whoever may start a session on the instance that the approval tag names is one, and whoever the configuration names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.iam.evaluation import Target
from components.iam.patterns import SOME
from policies.parameters import Parameter
from policies.separation_of_duties.holdings import held_by_holder, judgeable
from policies.separation_of_duties.requests import APPROVED, Requests, allowed, is_admitted, one
from policies.separation_of_duties.sessions import APPROVAL_KEY, START

if TYPE_CHECKING:
    from components.iam.documents import Policy
    from policies.separation_of_duties.holdings import Holding
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
class Account:
    """An account, as patterns of parts of ARNs.

    Attributes:
        partition: `aws`, or any.
        number: 12 digits, or any.
    """

    partition: str
    number: str


ANY_ACCOUNT: Final = Account(partition=SOME, number=SOME)


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """Somebody who starts sessions once they are approved.

    Attributes:
        name: `role/Operator`.
        holdings: all policies that the stack gives them.
        account: where they start sessions once approved.
    """

    name: str
    holdings: tuple[Holding, ...] = ()
    account: Account = ANY_ACCOUNT

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those that can be judged."""
        return judgeable(self.holdings)


def operators_in(stack: Stack) -> tuple[Operator, ...]:
    """The operators of a stack that are known by name."""
    named: list[str] = stack.settings[OPERATORS.name]
    found: list[Operator] = []
    for name, holdings in held_by_holder(stack).items():
        accounts = {account for each in holdings if each.policy for account in starts_by_approval(each.policy)}
        if accounts or is_admitted(name, named):
            account = accounts.pop() if len(accounts) == 1 else ANY_ACCOUNT
            found.append(Operator(name=name, holdings=tuple(holdings), account=account))
    return tuple(found)


def starts_by_approval(policy: Policy) -> set[Account]:
    """Where a policy starts a session on the approved instance, and on that one alone."""
    approved = Target((f"arn:{SOME}:ec2:{SOME}:{SOME}:instance/{APPROVED}",))
    with_tag, without = Requests({APPROVAL_KEY: one(APPROVED)}), Requests({APPROVAL_KEY: one(None)})
    if allowed([policy], START, approved, without):
        return set()
    return {_account(each.example) for each in allowed([policy], START, approved, with_tag)}


def _account(arn: str) -> Account:
    """Of an ARN that a policy lets reach, in which what the policy leaves open is made up."""
    _, partition, _, _, account, *_ = arn.split(":")
    return Account(
        partition=partition if partition.startswith("aws") else SOME,
        number=account if _NUMBER.fullmatch(account) else SOME,
    )
