"""Sessions of operators' roles do not have the approval tag as a session tag.

A federated principal needs the trust policy alone, so the identity provider or its administrator would approve. Services set
tags of their own and are not evaluated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_policy import Severity

from common.iam.documents import Policy
from components.approval.names import TAG_KEY
from policies.findings import Violation
from policies.foundations.resource_policies import policy_in
from policies.rule import Rule
from policies.separation_of_duties.approval_tag import sets_approval_tag
from policies.separation_of_duties.attachments import AttachedPolicies
from policies.separation_of_duties.identity_policies import ROLE
from policies.separation_of_duties.operators import OPERATORS, starts_by_approval
from policies.separation_of_duties.requests import is_admitted
from policies.separation_of_duties.resource_checks import described

if TYPE_CHECKING:
    from common.iam.documents import Statement
    from policies.findings import Findings, Resource
    from policies.stack import Stack

RULE = Rule(
    id="operator-sessions-not-tagged",
    title=f"The trust policies of operators' roles admit no session tag {TAG_KEY}",
    severity=Severity.CRITICAL,
    risk="a principal that assumes the role, or configures the identity provider, approves sessions with a session tag",
    remedy="Remove sts:TagSession from the trust policy, or limit the keys with ForAllValues:StringEquals on aws:TagKeys",
    source='IAM User Guide, "Pass session tags in AWS STS"; NIST SP 800-53 r5 AC-3, AC-5, AC-6',
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html",
    parameters=(OPERATORS,),
)


@RULE.on_stack
def _admit_no_tag(stack: Stack) -> Findings:
    attached_policies = AttachedPolicies(stack)
    for role in stack.of(ROLE):
        if not _is_operator(role, stack, attached_policies):
            continue
        trust = policy_in(role, "assumeRolePolicy")
        if trust is None:
            yield role.unseen("assumeRolePolicy")
        elif isinstance(trust, Policy):
            asking = Policy(name="trust", statements=tuple(map(_about_roles, filter(_counts, trust.statements))))
            if found := sets_approval_tag([asking]):
                expected = f"session tags without {TAG_KEY}"
                yield Violation("assumeRolePolicy", described(found), expected, about=role)


def _is_operator(role: Resource, stack: Stack, attached_policies: AttachedPolicies) -> bool:
    named = is_admitted(f"role/{role.value('name')}", stack.settings[OPERATORS.name])
    return named or any(each.policy and starts_by_approval(each.policy) for each in attached_policies.of_role(role))


def _counts(statement: Statement) -> bool:
    named = statement.principals
    return not statement.allows or named is None or bool(named.aws or named.federated or named.negated)


def _about_roles(statement: Statement) -> Statement:
    return replace(statement, resources=("*",))
