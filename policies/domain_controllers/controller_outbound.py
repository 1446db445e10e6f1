"""Outbound traffic of domain controllers.

The entries of a prefix list of another stack, such as that of Amazon S3, are not known and are accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from components.domain_controllers.traffic_requirements import Direction
from policies.domain_controllers.addresses import networks_parameter
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.exposures import findings, of_end, of_ports
from policies.domain_controllers.port_ranges import TABLES, outbound
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.domain_controllers.exposures import Exposure, Exposures
    from policies.findings import Finding, Findings
    from policies.stack import Stack

_DESTINATIONS: Final = networks_parameter(
    "allowedDestinations",
    "Networks that controllers may connect to. Public ones of /23 or shorter (IPv6: /47) are refused even so.",
)

RULE = Rule(
    id="controller-outbound",
    title="Domain controllers connect to each other and to listed services only",
    severity=Severity.HIGH,
    risk="malware on a controller connects to its operator, and the directory's secrets leave by any open port",
    remedy="Name the other controllers, resolvers, time sources and endpoints with the ports of the tables, or list what "
    "else they need in allowedDestinations and additionalPorts",
    source='Microsoft "Securing domain controllers against attack" (blocking internet access); checkov CKV_AWS_382; '
    'NIST SP 800-53 r5 AC-4, SC-7(5); AWS post "Securely extend and access on-premises Active Directory domain controllers '
    'in AWS"',
    url="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    parameters=(_DESTINATIONS, *TABLES, *MARKS),
)


@RULE.on_stack
def _is_limited(stack: Stack) -> Findings:
    yield from findings(stack, Direction.EGRESS, _judged)


def _judged(exposures: Exposures, exposure: Exposure) -> Iterator[Finding]:
    settings = exposure.carrier.settings
    for peer in exposure.peers:
        yield from of_end(exposures, exposure, peer, settings[_DESTINATIONS.name])
    yield from of_ports(exposure, outbound(settings))
