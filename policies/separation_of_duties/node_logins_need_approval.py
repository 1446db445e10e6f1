"""Logins to nodes and containers go through approved sessions: no Instance Connect, ECS Exec or just-in-time access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule
from policies.separation_of_duties.aws_managed import LOGINS
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.node_access import ACCESS_REQUESTS, LOGIN_WAYS, matching_paths
from policies.separation_of_duties.resource_checks import JUST_IN_TIME, POLICIES, PRINCIPALS, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource

RULE = Rule(
    id="node-logins-need-approval",
    title="No principal may log in to a node or container without an approved session",
    severity=Severity.CRITICAL,
    risk="the principal gets a shell by EC2 Instance Connect, the serial console, ECS Exec or just-in-time node access, without an approval of this workflow",
    remedy="Remove the action, or list the principals for which it is accepted in allowedPrincipals; where just-in-time node access "
    "approves the sessions, set justInTimeAccess",
    source='Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2 Instance Connect", "... for Amazon '
    'Elastic Container Service"; NIST SP 800-53 r5 AC-3, AC-5, AC-6, AC-17',
    url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-connect-configure-IAM-role.html",
    parameters=(JUST_IN_TIME, PRINCIPALS, POLICIES),
)


@RULE.on(*CARRIERS)
def _logs_in_nowhere(resource: Resource) -> Findings:
    paths = LOGIN_WAYS if resource.settings[JUST_IN_TIME.name] else (*LOGIN_WAYS, *ACCESS_REQUESTS)

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
        return matching_paths(policies, paths, admitted)

    yield from judged(resource, question, "no login to a node or container", LOGINS)
