"""The third system: domain controllers in every Region with a site, and the policies for access to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.iam import InstanceProfile, Policy, Role, RolePolicyAttachment

from components.domain_controllers import access_restriction_policy, instance_role, port_forwarding_policy
from components.domain_controllers.key_policy import deployers, role_arns
from components.domain_controllers.monitoring_policies import Scope
from components.domain_controllers.names import site_name
from components.domain_controllers.settings import ManagementAccess
from components.domain_controllers.site import Site, SiteArgs
from components.domain_controllers.trail import ManagementTrail, ManagementTrailArgs
from components.session_manager.names import numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.account import Account
    from components.domain_controllers.places import Place
    from components.domain_controllers.settings import DomainControllersSection
    from components.domain_controllers.site_plan import SitePlan
    from components.settings import Settings


@dataclass(frozen=True, kw_only=True)
class DomainControllersArgs:
    """Arguments of the system.

    Attributes:
        settings: Settings of the stack.
        section: Settings of the system.
        account: Account that the stack deploys to.
        places: Sites as found in AWS, by Region.
        plans: Security groups and network ACLs, by Region.
        instance_policy_arns: ARNs of the policies that a node needs for governed sessions; empty: none.
    """

    settings: Settings
    section: DomainControllersSection
    account: Account
    places: Mapping[str, Place]
    plans: Mapping[str, SitePlan]
    instance_policy_arns: Sequence[pulumi.Output[str]]


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
            args.section.deployer_roles, account.caller_arn, partition=account.partition, account_id=account.id
        )
        self._team = role_arns(args.section.administrator_roles, partition=account.partition, account_id=account.id)
        self.policy_arns = {"portForwarding": self._port_forwarding(), "accessRestriction": self._access_restriction()}
        if args.section.sites and not args.section.monitoring.existing_trail:
            self._trail()
        profile = self._profile() if any(each.controllers for each in args.section.sites.values()) else None
        sites = {region: self._site(region, profile) for region in args.section.sites}
        self.sites = {region: each.outputs for region, each in sites.items()}
        self.register_outputs({"sites": self.sites, "policyArns": self.policy_arns})

    def _port_forwarding(self) -> pulumi.Output[str] | None:
        args = self._args
        if args.section.management_access is not ManagementAccess.SESSION_MANAGER:
            return None
        content = port_forwarding_policy.port_forwarding_policy(
            partition=args.account.partition, account_id=args.account.id, require_mfa=args.section.require_mfa
        )
        return self._policy(
            "port-forwarding",
            port_forwarding_policy.POLICY_NAME,
            "Reach domain controllers through Session Manager port forwarding",
            content,
        ).arn

    def _access_restriction(self) -> pulumi.Output[str] | None:
        args = self._args
        if not args.section.administrator_roles:
            return None
        content = access_restriction_policy.access_restriction_policy(
            partition=args.account.partition,
            account_id=args.account.id,
            team_roles=args.section.administrator_roles,
            deployer_arns=[*self._team, *self._deployers],
        )
        return self._policy(
            "access-restriction",
            access_restriction_policy.POLICY_NAME,
            "Keeps everybody but the directory team from domain controllers",
            content,
        ).arn

    def _policy(self, key: str, physical_name: str, description: str, content: dict[str, object]) -> Policy:
        return Policy(
            f"{self._name}-{key}",
            name=physical_name,
            description=description,
            policy=json.dumps(content),
            tags=self._args.settings.tags,
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
            tags=args.settings.tags,
            opts=self._child,
        )
        agent = self._policy(
            "agent", instance_role.NAME, "What the SSM Agent of a domain controller needs", instance_role.agent_policy()
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
            tags=args.settings.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=attached),
        ).name

    def _trail(self) -> ManagementTrail:
        args = self._args
        return ManagementTrail(
            f"{self._name}-trail",
            ManagementTrailArgs(
                scope=self._scope(args.settings.regions[0]),
                keep=args.section.termination_protection,
                tags=args.settings.tags,
            ),
            self._child,
        )

    def _site(self, region: str, profile: pulumi.Output[str] | None) -> Site:
        args = self._args
        return Site(
            site_name(region),
            SiteArgs(
                scope=self._scope(region),
                section=args.section,
                place=args.places[region],
                plan=args.plans[region],
                preferences=args.settings.session_manager.get(region),
                profile=profile if args.section.sites[region].controllers else None,
                key_users=[*self._team, *self._deployers],
                tags=args.settings.tags,
            ),
            self._child,
        )

    def _scope(self, region: str) -> Scope:
        return Scope(partition=self._args.account.partition, account_id=self._args.account.id, region=region)
