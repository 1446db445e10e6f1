"""Plan of security groups and network ACL of every site, before anything is created. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from common.limits import ATTACHED_POLICIES, EVENT_PATTERN, KEY_POLICY, MANAGED_POLICY, Generated, size
from common.network import Family, Network
from common.problems import Collector
from components.domain_controllers.event_patterns import ALERTS, Watched
from components.domain_controllers.iam_policies import deployers, managed_policies, role_arns
from components.domain_controllers.names import (
    ACCESS_RESTRICTION_POLICY,
    CONTROLLERS_ROLE,
    PORT_FORWARDING_POLICY,
    alert_rule_name,
)
from components.domain_controllers.network_acl import AclPlan, plan_network_acl
from components.domain_controllers.operations import plan as operations_plan
from components.domain_controllers.planner import GroupPlan, plan_groups
from components.domain_controllers.port_tables import load_tables
from components.domain_controllers.resource_policies import controllers_key_policy
from components.domain_controllers.settings import known_addresses, sources
from components.domain_controllers.traffic_requirements import (
    Direction,
    Peer,
    network_peer,
    resolver_requirements,
    traffic_requirements,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.account import Account
    from components.domain_controllers.settings import DomainControllersSection
    from components.domain_controllers.traffic_requirements import TrafficRequirement


S3_LIST_WEIGHT = 1
"""Weight of a rule to S3's prefix list (Amazon VPC User Guide, "AWS-managed prefix list weight")."""


@dataclass(frozen=True, kw_only=True)
class SiteNetworks:
    """Networks in AWS that a site's plan needs: of controllers, VPC endpoints and the gateway endpoints' prefix lists."""

    controllers: tuple[Network, ...]
    endpoints: tuple[Network, ...]
    lists: Mapping[Peer, tuple[Network, ...]] = field(default_factory=dict[Peer, "tuple[Network, ...]"])


@dataclass(frozen=True, kw_only=True)
class SitePlan:
    """Planned network rules of a site.

    The ACL is None where the settings omit it.
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
    found = sources(section, region, site_networks=controllers, endpoints=peers)
    requirements = traffic_requirements(load_tables(), section.options, found)
    of_resolver = resolver_requirements(load_tables(), section.options, found)
    collector = Collector()
    groups: list[GroupPlan] = []
    acl: AclPlan | None = None
    with collector:
        groups.append(plan_groups(requirements, section.group_quotas))
    with collector:
        acl = _acl(section, networks, (*requirements, *of_resolver))
    collector.check()
    return SitePlan(
        requirements=requirements, groups=groups[0], acl=acl, acl_quota=section.quotas.rules_per_network_acl
    )


def _acl(
    section: DomainControllersSection, networks: SiteNetworks, requirements: Sequence[TrafficRequirement]
) -> AclPlan | None:
    if not section.network_acl:
        return None
    lists = {peer.value: held for peer, held in networks.lists.items()}
    addresses = known_addresses(section, networks.controllers, lists)
    return plan_network_acl(requirements, addresses=addresses, quota=section.quotas.rules_per_network_acl)


_ID: Final = "0" * 17


def generated_texts(
    section: DomainControllersSection, account: Account, plans: Mapping[str, SitePlan], instance_policies: int = 0
) -> Iterator[Generated]:
    """Yield every generated resource that settings can make too long, with its size.

    `instance_policies` is the number of policies that the controllers' role has besides its own.
    """
    others = deployers(section.deployer_roles, account.caller_arn, account.scope())
    team = role_arns(section.administrator_roles, account.scope())
    policies = managed_policies(section, account.scope(), others)
    restriction = policies.get(ACCESS_RESTRICTION_POLICY)
    measured = {f"the policy {ACCESS_RESTRICTION_POLICY}": (size(restriction), MANAGED_POLICY)} if restriction else {}
    for region in plans:
        key = controllers_key_policy(account.scope(region), [*team, *others])
        measured[f"the policy of the key for volumes in {region}"] = (len(json.dumps(key)), KEY_POLICY)
    for what, (length, quota) in measured.items():
        yield Generated(
            what=what,
            size=length,
            quota=quota,
            path=("domainControllers", "deployerRoles" if len(others) > len(team) else "administratorRoles"),
            given=f"{len(section.administrator_roles)} administratorRoles and {len(section.deployer_roles)} deployerRoles",
            fix="Use fewer roles, shorter names, or one pattern for several (Directory*)",
        )
    yield from operations_plan.generated_texts(section)
    yield Generated(
        what=f"the role {CONTROLLERS_ROLE}",
        size=len(policies.keys() - {PORT_FORWARDING_POLICY, ACCESS_RESTRICTION_POLICY}) + instance_policies,
        quota=ATTACHED_POLICIES,
        path=("domainControllers", *(("promotion", "secrets") if section.promotion else ("sites",))),
        given=f"what controllers of {len(section.sites)} sites write and read",
        fix="Use shorter names of secrets and buckets, or the same bucket and key for several sites",
    )
    for region, plan in plans.items():
        yield from _patterns(region, len(section.sites[region].controllers), plan)


def _patterns(region: str, controllers: int, plan: SitePlan) -> Iterator[Generated]:
    groups = len(plan.groups.groups)
    watched = Watched(
        instances=[f"i-{_ID}"] * controllers,
        interfaces=[f"eni-{_ID}"] * controllers,
        groups=[f"sg-{_ID}"] * groups,
        acls=[f"acl-{_ID}"] if plan.acl else [],
    )
    for alert in ALERTS:
        if controllers or not alert.needs_instances:
            yield Generated(
                what=f"the pattern of the rule {alert_rule_name(alert.name)} in {region}",
                size=len(json.dumps(alert.pattern(watched))),
                quota=EVENT_PATTERN,
                path=("domainControllers", "sites", region, "controllers"),
                given=f"the IDs of {controllers} controllers and {groups} security groups",
                fix="Build fewer controllers in one Region",
            )
