"""Inbound sources of domain controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from components.domain_controllers.traffic_requirements import Direction
from policies.domain_controllers.addresses import networks_parameter
from policies.domain_controllers.controller_tags import MARKS, TEXTS
from policies.domain_controllers.exposures import ExposurePeerKind, findings, of_end
from policies.findings import UNKNOWN, described
from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.domain_controllers.exposures import Exposure, ExposurePeer, Exposures
    from policies.findings import Finding, Findings
    from policies.stack import Stack

_SOURCES: Final = networks_parameter(
    "allowedSources",
    "Networks that clients and other controllers may be in. Public ones of /23 or shorter (IPv6: /47) are refused even so.",
)
_LISTS: Final = Parameter(
    name="allowedPrefixLists",
    description="IDs of prefix lists of other stacks that hold such networks; lists of the same stack are looked into.",
    default=[],
    schema=TEXTS,
)

RULE = Rule(
    id="controller-inbound-sources",
    title="Only listed, private networks may reach domain controllers",
    severity=Severity.CRITICAL,
    risk="hosts on the internet, or in an unintended network, try passwords and exploits on the directory",
    remedy="Name the clients' own networks (here: shell-access:domainControllers.clients), or list the network in "
    "allowedSources",
    source="AWS Security Hub EC2.18, EC2.19; CIS AWS Foundations Benchmark 5.0, 5.3 and 5.4; NIST SP 800-53 r5 AC-4, SC-7; "
    'Microsoft "Securing domain controllers against attack"; AWS post "Securely extend and access on-premises Active '
    'Directory domain controllers in AWS"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19",
    parameters=(_SOURCES, _LISTS, *MARKS),
)


@RULE.on_stack
def _come_from_listed_sources(stack: Stack) -> Findings:
    yield from findings(stack, Direction.INGRESS, _judged)


def _judged(exposures: Exposures, exposure: Exposure) -> Iterator[Finding]:
    settings = exposure.carrier.settings
    for peer in exposure.peers:
        yield from of_end(exposures, exposure, peer, settings[_SOURCES.name])
        foreign = peer.kind is ExposurePeerKind.PREFIX_LIST and not peer.named.candidates
        if foreign and peer.value not in settings[_LISTS.name]:
            yield from _foreign_list(exposure, peer)


def _foreign_list(exposure: Exposure, peer: ExposurePeer) -> Iterator[Finding]:
    if peer.value is UNKNOWN:
        yield exposure.not_seen(peer.property)
    else:
        expected = "a prefix list of this stack, or one of allowedPrefixLists"
        yield exposure.finding(peer.property, described(peer.value), expected)
