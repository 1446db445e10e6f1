"""Sessions are resumed and ended by whoever began them.

What `session-start-needs-approval` is about is not reported again: who starts sessions anywhere needs nobody else's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from components.approval.names import ROLE_NAME
from policies.rule import Parameter, Rule
from policies.separation_of_duties.aws_managed import OTHERS, START
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.judging import POLICIES, PRINCIPALS, judged
from policies.separation_of_duties.sessions import starts_beyond_approval, touches_others_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.iam.documents import Policy
    from components.iam.evaluation import Grant
    from policies.findings import Findings, Resource

_PRINCIPALS = Parameter(
    name=PRINCIPALS.name,
    description=PRINCIPALS.description,
    # The role of the runbooks ends the sessions of a grant that is revoked.
    default=[f"role/{ROLE_NAME}"],
    schema=PRINCIPALS.schema,
)

RULE = Rule(
    id="session-resume-and-end-own",
    title="No principal may resume or end a session that another principal started",
    severity=Severity.HIGH,
    risk="its holder takes over a shell that another principal was approved for, or interrupts its work",
    remedy="Limit ssm:ResumeSession and ssm:TerminateSession to session/${aws:userid}-*, or take them away",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
    parameters=(_PRINCIPALS, POLICIES),
)


def _question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[Grant]:
    told = {each.statement for each in starts_beyond_approval(policies, admitted)}
    return [each for each in touches_others_sessions(policies, admitted) if each.statement not in told]


@RULE.on(*CARRIERS)
def _touches_own_sessions_only(resource: Resource) -> Findings:
    yield from judged(resource, _question, "one's own sessions only", OTHERS - START)
