"""Remote administration of domain controllers: ports and bastion hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.iam.truth import Truth, any_of, truth
from policies.domain_controllers.controller_tags import TAG_KEY, TEXTS, tagged
from policies.domain_controllers.exposures import ExposurePeerKind
from policies.domain_controllers.port_ranges import PORTS_SCHEMA, PortRange, spelled
from policies.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.domain_controllers.exposures import Exposure, ExposurePeer
    from policies.findings import Resource

_PORTS: Final = Parameter(
    name="administrationPorts",
    description="Ports of remote administration: SSH, Remote Desktop, Windows Remote Management.",
    default=["tcp/22", "tcp/3389", "udp/3389", "tcp/5985", "tcp/5986"],
    schema={**PORTS_SCHEMA, "minItems": 1},
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


def administration_ports(settings: Mapping[str, Any]) -> tuple[PortRange, ...]:
    """Return the configured ports of remote administration."""
    return spelled(settings[_PORTS.name])


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
