"""Comparison of the detection services in the Region of a site with the settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from common.config_recorders import why_not_recorded
from components.detection.cis_scans import LIST, SCAN_NAME, content_of, scan_content, tags_of
from components.detection.services import SERVICES, ServiceState
from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from operations.findings import Finding, Status, compared, from_differences, missing, unknown_finding
from operations.inventory.nodes import read_recorders
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


_EVALUATED: Final = (
    "AWS::EC2::Instance",
    "AWS::EC2::Volume",
    "AWS::SSM::AssociationCompliance",
    "AWS::SSM::ManagedInstanceInventory",
    "AWS::SSM::PatchCompliance",
)
"""Types of the controls about controllers (Security Hub User Guide: EC2.3, EC2.8, SSM.1, SSM.2, SSM.3)."""


@returns_failure
def read_unrecorded(reader: Reader) -> str | None:
    """Return why AWS Config does not record what the standards evaluate of controllers; None: it does.

    Args:
        reader: Reader of the Region.
    """
    return why_not_recorded(*read_recorders(reader), *_EVALUATED)


def recorder_finding(site: SiteDeployment, live: str | ReadFailure | None) -> Finding:
    """Compare the recorder of AWS Config, without which a standard of Security Hub evaluates nothing.

    Args:
        site: Settings of the site, with a standard of Security Hub.
        live: Why it does not record; None: it does.
    """
    region = site.deployment.region
    check, expected = "directory-detection-recorder", f"AWS Config in {region} records {', '.join(_EVALUATED)}"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
    remedy = f"record these types, and aws configservice start-configuration-recorder --region {region}"
    return compared(
        check, same=live is None, expected=expected, found=f"{region} {live}" if live else expected, remedy=remedy
    )


@returns_failure
def read_scans(reader: Reader) -> list[Mapping[str, Any]]:
    """Return the CIS scan configurations of the account.

    Args:
        reader: Reader of the Region.
    """
    return reader.items("inspector2", LIST, "scanConfigurations")


def scan_findings(site: SiteDeployment, live: list[Mapping[str, Any]] | ReadFailure) -> list[Finding]:
    """Compare the scan configuration of this stack, found by its owner, with the settings.

    Args:
        site: Settings of the site, with CIS scans.
        live: Scan configurations of the account.
    """
    settings, deployment = site.section.benchmark, site.deployment
    if settings is None:
        return []
    content = scan_content(settings, deployment.account_id, ROLE_TAG)
    check, expected = "directory-detection-cis", f"{SCAN_NAME}: {_described(content)}"
    if isinstance(live, ReadFailure):
        return [unknown_finding(check, live, expected=expected)]
    named = [each for each in live if each.get("scanName") == SCAN_NAME]
    found = [each for each in live if _owner_finding(site, each).status is Status.OK] or named
    if not found:
        absent = f"no CIS scan configuration of this stack in {deployment.region}"
        return [missing(check, None, expected=expected, found=absent, remedy=deployment.repair)]
    differences = [] if content_of(found[0]) == content else [_described(content_of(found[0]))]
    differences += [f"a second scan configuration, {each['scanConfigurationArn']}" for each in found[1:]]
    content_finding = from_differences(check, differences, expected=expected, remedy=deployment.repair)
    return [content_finding, _owner_finding(site, found[0])]


def _owner_finding(site: SiteDeployment, scan: Mapping[str, Any]) -> Finding:
    return owner_finding("directory-detection-cis-owner", site.deployment, tags_of(scan))


def _described(content: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in content.items() if name != "scanName"}, sort_keys=True)


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
    differences += [f"{each} is {state.faults[each]}" for each in sorted(switches & state.faults.keys())]
    if state.administrator:
        remedy = f"Ask the administrator account {state.administrator} of {title} to enable it in {region}"
        managed = f"{expected}, managed by the account {state.administrator}"
        return [from_differences(check, differences, expected=expected, remedy=remedy, found=managed)]
    finding = from_differences(check, differences, expected=expected, remedy=site.deployment.repair)
    if not SERVICES[service].has_tags(state):
        return [finding]
    return [finding, owner_finding(f"{check}-owner", site.deployment, state.tags)]
