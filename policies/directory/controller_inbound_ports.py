"""Which ports of domain controllers are open.

Ports of remote administration are left to controller-remote-administration, which reports them whatever is listed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from components.directory.demands import Direction
from policies.directory.administration import ADMINISTRATION, BASTIONS, administration_ports, is_from_bastions
from policies.directory.marks import MARKS
from policies.directory.openings import findings
from policies.directory.spans import TABLES, from_bastions, inbound
from policies.directory.verdicts import of_ports
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.directory.openings import Opening, Openings
    from policies.findings import Finding, Findings
    from policies.stack import Stack

RULE = Rule(
    id="controller-inbound-ports",
    title="Only the ports of the port tables are open on domain controllers",
    severity=Severity.HIGH,
    risk="services that no client needs, with their vulnerabilities, are within reach of every client",
    remedy="Open the ports that the tables list for clients and controllers, rule by rule (here: a profile in "
    "shell-access:domainControllers.profile), or list the port in additionalPorts",
    source="Microsoft KB 179442, KB 224196; AWS Security Hub EC2.18; NIST SP 800-53 r5 AC-4, CM-7, SC-7; "
    'AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS", port tables',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18",
    parameters=(*TABLES, *ADMINISTRATION, *BASTIONS, *MARKS),
)


@RULE.on_stack
def _are_in_the_tables(stack: Stack) -> Findings:
    yield from findings(stack, Direction.INGRESS, _judged)


def _judged(_openings: Openings, opening: Opening) -> Iterator[Finding]:
    settings = opening.carrier.settings
    bastions = from_bastions(settings) if is_from_bastions(opening) else ()
    yield from of_ports(opening, (*inbound(settings), *administration_ports(settings), *bastions))
