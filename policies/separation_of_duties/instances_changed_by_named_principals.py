"""What an instance runs at its start, the role that it has, and which machines are nodes is changed by named principals only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule
from policies.separation_of_duties.aws_managed import INSTANCES
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.judging import POLICIES, PRINCIPALS, judged
from policies.separation_of_duties.node_access import INSTANCE_WAYS, ways_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.iam.documents import Policy
    from components.iam.evaluation import Grant
    from policies.findings import Findings, Resource

RULE = Rule(
    id="instances-changed-by-named-principals",
    title="No principal but named ones may change user data, root volumes or roles of instances, or register nodes",
    severity=Severity.HIGH,
    risk="its holder makes an instance run their commands at its next start, or gives it or a machine of their own a role of the account",
    remedy="Remove the action, limit ec2:ModifyInstanceAttribute by ec2:Attribute, or list the pipeline that builds instances in allowedPrincipals",
    source='Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2"; NIST SP 800-53 r5 AC-5, AC-6, CM-5',
    url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    parameters=(PRINCIPALS, POLICIES),
)


def _question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[Grant]:
    return ways_in(policies, INSTANCE_WAYS, admitted)


@RULE.on(*CARRIERS)
def _changes_no_instance(resource: Resource) -> Findings:
    yield from judged(resource, _question, "no change of what instances run or which role they have", INSTANCES)
