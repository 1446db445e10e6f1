"""Settings of `shell-access:domainControllers.detection`. Each service is off unless its section is present."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.validation import Section, enabled_flag, flag, setting
from components.detection.names import AGENTS, DETECTOR, EC2, RUNTIME, SecurityService

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


class InspectorSettings(Section):
    """Section `inspector`."""

    enabled: bool = enabled_flag("Enable Inspector's scans of EC2 instances in the Regions of the sites")

    @property
    def switches(self) -> frozenset[str]:
        """Switches of the service that are to be on."""
        return frozenset({EC2})


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

    @property
    def services(self) -> Mapping[SecurityService, frozenset[str]]:
        """Switches by service, of those that are enabled."""
        sections = {SecurityService.GUARD_DUTY: self.guard_duty, SecurityService.INSPECTOR: self.inspector}
        return {service: each.switches for service, each in sections.items() if self.enabled and each and each.enabled}
