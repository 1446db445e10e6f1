"""Scans of EC2 instances by Amazon Inspector stay on.

The AWS provider turns off the types of an `Enabler` that is deleted, or that lists them no longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from components.detection.names import EC2, SecurityService
from policies.findings import UNKNOWN, Violation, is_true
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource
    from policies.stack import Stack

ENABLER: Final = "aws:inspector2/enabler:Enabler"
ORGANIZATION: Final = "aws:inspector2/organizationConfiguration:OrganizationConfiguration"
_OURS: Final = "pulumi-python:dynamic/shellaccess:DetectionService"

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
    for configuration in stack.of(ORGANIZATION):
        yield from _scans_new_accounts(configuration)
    ours = [each for each in stack.of(_OURS) if each.value("service") == SecurityService.INSPECTOR]
    enablers = stack.of(ENABLER)
    scanned = [each for each in enablers if EC2 in _types(each)]
    for enabler in enablers:
        if UNKNOWN in _types(enabler):
            yield enabler.unseen("resourceTypes")
        elif enabler in scanned and ours:
            yield enabler.violation("resourceTypes", f'no {EC2}, which "{ours[0].name}" turns on')
        elif not scanned and not ours:
            yield enabler.violation("resourceTypes", f"a list with {EC2}")


def _scans_new_accounts(configuration: Resource) -> Findings:
    given = configuration.value("autoEnable")
    ec2 = cast("dict[str, Any]", given).get("ec2") if isinstance(given, dict) else given
    if ec2 is UNKNOWN:
        yield configuration.unseen("autoEnable")
    elif not is_true(ec2):
        yield Violation("autoEnable.ec2", str(ec2).lower(), "true", about=configuration)


def _types(enabler: Resource) -> list[Any]:
    given = enabler.value("resourceTypes")
    return cast("list[Any]", given) if isinstance(given, list) else [given]
