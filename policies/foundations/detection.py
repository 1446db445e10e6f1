"""Rules about detection: GuardDuty, Inspector and Security Hub are on, and evaluate what they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from common.json_values import listed, mapping
from components.detection.names import EC2, SecurityService
from policies.findings import UNKNOWN, Findings, Resource, described, is_true
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.stack import Stack

ENABLER: Final = "aws:inspector2/enabler:Enabler"
ORGANIZATION: Final = "aws:inspector2/organizationConfiguration:OrganizationConfiguration"
_SERVICE: Final = "pulumi-python:dynamic/shellaccess:DetectionService"
CIS_SCAN: Final = "aws:inspector2/cisScanConfiguration:CisScanConfiguration"
"""Type token as the AWS provider would name it. Cloud Control, aws-native and CloudFormation have the resource."""
_SCAN: Final = "pulumi-python:dynamic/shellaccess:CisScanConfiguration"
_RECURRING: Final = {"daily", "weekly", "monthly"}
HUB: Final = "aws:securityhub/account:Account"
CONTROL: Final = "aws:securityhub/standardsControl:StandardsControl"
ASSOCIATION: Final = "aws:securityhub/standardsControlAssociation:StandardsControlAssociation"
STANDARD: Final = "aws:securityhub/standardsSubscription:StandardsSubscription"
_ENABLED: Final = "ENABLED"

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
def _is_not_suspended(detector: Resource) -> Findings:
    # Absent is true.
    yield from detector.require("enable", lambda value: value is None or is_true(value), "true")


SCANS_ENABLED = Rule(
    id="scans-enabled",
    title="Inspector scans EC2 instances, by one resource of a stack",
    severity=Severity.HIGH,
    risk="vulnerabilities of instances are not found; of two resources, the deletion of one turns off the scans of both",
    remedy="Add EC2 to resourceTypes, set autoEnable.ec2 to true; beside domainControllers.detection.inspector, leave EC2 out",
    source="AWS Security Hub Inspector.1; PCI DSS 4.0.1 11.3.1; NIST SP 800-53 r5 RA-5; Terraform AWS provider, "
    "internal/service/inspector2/enabler.go",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/inspector-controls.html#inspector-1",
)


@SCANS_ENABLED.on_stack
def _are_on(stack: Stack) -> Findings:
    """Check scans of EC2. The AWS provider turns off the types of an `Enabler` that is deleted, or lists them no longer."""
    for configuration in stack.of(ORGANIZATION):
        yield from _scans_new_accounts(configuration)
    ours = [each for each in stack.of(_SERVICE) if each.value("service") == SecurityService.INSPECTOR]
    enablers = stack.of(ENABLER)
    scanned = [each for each in enablers if EC2 in _types(each)]
    for enabler in enablers:
        if UNKNOWN in _types(enabler):
            yield enabler.unseen("resourceTypes")
        elif enabler in scanned and ours:
            yield enabler.violation("resourceTypes", f'no {EC2}, which "{ours[0].name}" enables')
        elif not scanned and not ours:
            yield enabler.violation("resourceTypes", f"a list with {EC2}")


def _scans_new_accounts(configuration: Resource) -> Findings:
    given = configuration.value("autoEnable")
    ec2 = given if given is UNKNOWN else mapping(given).get("ec2")
    if ec2 is UNKNOWN:
        yield configuration.unseen("autoEnable")
    elif not is_true(ec2):
        yield configuration.violation("autoEnable.ec2", "true", found=str(ec2).lower())


def _types(enabler: Resource) -> list[Any]:
    return listed(enabler.value("resourceTypes"))


CIS_SCAN_RECURRING = Rule(
    id="cis-scan-recurring",
    title="Scans of CIS benchmarks are repeated",
    severity=Severity.MEDIUM,
    risk="the settings of an instance are compared with the benchmark once, and later changes are not found",
    remedy="Set a daily, weekly or monthly schedule, and target tags",
    source="Amazon Inspector API reference, Schedule; NIST SP 800-53 r5 CM-6, CA-7; CIS Controls v8 4.1",
    url="https://docs.aws.amazon.com/inspector/v2/APIReference/API_Schedule.html",
)


@CIS_SCAN_RECURRING.on(CIS_SCAN, _SCAN)
def _is_repeated(scan: Resource) -> Findings:
    yield from _has(scan, "schedule", _RECURRING, "a daily, weekly or monthly schedule")
    yield from _has(scan, "targets", {"targetResourceTags"}, "target tags")


def _has(scan: Resource, name: str, members: set[str], expected: str) -> Findings:
    """Require one of the members; CloudFormation capitalizes their names."""
    value = scan.value(name)
    given = mapping(value)
    found = [each for key, each in given.items() if key[:1].lower() + key[1:] in members]
    if UNKNOWN in (value, *found) or UNKNOWN in given:
        yield scan.unseen(name)
    elif not any(found):
        yield scan.violation(name, expected, found=described(value))


SECURITY_CONTROLS_ENABLED = Rule(
    id="security-controls-enabled",
    title="Controls of Security Hub are enabled",
    severity=Severity.MEDIUM,
    risk="the findings of a disabled control are missing, and the score counts it as compliant",
    remedy="Enable the control, or exempt the resource with the agreement and its end",
    source="AWS Security Hub User Guide, Disabling a control; NIST SP 800-53 r5 CA-7, SI-4; CIS AWS Foundations Benchmark 5.0, 4.16",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/disable-controls-overview.html",
)


@SECURITY_CONTROLS_ENABLED.on(HUB)
def _has_new_controls(hub: Resource) -> Findings:
    # Absent is true.
    yield from hub.require("autoEnableControls", lambda value: value is None or is_true(value), "true")


@SECURITY_CONTROLS_ENABLED.on(CONTROL)
def _is_enabled(control: Resource) -> Findings:
    yield from control.require("controlStatus", lambda value: value == _ENABLED, _ENABLED)


@SECURITY_CONTROLS_ENABLED.on(ASSOCIATION)
def _is_associated(control: Resource) -> Findings:
    yield from control.require("associationStatus", lambda value: value == _ENABLED, _ENABLED)


@SECURITY_CONTROLS_ENABLED.on(STANDARD)
def _has_all_controls(standard: Resource) -> Findings:
    """Check the list that CloudFormation has in the standard."""
    yield from standard.require("disabledStandardsControls", lambda value: not value, "no disabled control")
