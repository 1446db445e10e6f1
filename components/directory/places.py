"""Looks up what the settings' sites name: networks, images, and where their endpoints are."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from pulumi_aws.ec2 import get_managed_prefix_list
from pulumi_aws.ssm import get_parameter

from components.directory.peers import Family, contains, prefix_list_peer
from components.directory.site_plan import S3_LIST_WEIGHT, SiteNetworks
from components.network import check_private, find_network, found_or
from components.problems import Collector, Problem, SettingsError, shown
from components.session_manager.endpoint_services import service_name
from components.session_manager.endpoints import check_private_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.directory.peers import Network as Addresses
    from components.directory.settings import DomainControllersSection, SiteSettings
    from components.network import Network
    from components.session_manager.settings import SessionManagerSettings
    from components.systems.endpoints import Endpoints

_FEWEST_ZONES = 2


@dataclass(frozen=True, kw_only=True)
class Place:
    """A site as it was found.

    Attributes:
        network: the VPC and the controllers' subnets.
        needs_endpoints: the site has to make its endpoints itself.
        endpoint_cidrs: networks of the endpoints' subnets.
        s3_list: S3's prefix list and what is in it, where controllers write session logs to S3; None otherwise.
        images: ids, by parameter.
    """

    network: Network
    needs_endpoints: bool
    endpoint_cidrs: tuple[str, ...]
    s3_list: tuple[str, tuple[str, ...]] | None
    images: Mapping[str, str]

    @property
    def networks(self) -> SiteNetworks:
        """What planning needs."""
        return SiteNetworks(
            controllers=_parsed(self.network.cidrs),
            endpoints=_parsed(self.endpoint_cidrs),
            lists={
                prefix_list_peer(list_id, Family.IPV4, S3_LIST_WEIGHT): _parsed(cidrs)
                for list_id, cidrs in ([self.s3_list] if self.s3_list else [])
            },
        )


def find_places(
    section: DomainControllersSection,
    endpoints: Mapping[str, Endpoints],
    session_manager: Mapping[str, SessionManagerSettings],
) -> dict[str, Place]:
    """Looks up every site.

    Args:
        section: the settings.
        endpoints: by Region, where `shell-access:endpoints` asks for some.
        session_manager: preferences by Region, which say where session logs go.

    Raises:
        SettingsError: with everything that is not there, or not as it has to be.
    """
    collector = Collector()
    places: dict[str, Place] = {}
    for region, site in section.sites.items():
        logging = session_manager.get(region)
        with collector:
            places[region] = _place(
                region, site, endpoints.get(region), logs_to_s3=bool(logging and logging.s3_logging)
            )
    collector.check()
    return places


def _place(region: str, site: SiteSettings, endpoints: Endpoints | None, *, logs_to_s3: bool) -> Place:
    path = ("domainControllers", "sites", region)
    network = find_network(region=region, vpc=site.vpc, subnets=site.subnets, path=path, one_subnet_a_zone=False)
    collector = Collector()
    with collector:
        check_private(network, region, path)
    with collector:
        check_private_names(network, path)
    with collector:
        _check_zones(site, network, path)
    shared = endpoints if endpoints and endpoints.network.vpc_id == network.vpc_id else None
    with collector:
        if shared:
            _check_admitted(shared, network, ("endpoints", region, "allowedCidrs"))
    images: dict[str, str] = {}
    for number, each in enumerate(site.controllers):
        with collector:
            images[each.image_parameter] = _image(
                region, each.image_parameter, (*path, "controllers", str(number), "imageParameter")
            )
    collector.check()
    return Place(
        network=network,
        needs_endpoints=shared is None,
        endpoint_cidrs=(shared.network if shared else network.one_subnet_a_zone()).cidrs,
        s3_list=_s3_list(region) if logs_to_s3 else None,
        images=images,
    )


def _check_zones(site: SiteSettings, network: Network, path: tuple[str, ...]) -> None:
    used = {each.subnet for each in site.controllers}
    zones = sorted({each.zone for each in network.subnets if each.given in used})
    if used and len(zones) < _FEWEST_ZONES:
        said = f"{len(site.controllers)} in {', '.join(zones)} given; allowed: at least two, in at least two zones"
        raise SettingsError([Problem(path=(*path, "controllers"), message=said)])


def _check_admitted(endpoints: Endpoints, network: Network, path: tuple[str, ...]) -> None:
    """The VPC has one set of endpoints, as only one can have the services' private names."""
    allowed = _parsed(endpoints.settings.allowed_cidrs)
    outside = [each for each in _parsed(network.cidrs) if not any(contains(outer, each) for outer in allowed)]
    if outside:
        said = f"{shown(endpoints.settings.allowed_cidrs)} given; allowed: networks that hold the controllers' subnets"
        raise SettingsError([Problem(path=path, message=f"{said} too: {', '.join(map(str, outside))}")])


def _image(region: str, parameter: str, path: tuple[str, ...]) -> str:
    allowed = f"the name of a parameter that exists in {region} and names an image"
    return found_or(
        lambda: get_parameter(name=parameter, region=region).insecure_value,
        Problem(path=path, message=f"{shown(parameter)} given; allowed: {allowed}"),
    )


def _s3_list(region: str) -> tuple[str, tuple[str, ...]]:
    found = get_managed_prefix_list(name=service_name(region, "s3"), region=region)
    return found.id, tuple(each.cidr for each in found.entries)


def _parsed(cidrs: tuple[str, ...] | list[str]) -> tuple[Addresses, ...]:
    return tuple(ip_network(each) for each in cidrs)
