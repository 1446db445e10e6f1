"""Comparison of the detection services in the Region of a site with the settings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from common.aws.failures import ResourceError, action_of
from components.detection.cis_scans import LIST, SCAN_NAME, content_of, scan_content, tags_of
from components.detection.services import SERVICES, ServiceState
from components.domain_controllers.names import ROLE_TAG
from operations.findings import Finding, Status
from operations.inventory.reader import Reader, ReadError, ReadFailure, returns_failure
from operations.verify.findings import Check, owner_finding

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
    called: list[str] = []

    def read(operation: str, absent: tuple[str, ...] = (), /, **arguments: Any) -> Mapping[str, Any] | None:
        called.append(operation)
        return reader.find(kind.client, operation, absent, **arguments)

    try:
        return kind.find(read, reader.region)
    except ResourceError as wrong:
        failure = ReadFailure(
            action=action_of(kind.client, called[-1]), cause=str(wrong), remedy="try again in a minute"
        )
        raise ReadError(failure) from None


def detection_findings(
    site: SiteDeployment, live: Mapping[SecurityService, ServiceState | ReadFailure | None]
) -> list[Finding]:
    """Compare the services; one that another account manages may have more than the settings, and belongs to no stack."""
    return [
        finding
        for service, switches in site.section.detected.items()
        for finding in _findings(site, service, switches, live[service])
    ]


EVALUATED: Final = (
    "AWS::EC2::Instance",
    "AWS::EC2::Volume",
    "AWS::SSM::AssociationCompliance",
    "AWS::SSM::ManagedInstanceInventory",
    "AWS::SSM::PatchCompliance",
)
"""Types of the controls about controllers (Security Hub User Guide: EC2.3, EC2.8, SSM.1, SSM.2, SSM.3)."""


def recorder_finding(site: SiteDeployment, live: str | ReadFailure) -> Finding:
    """Compare the recorder of AWS Config, without which a standard of Security Hub evaluates nothing.

    `live` is why it does not record; "": it does.
    """
    region = site.deployment.region
    remedy = f"record these types, and aws configservice start-configuration-recorder --region {region}"
    check = Check("directory-detection-recorder", f"AWS Config in {region} records {', '.join(EVALUATED)}", remedy)
    return check.compare(live, lambda why: [f"{region} {why}"] if why else [])


@returns_failure
def read_scans(reader: Reader) -> list[Mapping[str, Any]]:
    """Return the CIS scan configurations of the account."""
    return reader.items("inspector2", LIST, "scanConfigurations")


def scan_findings(site: SiteDeployment, live: list[Mapping[str, Any]] | ReadFailure) -> list[Finding]:
    """Compare the scan configuration of this stack, found by its owner, with the settings."""
    settings, deployment = site.section.benchmark, site.deployment
    if settings is None:
        return []
    content = scan_content(settings, deployment.account_id, ROLE_TAG)
    check = Check("directory-detection-cis", f"{SCAN_NAME}: {_described(content)}", deployment.repair)
    if isinstance(live, ReadFailure):
        return [check.report_unread(live)]
    named = [each for each in live if each.get("scanName") == SCAN_NAME]
    found = [each for each in live if _owner_finding(site, each).status is Status.OK] or named
    if not found:
        return [check.reject(f"no CIS scan configuration of this stack in {deployment.region}")]
    differences = [] if content_of(found[0]) == content else [_described(content_of(found[0]))]
    differences += [f"a second scan configuration, {each['scanConfigurationArn']}" for each in found[1:]]
    return [check.report(differences), _owner_finding(site, found[0])]


def _owner_finding(site: SiteDeployment, scan: Mapping[str, Any]) -> Finding:
    return owner_finding("directory-detection-cis-owner", site.deployment, tags_of(scan))


def _described(content: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in content.items() if name != "scanName"}, sort_keys=True)


def _findings(
    site: SiteDeployment, service: SecurityService, switches: frozenset[str], state: ServiceState | ReadFailure | None
) -> list[Finding]:
    title, region = SERVICES[service].title, site.deployment.region
    expected = f"{title} with {' '.join(sorted(switches))}"
    check = Check(f"directory-detection-{SERVICES[service].client}", expected, site.deployment.repair)
    if state is None or isinstance(state, ReadFailure):
        return [check.report_missing(state, f"{title} is not enabled in {region}")]
    off = sorted(switches - state.switches)
    differences = [f"{' '.join(off)} is off"] if off else []
    differences += [f"{each} is {state.faults[each]}" for each in sorted(switches & state.faults.keys())]
    if state.administrator:
        remedy = f"Ask the administrator account {state.administrator} of {title} to enable it in {region}"
        managed = f"{expected}, managed by the account {state.administrator}"
        return [replace(check, remedy=remedy).report(differences, managed)]
    owner = (
        [owner_finding(f"{check.id}-owner", site.deployment, state.tags)] if SERVICES[service].has_tags(state) else []
    )
    return [check.report(differences), *owner]
