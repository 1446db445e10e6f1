"""Verification of domain controllers: read the sites, plan them together because they admit each other, and compare."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.problems import SettingsError
from components.domain_controllers.names import acl_name, group_name, site_name
from components.domain_controllers.settings import known_addresses
from components.domain_controllers.site_plan import SitePlan, plan_sites
from components.domain_controllers.traffic_requirements import ITSELF
from components.session_manager.endpoint_services import EC2, interface_services
from operations.errors import UnusableError
from operations.reading import Reader, Unread
from operations.verify.domain_controllers.acl import acl_findings
from operations.verify.domain_controllers.controllers import controller_findings
from operations.verify.domain_controllers.facts import AskedSite, PlaceFacts, SiteFacts
from operations.verify.domain_controllers.groups import group_findings, group_ids
from operations.verify.domain_controllers.identities import identity_findings, read_identities
from operations.verify.domain_controllers.live import endpoints_group, read_site
from operations.verify.domain_controllers.monitoring import monitoring_findings, watched_of
from operations.verify.domain_controllers.place import place_findings, read_place
from operations.verify.domain_controllers.traffic import Traffic, traffic_findings
from operations.verify.domain_controllers.trail import verify_trail
from operations.verify.endpoints import WantedEndpoints, group_finding, service_findings
from operations.verify.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.domain_controllers.event_patterns import Watched
    from operations.reading import Clients

Places = dict[str, PlaceFacts | Unread | str]


@dataclass(frozen=True, kw_only=True)
class DirectoryVerification:
    """A verification of all sites.

    Attributes:
        clients: Clients to read with.
        caller: ARN of the caller, for remedies.
        sites: Settings by Region.
        account: Settings of the Region where the stack keeps resources that exist once per account.
        instance_policies: Names of the policies that managed sessions require.
    """

    clients: Clients
    caller: str
    sites: Mapping[str, AskedSite]
    account: AskedSite
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
                region: pool.submit(read_place, self._reader(region), each) for region, each in self.sites.items()
            }
            places: Places = {region: each.result() for region, each in reading.items()}
            found = {region: place_findings(each, places[region]) for region, each in self.sites.items()}
            known = {region: each for region, each in places.items() if isinstance(each, PlaceFacts)}
            if len(known) < len(places):
                for region in known:
                    found[region].append(_unplanned([each for each in places if each not in known]))
                return found
            plans = self._plans(known)
            comparing = {region: pool.submit(self._site, region, known[region], plans[region]) for region in known}
            for region, each in comparing.items():
                found[region] += each.result()
        return found

    def of_account(self) -> list[Finding]:
        """Return the findings about resources that exist once per account: the trail, and those in IAM."""
        reader = self._reader(self.account.asked.region)
        trail = verify_trail(reader, self.account) if self.sites else []
        live = read_identities(reader, self.account)
        return [*trail, *identity_findings(self.account, live, instance_policies=self.instance_policies)]

    def _reader(self, region: str) -> Reader:
        return Reader(self.clients, region, self.caller)

    def _plans(self, places: Mapping[str, PlaceFacts]) -> dict[str, SitePlan]:
        section = next(iter(self.sites.values())).section
        try:
            return plan_sites(section, {region: each.networks for region, each in places.items()})
        except SettingsError as refused:
            raise UnusableError(str(refused)) from None

    def _site(self, region: str, place: PlaceFacts, plan: SitePlan) -> list[Finding]:
        wanted = self.sites[region]
        return compare_site(wanted, place, plan, read_site(self._reader(region), wanted, place, plan))


def compare_site(wanted: AskedSite, place: PlaceFacts, plan: SitePlan, live: SiteFacts) -> list[Finding]:
    """Return all findings about one site.

    Args:
        wanted: Settings of the site.
        place: Network of the site.
        plan: Plan of groups and network ACL.
        live: Facts about the site.
    """
    groups = live.groups if isinstance(live.groups, Unread) else group_ids(wanted, plan.groups, live.groups)
    return [
        *group_findings(wanted, plan.groups, live),
        *acl_findings(wanted, place, plan.acl, live),
        *traffic_findings(wanted, _traffic(wanted, place, plan, live)),
        *_endpoints(wanted, place, live),
        *controller_findings(wanted, place, groups, live),
        *monitoring_findings(wanted, place, _watched(wanted, plan, live), live),
    ]


def _endpoints(wanted: AskedSite, place: PlaceFacts, live: SiteFacts) -> list[Finding]:
    """Compare the site's endpoints; of those of `shell-access:endpoints` only the one that controllers add."""
    group = endpoints_group(wanted, place)
    if place.shares_endpoints:
        shared = WantedEndpoints(
            check="directory-endpoint",
            group=group,
            services=(EC2,),
            subnets=place.endpoint_subnets,
            routed={},
            cidrs=(),
        )
        return service_findings(wanted.asked, shared, live.endpoints)
    own = WantedEndpoints(
        check="directory-endpoint",
        group=group,
        services=tuple(sorted({*interface_services(wanted.asked.session_manager), EC2})),
        subnets=place.endpoint_subnets,
        routed={each.id: each.given for each in place.subnets} if place.networks.lists else {},
        cidrs=tuple(cidr for each in place.subnets for cidr in each.cidrs),
    )
    return [group_finding(wanted.asked, own, live.endpoints), *service_findings(wanted.asked, own, live.endpoints)]


def _watched(wanted: AskedSite, plan: SitePlan, live: SiteFacts) -> Watched | None:
    """Return the resources that the alerts watch; None if some of them are not known."""
    if isinstance(live.groups, Unread) or isinstance(live.acls, Unread):
        return None
    groups = group_ids(wanted, plan.groups, live.groups)
    if plan.acl is None:
        return watched_of(live, groups, frozenset())
    name = acl_name(site_name(wanted.asked.region), plan.acl)
    acls = frozenset(each.id for each in live.acls if each.name == name)
    return watched_of(live, groups, acls) if len(groups) == len(plan.groups.groups) and acls else None


def _unplanned(unknown: list[str]) -> Finding:
    return Finding(
        check="directory-plan",
        status=Status.CANNOT_TELL,
        expected="what the port tables ask for at every site",
        found=f"the network of {', '.join(unknown)} is not known, and sites admit each other's controllers",
        remedy=f"see directory-network of {', '.join(unknown)}",
    )


def _traffic(wanted: AskedSite, place: PlaceFacts, plan: SitePlan, live: SiteFacts) -> Traffic | Unread:
    """Return what applies to controllers' packets: the plan's groups, and the network ACLs of their subnets."""
    if isinstance(live.groups, Unread):
        return live.groups
    if isinstance(live.entries, Unread):
        return live.entries
    if isinstance(live.acls, Unread):
        return live.acls
    ids = group_ids(wanted, plan.groups, live.groups)
    shared = group_name(site_name(wanted.asked.region), plan.groups.groups[0].name)
    first = [each.id for each in live.groups if each.name == shared]
    subnets = {each.id for each in place.subnets}
    lists = {peer.value: held for peer, held in place.networks.lists.items()}
    return Traffic(
        requirements=plan.requirements,
        networks=known_addresses(wanted.section, place.networks.controllers, lists),
        groups={ITSELF.value: first[0]} if first else {},
        rules=[rule for each in live.groups if each.id in ids for rule in each.rules],
        entries={id_: list(held) for id_, held in live.entries.items()},
        acls=[each.rules for each in live.acls if each.subnet_ids & subnets] if plan.acl else [],
    )
