"""The third system: domain controllers in every Region with a site, and the policies for access to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.iam import InstanceProfile, Policy, Role, RolePolicyAttachment

from common.limits import excess_problems
from common.problems import Collector, raise_problems
from components.detection.cis_scans import CisScanConfiguration, CisScanConfigurationArgs, scan_content
from components.detection.resource import DetectionService, DetectionServiceArgs
from components.detection.services import SERVICES
from components.domain_controllers import access_restriction_policy, instance_role, port_forwarding_policy
from components.domain_controllers.cross_checks import cross_problems
from components.domain_controllers.key_policy import deployers, role_arns
from components.domain_controllers.monitoring_policies import Scope
from components.domain_controllers.names import site_name
from components.domain_controllers.operations.patching import plan_windows, window_problems
from components.domain_controllers.operations.plan import endpoint_services, role_statements
from components.domain_controllers.operations.promotion import secret_readers
from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from components.domain_controllers.settings import ManagementAccess
from components.domain_controllers.site import Site, SiteArgs
from components.domain_controllers.site_plan import generated_texts, plan_sites
from components.domain_controllers.site_resources import find_site_resources
from components.domain_controllers.trail import ManagementTrail, ManagementTrailArgs
from components.session_manager.endpoint_services import interface_services
from components.session_manager.endpoints import check_services
from components.session_manager.names import numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.account import Account
    from components.domain_controllers.operations.patching import PatchWindow
    from components.domain_controllers.settings import DomainControllersSection
    from components.domain_controllers.site_plan import SitePlan
    from components.domain_controllers.site_resources import SiteResources
    from components.session_manager.endpoints import PlannedEndpoints
    from components.session_manager.settings import SessionManagerSettings


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
    raise_problems(cross_problems(section, ("domainControllers",), tuple(section.sites)))
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
        raise_problems(excess_problems(generated_texts(section, account, plans)))
    windows: dict[str, tuple[PatchWindow, ...]] = {}
    if section.patches:
        zones = {region: place.controller_zones(section.sites[region]) for region, place in resources.items()}
        windows = plan_windows(section.patches, zones)
        with collector:
            raise_problems(window_problems(section.patches, windows))
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
        account = args.account
        self._deployers = deployers(
            args.planned.section.deployer_roles, account.caller_arn, partition=account.partition, account_id=account.id
        )
        self._team = role_arns(
            args.planned.section.administrator_roles, partition=account.partition, account_id=account.id
        )
        self.policy_arns = {"portForwarding": self._port_forwarding(), "accessRestriction": self._access_restriction()}
        if args.planned.section.sites and not args.planned.section.monitoring.existing_trail:
            self._trail()
        profile = self._profile() if any(each.controllers for each in args.planned.section.sites.values()) else None
        self._detection()
        sites = {region: self._site(region, profile) for region in args.planned.section.sites}
        self.sites = {region: each.outputs for region, each in sites.items()}
        self.register_outputs({"sites": self.sites, "policyArns": self.policy_arns})

    def _detection(self) -> None:
        """Enable the detection services in the Region of each site."""
        section = self._args.planned.section
        for region in section.sites:
            for service, switches in section.detected.items():
                DetectionService(
                    f"{site_name(region)}-{SERVICES[service].client}",
                    DetectionServiceArgs(
                        service=service,
                        region=region,
                        switches=switches,
                        take_over=self._args.take_over,
                        tags=self._args.tags,
                    ),
                    self._child,
                )
            if section.benchmark:
                content = scan_content(section.benchmark, self._args.account.id, ROLE_TAG)
                CisScanConfiguration(
                    f"{site_name(region)}-cis-scans",
                    CisScanConfigurationArgs(
                        region=region, content=content, tags=self._args.tags, take_over=self._args.take_over
                    ),
                    self._child,
                )

    def _port_forwarding(self) -> pulumi.Output[str] | None:
        args = self._args
        if args.planned.section.management_access is not ManagementAccess.SESSION_MANAGER:
            return None
        content = port_forwarding_policy.port_forwarding_policy(
            partition=args.account.partition, account_id=args.account.id, require_mfa=args.planned.section.require_mfa
        )
        return self._policy(
            "port-forwarding",
            port_forwarding_policy.POLICY_NAME,
            "Reach domain controllers through Session Manager port forwarding",
            content,
        ).arn

    def _access_restriction(self) -> pulumi.Output[str] | None:
        args = self._args
        if not args.planned.section.administrator_roles:
            return None
        content = access_restriction_policy.access_restriction_policy(
            partition=args.account.partition,
            account_id=args.account.id,
            team_roles=args.planned.section.administrator_roles,
            deployer_arns=[*self._team, *self._deployers],
            dedicated_account=args.planned.section.dedicated_account,
            secret_readers=secret_readers(
                args.planned.section, partition=args.account.partition, account_id=args.account.id
            ),
        )
        return self._policy(
            "access-restriction",
            access_restriction_policy.POLICY_NAME,
            "Restricts domain controllers to the directory team",
            content,
        ).arn

    def _policy(self, key: str, physical_name: str, description: str, content: dict[str, object]) -> Policy:
        return Policy(
            f"{self._name}-{key}",
            name=physical_name,
            description=description,
            policy=json.dumps(content),
            tags=self._args.tags,
            opts=self._child,
        )

    def _profile(self) -> pulumi.Output[str]:
        """Return the instance profile of all controllers, after its role has the permissions that the agent needs."""
        args = self._args
        role = Role(
            f"{self._name}-instance",
            name=instance_role.NAME,
            description="Domain controllers, managed by Systems Manager",
            assume_role_policy=json.dumps(instance_role.trust_policy(args.account.partition)),
            tags=args.tags,
            opts=self._child,
        )
        agent = self._policy(
            "agent",
            instance_role.NAME,
            "What the SSM Agent of a domain controller needs",
            instance_role.agent_policy(self._operations()),
        )
        policies = {"agent": agent.arn, **numbered("sessions", args.instance_policy_arns)}
        attached = [
            RolePolicyAttachment(f"{self._name}-instance-{key}", role=role.name, policy_arn=arn, opts=self._child)
            for key, arn in policies.items()
        ]
        return InstanceProfile(
            f"{self._name}-instance",
            name=instance_role.NAME,
            role=role.name,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=attached),
        ).name

    def _operations(self) -> list[dict[str, Any]]:
        """Return the statements that the operation of controllers needs."""
        section = self._args.planned.section
        return role_statements(section, [self._scope(region) for region in section.sites])

    def _trail(self) -> ManagementTrail:
        args = self._args
        return ManagementTrail(
            f"{self._name}-trail",
            ManagementTrailArgs(
                scope=self._scope(args.region),
                keep=args.planned.section.termination_protection,
                tags=args.tags,
            ),
            self._child,
        )

    def _site(self, region: str, profile: pulumi.Output[str] | None) -> Site:
        args = self._args
        return Site(
            site_name(region),
            SiteArgs(
                scope=self._scope(region),
                section=args.planned.section,
                resources=args.planned.resources[region],
                plan=args.planned.plans[region],
                preferences=args.preferences.get(region),
                profile=profile if args.planned.section.sites[region].controllers else None,
                key_users=[*self._team, *self._deployers],
                windows=args.planned.windows.get(region, ()),
                take_over=args.take_over,
                tags=args.tags,
            ),
            self._child,
        )

    def _scope(self, region: str) -> Scope:
        return Scope(partition=self._args.account.partition, account_id=self._args.account.id, region=region)
