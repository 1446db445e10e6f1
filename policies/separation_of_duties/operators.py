"""Operators of a stack, and their policies.

Operators are the principals that may start a session on the instance of the approval tag, and those of the configuration.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.aws.arns import split_arn
from common.iam.documents import Policy, Statement
from common.iam.evaluation import Target
from common.iam.patterns import SOME
from common.iam.trust import ASSUME
from components.approval.names import OPERATOR_ROLE_PREFIX, OPERATORS_PATH, RESERVED_PATH, TAG_KEY
from components.approval.scripts.trust import account_access_application, admits_account_access, identity_center_user
from policies.findings import UNKNOWN, Findings, Resource
from policies.foundations.resource_policies import policy_in
from policies.parameters import Parameter
from policies.rule import DUTIES_POST, Rule
from policies.separation_of_duties.approval_tag import sets_approval_tag
from policies.separation_of_duties.attachments import AttachedPolicies, AttachedPolicy, judgeable
from policies.separation_of_duties.identity_policies import ROLE, holds
from policies.separation_of_duties.requests import APPROVED, Requests, allowed, is_admitted, one
from policies.separation_of_duties.resource_checks import described
from policies.separation_of_duties.runbooks import CARRIERS, approvers_in, is_unseen, runbook_in
from policies.separation_of_duties.sessions import APPROVAL_KEY, START

if TYPE_CHECKING:
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
    """Partition and number of an account, or wildcards."""

    partition: str
    number: str


ANY_ACCOUNT: Final = AccountPattern(partition=SOME, number=SOME)


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """A principal (`role/Operator`) that starts approved sessions, with all policies that the stack attaches."""

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


OPERATOR_ROLES_OF_ONE_PERSON = Rule(
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
"""All who have a permission set share its role, and a grant of an operator's role counts for everyone who can assume it. With
account access manager, an entitlement names the person: of the role, whose name has the ID of the user, and of no other."""

ENTITLEMENT: Final = "aws:accountaccess/entitlement:Entitlement"
_RESERVED: Final = RESERVED_PATH.strip("/").split("/", maxsplit=1)[0]


@OPERATOR_ROLES_OF_ONE_PERSON.on_stack
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
            yield role.violation("assumeRolePolicy", expected, found="others than one person")
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
    if arn is UNKNOWN or not isinstance(person, dict) or UNKNOWN in person.values():
        yield entitlement.unseen("entitlement")
        return
    user = str(arn).partition(f":role{OPERATORS_PATH}{OPERATOR_ROLE_PREFIX}")[2]
    if f":role{OPERATORS_PATH}" in str(arn) and person != {"userId": user}:
        expected = f"the user whose ID is in the name of the role, {user}"
        yield entitlement.violation("entitlement", expected, found=json.dumps(person))


def _part(value: Any, name: str) -> Any:
    """Return a member of a mapping; unknown where the mapping is, or where it has no such member."""
    return cast("dict[str, Any]", value).get(name, UNKNOWN) if isinstance(value, dict) else UNKNOWN


def _is_operator(role: Resource, stack: Stack, attached_policies: AttachedPolicies) -> bool:
    named = is_admitted(f"role/{role.value('name')}", stack.settings[OPERATORS.name])
    return named or any(each.policy and starts_by_approval(each.policy) for each in attached_policies.of_role(role))


OPERATOR_SESSIONS_NOT_TAGGED = Rule(
    id="operator-sessions-not-tagged",
    title=f"The trust policies of operators' roles admit no session tag {TAG_KEY}",
    severity=Severity.CRITICAL,
    risk="a principal that assumes the role, or configures the identity provider, approves sessions with a session tag",
    remedy="Remove sts:TagSession from the trust policy, or limit the keys with ForAllValues:StringEquals on aws:TagKeys",
    source='IAM User Guide, "Pass session tags in AWS STS"; NIST SP 800-53 r5 AC-3, AC-5, AC-6',
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html",
    parameters=(OPERATORS,),
)
"""A federated principal needs the trust policy alone, so the identity provider or its administrator would approve. Services set
tags of their own and are not evaluated."""


@OPERATOR_SESSIONS_NOT_TAGGED.on_stack
def _admit_no_tag(stack: Stack) -> Findings:
    attached_policies = AttachedPolicies(stack)
    for role in stack.of(ROLE):
        if not _is_operator(role, stack, attached_policies):
            continue
        trust = policy_in(role, "assumeRolePolicy")
        if trust is None:
            yield role.unseen("assumeRolePolicy")
        elif isinstance(trust, Policy):
            counting = tuple(replace(each, resources=("*",)) for each in trust.statements if _counts(each))
            asking = Policy(name="trust", statements=counting)
            if found := sets_approval_tag([asking]):
                expected = f"session tags without {TAG_KEY}"
                yield role.violation("assumeRolePolicy", expected, found=described(found))


def _counts(statement: Statement) -> bool:
    named = statement.principals
    return not statement.allows or named is None or bool(named.aws or named.federated or named.negated)


APPROVERS_NOT_OPERATORS = Rule(
    id="approvers-not-operators",
    title="Approvers and operators are different principals",
    severity=Severity.CRITICAL,
    risk="a requester approves its own request",
    remedy="Remove the operator from the approvers, or the approver from the operators",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-5, AC-3(2)",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html",
    parameters=(OPERATORS,),
)


@APPROVERS_NOT_OPERATORS.on_stack
def _are_different(stack: Stack) -> Findings:
    named = stack.settings[OPERATORS.name]
    operators = [each.name for each in operators_in(stack)]
    for document in stack.of(*CARRIERS):
        if is_unseen(document):
            yield document.unseen("content")
            continue
        runbook = runbook_in(document)
        for step in runbook.approvals if runbook else ():
            for approver, where in approvers_in(step):
                if is_admitted(approver, named) or any(holds(approver, each) for each in operators):
                    place = f"content.mainSteps.{step.name}.{where}"
                    yield document.violation(place, "a principal that is not an operator", found=approver)
