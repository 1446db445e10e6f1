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
EXCLUSION_TAG: Final = "InspectorEc2Exclusion"
"""Tag, with any value, of an instance that Inspector does not scan (Inspector User Guide, "Scanning Amazon EC2 instances")."""


class SecurityService(StrEnum):
    """A detection service, by its name in the settings."""

    GUARD_DUTY = "guardDuty"
    INSPECTOR = "inspector"
