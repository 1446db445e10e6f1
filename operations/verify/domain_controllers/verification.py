"""Verification of domain controllers: read the sites, plan them together because they admit each other, and compare."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from common.problems import SettingsError
from components.domain_controllers.names import acl_name, group_name, site_name
from components.domain_controllers.operations.patching import plan_windows
from components.domain_controllers.operations.plan import endpoint_services
from components.domain_controllers.settings import known_addresses
from components.domain_controllers.site_plan import SitePlan, plan_sites
from components.domain_controllers.traffic_requirements import ITSELF
from components.session_manager.endpoint_services import interface_services
from operations.errors import UnusableError
from operations.findings import Status
from operations.inventory.domain_controllers import SiteFacts, SitePlacement, endpoints_group, read_placement, read_site
from operations.inventory.monitoring import read_unrecorded
from operations.inventory.reader import Reader, ReadError, ReadFailure, known, returns_failure
from operations.verify.domain_controllers import detection, network
from operations.verify.domain_controllers.controllers import controller_findings
from operations.verify.domain_controllers.identities import identity_findings
from operations.verify.domain_controllers.monitoring import monitoring_findings, verify_trail, watched_of
from operations.verify.domain_controllers.name_resolution import name_resolution_findings
from operations.verify.domain_controllers.operations import operations_findings, read_operations
from operations.verify.domain_controllers.patching import patching_findings, read_patching
from operations.verify.domain_controllers.traffic import Traffic, traffic_finding
from operations.verify.endpoints import DesiredEndpoints, group_finding, service_findings
from operations.verify.findings import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.aws.session import Clients
    from components.domain_controllers.event_patterns import Watched
    from components.domain_controllers.settings import DomainControllersSection
    from operations.deployment import SiteDeployment
    from operations.findings import Finding


Placements = dict[str, SitePlacement | ReadFailure | str]


@dataclass(frozen=True, kw_only=True)
class DomainControllersVerification:
    """A verification of all sites.

    Attributes:
        sites: Settings by Region.
        account: Settings of the Region where the stack keeps resources that exist once per account.
        instance_policies: Names of the policies that managed sessions require.
    """

    clients: Clients
    caller: str
    sites: Mapping[str, SiteDeployment]
    account: SiteDeployment
    instance_policies: tuple[str, ...] = ()

    def findings(self) -> dict[str, list[Finding]]:
        """Return the findings by Region.

        Raises:
            UnusableError: The settings cannot be planned.
        """
        if not self.sites:
            return {}
        with ThreadPoolExecutor() as pool:
            reading = {
                region: pool.submit(read_placement, self._reader(region), each) for region, each in self.sites.items()
            }
            placements: Placements = {region: each.result() for region, each in reading.items()}
            found = {region: [placement_finding(each, placements[region])] for region, each in self.sites.items()}
            known = {region: each for region, each in placements.items() if isinstance(each, SitePlacement)}
            if len(known) < len(placements):
                for region in known:
                    found[region].append(_unplanned([each for each in placements if each not in known]))
                return found
            plans = self._plans(known)
            comparing = {region: pool.submit(self._site, region, known, plans[region]) for region in known}
            for region, each in comparing.items():
                found[region] += each.result()
        return found

    def of_account(self) -> list[Finding]:
        """Return the findings about resources that exist once per account: the trail, and those in IAM."""
        reader = self._reader(self.account.deployment.region)
        trail = verify_trail(reader, self.account) if self.sites else []
        return [*trail, *identity_findings(reader, self.account, self.instance_policies)]

    def _reader(self, region: str) -> Reader:
        return Reader(self.clients, region, self.caller)

    def _plans(self, placements: Mapping[str, SitePlacement]) -> dict[str, SitePlan]:
        section = next(iter(self.sites.values())).section
        try:
            return plan_sites(section, {region: each.networks for region, each in placements.items()})
        except SettingsError as refused:
            raise UnusableError(str(refused)) from None

    def _site(self, region: str, placements: Mapping[str, SitePlacement], plan: SitePlan) -> list[Finding]:
        site, placement = self.sites[region], placements[region]
        reader = self._reader(region)
        live = read_site(reader, site, placement, plan)
        return [
            *detection.detection_findings(site, detection.read_detection(reader, site)),
            *(detection.scan_findings(site, detection.read_scans(reader)) if site.section.benchmark else []),
            *(
                [detection.recorder_finding(site, read_unrecorded(reader, *detection.EVALUATED))]
                if site.section.evaluates
                else []
            ),
            *compare_site(site, placement, plan, live),
            *operations_findings(site, read_operations(reader, site), live),
            *self._patching(reader, site, placements, live),
        ]

    def _patching(
        self, reader: Reader, site: SiteDeployment, placements: Mapping[str, SitePlacement], live: SiteFacts
    ) -> list[Finding]:
        """Return findings about the maintenance windows, which are planned for all sites, as they follow each other."""
        section = site.section
        if section.patching is None or not site.settings.controllers:
            return []
        windows = plan_windows(section.patching, {name: _zones(section, name, placements) for name in section.sites})
        return patching_findings(site, windows.get(reader.region, ()), read_patching(reader), live.controllers)


def _zones(section: DomainControllersSection, region: str, placements: Mapping[str, SitePlacement]) -> dict[str, str]:
    zones = {each.given: each.zone for each in placements[region].subnets}
    return {each.name: zones[each.subnet] for each in section.sites[region].controllers}


def compare_site(site: SiteDeployment, placement: SitePlacement, plan: SitePlan, live: SiteFacts) -> list[Finding]:
    """Return all findings about one site."""
    groups = live.groups if isinstance(live.groups, ReadFailure) else network.group_ids(site, plan.groups, live.groups)
    return [
        *network.group_findings(site, plan.groups, live),
        *network.acl_findings(site, placement, plan.acl, live),
        traffic_finding(site, _traffic(site, placement, plan, live)),
        *_endpoints(site, placement, live),
        *name_resolution_findings(
            site,
            placement,
            live.name_resolution,
            controllers_group=_first_group(site, plan, live),
            controllers=live.controllers,
        ),
        *controller_findings(site, placement, groups, live),
        *monitoring_findings(site, placement, _watched(site, placement, plan, live), live),
    ]


def _endpoints(site: SiteDeployment, placement: SitePlacement, live: SiteFacts) -> list[Finding]:
    """Compare the site's endpoints; of those of `shell-access:endpoints` only those that controllers add."""
    services = {*endpoint_services(site.section, site.deployment.region)}
    added = DesiredEndpoints(
        check="directory-endpoint",
        group=endpoints_group(site, placement),
        services=tuple(sorted(services)),
        subnets=placement.endpoint_subnets,
        routed={},
        cidrs=(),
    )
    if placement.shares_endpoints:
        return service_findings(site.deployment, added, live.endpoints)
    own = replace(
        added,
        services=tuple(sorted({*interface_services(site.deployment.session_manager), *services})),
        routed={each.id: each.given for each in placement.subnets} if placement.networks.lists else {},
        cidrs=tuple(cidr for each in placement.subnets for cidr in each.cidrs),
    )
    return [
        group_finding(site.deployment, own, live.endpoints),
        *service_findings(site.deployment, own, live.endpoints),
    ]


def _watched(site: SiteDeployment, placement: SitePlacement, plan: SitePlan, live: SiteFacts) -> Watched | None:
    """Return the resources that the alerts watch; None if some of them are not known."""
    if isinstance(live.groups, ReadFailure) or isinstance(live.acls, ReadFailure):
        return None
    groups = network.group_ids(site, plan.groups, live.groups)
    if plan.acl is None:
        return watched_of(live, groups, frozenset())
    acl = network.associated_acl(acl_name(site_name(site.deployment.region), plan.acl), placement, live.acls)
    return watched_of(live, groups, frozenset([acl.id])) if len(groups) == len(plan.groups.groups) and acl else None


def _unplanned(unknown: list[str]) -> Finding:
    sites = ", ".join(unknown)
    check = Check(
        "directory-plan", "the requirements of the port tables at every site", f"see directory-network of {sites}"
    )
    return check.reject(
        f"the network of {sites} is not known, and sites admit each other's controllers", Status.UNKNOWN
    )


@returns_failure
def _traffic(site: SiteDeployment, placement: SitePlacement, plan: SitePlan, live: SiteFacts) -> Traffic:
    """Return what applies to controllers' packets: the plan's groups, and the network ACLs of their subnets."""
    groups, entries, acls = known(live.groups), known(live.entries), known(live.acls)
    if why := network.unread_peer((source.peer for each in plan.requirements for source in each.sources), live):
        raise ReadError(why)
    ids = network.group_ids(site, plan.groups, groups)
    first = _first_group(site, plan, live)
    subnets = {each.id for each in placement.subnets}
    lists = {peer.value: held for peer, held in placement.networks.lists.items()}
    return Traffic(
        requirements=plan.requirements,
        networks=known_addresses(site.section, placement.networks.controllers, lists),
        groups={**({ITSELF.value: first} if first else {}), **network.resolver_peer(site, live)},
        rules=[rule for each in groups if each.id in ids for rule in each.rules],
        entries={id_: list(held) for id_, held in entries.items()},
        acls=[each.rules for each in acls if each.subnet_ids & subnets] if plan.acl else [],
    )


def _first_group(site: SiteDeployment, plan: SitePlan, live: SiteFacts) -> str:
    """Return the ID of the group that the plan's rules call `itself`; "": it does not exist."""
    if isinstance(live.groups, ReadFailure):
        return ""
    shared = group_name(site_name(site.deployment.region), plan.groups.groups[0].name)
    return next((each.id for each in live.groups if each.name == shared), "")


def placement_finding(site: SiteDeployment, live: SitePlacement | ReadFailure | str) -> Finding:
    """Report whether the network exists, and is still private."""
    settings = site.settings
    check = Check(
        "directory-network",
        f"one VPC {settings.vpc} with the private subnets {', '.join(settings.subnets)}",
        "remove the route to the internet gateway from the route tables of these subnets",
    )
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    if isinstance(live, str):
        remedy = f"correct shell-access:domainControllers.sites.{site.deployment.region}, or the Name tags"
        return replace(check, remedy=remedy).reject(live)
    public = [each for each in live.subnets if each.internet_gateway]
    return check.report(
        [f"{each.given} ({each.id}) has a route to {each.internet_gateway}" for each in public],
        f"{live.vpc_id}: {', '.join(each.id for each in live.subnets)}",
    )
