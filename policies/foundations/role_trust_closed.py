"""Trust policies of roles name their principals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.foundations.resource_policies import require_closed
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="role-trust-closed",
    title="Trust policies of roles name no wildcard principal",
    severity=Severity.CRITICAL,
    risk="any AWS principal assumes the role with all its permissions",
    remedy="Name services, roles or accounts in assumeRolePolicy, or add a condition on fixed accounts",
    source="checkov CKV_AWS_60; CIS AWS Foundations Benchmark 7.0, 2.21; NIST SP 800-53 r5 AC-3, AC-6; "
    "Well-Architected SEC03-BP07",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
)


@RULE.on("aws:iam/role:Role")
def _is_closed(role: Resource) -> Findings:
    yield from require_closed(role, "assumeRolePolicy")
