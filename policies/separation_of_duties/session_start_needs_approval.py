"""Sessions start on the node of the caller's approval tag only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule
from policies.separation_of_duties.aws_managed import START
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS, judged
from policies.separation_of_duties.sessions import starts_beyond_approval

if TYPE_CHECKING:
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
    parameters=(PRINCIPALS, POLICIES),
)


@RULE.on(*CARRIERS)
def _starts_on_the_approved_only(resource: Resource) -> Findings:
    yield from judged(resource, starts_beyond_approval, "no node but the approved one", START)
