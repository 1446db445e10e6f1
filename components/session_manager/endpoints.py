"""VPC endpoints through which nodes reach Systems Manager without internet access."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.ec2 import SecurityGroup, VpcEndpoint
from pulumi_aws.vpc import SecurityGroupIngressRule

from common.problems import Problem, SettingsError
from components.session_manager.endpoint_services import endpoint_policy, service_name

if TYPE_CHECKING:
    from components.network import Network

HTTPS = 443


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
            tags={"Name": self._name, **args.tags},
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
            tags={"Name": f"{self._name}-{service}", **args.tags},
            opts=self._child,
        )

    def _gateway(self) -> None:
        """Create it without a policy: all S3 traffic of these subnets uses it, including that of other workloads."""
        args = self._args
        VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=args.network.vpc_id,
            service_name=service_name(args.region, "s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=list(args.network.route_table_ids),
            region=args.region,
            tags={"Name": f"{self._name}-s3", **args.tags},
            opts=self._child,
        )


def check_private_names(network: Network, path: tuple[str, ...]) -> None:
    """Check that the VPC resolves the private DNS names of endpoints.

    Raises:
        SettingsError: DNS support or DNS hostnames are disabled.
    """
    if not network.resolves_private_names:
        message = (
            f"{network.vpc_id} cannot resolve the endpoints' private names; allowed: a VPC with enableDnsSupport and "
            "enableDnsHostnames on"
        )
        raise SettingsError([Problem(path=(*path, "vpc"), message=message)])
