"""Inbound ports of domain controllers.

Ports of remote administration are checked by controller-remote-administration, regardless of this rule's parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from components.domain_controllers.traffic_requirements import Direction
from policies.domain_controllers.administration import ADMINISTRATION, BASTIONS, administration_ports, is_from_bastions
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.exposures import findings, of_ports, ports_of_named_peers
from policies.domain_controllers.port_ranges import NAMED_PEERS_SCHEMA, TABLES, from_bastions, inbound
from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.domain_controllers.exposures import Exposure, Exposures
    from policies.findings import Finding, Findings
    from policies.stack import Stack
_PEERS: Final = Parameter(
    name="additionalSources",
    description="Networks with ports of their own, which may connect to controllers besides those of the tables: "
    "{networks, ports}.",
    default=[],
    schema=NAMED_PEERS_SCHEMA,
)

RULE = Rule(
    id="controller-inbound-ports",
    title="Only the ports of the port tables are open on domain controllers",
    severity=Severity.HIGH,
    risk="services that no client needs, with their vulnerabilities, are reachable by every client",
    remedy="Open the ports that the tables list for clients and controllers, rule by rule (here: a profile in "
    "shell-access:domainControllers.profile), or list the peer in additionalSources "
    "(here: shell-access:domainControllers.additionalSources)",
    source="Microsoft KB 179442, KB 224196; AWS Security Hub EC2.18; NIST SP 800-53 r5 AC-4, CM-7, SC-7; "
    'AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS", port tables',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18",
    parameters=(_PEERS, *TABLES, *ADMINISTRATION, *BASTIONS, *MARKS),
)


@RULE.on_stack
def _are_in_the_tables(stack: Stack) -> Findings:
    yield from findings(stack, Direction.INGRESS, _judged)


def _judged(_openings: Exposures, exposure: Exposure) -> Iterator[Finding]:
    settings = exposure.carrier.settings
    bastions = from_bastions(settings) if is_from_bastions(exposure) else ()
    named = ports_of_named_peers(exposure, settings[_PEERS.name])
    yield from of_ports(exposure, (*inbound(settings), *administration_ports(settings), *bastions, *named))
