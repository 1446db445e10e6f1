"""Comparison of the detection services in the Region of a site with the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.detection.services import SERVICES, ServiceState
from operations.findings import Finding, from_differences, missing
from operations.inventory.reader import Reader, ReadFailure, returns_failure
from operations.verify.documents import owner_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.detection.names import SecurityService
    from operations.deployment import SiteDeployment


def read_detection(reader: Reader, site: SiteDeployment) -> Mapping[SecurityService, ServiceState | ReadFailure | None]:
    """Return the state of each service that the settings enable; None: it is off."""
    return {service: _read(reader, service) for service in site.section.detected}


@returns_failure
def _read(reader: Reader, service: SecurityService) -> ServiceState | None:
    kind = SERVICES[service]

    def read(operation: str, absent: tuple[str, ...] = (), /, **arguments: Any) -> Mapping[str, Any] | None:
        return reader.find(kind.client, operation, absent, **arguments)

    return kind.find(read, reader.region)


def detection_findings(
    site: SiteDeployment, live: Mapping[SecurityService, ServiceState | ReadFailure | None]
) -> list[Finding]:
    """Compare the services; one that another account manages may have more than the settings, and belongs to no stack."""
    return [
        finding
        for service, switches in site.section.detected.items()
        for finding in _findings(site, service, switches, live[service])
    ]


def _findings(
    site: SiteDeployment, service: SecurityService, switches: frozenset[str], state: ServiceState | ReadFailure | None
) -> list[Finding]:
    title, region = SERVICES[service].title, site.deployment.region
    check, expected = f"directory-detection-{SERVICES[service].client}", f"{title} with {' '.join(sorted(switches))}"
    if state is None or isinstance(state, ReadFailure):
        found = f"{title} is not enabled in {region}"
        return [missing(check, state, expected=expected, found=found, remedy=site.deployment.repair)]
    off = sorted(switches - state.switches)
    differences = [f"{' '.join(off)} is off"] if off else []
    if state.administrator:
        remedy = f"Ask the administrator account {state.administrator} of {title} to turn it on in {region}"
        managed = f"{expected}, managed by the account {state.administrator}"
        return [from_differences(check, differences, expected=expected, remedy=remedy, found=managed)]
    compared = from_differences(check, differences, expected=expected, remedy=site.deployment.repair)
    if SERVICES[service].resource is None:
        return [compared]
    return [compared, owner_finding(f"{check}-owner", site.deployment, state.tags)]
