"""Detectors of GuardDuty are not suspended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.findings import is_true
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

DETECTOR_ENABLED = Rule(
    id="detector-enabled",
    title="Detectors of GuardDuty are enabled",
    severity=Severity.HIGH,
    risk="a suspended detector finds nothing, and looks enabled in an inventory",
    remedy="Leave enable out, or set it to true",
    source="AWS Security Hub GuardDuty.1; NIST SP 800-53 r5 SI-4, AU-6(1)",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/guardduty-controls.html#guardduty-1",
)


@DETECTOR_ENABLED.on("aws:guardduty/detector:Detector")
def _is_enabled(detector: Resource) -> Findings:
    # Absent is true.
    yield from detector.require("enable", lambda value: value is None or is_true(value), "true")
