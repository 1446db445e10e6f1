"""Settings of `shell-access:domainControllers.detection`. Each service is off unless its section is present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from common.validation import WEEKDAYS, Section, Weekday, WhenEnabled, enabled_flag, flag, member_of, setting
from components.detection.names import AGENTS, DETECTOR, EC2, HUB, RUNTIME, SecurityService, SecurityStandard

if TYPE_CHECKING:
    from collections.abc import Mapping


class GuardDutySettings(Section):
    """Section `guardDuty`."""

    enabled: bool = enabled_flag("Enable GuardDuty in the Regions of the sites")
    runtime_monitoring: bool = flag(
        "Run the GuardDuty agent on Linux instances, such as bastion hosts. There is no agent for Windows.",
        default=False,
    )

    @property
    def switches(self) -> frozenset[str]:
        """Switches of the service that are to be on."""
        return frozenset({DETECTOR, *((RUNTIME, AGENTS) if self.runtime_monitoring else ())})


class CisScansSettings(Section):
    """Section `inspector.cisScans`."""

    enabled: bool = enabled_flag(
        "Scan the controllers every week against the CIS benchmark of their version of Windows Server"
    )
    level: int = setting(
        "Level of the benchmark. Level 2 includes level 1, and has settings that can reduce functionality.",
        "1 or 2",
        default=1,
        ge=1,
        le=2,
    )
    day: Weekday = setting("Day of the scan, in UTC.", ", ".join(WEEKDAYS), default="SAT")
    start_hour: int = setting(
        "Hour at which the scan starts, in UTC.", "a whole number from 0 to 23", default=2, ge=0, le=23
    )


class InspectorSettings(Section):
    """Section `inspector`."""

    enabled: bool = enabled_flag("Enable Inspector's scans of EC2 instances in the Regions of the sites")
    cis_scans: WhenEnabled[CisScansSettings] = setting(
        "Scan the controllers against a CIS benchmark every week.",
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
        "Standards to enable. The default standards of AWS are not enabled unless they are listed.",
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
    guard_duty: WhenEnabled[GuardDutySettings] = setting(
        "Analyze flow logs, DNS queries and API calls with GuardDuty.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    inspector: WhenEnabled[InspectorSettings] = setting(
        "Scan the software on EC2 instances for vulnerabilities with Inspector.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    security_hub: WhenEnabled[SecurityHubSettings] = setting(
        "Evaluate the account against standards with Security Hub CSPM, which also collects the findings of the other services.",
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
        return {service: each.switches for service, each in sections.items() if each}

    @property
    def benchmark(self) -> CisScansSettings | None:
        """Settings of the CIS scans, where they are on."""
        return self.inspector.cis_scans if self.inspector else None
