"""Sites as found in AWS: networks, images, and the networks of their endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from common.aws.failures import MalformedAnswerError, code_of
from common.network import Family, contains
from common.problems import Collector, Problem, SettingPath, SettingsError, raise_problems, shown, unexpected
from components.adoption.lookup import program_clients
from components.domain_controllers.operations.plan import needs_s3
from components.domain_controllers.site_plan import S3_LIST_WEIGHT, SiteNetworks
from components.domain_controllers.traffic_requirements import prefix_list_peer
from components.network import check_private, explained_at, find_network, find_vpc
from components.session_manager.endpoint_services import service_name
from components.session_manager.endpoints import check_private_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from common.network import Network as Addresses
    from components.domain_controllers.settings import DomainControllersSection, ResolverSiteSettings, SiteSettings
    from components.network import Network
    from components.session_manager.endpoints import PlannedEndpoints
    from components.session_manager.settings import SessionManagerSettings

_FEWEST_ZONES = 2
_NO_PARAMETER: Final = frozenset({"ParameterNotFound", "ValidationException"})


@dataclass(frozen=True, kw_only=True)
class SiteResources:
    """A site as found in AWS.

    Attributes:
        network: VPC and subnets of the controllers.
        needs_endpoints: Whether the site must create its own endpoints.
        endpoint_cidrs: Networks of the endpoints' subnets.
        s3_list: S3's prefix list and its entries, where controllers use S3; None otherwise.
        images: Image IDs by the setting that names the image.
        resolver_vpcs: IDs of the VPCs that resolver rules are associated with, by their names in the settings.
    """

    network: Network
    needs_endpoints: bool
    endpoint_cidrs: tuple[str, ...]
    s3_list: tuple[str, tuple[str, ...]] | None
    images: Mapping[str, str]
    resolver_vpcs: Mapping[str, str] = field(default_factory=dict[str, str])

    def controller_zones(self, site: SiteSettings) -> dict[str, str]:
        """Return the Availability Zone of each controller, by name."""
        zones = {each.given: each.zone for each in self.network.subnets}
        return {each.name: zones[each.subnet] for each in site.controllers}

    @property
    def networks(self) -> SiteNetworks:
        """Return the networks that planning needs."""
        return SiteNetworks(
            controllers=_parsed(self.network.cidrs),
            endpoints=_parsed(self.endpoint_cidrs),
            lists={
                prefix_list_peer(list_id, Family.IPV4, S3_LIST_WEIGHT): _parsed(cidrs)
                for list_id, cidrs in ([self.s3_list] if self.s3_list else [])
            },
        )


def find_site_resources(
    section: DomainControllersSection,
    endpoints: Mapping[str, PlannedEndpoints],
    session_manager: Mapping[str, SessionManagerSettings],
) -> dict[str, SiteResources]:
    """Look up every site.

    Session Manager preferences determine the destination of session logs.

    Raises:
        SettingsError: Resources are missing or not as required; the error has all problems.
    """
    collector = Collector()
    sites: dict[str, SiteResources] = {}
    for region, site in section.sites.items():
        logging = session_manager.get(region)
        with collector:
            _check_sources(region, section)
        with collector:
            _check_trail(region, section.monitoring.existing_trail)
        with collector:
            found = _site_resources(
                region,
                site,
                endpoints.get(region),
                uses_s3=bool(logging and logging.s3_logging) or needs_s3(section, region),
            )
            resolver = section.resolver_endpoints.sites.get(region) if section.resolver_endpoints else None
            sites[region] = _with_resolver(found, region, site, resolver) if resolver else found
    collector.check()
    return sites


def _site_resources(
    region: str, site: SiteSettings, endpoints: PlannedEndpoints | None, *, uses_s3: bool
) -> SiteResources:
    path = ("domainControllers", "sites", region)
    network = find_network(region=region, vpc=site.vpc, subnets=site.subnets, path=path, one_subnet_a_zone=False)
    collector = Collector()
    with collector:
        check_private(network, path)
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
            at = (*path, "controllers", number)
            images[each.image] = (
                _existing_image(region, each.image_id, (*at, "imageId"))
                if each.image_id
                else _image(region, each.image_parameter, (*at, "imageParameter"))
            )
    collector.check()
    return SiteResources(
        network=network,
        needs_endpoints=shared is None,
        endpoint_cidrs=(shared.network if shared else network.one_subnet_a_zone()).cidrs,
        s3_list=_s3_list(region, path) if uses_s3 else None,
        images=images,
    )


def _with_resolver(
    found: SiteResources, region: str, site: SiteSettings, resolver: ResolverSiteSettings
) -> SiteResources:
    """Return the site with the VPCs of its resolver rules.

    Source: Amazon Route 53 Developer Guide, "Considerations when creating inbound and outbound endpoints": two zones, no
    dedicated tenancy, no subnets that another account shares.
    """
    path = ("domainControllers", "resolverEndpoints", "sites", region)
    ids: dict[str, str] = {}
    raise_problems(
        [*_endpoint_problems(found, region, site, resolver, path), *_vpc_problems(region, resolver, path, ids)]
    )
    return replace(found, resolver_vpcs=ids)


def _endpoint_problems(
    found: SiteResources, region: str, site: SiteSettings, resolver: ResolverSiteSettings, path: SettingPath
) -> Iterator[Problem]:
    zones = [each.zone for each in found.network.one_subnet_a_zone().subnets]
    if len(zones) < _FEWEST_ZONES:
        fix = "Name a subnet of another zone in the site"
        yield unexpected(path, "the site's subnets in two zones", ", ".join(zones), fix)
    vpc = find_vpc(region, site.vpc)
    if vpc and vpc.is_dedicated:
        fix = "Resolver endpoints are not possible in this VPC"
        yield unexpected(path, "a VPC with default tenancy", site.vpc, fix)
    own = found.network.subnet_ids
    if vpc and any(each["SubnetId"] in own and each["OwnerId"] != vpc.owner for each in vpc.subnets):
        fix = "Name other subnets in the site"
        yield unexpected(path, "subnets of the VPC's own account", "shared ones", fix)
    networks = _parsed(found.network.cidrs)
    for number, address in enumerate(resolver.controller_addresses):
        if not any(ip_address(address) in each for each in networks):
            expected = f"an address in {', '.join(map(str, networks))}, the site's subnets"
            fix = "Name controllers of this Region only: a query waits for targets that do not answer"
            yield unexpected((*path, "controllerAddresses", number), expected, address, fix)


def _vpc_problems(
    region: str, resolver: ResolverSiteSettings, path: SettingPath, ids: dict[str, str]
) -> Iterator[Problem]:
    """Yield problems of the VPCs that resolve the domains, and put the IDs of the others by name into `ids`."""
    for number, name in enumerate(resolver.vpcs):
        where = (*path, "vpcs", number)
        with explained_at(where, f"VPC {name} in {region}", "ec2", region):
            other = find_vpc(region, name)
        if other is None:
            yield unexpected(where, f"the ID or the Name tag of just one VPC in {region}", name, "Correct the name")
        elif other.id in ids.values():
            yield unexpected(where, "each VPC once", f"{name}, which is {other.id} again", "Remove it")
        else:
            ids[name] = other.id


def _check_zones(site: SiteSettings, network: Network, path: SettingPath) -> None:
    used = {each.subnet for each in site.controllers}
    zones = sorted({each.zone for each in network.subnets if each.given in used})
    if used and len(zones) < _FEWEST_ZONES:
        expected = "at least two controllers, in subnets of at least two Availability Zones"
        got, fix = f"{len(site.controllers)} in {', '.join(zones)}", "Move one of them to a subnet of another zone"
        raise_problems([unexpected((*path, "controllers"), expected, got, fix)])


def _check_admitted(endpoints: PlannedEndpoints, network: Network, path: SettingPath) -> None:
    """Raise an error if the VPC's endpoints do not allow a subnet.

    A VPC has one set of endpoints, as only one can have the services' private names.
    """
    allowed = _parsed(endpoints.settings.allowed_cidrs)
    outside = [each for each in _parsed(network.cidrs) if not any(contains(outer, each) for outer in allowed)]
    if outside:
        got = f"{shown(endpoints.settings.allowed_cidrs)}, without {', '.join(map(str, outside))}"
        raise_problems([unexpected(path, "networks that contain the controllers' subnets", got)])


def _check_sources(region: str, section: DomainControllersSection) -> None:
    """Raise an error if a security group or prefix list that the rules of the site reference does not exist.

    EC2 would refuse these rules only after others have changed.
    """
    root = ("domainControllers",)
    at_site = (*root, "sites", region)
    site = section.sites[region]
    groups = (*(at_site if site.bastion_security_group_ids else root), "bastionSecurityGroupIds")
    lists = {
        id_: (*at_site, "clientPrefixListIds", name)
        if name in site.client_prefix_list_ids
        else (*root, "clientPrefixLists", name, "id")
        for name, id_ in section.prefix_list_ids(region).items()
    }
    several = len(section.sites) > 1
    problems: list[Problem] = []
    for kind, member, paths, key in (
        ("security group", "GroupId", dict.fromkeys(section.bastion_groups(region), groups), "bastionSecurityGroupIds"),
        ("prefix list", "PrefixListId", lists, "clientPrefixListIds"),
    ):
        operation, items, name = _LISTED[member]
        found: set[str] = set()
        if paths:
            with explained_at(next(iter(paths.values())), f"{kind}s in {region}", "ec2", region):
                # A filter, with which what does not exist is no error.
                by_id = [{"Name": name, "Values": list(paths)}]
                pages = program_clients().client("ec2", region).get_paginator(operation).paginate(Filters=by_id)
                found = {each[member] for page in pages for each in page[items]}
        for id_, path in paths.items():
            if id_ not in found:
                fix = f"Correct it, or create a {kind} there"
                if several and path[1] != "sites":
                    fix += f", or set sites.{region}.{key}"
                problems.append(unexpected(path, f"the ID of a {kind} in {region}", id_, fix))
    raise_problems(problems)


_LISTED: Final = {
    "GroupId": ("describe_security_groups", "SecurityGroups", "group-id"),
    "PrefixListId": ("describe_managed_prefix_lists", "PrefixLists", "prefix-list-id"),
}
"""Operation, list in its response, and filter, by the member with the ID."""


def _check_trail(region: str, name: str) -> None:
    """Raise an error if the existing trail does not record the Region of the site: the stack's own would be deleted for it."""
    path = ("domainControllers", "monitoring", "existingTrail")
    if not name:
        return
    with explained_at(path, f"trail {name} in {region}", "cloudtrail", region):
        trails = program_clients().client("cloudtrail", region).describe_trails(includeShadowTrails=True)["trailList"]
    if not any(name in (each["Name"], each["TrailARN"]) for each in trails):
        expected = f"the name or the ARN of a trail that records {region}"
        raise_problems([unexpected(path, expected, name, "Correct it, or leave it out")])


def _image(region: str, parameter: str, path: SettingPath) -> str:
    with explained_at(path, f"parameter {parameter} in {region}", "ssm", region):
        image = _image_id(region, parameter)
    if image is None:
        expected = f"the name of a parameter that exists in {region} and names an image"
        raise SettingsError([unexpected(path, expected, shown(parameter))])
    return image


def _existing_image(region: str, image_id: str, path: SettingPath) -> str:
    """Return the ID of an image, which is available and of Windows.

    Raises:
        SettingsError: There is no such image.
    """
    with explained_at(path, f"image {image_id} in {region}", "ec2", region):
        by_id = [{"Name": "image-id", "Values": [image_id]}]
        found = program_clients().client("ec2", region).describe_images(Filters=by_id)["Images"]
    fitting = [each for each in found if each.get("State") == "available" and each.get("Platform") == "windows"]
    if not fitting:
        fix = "Share the image with this account, or copy it to the Region"
        raise_problems([unexpected(path, f"the ID of an available Windows image in {region}", image_id, fix)])
    return image_id


@cache
def _image_id(region: str, parameter: str) -> str | None:
    """Return the value of a parameter; None where none can be read without a key."""
    try:
        found = program_clients().client("ssm", region).get_parameter(Name=parameter)["Parameter"]
    except ClientError as failed:
        if code_of(failed) in _NO_PARAMETER:
            return None
        raise
    return None if found["Type"] == "SecureString" else str(found["Value"])


def _s3_list(region: str, path: SettingPath) -> tuple[str, tuple[str, ...]]:
    name = service_name(region, "s3")
    with explained_at(path, f"managed prefix list {name} in {region}", "ec2", region):
        ec2 = program_clients().client("ec2", region)
        lists = ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [name]}])
        for found in lists["PrefixLists"]:
            pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=found["PrefixListId"])
            cidrs = tuple(entry["Cidr"] for page in pages for entry in page["Entries"])
            if not cidrs:
                raise MalformedAnswerError(operation="GetManagedPrefixListEntries", found=f"no entries of {name}")
            return found["PrefixListId"], cidrs
    expected = f"a Region with the managed prefix list {name}, as controllers use S3"
    raise SettingsError([unexpected(path, expected, region)])


def _parsed(cidrs: tuple[str, ...] | list[str]) -> tuple[Addresses, ...]:
    return tuple(ip_network(each) for each in cidrs)
