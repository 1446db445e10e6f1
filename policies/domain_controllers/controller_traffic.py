"""Traffic of domain controllers: ports, sources, outbound traffic, remote administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from common.iam.truth import Truth, any_of, truth
from components.domain_controllers.traffic_requirements import Direction
from policies.domain_controllers import port_ranges
from policies.domain_controllers.addresses import networks_parameter
from policies.domain_controllers.controller_tags import MARKS, TAG_KEY, tagged
from policies.domain_controllers.exposures import (
    Exposure,
    ExposurePeer,
    ExposurePeerKind,
    Exposures,
    findings,
    of_end,
    of_ports,
    ports_of_named_peers,
)
from policies.findings import UNKNOWN, Finding, Findings, Resource, described
from policies.parameters import TEXTS, Parameter
from policies.rule import CONTROLLERS_POST, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policies.stack import Stack

_PORTS: Final = Parameter(
    name="administrationPorts",
    description="Ports of remote administration: SSH, Remote Desktop, Windows Remote Management.",
    default=["tcp/22", "tcp/3389", "udp/3389", "tcp/5985", "tcp/5986"],
    schema={**port_ranges.PORTS_SCHEMA, "minItems": 1},
)
_GROUPS: Final = Parameter(
    name="bastionGroups",
    description="Security groups of bastion hosts: names in the program, names or IDs in AWS.",
    default=[],
    schema=TEXTS,
)
_TAG_VALUES: Final = Parameter(
    name="bastionTagValues",
    description="Values of the tag by which groups of bastion hosts in the same stack are known, under the controllers' key.",
    default=["Bastion"],
    schema=TEXTS,
)

ADMINISTRATION: Final = (_PORTS,)
BASTIONS: Final = (_GROUPS, _TAG_VALUES)


def administration_ports(settings: Mapping[str, Any]) -> tuple[port_ranges.PortRange, ...]:
    """Return the configured ports of remote administration."""
    return port_ranges.spelled(settings[_PORTS.name])


def from_a_bastion(peer: ExposurePeer, settings: Mapping[str, Any]) -> Truth:
    """Return whether a peer is a bastion host."""
    if peer.kind is ExposurePeerKind.UNKNOWN:
        return Truth.UNKNOWN
    if peer.kind is not ExposurePeerKind.GROUP:
        return Truth.NO
    if peer.named.is_lost:
        return Truth.UNKNOWN
    listed = truth(peer.named.value in settings[_GROUPS.name])
    if not peer.named.candidates:
        return listed
    # A value that may be one of several groups counts only if all of them are of bastion hosts.
    return max(listed, min(_is_a_bastions(group) for group in peer.named.candidates))


def is_from_bastions(exposure: Exposure) -> bool:
    """Return whether all peers are bastion hosts."""
    peers = exposure.peers
    return bool(peers) and all(from_a_bastion(peer, exposure.carrier.settings) is Truth.YES for peer in peers)


def _is_a_bastions(group: Resource) -> Truth:
    settings = group.settings
    known_as = {group.name, group.urn, group.value("id"), group.value("name")}
    listed = truth(bool(known_as & {*settings[_GROUPS.name]}))
    return any_of([listed, tagged(group.value("tags"), settings[TAG_KEY.name], settings[_TAG_VALUES.name])])


_INBOUND_PEERS: Final = Parameter(
    name="additionalSources",
    description="Networks with ports of their own, which may connect to controllers besides those of the tables: "
    "{networks, ports}.",
    default=[],
    schema=port_ranges.NAMED_PEERS_SCHEMA,
)

CONTROLLER_INBOUND_PORTS = Rule(
    id="controller-inbound-ports",
    title="Only the ports of the port tables are open on domain controllers",
    severity=Severity.HIGH,
    risk="services that no client needs, with their vulnerabilities, are reachable by every client",
    remedy="Open the ports that the tables list for clients and controllers, rule by rule (here: a profile in "
    "shell-access:domainControllers.profile), or list the peer in additionalSources "
    "(here: shell-access:domainControllers.additionalSources)",
    source="Microsoft KB 179442, KB 224196; AWS Security Hub EC2.18; NIST SP 800-53 r5 AC-4, CM-7, SC-7; "
    f"{CONTROLLERS_POST}, port tables",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18",
    parameters=(_INBOUND_PEERS, *port_ranges.TABLES, *ADMINISTRATION, *BASTIONS, *MARKS),
)
"""Ports of remote administration are checked by controller-remote-administration, regardless of this rule's parameters."""


@CONTROLLER_INBOUND_PORTS.on_stack
def _are_in_the_tables(stack: Stack) -> Findings:
    yield from findings(stack, Direction.INGRESS, _judged_ports)


def _judged_ports(_openings: Exposures, exposure: Exposure) -> Iterator[Finding]:
    settings = exposure.carrier.settings
    bastions = port_ranges.from_bastions(settings) if is_from_bastions(exposure) else ()
    named = ports_of_named_peers(exposure, settings[_INBOUND_PEERS.name])
    yield from of_ports(exposure, (*port_ranges.inbound(settings), *administration_ports(settings), *bastions, *named))


_SOURCES: Final = networks_parameter(
    "allowedSources",
    "Networks that clients and other controllers may be in. Public ones of /23 or shorter (IPv6: /47) are refused even so.",
)
_LISTS: Final = Parameter(
    name="allowedPrefixLists",
    description="IDs of prefix lists of other stacks that hold such networks; lists of the same stack are evaluated.",
    default=[],
    schema=TEXTS,
)

CONTROLLER_INBOUND_SOURCES = Rule(
    id="controller-inbound-sources",
    title="Only listed, private networks may reach domain controllers",
    severity=Severity.CRITICAL,
    risk="hosts on the internet, or in an unintended network, try passwords and exploits on the directory",
    remedy="Name the clients' own networks (here: shell-access:domainControllers.clients), or list the network in "
    "allowedSources",
    source="AWS Security Hub EC2.18, EC2.19; CIS AWS Foundations Benchmark 5.0, 5.3 and 5.4; "
    f'NIST SP 800-53 r5 AC-4, SC-7; Microsoft "Securing domain controllers against attack"; {CONTROLLERS_POST}',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19",
    parameters=(_SOURCES, _LISTS, *MARKS),
)


@CONTROLLER_INBOUND_SOURCES.on_stack
def _come_from_listed_sources(stack: Stack) -> Findings:
    yield from findings(stack, Direction.INGRESS, _judged_sources)


def _judged_sources(exposures: Exposures, exposure: Exposure) -> Iterator[Finding]:
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


_DESTINATIONS: Final = networks_parameter(
    "allowedDestinations",
    "Networks that controllers may connect to. Public ones of /23 or shorter (IPv6: /47) are refused even so.",
)
_OUTBOUND_PEERS: Final = Parameter(
    name="additionalDestinations",
    description="Networks with ports of their own, which controllers may connect to besides those of the tables: "
    "{networks, ports}.",
    default=[],
    schema=port_ranges.NAMED_PEERS_SCHEMA,
)

CONTROLLER_OUTBOUND = Rule(
    id="controller-outbound",
    title="Domain controllers connect to each other and to listed services only",
    severity=Severity.HIGH,
    risk="malware on a controller connects to its operator, and the directory's secrets leave by any open port",
    remedy="Name the other controllers, resolvers, time sources and endpoints with the ports of the tables, or list what "
    "else they need (here: shell-access:domainControllers.additionalDestinations) in allowedDestinations and "
    "additionalDestinations",
    source='Microsoft "Securing domain controllers against attack" (blocking internet access); '
    f"checkov CKV_AWS_382; NIST SP 800-53 r5 AC-4, SC-7(5); {CONTROLLERS_POST}",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    parameters=(_DESTINATIONS, _OUTBOUND_PEERS, *port_ranges.TABLES, *MARKS),
)
"""The entries of a prefix list of another stack, such as that of Amazon S3, are not known and are accepted."""


@CONTROLLER_OUTBOUND.on_stack
def _is_limited(stack: Stack) -> Findings:
    yield from findings(stack, Direction.EGRESS, _judged_outbound)


def _judged_outbound(exposures: Exposures, exposure: Exposure) -> Iterator[Finding]:
    settings = exposure.carrier.settings
    for peer in exposure.peers:
        yield from of_end(exposures, exposure, peer, settings[_DESTINATIONS.name])
    yield from of_ports(
        exposure, (*port_ranges.outbound(settings), *ports_of_named_peers(exposure, settings[_OUTBOUND_PEERS.name]))
    )


CONTROLLER_REMOTE_ADMINISTRATION = Rule(
    id="controller-remote-administration",
    title="Remote administration of domain controllers comes from bastion hosts or through Session Manager",
    severity=Severity.CRITICAL,
    risk="a stolen password opens a desktop on the directory from any client, with no approval and no record of the session",
    remedy="Close RDP, WinRM and SSH and use Session Manager port forwarding (here: "
    "shell-access:domainControllers.managementAccess session-manager), or let in the bastion hosts' group, listed in "
    "bastionGroups",
    source="AWS Security Hub EC2.13, EC2.14, EC2.53, EC2.54; CIS AWS Foundations Benchmark 5.0, 5.3 and 5.4; "
    'NIST SP 800-53 r5 AC-17, CM-7, SC-7; Microsoft "Securing domain controllers against attack"; '
    f"{CONTROLLERS_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-14",
    parameters=(*ADMINISTRATION, *BASTIONS, *MARKS),
)


@CONTROLLER_REMOTE_ADMINISTRATION.on_stack
def _comes_from_bastions(stack: Stack) -> Findings:
    yield from findings(stack, Direction.INGRESS, _judged_administration)


def _judged_administration(_openings: Exposures, exposure: Exposure) -> Iterator[Finding]:
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
