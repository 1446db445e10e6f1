"""VPC endpoints: in the VPC and subnets of the settings, usable, found under the services' own names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.session_manager.endpoint_services import interface_services, service_name
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.session_manager.settings import EndpointSettings
    from operations.verify.facts import Asked, EndpointFacts, NetworkFacts, RouteTableFacts, SubnetFacts

INTERFACE: Final = "Interface"
GATEWAY: Final = "Gateway"
GATEWAY_SERVICE: Final = "s3"

_AVAILABLE: Final = "available"


@dataclass(frozen=True, kw_only=True)
class _Needed:
    """An endpoint that has to be there: the service's short name, the type, the expectation in words."""

    service: str
    kind: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The VPC and the subnets that the settings name: `subnets` from an id to what the settings call it."""

    vpc_id: str
    subnets: dict[str, str]


def endpoint_findings(asked: Asked, settings: EndpointSettings, live: NetworkFacts | Unread | None) -> list[Finding]:
    """Compares the network and its endpoints; without the network nothing can be said of these."""
    expected = f"one VPC {settings.vpc} with the subnets {', '.join(settings.subnets)}"
    if isinstance(live, Unread):
        return [cannot_tell("network", expected, live)]
    if live is not None and isinstance(live.subnets, Unread):
        return [cannot_tell("network", expected, live.subnets)]
    place, fault = _place(settings, live)
    remedy = f"correct shell-access:endpoints.{asked.region}, or the Name tags"
    if place is None or live is None:
        return [compared("network", same=False, expected=expected, found=fault, remedy=remedy)]
    found = f"{place.vpc_id}: {', '.join(place.subnets)}"
    findings = [compared("network", same=True, expected=expected, found=found, remedy=remedy)]
    findings += [_interface(asked, service, place, live) for service in interface_services(asked.session_manager)]
    if settings.s3_gateway:
        findings.append(_gateway(asked, place, live))
    return findings


def _place(settings: EndpointSettings, live: NetworkFacts | None) -> tuple[_Place | None, str]:
    """The one place that the settings name, or what is wrong with it."""
    vpc_ids = live.vpc_ids if live else ()
    if live is None or len(vpc_ids) != 1:
        return None, f"{len(vpc_ids)} such VPCs: {', '.join(vpc_ids)}" if vpc_ids else "no such VPC"
    subnets: dict[str, str] = {}
    for named in settings.subnets:
        ids = [each.id for each in _subnets(live) if named == (each.id if named.startswith("subnet-") else each.name)]
        if len(ids) != 1:
            return None, f"{len(ids) or 'no'} subnet{'s' * (len(ids) > 1)} {named} in {vpc_ids[0]}"
        subnets[ids[0]] = named
    return _Place(vpc_id=vpc_ids[0], subnets=subnets), ""


def _subnets(live: NetworkFacts) -> tuple[SubnetFacts, ...]:
    return () if isinstance(live.subnets, Unread) else live.subnets


def _interface(asked: Asked, service: str, place: _Place, live: NetworkFacts) -> Finding:
    def faults(endpoint: EndpointFacts) -> list[str]:
        off = [] if endpoint.private_dns else ["private DNS is off"]
        return off + [f"not in {name}" for id_, name in place.subnets.items() if id_ not in endpoint.subnet_ids]

    expected = f"an available interface endpoint with private DNS in {', '.join(place.subnets.values())}"
    return _endpoint(asked, _Needed(service=service, kind=INTERFACE, expected=expected), live, faults)


def _gateway(asked: Asked, place: _Place, live: NetworkFacts) -> Finding:
    expected = f"an available gateway endpoint in the route tables of {', '.join(place.subnets.values())}"
    tables = live.route_tables
    if isinstance(tables, Unread):
        return cannot_tell(f"endpoint-{GATEWAY_SERVICE}", expected, tables)

    def faults(endpoint: EndpointFacts) -> list[str]:
        return [
            f"not in the route table of {name}"
            for id_, name in place.subnets.items()
            if not _tables_of(id_, tables) & endpoint.route_table_ids
        ]

    return _endpoint(asked, _Needed(service=GATEWAY_SERVICE, kind=GATEWAY, expected=expected), live, faults)


def _tables_of(subnet_id: str, tables: tuple[RouteTableFacts, ...]) -> frozenset[str]:
    """A subnet without a table of its own follows the VPC's main one."""
    own = frozenset(table.id for table in tables if subnet_id in table.subnet_ids)
    return own or frozenset(table.id for table in tables if table.main)


def _endpoint(
    asked: Asked, needed: _Needed, live: NetworkFacts, faults: Callable[[EndpointFacts], list[str]]
) -> Finding:
    """The best endpoint of the service counts: a VPC may have several."""
    check, expected = f"endpoint-{needed.service}", needed.expected
    if isinstance(live.endpoints, Unread):
        return cannot_tell(check, expected, live.endpoints)
    full_name = service_name(asked.region, needed.service)
    found: list[tuple[str, list[str]]] = []
    for endpoint in live.endpoints:
        if (endpoint.service, endpoint.kind) == (full_name, needed.kind):
            state = [] if endpoint.state.lower() == _AVAILABLE else [endpoint.state]
            found.append((endpoint.id, state + faults(endpoint)))
    if not found:
        return compared(check, same=False, expected=expected, found="no such endpoint", remedy=asked.repair)
    id_, wrong = min(found, key=lambda each: len(each[1]))
    said = f"{id_}: {', '.join(wrong)}" if wrong else id_
    return compared(check, same=not wrong, expected=expected, found=said, remedy=asked.repair)
