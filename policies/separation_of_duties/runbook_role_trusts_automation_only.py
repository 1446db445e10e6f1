"""Only Automation can assume the role with the name of the runbook's role.

The other rules allow the runbook's role, by its name, to set the approval tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.documents import Policy
from components.approval.names import ROLE_NAME
from policies.findings import UNKNOWN, Violation
from policies.foundations.resource_policies import policy_in
from policies.rule import Parameter, Rule
from policies.separation_of_duties.identity_policies import ROLE
from policies.separation_of_duties.requests import is_admitted

if TYPE_CHECKING:
    from common.iam.documents import Statement
    from policies.findings import Findings, Resource

_ROLES = Parameter(
    name="runbookRoles",
    description="The roles of runbooks that set the approval tag: role/Name (* and ? match any characters).",
    default=[f"role/{ROLE_NAME}"],
    schema={"type": "array", "items": {"type": "string", "pattern": "^role/."}, "minItems": 1},
)

RULE = Rule(
    id="runbook-role-trusts-automation-only",
    title="Only Systems Manager Automation may assume the runbook's role",
    severity=Severity.CRITICAL,
    risk="a principal that assumes the role sets the approval tag as the runbook does, without an approval",
    remedy="Name ssm.amazonaws.com as the only principal of the trust policy, or give the role another name",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-iam.html",
    parameters=(_ROLES,),
)

_AUTOMATION: Final = frozenset({"ssm.amazonaws.com", "ssm.amazonaws.com.cn"})


@RULE.on(ROLE)
def _trusts_automation(role: Resource) -> Findings:
    name = role.value("name")
    if name is not UNKNOWN and not is_admitted(f"role/{name}", role.settings[_ROLES.name]):
        return
    if role.value("assumeRolePolicy") is None:
        return  # the provider refuses it
    trust = policy_in(role, "assumeRolePolicy")
    if trust is None:
        yield role.unseen("assumeRolePolicy")
    elif isinstance(trust, Policy):
        for statement in trust.statements:
            if statement.allows and not _names_automation(statement):
                place = f"assumeRolePolicy.Statement[{statement.index}].Principal"
                wrong = Violation(place, "other principals", "Service: ssm.amazonaws.com alone", about=role)
                yield role.unseen("name") if name is UNKNOWN else wrong


def _names_automation(statement: Statement) -> bool:
    named = statement.principals
    return (
        named is not None and not (named.aws or named.federated or named.negated) and set(named.services) <= _AUTOMATION
    )
