"""Domain controllers, looked up and planned before anything is registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.limits import excess_problems
from common.problems import Collector, raise_problems
from components.domain_controllers.component import DomainControllers, DomainControllersArgs
from components.domain_controllers.names import EC2, SYSTEM
from components.domain_controllers.places import Place, find_places
from components.domain_controllers.site_plan import SitePlan, plan_sites
from components.domain_controllers.sizes import generated_texts
from components.session_manager.endpoint_services import interface_services
from components.systems.endpoints import check_services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from components.account import Account
    from components.domain_controllers.settings import DomainControllersSection
    from components.settings import Settings
    from components.systems.endpoints import Endpoints


@dataclass(frozen=True, kw_only=True)
class PlannedControllers:
    """All sites, ready for registration.

    Attributes:
        section: Section of the settings.
        places: Existing resources by Region, as looked up.
        plans: Plans by Region.
    """

    section: DomainControllersSection
    places: Mapping[str, Place]
    plans: Mapping[str, SitePlan]

    @property
    def on_shared_endpoints(self) -> frozenset[str]:
        """Regions whose controllers use the endpoints of `shell-access:endpoints`."""
        return frozenset(region for region, place in self.places.items() if not place.needs_endpoints)


def plan_controllers(
    settings: Settings, section: DomainControllersSection, endpoints: Mapping[str, Endpoints], account: Account
) -> PlannedControllers:
    """Look up what the sites name, and plan them.

    Args:
        settings: Settings of the stack.
        section: Settings of the system.
        endpoints: Endpoints of the stack by Region, as looked up.
        account: Account of the stack.

    Raises:
        SettingsError: What they name does not exist, or what they configure does not fit; nothing is registered then.
    """
    places = find_places(section, endpoints, settings.session_manager)
    collector = Collector()
    for region in places:
        services = {*interface_services(settings.session_manager.get(region)), EC2}
        with collector:
            check_services(region, tuple(sorted(services)), ("domainControllers", "sites", region))
    plans: dict[str, SitePlan] = {}
    with collector:
        plans = plan_sites(section, {region: each.networks for region, each in places.items()})
    with collector:
        raise_problems(excess_problems(generated_texts(section, account, plans)))
    collector.check()
    return PlannedControllers(section=section, places=places, plans=plans)


def build_controllers(
    settings: Settings,
    account: Account,
    planned: PlannedControllers,
    instance_policy_arns: Sequence[pulumi.Output[str]],
) -> DomainControllers:
    """Register the sites.

    Args:
        settings: Settings of the stack.
        account: Account of the stack.
        planned: Planned sites.
        instance_policy_arns: ARNs of the instance policies, where the stack governs sessions.
    """
    return DomainControllers(
        SYSTEM,
        DomainControllersArgs(
            settings=settings,
            section=planned.section,
            account=account,
            places=planned.places,
            plans=planned.plans,
            instance_policy_arns=instance_policy_arns,
        ),
    )
