"""Plan of security groups and network ACL of every site, before anything is created. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.network import Family, Network
from common.problems import Collector
from components.domain_controllers.network_acl import AclPlan, plan_network_acl
from components.domain_controllers.planner import GroupPlan, plan_groups
from components.domain_controllers.port_tables import load_tables
from components.domain_controllers.settings import known_addresses, sources
from components.domain_controllers.traffic_requirements import Direction, Peer, network_peer, traffic_requirements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.domain_controllers.settings import DomainControllersSection
    from components.domain_controllers.traffic_requirements import TrafficRequirement

S3_LIST_WEIGHT = 1
"""Weight of a rule to S3's prefix list (Amazon VPC User Guide, "AWS-managed prefix list weight")."""


@dataclass(frozen=True, kw_only=True)
class SiteNetworks:
    """Networks in AWS that a site's plan needs.

    Attributes:
        controllers: Networks of the controllers' subnets.
        endpoints: Networks of the VPC endpoints' subnets.
        lists: Prefix lists of gateway endpoints that controllers use, with their networks.
    """

    controllers: tuple[Network, ...]
    endpoints: tuple[Network, ...]
    lists: Mapping[Peer, tuple[Network, ...]] = field(default_factory=dict[Peer, "tuple[Network, ...]"])


@dataclass(frozen=True, kw_only=True)
class SitePlan:
    """Planned network rules of a site.

    Attributes:
        requirements: Required traffic.
        groups: Security groups of every controller.
        acl: Network ACL of the controllers' subnets; None where the settings omit it.
        acl_quota: Rules per network ACL.
    """

    requirements: tuple[TrafficRequirement, ...]
    groups: GroupPlan
    acl: AclPlan | None
    acl_quota: int

    @property
    def headroom(self) -> dict[str, int]:
        """Return the unused quotas."""
        if self.acl is None:
            return self.groups.headroom
        fullest = max(self.acl.count(direction, family) for direction in Direction for family in Family)
        # The default denial counts, too.
        return {**self.groups.headroom, "networkAclRules": self.acl_quota - 1 - fullest}


def plan_sites(section: DomainControllersSection, networks: Mapping[str, SiteNetworks]) -> dict[str, SitePlan]:
    """Plan every site.

    Args:
        section: Settings of the system.
        networks: Networks by Region.

    Raises:
        SettingsError: The rules of a site cannot fit; the error has all problems.
    """
    controllers = {region: each.controllers for region, each in networks.items()}
    collector = Collector()
    plans: dict[str, SitePlan] = {}
    for region, each in networks.items():
        with collector:
            plans[region] = _plan(section, region, each, controllers)
    collector.check()
    return plans


def _plan(
    section: DomainControllersSection,
    region: str,
    networks: SiteNetworks,
    controllers: Mapping[str, Sequence[Network]],
) -> SitePlan:
    peers = (*(network_peer(each) for each in networks.endpoints), *networks.lists)
    wanted = traffic_requirements(
        load_tables(), section.options, sources(section, region, site_networks=controllers, endpoints=peers)
    )
    collector = Collector()
    groups: list[GroupPlan] = []
    acl: AclPlan | None = None
    with collector:
        groups.append(plan_groups(wanted, section.group_quotas))
    with collector:
        acl = _acl(section, networks, wanted)
    collector.check()
    return SitePlan(requirements=wanted, groups=groups[0], acl=acl, acl_quota=section.quotas.rules_per_network_acl)


def _acl(
    section: DomainControllersSection, networks: SiteNetworks, wanted: Sequence[TrafficRequirement]
) -> AclPlan | None:
    if not section.network_acl:
        return None
    lists = {peer.value: held for peer, held in networks.lists.items()}
    addresses = known_addresses(section, networks.controllers, lists)
    return plan_network_acl(wanted, addresses=addresses, quota=section.quotas.rules_per_network_acl)
