"""Outbound traffic of domain controllers.

The entries of a prefix list of another stack, such as that of Amazon S3, are not known and are accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from components.domain_controllers.traffic_requirements import Direction
from policies.domain_controllers.addresses import networks_parameter
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.exposures import findings, of_end, of_ports, ports_of_named_peers
from policies.domain_controllers.port_ranges import NAMED_PEERS_SCHEMA, TABLES, outbound
from policies.parameters import Parameter
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
_PEERS: Final = Parameter(
    name="additionalDestinations",
    description="Networks with ports of their own, which controllers may connect to besides those of the tables: "
    "{networks, ports}.",
    default=[],
    schema=NAMED_PEERS_SCHEMA,
)

RULE = Rule(
    id="controller-outbound",
    title="Domain controllers connect to each other and to listed services only",
    severity=Severity.HIGH,
    risk="malware on a controller connects to its operator, and the directory's secrets leave by any open port",
    remedy="Name the other controllers, resolvers, time sources and endpoints with the ports of the tables, or list what "
    "else they need (here: shell-access:domainControllers.additionalDestinations) in allowedDestinations and "
    "additionalDestinations",
    source='Microsoft "Securing domain controllers against attack" (blocking internet access); checkov CKV_AWS_382; '
    'NIST SP 800-53 r5 AC-4, SC-7(5); AWS post "Securely extend and access on-premises Active Directory domain controllers '
    'in AWS"',
    url="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    parameters=(_DESTINATIONS, _PEERS, *TABLES, *MARKS),
)


@RULE.on_stack
def _is_limited(stack: Stack) -> Findings:
    yield from findings(stack, Direction.EGRESS, _judged)


def _judged(exposures: Exposures, exposure: Exposure) -> Iterator[Finding]:
    settings = exposure.carrier.settings
    for peer in exposure.peers:
        yield from of_end(exposures, exposure, peer, settings[_DESTINATIONS.name])
    yield from of_ports(exposure, (*outbound(settings), *ports_of_named_peers(exposure, settings[_PEERS.name])))
