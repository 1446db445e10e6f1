"""Remote Desktop, Windows Remote Management and SSH to domain controllers, which only bastion hosts may open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from common.iam.truth import Truth
from components.domain_controllers.traffic_requirements import Direction
from policies.domain_controllers.administration import ADMINISTRATION, BASTIONS, administration_ports, from_a_bastion
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.exposures import ExposurePeerKind, findings
from policies.findings import described
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.domain_controllers.exposures import Exposure, ExposurePeer, Exposures
    from policies.findings import Finding, Findings
    from policies.stack import Stack

RULE = Rule(
    id="controller-remote-administration",
    title="Remote administration of domain controllers comes from bastion hosts or through Session Manager",
    severity=Severity.CRITICAL,
    risk="a stolen password opens a desktop on the directory from any client, with no approval and no record of the session",
    remedy="Close RDP, WinRM and SSH and use Session Manager port forwarding (here: "
    "shell-access:domainControllers.managementAccess session-manager), or let in the bastion hosts' group, listed in "
    "bastionGroups",
    source="AWS Security Hub EC2.13, EC2.14, EC2.53, EC2.54; CIS AWS Foundations Benchmark 5.0, 5.3 and 5.4; "
    'NIST SP 800-53 r5 AC-17, CM-7, SC-7; Microsoft "Securing domain controllers against attack"; AWS post "Securely '
    'extend and access on-premises Active Directory domain controllers in AWS"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-14",
    parameters=(*ADMINISTRATION, *BASTIONS, *MARKS),
)


@RULE.on_stack
def _comes_from_bastions(stack: Stack) -> Findings:
    yield from findings(stack, Direction.INGRESS, _judged)


def _judged(_openings: Exposures, exposure: Exposure) -> Iterator[Finding]:
    settings = exposure.carrier.settings
    others = [(peer, from_a_bastion(peer, settings)) for peer in exposure.peers]
    wrong = [peer for peer, is_one in others if is_one is Truth.NO]
    undecided = [peer.property for peer, is_one in others if is_one is Truth.UNKNOWN]
    if exposure.port_range is None:
        if wrong or undecided:
            yield exposure.not_seen(exposure.unseen)
        return
    port_range = exposure.port_range
    reached = [port for port in administration_ports(settings) if port_range.meets(port)]
    if not reached:
        return
    if wrong:
        open_to = f"{port_range} open to {', '.join(map(_shown, wrong))}"
        ports = ", ".join(map(str, reached))
        yield exposure.finding(exposure.ports_property, open_to, f"{ports} from bastion hosts' groups only")
    for name in undecided:
        yield exposure.not_seen(name)


def _shown(peer: ExposurePeer) -> str:
    if peer.kind is ExposurePeerKind.ITSELF:
        return "the group itself"
    of_the_stack = " or ".join(group.name for group in peer.named.candidates)
    return of_the_stack or described(peer.value)
