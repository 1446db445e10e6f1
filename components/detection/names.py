"""Detection services, their switches and the tag that Inspector reads."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

DETECTOR: Final = "DETECTOR"
"""Switch of the detector itself, with the findings from flow logs, DNS logs and CloudTrail that it always has."""
RUNTIME: Final = "RUNTIME_MONITORING"
AGENTS: Final = f"{RUNTIME}/EC2_AGENT_MANAGEMENT"
EC2: Final = "EC2"
"""Switch of Inspector's scans of EC2 instances."""
HUB: Final = "HUB"
"""Switch of Security Hub itself, with the findings that other services send to it."""
EXCLUSION_TAG: Final = "InspectorEc2Exclusion"
"""Tag, with any value, of an instance that Inspector does not scan (Inspector User Guide, "Scanning Amazon EC2 instances")."""


class SecurityService(StrEnum):
    """A detection service, by its name in the settings."""

    GUARD_DUTY = "guardDuty"
    INSPECTOR = "inspector"
    SECURITY_HUB = "securityHub"


class SecurityStandard(StrEnum):
    """A standard of Security Hub, by the end of its ARN (Terraform AWS provider, aws_securityhub_standards_subscription)."""

    FOUNDATIONAL = "aws-foundational-security-best-practices/v/1.0.0"
    CIS_1 = "cis-aws-foundations-benchmark/v/1.4.0"
    CIS_3 = "cis-aws-foundations-benchmark/v/3.0.0"
    NIST_53 = "nist-800-53/v/5.0.0"
    NIST_171 = "nist-800-171/v/2.0.0"
    PCI_DSS = "pci-dss/v/4.0.1"
