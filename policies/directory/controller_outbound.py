"""What domain controllers may connect to.

A prefix list of another stack, such as that of Amazon S3, cannot be looked into and is let pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from components.directory.demands import Direction
from policies.directory.addresses import networks_parameter
from policies.directory.marks import MARKS
from policies.directory.openings import findings
from policies.directory.spans import TABLES, outbound
from policies.directory.verdicts import of_end, of_ports
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.directory.openings import Opening, Openings
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
    risk="malware on a controller calls home, and the directory's secrets leave by whatever port is open",
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


def _judged(openings: Openings, opening: Opening) -> Iterator[Finding]:
    settings = opening.carrier.settings
    for end in opening.ends:
        yield from of_end(openings, opening, end, settings[_DESTINATIONS.name])
    yield from of_ports(opening, outbound(settings))
