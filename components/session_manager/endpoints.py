"""VPC endpoints through which nodes reach Systems Manager without internet access."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.ec2 import SecurityGroup, VpcEndpoint
from pulumi_aws.vpc import SecurityGroupIngressRule

from common.problems import Collector, Problem, SettingPath, SettingsError
from components.adoption.lookup import program_clients
from components.network import explained_at, find_network
from components.session_manager.endpoint_services import (
    ALL_INTERFACES,
    EC2,
    S3,
    endpoint_policy,
    interface_services,
    service_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.network import Network
    from components.session_manager.settings import EndpointSettings, SessionManagerSettings

HTTPS = 443


@dataclass(frozen=True, kw_only=True)
class PlannedEndpoints:
    """Endpoints of one Region, as looked up."""

    network: Network
    settings: EndpointSettings


def plan_endpoints(
    settings: Mapping[str, EndpointSettings], preferences: Mapping[str, SessionManagerSettings]
) -> dict[str, PlannedEndpoints]:
    """Look up the networks that the settings name, by Region; the preferences determine the services.

    Raises:
        SettingsError: They do not exist, cannot resolve private names, or EC2 does not offer a service there.
    """
    collector = Collector()
    found: dict[str, PlannedEndpoints] = {}
    for region, each in settings.items():
        path = ("endpoints", region)
        with collector:
            network = find_network(region=region, vpc=each.vpc, subnets=each.subnets, path=path)
            check_private_names(network, path)
            found[region] = PlannedEndpoints(network=network, settings=each)
        with collector:
            services = interface_services(preferences.get(region))
            check_services(region, (*services, *([S3] if each.s3_gateway else [])), path)
    collector.check()
    return found


def check_services(region: str, services: tuple[str, ...], path: SettingPath) -> None:
    """Check that EC2 offers an endpoint for each service, by this program's name for it.

    Raises:
        SettingsError: EC2 does not offer a service, or cannot be called.
    """
    with explained_at(path, f"VPC endpoint services in {region}", "ec2", region):
        offered = _offered_services(region)
    missing = [name for each in services if (name := service_name(region, each)) not in offered]
    if missing:
        message = f"expected a Region that offers each VPC endpoint, got {region}, which offers none for {', '.join(missing)}."
        raise SettingsError([Problem(path=path, message=message)])


@cache
def _offered_services(region: str) -> frozenset[str]:
    """Return this program's services for which EC2 offers endpoints in a Region, read once per run."""
    names = [service_name(region, each) for each in (*ALL_INTERFACES, EC2, S3)]
    answer = (
        program_clients()
        .client("ec2", region)
        .describe_vpc_endpoint_services(Filters=[{"Name": "service-name", "Values": names}])
    )
    return frozenset(answer["ServiceNames"])


@dataclass(frozen=True, kw_only=True)
class SystemsManagerEndpointsArgs:
    """Arguments of `SystemsManagerEndpoints`.

    Attributes:
        region: Region of the VPC.
        network: VPC and subnets of the endpoints.
        services: Short names of the services that get an interface endpoint.
        allowed_cidrs: Networks whose nodes may use the endpoints.
        s3_gateway: Whether to create the S3 gateway endpoint.
        account_id: Account whose principals may use the endpoints.
        tags: Tags applied to all taggable resources.
    """

    region: str
    network: Network
    services: tuple[str, ...]
    allowed_cidrs: tuple[str, ...]
    s3_gateway: bool
    account_id: str
    tags: dict[str, str] = field(default_factory=dict[str, str])


class SystemsManagerEndpoints(pulumi.ComponentResource):
    """Interface endpoints behind one security group, and the S3 gateway endpoint."""

    def __init__(
        self, name: str, args: SystemsManagerEndpointsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("shell-access:sessionManager:SystemsManagerEndpoints", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        group = self._security_group()
        for service in args.services:
            self._interface(service, group)
        if args.s3_gateway:
            self._gateway()
        self.register_outputs({"securityGroupId": group.id})

    def _security_group(self) -> SecurityGroup:
        args = self._args
        group = SecurityGroup(
            self._name,
            description="VPC endpoints of Systems Manager: HTTPS from nodes, nothing out",
            vpc_id=args.network.vpc_id,
            region=args.region,
            tags={**args.tags, "Name": self._name},
            opts=self._child,
        )
        for cidr in args.allowed_cidrs:
            ipv4 = isinstance(ip_network(cidr), IPv4Network)
            SecurityGroupIngressRule(
                f"{self._name}-{cidr}",
                security_group_id=group.id,
                description="Nodes to Systems Manager endpoints",
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                cidr_ipv4=cidr if ipv4 else None,
                cidr_ipv6=None if ipv4 else cidr,
                region=args.region,
                tags=args.tags,
                opts=self._child,
            )
        return group

    def _interface(self, service: str, group: SecurityGroup) -> None:
        args = self._args
        VpcEndpoint(
            f"{self._name}-{service}",
            vpc_id=args.network.vpc_id,
            service_name=service_name(args.region, service),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=list(args.network.subnet_ids),
            security_group_ids=[group.id],
            policy=json.dumps(endpoint_policy(service, args.account_id)),
            region=args.region,
            tags={**args.tags, "Name": f"{self._name}-{service}"},
            opts=self._child,
        )

    def _gateway(self) -> None:
        """Create it without a policy: all S3 traffic of these subnets uses it, including that of other workloads."""
        args = self._args
        VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=args.network.vpc_id,
            service_name=service_name(args.region, S3),
            vpc_endpoint_type="Gateway",
            route_table_ids=list(args.network.route_table_ids),
            region=args.region,
            tags={**args.tags, "Name": f"{self._name}-s3"},
            opts=self._child,
        )


def check_private_names(network: Network, path: SettingPath) -> None:
    """Check that the VPC resolves the private DNS names of endpoints.

    Raises:
        SettingsError: DNS support or DNS hostnames are disabled.
    """
    if not network.resolves_private_names:
        message = (
            f"expected a VPC with enableDnsSupport and enableDnsHostnames, got {network.vpc_id}, which cannot resolve the "
            "private names of endpoints."
        )
        raise SettingsError([Problem(path=(*path, "vpc"), message=message)])
