"""Principals resume and terminate their own sessions only.

Statements that `session-start-needs-approval` reports are not reported again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule
from policies.separation_of_duties.aws_managed import OTHERS, START
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS_WITH_RUNBOOKS, judged
from policies.separation_of_duties.sessions import starts_beyond_approval, touches_others_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource

RULE = Rule(
    id="session-resume-own",
    title="Principals may resume and terminate their own sessions only",
    severity=Severity.HIGH,
    risk="the principal takes over a shell that another principal was approved for, or interrupts its work",
    remedy="Limit ssm:ResumeSession and ssm:TerminateSession to session/${aws:userid}-*, or remove them",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
    parameters=(PRINCIPALS_WITH_RUNBOOKS, POLICIES),
)


def _question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
    reported = {each.statement for each in starts_beyond_approval(policies, admitted)}
    return [each for each in touches_others_sessions(policies, admitted) if each.statement not in reported]


@RULE.on(*CARRIERS)
def _touches_own_sessions_only(resource: Resource) -> Findings:
    yield from judged(resource, _question, "one's own sessions only", OTHERS - START)
