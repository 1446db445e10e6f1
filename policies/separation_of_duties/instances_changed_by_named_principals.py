"""Only named principals change the user data and role of instances, and register nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule
from policies.separation_of_duties.aws_managed import INSTANCES
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.node_access import INSTANCE_WAYS, matching_paths
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from policies.findings import Findings, Resource

RULE = Rule(
    id="instances-changed-by-named-principals",
    title="Only named principals may change user data, root volumes or roles of instances, or register nodes",
    severity=Severity.HIGH,
    risk="the principal makes an instance run commands at its next start, or gives it or another machine a role of the account",
    remedy="Remove the action, limit ec2:ModifyInstanceAttribute by ec2:Attribute, or list the pipeline that builds instances in allowedPrincipals",
    source='Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2"; NIST SP 800-53 r5 AC-5, AC-6, CM-5',
    url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    parameters=(PRINCIPALS, POLICIES),
)


def _question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
    return matching_paths(policies, INSTANCE_WAYS, admitted)


@RULE.on(*CARRIERS)
def _changes_no_instance(resource: Resource) -> Findings:
    yield from judged(resource, _question, "no change of what instances run or which role they have", INSTANCES)
