"""Sessions start on the node of the caller's approval tag only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from components.approval.names import BREAK_GLASS_ROLE_NAME
from policies.rule import Rule
from policies.separation_of_duties.aws_managed import START
from policies.separation_of_duties.identity_policies import CARRIERS, held_in, holds
from policies.separation_of_duties.resource_checks import JUST_IN_TIME, POLICIES, PRINCIPALS, judged
from policies.separation_of_duties.sessions import starts_beyond_approval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource

RULE = Rule(
    id="session-start-needs-approval",
    title="Principals may start sessions on the approved instance only",
    severity=Severity.CRITICAL,
    risk="the principal has a standing shell on nodes without an approval",
    remedy="Allow ssm:StartSession on instance/${aws:PrincipalTag/SecurityAllowSessionInstance} only, or remove it",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-3, AC-5, AC-6, AC-17",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
    parameters=(JUST_IN_TIME, PRINCIPALS, POLICIES),
)


@RULE.on(*CARRIERS)
def _starts_on_the_approved_only(resource: Resource) -> Findings:
    if _is_of_emergency_role(resource):
        return
    is_just_in_time: bool = resource.settings[JUST_IN_TIME.name]

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
        return starts_beyond_approval(policies, admitted, by_tag=not is_just_in_time)

    expected = (
        "no node, as AWS starts the sessions of access requests" if is_just_in_time else "no node but the approved one"
    )
    yield from judged(resource, question, expected, START)


def _is_of_emergency_role(resource: Resource) -> bool:
    """Return whether only the emergency access role has the policies; `break-glass-limited` evaluates it."""
    holders = [holder for held in held_in(resource) for holder in held.holders or ("",)]
    return bool(holders) and all(holds(each, f"role/{BREAK_GLASS_ROLE_NAME}") for each in holders)
