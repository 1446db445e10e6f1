"""The third system: domain controllers in every Region with a site, and the policies for access to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_aws.iam import InstanceProfile, Role, RolePolicyAttachment
from pulumi_aws.iam import Policy as ManagedPolicy

from common.limits import excess_problems
from common.problems import Collector, raise_problems
from components.detection.cis_scans import CisScanConfiguration, scan_content
from components.detection.resource import DetectionService
from components.detection.services import SERVICES
from components.domain_controllers.cross_checks import cross_problems
from components.domain_controllers.iam_policies import deployers, managed_policies, role_arns, trust_policy
from components.domain_controllers.monitoring import ManagementTrail
from components.domain_controllers.names import (
    ACCESS_RESTRICTION_POLICY,
    CONTROLLERS_ROLE,
    PORT_FORWARDING_POLICY,
    ROLE_TAG,
    site_name,
)
from components.domain_controllers.operations.patching import plan_windows, window_problems
from components.domain_controllers.operations.plan import endpoint_services
from components.domain_controllers.site import Site, SiteArgs
from components.domain_controllers.site_plan import generated_texts, plan_sites
from components.domain_controllers.site_resources import find_site_resources
from components.session_manager.endpoint_services import interface_services
from components.session_manager.endpoints import check_services
from components.session_manager.instance_policy import instance_policies
from components.session_manager.names import numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.iam.statements import Policy
    from components.account import Account
    from components.domain_controllers.operations.patching import PatchWindow
    from components.domain_controllers.settings import DomainControllersSection
    from components.domain_controllers.site_plan import SitePlan
    from components.domain_controllers.site_resources import SiteResources
    from components.session_manager.endpoints import PlannedEndpoints
    from components.session_manager.settings import SessionManagerSettings


_POLICIES: Final = {
    PORT_FORWARDING_POLICY: ("port-forwarding", "Reach domain controllers through Session Manager port forwarding"),
    ACCESS_RESTRICTION_POLICY: ("access-restriction", "Restricts domain controllers to the directory team"),
}
"""Last part of the resource's name, and description, of the policies that are not the controllers' own."""


@dataclass(frozen=True, kw_only=True)
class PlannedControllers:
    """All sites, ready for registration.

    Resources, plans and maintenance windows are by Region.
    """

    section: DomainControllersSection
    resources: Mapping[str, SiteResources]
    plans: Mapping[str, SitePlan]
    windows: Mapping[str, tuple[PatchWindow, ...]] = field(default_factory=dict[str, "tuple[PatchWindow, ...]"])

    @property
    def services_on_shared_endpoints(self) -> dict[str, tuple[str, ...]]:
        """Services that controllers need of the endpoints of `shell-access:endpoints`, by Region."""
        return {
            region: tuple(sorted(endpoint_services(self.section, region)))
            for region, place in self.resources.items()
            if not place.needs_endpoints
        }


def plan_controllers(
    section: DomainControllersSection,
    account: Account,
    *,
    preferences: Mapping[str, SessionManagerSettings],
    endpoints: Mapping[str, PlannedEndpoints] = MappingProxyType({}),
) -> PlannedControllers:
    """Look up what the sites name, and plan them.

    The preferences determine what controllers must reach; `endpoints` exist beside the sites. Both are by Region.

    Raises:
        SettingsError: What they name does not exist, or what they configure does not fit; nothing is registered then.
    """
    raise_problems(cross_problems(section, tuple(section.sites)))
    resources = find_site_resources(section, endpoints, preferences)
    collector = Collector()
    for region in resources:
        services = {*interface_services(preferences.get(region)), *endpoint_services(section, region)}
        with collector:
            check_services(region, tuple(sorted(services)), ("domainControllers", "sites", region))
    plans: dict[str, SitePlan] = {}
    with collector:
        plans = plan_sites(section, {region: each.networks for region, each in resources.items()})
    with collector:
        further = len(instance_policies(preferences, partition=account.partition, account_id=account.id))
        raise_problems(excess_problems(generated_texts(section, account, plans, further)))
    windows: dict[str, tuple[PatchWindow, ...]] = {}
    if section.patching:
        zones = {region: place.controller_zones(section.sites[region]) for region, place in resources.items()}
        windows = plan_windows(section.patching, zones)
        with collector:
            raise_problems(window_problems(section.patching, windows))
    collector.check()
    return PlannedControllers(section=section, resources=resources, plans=plans, windows=windows)


@dataclass(frozen=True, kw_only=True)
class DomainControllersArgs:
    """Arguments of the system.

    Attributes:
        planned: Result of `plan_controllers`.
        account: Account that the stack deploys to.
        region: Region of the trail.
        preferences: Session Manager settings by Region.
        instance_policy_arns: ARNs of the policies that a node needs for governed sessions; empty: none.
        take_over: Whether documents of another stack are taken over.
        tags: Tags applied to all taggable resources.
    """

    planned: PlannedControllers
    account: Account
    region: str
    preferences: Mapping[str, SessionManagerSettings] = field(default_factory=dict[str, "SessionManagerSettings"])
    instance_policy_arns: Sequence[pulumi.Output[str]] = ()
    take_over: bool = False
    tags: dict[str, str] = field(default_factory=dict[str, str])


class DomainControllers(pulumi.ComponentResource):
    """Sites, the controllers' role, the trail, and policies for principals, which are not attached here.

    Attributes:
        sites: Outputs by Region, see `Site.outputs`.
        policy_arns: `portForwarding` and `accessRestriction`; None where the settings omit them.
    """

    def __init__(self, name: str, args: DomainControllersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:DomainControllers", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        section, scope = args.planned.section, args.account.scope()
        others = deployers(section.deployer_roles, args.account.caller_arn, scope)
        self._key_users = [*role_arns(section.administrator_roles, scope), *others]
        arns = {name: self._policy(name, policy) for name, policy in managed_policies(section, scope, others).items()}
        self.policy_arns = {
            "portForwarding": arns.pop(PORT_FORWARDING_POLICY, None),
            "accessRestriction": arns.pop(ACCESS_RESTRICTION_POLICY, None),
        }
        if section.sites and not section.monitoring.existing_trail:
            ManagementTrail(
                f"{name}-trail",
                scope=args.account.scope(args.region),
                keep=section.termination_protection,
                tags=args.tags,
                opts=self._child,
            )
        profile = self._profile([*arns.values()]) if arns else None
        self._detection()
        sites = {region: self._site(region, profile) for region in section.sites}
        self.sites = {region: each.outputs for region, each in sites.items()}
        self.register_outputs({"sites": self.sites, "policyArns": self.policy_arns})

    def _detection(self) -> None:
        """Enable the detection services in the Region of each site."""
        args, section = self._args, self._args.planned.section
        for region in section.sites:
            for service, switches in section.detected.items():
                DetectionService(
                    f"{site_name(region)}-{SERVICES[service].client}",
                    service=service,
                    region=region,
                    switches=switches,
                    take_over=args.take_over,
                    tags=args.tags,
                    opts=self._child,
                )
            if section.benchmark:
                CisScanConfiguration(
                    f"{site_name(region)}-cis-scans",
                    region=region,
                    content=scan_content(section.benchmark, args.account.id, ROLE_TAG),
                    take_over=args.take_over,
                    tags=args.tags,
                    opts=self._child,
                )

    def _policy(self, name: str, content: Policy) -> pulumi.Output[str]:
        key, description = _POLICIES.get(name) or (
            name.replace(CONTROLLERS_ROLE, "agent"),
            "What the SSM Agent of a domain controller needs",
        )
        return ManagedPolicy(
            f"{self._name}-{key}",
            name=name,
            description=description,
            policy=json.dumps(content),
            tags=self._args.tags,
            opts=self._child,
        ).arn

    def _profile(self, policy_arns: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
        """Return the instance profile of all controllers, after its role has the permissions that the agent needs."""
        args = self._args
        role = Role(
            f"{self._name}-instance",
            name=CONTROLLERS_ROLE,
            description="Domain controllers, managed by Systems Manager",
            assume_role_policy=json.dumps(trust_policy(args.account.partition)),
            tags=args.tags,
            opts=self._child,
        )
        policies = {**numbered("agent", policy_arns), **numbered("sessions", args.instance_policy_arns)}
        attached = [
            RolePolicyAttachment(f"{self._name}-instance-{key}", role=role.name, policy_arn=arn, opts=self._child)
            for key, arn in policies.items()
        ]
        return InstanceProfile(
            f"{self._name}-instance",
            name=CONTROLLERS_ROLE,
            role=role.name,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=attached),
        ).name

    def _site(self, region: str, profile: pulumi.Output[str] | None) -> Site:
        args = self._args
        return Site(
            site_name(region),
            SiteArgs(
                scope=args.account.scope(region),
                section=args.planned.section,
                resources=args.planned.resources[region],
                plan=args.planned.plans[region],
                preferences=args.preferences.get(region),
                profile=profile if args.planned.section.sites[region].controllers else None,
                key_users=self._key_users,
                windows=args.planned.windows.get(region, ()),
                take_over=args.take_over,
                tags=args.tags,
            ),
            self._child,
        )
