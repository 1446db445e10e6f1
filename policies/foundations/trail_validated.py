"""Trails have log file validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.findings import is_true
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="trail-validated",
    title="Trails sign their log files",
    severity=Severity.MEDIUM,
    risk="a principal with access to the bucket can rewrite the log unnoticed",
    remedy="Set enableLogFileValidation to true",
    source="AWS Security Hub CloudTrail.4; CIS AWS Foundations Benchmark 5.0, 3.2; NIST SP 800-53 r5 AU-9, SI-7",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-4",
)


@RULE.on("aws:cloudtrail/trail:Trail")
def _is_validated(trail: Resource) -> Findings:
    yield from trail.require("enableLogFileValidation", is_true, "true")
