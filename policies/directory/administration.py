"""Remote administration of domain controllers: its ports, and the bastion hosts that it may come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.iam.truth import Truth, any_of, truth
from policies.directory.marks import TAG_KEY, TEXTS, tagged
from policies.directory.openings import Kind
from policies.directory.spans import PORTS_SCHEMA, Span, spelled
from policies.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.directory.openings import End, Opening
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


def administration_ports(settings: Mapping[str, Any]) -> tuple[Span, ...]:
    """As the configuration has them."""
    return spelled(settings[_PORTS.name])


def from_a_bastion(end: End, settings: Mapping[str, Any]) -> Truth:
    """Whether a bastion host is at the other end."""
    if end.kind is Kind.UNKNOWN:
        return Truth.UNKNOWN
    if end.kind is not Kind.GROUP:
        return Truth.NO
    if end.named.is_lost:
        return Truth.UNKNOWN
    listed = truth(end.named.value in settings[_GROUPS.name])
    if not end.named.candidates:
        return listed
    # Where a value may be one of several groups, each of them has to be a bastion's.
    return max(listed, min(_is_a_bastions(group) for group in end.named.candidates))


def is_from_bastions(opening: Opening) -> bool:
    """Whether only bastion hosts are at the other end."""
    ends = opening.ends
    return bool(ends) and all(from_a_bastion(end, opening.carrier.settings) is Truth.YES for end in ends)


def _is_a_bastions(group: Resource) -> Truth:
    settings = group.settings
    known_as = {group.name, group.urn, group.value("id"), group.value("name")}
    listed = truth(bool(known_as & {*settings[_GROUPS.name]}))
    return any_of([listed, tagged(group.value("tags"), settings[TAG_KEY.name], settings[_TAG_VALUES.name])])
