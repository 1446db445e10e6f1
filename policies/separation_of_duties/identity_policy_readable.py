"""Identity-based policies can be read by the other rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.findings import Violation
from policies.rule import Rule
from policies.separation_of_duties.identity_policies import CARRIERS, held_in

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

IDENTITY_POLICY_READABLE = Rule(
    id="identity-policy-readable",
    title="Identity policies are policy documents",
    severity=Severity.HIGH,
    risk="the permissions cannot be evaluated",
    remedy="Write the policy as one JSON object with Version and Statement",
    source='IAM User Guide, "IAM JSON policy elements reference"',
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html",
)


@IDENTITY_POLICY_READABLE.on(*CARRIERS)
def _can_be_read(resource: Resource) -> Findings:
    for held in held_in(resource):
        if held.reading and held.reading.is_complete and held.reading.policy is None:
            # The text may contain secrets, so it is not quoted.
            yield Violation(held.property, "text that cannot be read", "a policy document", about=resource)
