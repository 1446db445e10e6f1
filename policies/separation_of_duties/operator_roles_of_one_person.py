"""Operators' roles that admit people of IAM Identity Center admit one person each.

All who have a permission set share its role, and a grant of an operator's role counts for everyone who can assume it. With
account access manager, an entitlement names the person: of the role, whose name has the ID of the user, and of no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.documents import Policy
from common.iam.trust import ASSUME
from components.approval.names import OPERATOR_ROLE_PREFIX, OPERATORS_PATH, RESERVED_PATH
from components.approval.scripts.trust import (
    account_access_application,
    admits_account_access,
    identity_center_user,
)
from policies.findings import UNKNOWN, Violation
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
    risk="a grant to one person opens the node to everyone who has the permission set, or is entitled to the role",
    remedy="Require aws:PrincipalArn of the permission set's role together with aws:userid *:USER NAME, in one statement "
    "for one user name; or let account access manager alone assume a role below the path of operators, and entitle the user "
    "whose ID is in its name",
    source='IAM Identity Center User Guide, "Referencing permission sets in resource policies"; NIST SP 800-53 r5 AC-5, '
    "AC-6, IA-2",
    url="https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html",
    parameters=(OPERATORS,),
)

ENTITLEMENT: Final = "aws:accountaccess/entitlement:Entitlement"
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
        elif isinstance(trust, Policy) and not _admits_one(role, trust, of_people=of_people):
            expected = "one person of IAM Identity Center, by aws:PrincipalArn and aws:userid, or by an entitlement"
            yield Violation("assumeRolePolicy", "others than one person", expected, about=role)
    for entitlement in stack.of(ENTITLEMENT):
        yield from _entitled(entitlement)


def _admits_one(role: Resource, trust: Policy, *, of_people: bool) -> bool:
    """Return whether a trust policy admits one person of IAM Identity Center, or none at all."""
    statements = [each.raw for each in trust.covering(ASSUME) if each.allows]
    document = {"Statement": statements}
    entitled = admits_account_access(document)
    if not (of_people or entitled or any(_RESERVED in str(each) for each in statements)):
        return True
    if entitled:
        # Elsewhere the name of a role says nothing about who is entitled to it.
        is_named = of_people and str(role.value("name")).startswith(OPERATOR_ROLE_PREFIX)
        return is_named and bool(account_access_application({"Statement": [each.raw for each in trust.statements]}))
    return bool(identity_center_user(document))


def _entitled(entitlement: Resource) -> Findings:
    """Report an entitlement to the role of an operator for anyone but its person."""
    entitled = _part(entitlement.value("entitlement"), "principalRole")
    arn, person = _part(entitled, "roleArn"), _part(_part(entitled, "principal"), "identityCenter")
    if arn is UNKNOWN or person is UNKNOWN or UNKNOWN in person.values():
        yield entitlement.unseen("entitlement")
        return
    user = str(arn).partition(f":role{OPERATORS_PATH}{OPERATOR_ROLE_PREFIX}")[2]
    if f":role{OPERATORS_PATH}" in str(arn) and person != {"userId": user}:
        expected = f"the user whose ID is in the name of the role, {user}"
        yield Violation("entitlement", str(person), expected, about=entitlement)


def _part(value: Any, name: str) -> Any:
    """Return a member of a mapping; unknown where the mapping is, or where it has no such member."""
    return cast("dict[str, Any]", value).get(name, UNKNOWN) if isinstance(value, dict) else UNKNOWN


def _is_operator(role: Resource, stack: Stack, attached_policies: AttachedPolicies) -> bool:
    named = is_admitted(f"role/{role.value('name')}", stack.settings[OPERATORS.name])
    return named or any(each.policy and starts_by_approval(each.policy) for each in attached_policies.of_role(role))
