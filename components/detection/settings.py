"""Settings of `shell-access:domainControllers.detection`. Ours, not the post's; each service is off unless its section is present."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from common.validation import Section, enabled_flag, flag, member_of, setting

if TYPE_CHECKING:
    from collections.abc import Mapping


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
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""Days of a schedule, as Inspector names them."""


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


class GuardDutySettings(Section):
    """Section `guardDuty`."""

    enabled: bool = enabled_flag("Enable GuardDuty in the Regions of the sites")
    runtime_monitoring: bool = flag(
        "The GuardDuty agent runs on EC2 instances with Linux, such as bastions; it does not exist for Windows.",
        default=False,
    )

    @property
    def switches(self) -> frozenset[str]:
        """Switches of the service that are to be on."""
        return frozenset({DETECTOR, *((RUNTIME, AGENTS) if self.runtime_monitoring else ())})


class CisScansSettings(Section):
    """Section `inspector.cisScans`."""

    enabled: bool = enabled_flag(
        "Compare the controllers with the CIS benchmark of their version of Windows Server, every week"
    )
    level: int = setting(
        "Level of the benchmark; level 2 includes level 1, and has settings that can reduce functionality.",
        "1 or 2",
        default=1,
        ge=1,
        le=2,
    )
    day: str = setting("Day of the scan, in UTC.", ", ".join(_DAYS), default="SAT", pattern=rf"^({'|'.join(_DAYS)})$")
    start_hour: int = setting(
        "Hour at which the scan starts, in UTC.", "a whole number from 0 to 23", default=2, ge=0, le=23
    )


class InspectorSettings(Section):
    """Section `inspector`."""

    enabled: bool = enabled_flag("Enable Inspector's scans of EC2 instances in the Regions of the sites")
    cis_scans: CisScansSettings | None = setting(
        "The controllers are compared with a CIS benchmark every week.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )

    @property
    def switches(self) -> frozenset[str]:
        """Switches of the service that are to be on."""
        return frozenset({EC2})


class SecurityHubSettings(Section):
    """Section `securityHub`."""

    enabled: bool = enabled_flag("Enable Security Hub CSPM in the Regions of the sites")
    standards: list[Annotated[SecurityStandard, member_of(SecurityStandard)]] = setting(
        "Standards to enable. AWS' default standards are not enabled unless they are listed.",
        f"a list, each once, of {', '.join(SecurityStandard)}",
        default_factory=lambda: [SecurityStandard.FOUNDATIONAL],
    )

    @property
    def switches(self) -> frozenset[str]:
        """Switches of the service that are to be on."""
        return frozenset({HUB, *self.standards})


class DetectionSettings(Section):
    """Section `detection`: services of the account, in the Regions of the sites."""

    enabled: bool = enabled_flag("Enable the detection services")
    guard_duty: GuardDutySettings | None = setting(
        "GuardDuty evaluates flow logs, DNS queries and API calls.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    inspector: InspectorSettings | None = setting(
        "Inspector finds vulnerabilities of the software on EC2 instances.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    security_hub: SecurityHubSettings | None = setting(
        "Security Hub CSPM evaluates the account against a standard, and collects findings of the other services.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )

    @property
    def services(self) -> Mapping[SecurityService, frozenset[str]]:
        """Switches by service, of those that are enabled."""
        sections = {
            SecurityService.GUARD_DUTY: self.guard_duty,
            SecurityService.INSPECTOR: self.inspector,
            SecurityService.SECURITY_HUB: self.security_hub,
        }
        return {service: each.switches for service, each in sections.items() if self.enabled and each and each.enabled}

    @property
    def benchmark(self) -> CisScansSettings | None:
        """Settings of the CIS scans, where they are on."""
        inspector = self.inspector if self.enabled and self.inspector and self.inspector.enabled else None
        return inspector.cis_scans if inspector and inspector.cis_scans and inspector.cis_scans.enabled else None
