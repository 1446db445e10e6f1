"""Operators' roles that admit a role of IAM Identity Center admit one person in it.

All who have a permission set share its role, and a grant of an operator's role counts for everyone who can assume it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.documents import Policy
from common.iam.trust import ASSUME
from components.approval.names import OPERATORS_PATH, RESERVED_PATH
from components.approval.scripts.trust import identity_center_user
from policies.findings import Violation
from policies.foundations.resource_policies import policy_in
from policies.rule import Rule
from policies.separation_of_duties.attachments import AttachedPolicies
from policies.separation_of_duties.identity_policies import ROLE
from policies.separation_of_duties.operators import OPERATORS, starts_by_approval
from policies.separation_of_duties.requests import is_admitted

if TYPE_CHECKING:
    from policies.findings import Findings, Resource
    from policies.stack import Stack

RULE = Rule(
    id="operator-roles-of-one-person",
    title="Operators' roles that trust IAM Identity Center admit one person each",
    severity=Severity.CRITICAL,
    risk="a grant to one person opens the node to everyone who has the permission set",
    remedy="Require aws:PrincipalArn of the permission set's role together with aws:userid *:USER NAME, in one statement "
    "for one user name",
    source='IAM Identity Center User Guide, "Referencing permission sets in resource policies"; NIST SP 800-53 r5 AC-5, '
    "AC-6, IA-2",
    url="https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html",
    parameters=(OPERATORS,),
)

_RESERVED: Final = RESERVED_PATH.strip("/").split("/", maxsplit=1)[0]


@RULE.on_stack
def _admit_one_person(stack: Stack) -> Findings:
    attached_policies = AttachedPolicies(stack)
    for role in stack.of(ROLE):
        path = role.value("path")
        of_people = path == OPERATORS_PATH
        if not of_people and not _is_operator(role, stack, attached_policies):
            continue
        trust = policy_in(role, "assumeRolePolicy")
        if trust is None:
            yield role.unseen("assumeRolePolicy")
        elif isinstance(trust, Policy):
            statements = [each.raw for each in trust.covering(ASSUME) if each.allows]
            concerned = of_people or any(_RESERVED in str(each) for each in statements)
            if concerned and not identity_center_user({"Statement": statements}):
                expected = "one person of IAM Identity Center, by aws:PrincipalArn and aws:userid"
                yield Violation("assumeRolePolicy", "others than one person", expected, about=role)


def _is_operator(role: Resource, stack: Stack, attached_policies: AttachedPolicies) -> bool:
    named = is_admitted(f"role/{role.value('name')}", stack.settings[OPERATORS.name])
    return named or any(each.policy and starts_by_approval(each.policy) for each in attached_policies.of_role(role))
