"""Settings of `shell-access:domainControllers`.

They are what the AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS" leaves to
its reader: peers, and the selection of ports. Where a setting exceeds the post, its description says so.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from common.network import Family, Network
from common.validation import (
    Email,
    IdOrNameTag,
    IgnoresCase,
    Name,
    Section,
    UnicastNetwork,
    WhenEnabled,
    enabled_flag,
    flag,
    member_of,
    setting,
)
from components.detection.names import HUB, SecurityService
from components.detection.settings import DetectionSettings  # noqa: TC001 -- a model reads it
from components.domain_controllers.network_acl import DEFAULT_RULES, HIGHEST_QUOTA
from components.domain_controllers.operations.settings import (
    BACKUP_DEVICE,
    RETENTION,
    BackupSettings,
    ControllerAddress,
    DomainName,
    EventLogsSettings,
    HealthSettings,
    PatchingSettings,
    PromotionSettings,
    RetentionDays,
)
from components.domain_controllers.planner import RULES_PER_INTERFACE, Quotas
from components.domain_controllers.port_tables import HIGHEST_PORT, RPC, Options, Profile, additional_ports
from components.domain_controllers.traffic_requirements import (
    ITSELF,
    RESOLVER,
    AdditionalPeers,
    Peer,
    Sources,
    prefix_list_peer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.detection.settings import CisScansSettings
WIDEST = {4: 8, 6: 16}
"""Shortest prefixes that a setting may name: 10.0.0.0/8 is a company, 0.0.0.0/1 half the internet."""

_NETWORKS = (
    "networks such as 10.20.0.0/16 or 2001:db8::/48, with no host bits set, of /8 or longer (IPv6: /16), of addresses that "
    "single hosts may have"
)


class ManagementAccess(StrEnum):
    """Access of administrators to controllers."""

    SESSION_MANAGER = "session-manager"
    """Through Session Manager: no inbound RDP, WinRM or PowerShell at all."""
    BASTION = "bastion"
    """From bastion hosts, by the post's table for them."""


@lru_cache(maxsize=1_024)
def _network(value: str) -> str:
    network = ip_network(value)
    if network.prefixlen < WIDEST[network.version]:
        raise ValueError
    return value


TARGETS_PER_RULE = 6
"""Quota of target addresses per Resolver rule (Amazon Route 53 Developer Guide, "Quotas on Route 53 VPC Resolver")."""
DYNAMIC_PORTS = 16384
"""Most ports in one range: as many as the dynamic RPC range has."""


def _additional_port(value: str) -> str:
    match = re.fullmatch(r"(?:tcp|udp)/([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?", value)
    if match is None:
        raise ValueError
    first, last = int(match[1]), int(match[2] or match[1])
    if not (first <= last <= HIGHEST_PORT and last - first < DYNAMIC_PORTS) or match[2] == match[1]:
        raise ValueError
    return value


Cidr = Annotated[UnicastNetwork, AfterValidator(_network)]
GroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
PrefixListId = Annotated[str, Field(pattern=r"^pl-[0-9a-f]{8,17}$")]
TeamRole = Annotated[
    str,
    Field(
        pattern=r"^(([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}"
        r"|aws-reserved/sso\.amazonaws\.com/(([a-z0-9-]+|\*)/)?AWSReservedSSO_[A-Za-z0-9_+=,.@-]{1,32}_\*)$",
        max_length=512,
    ),
    IgnoresCase(),
]
_TEAM_ROLES = (
    "a list of role names, with their paths (no ARNs); * only for the Region and the suffix of a role of IAM Identity "
    "Center: aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Directory_*"
)
RpcPort = Annotated[int, Field(ge=1024, le=65535)]
AdditionalPort = Literal["icmp", "esp", "rpc"] | Annotated[str, AfterValidator(_additional_port)]


class ClientPrefixList(Section):
    """`clientPrefixLists.<name>`: clients with an existing prefix list."""

    id: PrefixListId = setting("ID of the prefix list.", "an id such as pl-0123456789abcdef0")
    address_family: Annotated[Family, member_of(Family)] = setting(
        "Address family of the entries.", f"one of {', '.join(Family)}", default=Family.IPV4
    )
    max_entries: int = setting(
        "Maximum number of entries. Each rule that references the list counts as this number of rules.",
        "a whole number from 1 to 1000",
        ge=1,
        le=1000,
    )
    networks: list[Cidr] = setting(
        "Entries of the prefix list, for the network ACL, which cannot reference prefix lists.",
        _NETWORKS,
        default_factory=list,
    )


class AdditionalTraffic(Section):
    """`additionalDestinations.<name>`, `additionalSources.<name>`: traffic that no port table has."""

    reason: str = setting(
        "Purpose of the traffic. It is part of the rules' descriptions.",
        "1 to 200 letters, digits, spaces and _ . : / ( ) # , @ + = & ; -, beginning with a letter or digit",
        pattern=r"^[0-9A-Za-z][0-9A-Za-z_ .:/()#,@+=&;-]{0,199}$",
    )
    networks: list[Cidr] = setting("Networks or addresses of the peer.", _NETWORKS, min_length=1)
    ports: list[AdditionalPort] = setting(
        f"Destination ports. `{RPC}` is the endpoint mapper and the dynamic range, as a certificate authority needs it.",
        f"a list of tcp/443, udp/514, tcp/5000-5010 (at most {DYNAMIC_PORTS} ports in a range), icmp (echo requests), esp "
        f"or {RPC}",
        min_length=1,
    )

    def peers(self, key: str, name: str) -> AdditionalPeers:
        """Return the peers, as the planner needs them."""
        return AdditionalPeers(
            name=name,
            networks=_parsed(self.networks),
            ports=additional_ports(f"{key}.{name}", self.reason, self.ports),
        )


class QuotaSettings(Section):
    """`quotas`: quotas of the account in a Region."""

    rules_per_security_group: int = setting(
        "Inbound or outbound rules per security group (L-0EA8095F).",
        "a whole number from 1 to 1000",
        default=Quotas().rules_per_group,
        ge=1,
        le=RULES_PER_INTERFACE,
    )
    security_groups_per_interface: int = setting(
        "Security groups per network interface (L-2AFB9258).",
        "a whole number from 1 to 16",
        default=Quotas().groups_per_interface,
        ge=1,
        le=16,
    )
    rules_per_network_acl: int = setting(
        "Rules per network ACL (L-2AEEBF1A).",
        f"a whole number from {DEFAULT_RULES} to {HIGHEST_QUOTA}",
        default=DEFAULT_RULES,
        ge=DEFAULT_RULES,
        le=HIGHEST_QUOTA,
    )


def raised_quotas(quotas: QuotaSettings) -> dict[str, int]:
    """Return the quotas that exceed the default of AWS, by the name of the field."""
    declared: dict[str, int] = {name: getattr(quotas, name) for name in QuotaSettings.model_fields}
    return {name: value for name, value in declared.items() if value > QuotaSettings.model_fields[name].default}


class VolumeSettings(Section):
    """A data volume of a controller."""

    device_name: str = setting("Device name.", "xvdb to xvdz", pattern=r"^xvd[b-z]$")
    size: int = setting("Size, in GiB.", "whole GiB from 1 to 16384", ge=1, le=16384)


class ControllerSettings(Section):
    """A domain controller to create."""

    name: str = setting(
        "Name of the instance, and its computer name in Windows.",
        "1 to 15 letters, digits and hyphens, beginning with a letter",
        pattern=r"^[A-Za-z]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?$",
    )
    subnet: IdOrNameTag = setting("Subnet of the instance.", "one of the site's subnets, as written there")
    image_parameter: str = setting(
        "Public parameter with the ID of the image. The default is Windows Server Core, as the post recommends.",
        "the name of a parameter below /aws/service/ami-windows-latest/",
        default="/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-Base",
        pattern=r"^/[A-Za-z0-9_./-]+$",
        max_length=1011,
    )
    image_id: str = setting(
        "ID of the image, such as your own hardened image. It takes precedence over imageParameter.",
        "the ID of an image such as ami-0123456789abcdef0; leave it out for imageParameter",
        default="",
        pattern=r"^(ami-[0-9a-f]{8,17})?$",
    )
    instance_type: str = setting(
        "Instance type.",
        "an instance type such as m6i.large",
        default="m6i.large",
        pattern=r"^[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}$",
    )
    volumes: list[VolumeSettings] = setting(
        "Data volumes. They are encrypted like the root volume.", "a list of {deviceName, size}", default_factory=list
    )

    @property
    def image(self) -> str:
        """Return the setting that names the image: its ID, or else its parameter."""
        return self.image_id or self.image_parameter


class SiteSettings(Section):
    """`sites.<Region>`: location of this Region's controllers."""

    vpc: IdOrNameTag = setting("VPC of the site.", "an id (vpc-...) or the value of a Name tag")
    subnets: list[IdOrNameTag] = setting(
        "Private subnets of the controllers.",
        "a list of ids (subnet-...) or values of Name tags",
        min_length=1,
    )
    controllers: list[ControllerSettings] = setting(
        "Instances to create, at least two in subnets of two Availability Zones. Without any, the stack creates only the "
        "resources that protect controllers.",
        "a list of {name, subnet, imageParameter, imageId, instanceType, volumes}",
        default_factory=list,
    )
    bastion_security_group_ids: list[GroupId] = setting(
        "Security groups of the site's bastion hosts, in place of those above, as groups belong to one Region. Not part of the "
        "AWS post.",
        "a list of ids such as sg-0123456789abcdef0",
        default_factory=list,
    )
    client_prefix_list_ids: dict[Name, PrefixListId] = setting(
        "IDs of the site's prefix lists, by their names in clientPrefixLists, as prefix lists belong to one Region. Not part "
        "of the AWS post.",
        "a mapping of names to ids such as pl-0123456789abcdef0",
        default_factory=dict,
    )


SharePrincipal = Annotated[
    str,
    Field(
        pattern=r"^([0-9]{12}|arn:aws[a-z-]*:organizations::[0-9]{12}:"
        r"(organization/o-[a-z0-9]{10,32}|ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}))$"
    ),
]


class ResolverSiteSettings(Section):
    """`resolverEndpoints.sites.<Region>`: endpoints in the controllers' subnets of a site."""

    vpcs: list[IdOrNameTag] = setting(
        "VPCs of this account and Region whose instances resolve the domains through the controllers.",
        "a list of ids (vpc-...) or values of Name tags",
        default_factory=list,
    )
    controller_addresses: list[ControllerAddress] = setting(
        "Addresses of controllers in this Region that the stack does not create.",
        f"a list of private IPv4 addresses in the site's subnets, at most {TARGETS_PER_RULE} with those that it builds",
        default_factory=list,
        max_length=TARGETS_PER_RULE,
    )
    inbound_sources: list[Cidr] = setting(
        "Networks whose DNS servers forward queries for AWS names to an inbound endpoint. Without any, there "
        "is no inbound endpoint.",
        f"{_NETWORKS}; IPv4 only",
        default_factory=list,
    )


class ResolverEndpointsSettings(Section):
    """`resolverEndpoints`: names of the directory for instances, by Route 53 Resolver. Not part of the AWS post."""

    domains: list[DomainName] = setting(
        "DNS domains of the directory, including reverse zones.",
        "a list of names such as corp.example.com, in lower case, without a final dot, and none of AWS' own",
        min_length=1,
        max_length=50,
    )
    share_with: list[SharePrincipal] = setting(
        "Accounts, organizational units or the organization that can use the rules.",
        "a list of account IDs, or of ARNs of organizational units or of the organization",
        default_factory=list,
    )
    sites: dict[str, ResolverSiteSettings] = setting(
        "Regions with endpoints.", "a mapping of Regions to {vpcs, controllerAddresses, inboundSources}", min_length=1
    )


class MonitoringSettings(Section):
    """`monitoring`: recipients of alerts about controllers, and storage of logs. Not part of the AWS post."""

    notification_emails: list[Email] = setting(
        "Recipients of alerts about changes, commands and sessions. Each recipient must confirm the subscription.",
        "a list of e-mail addresses",
        default_factory=list,
    )
    flow_log_retention_days: RetentionDays = setting(
        "Retention of the flow logs of the controllers' subnets, in days.",
        RETENTION,
        default=90,
    )
    existing_trail: str = setting(
        "Existing trail that records the management events of this account, such as the organization's trail."
        " If empty, the stack creates a trail. Without a trail, EventBridge receives no events about sessions"
        " and changed security groups.",
        "the name or the ARN of a trail; leave it out where there is none",
        default="",
        pattern=r"^$|^(arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:[0-9]{12}:trail/)?[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]$",
    )


class DomainControllersSection(Section):
    """`shell-access:domainControllers`."""

    enabled: bool = enabled_flag("Create the resources of the section")
    profile: Annotated[Profile, member_of(Profile)] = setting(
        "Rows of the port tables that apply: all rows of the post, those of Microsoft for supported versions "
        "of Windows Server, or the latter with NetBIOS for older trusts.",
        f"one of {', '.join(Profile)}",
        default=Profile.POST,
    )
    ldaps: bool = flag("Allow LDAP over TLS, for controllers with a certificate.", default=True)
    dns: bool = flag("Allow DNS, for controllers that are DNS servers.", default=True)
    icmp_echo: bool = flag(
        "Allow clients and controllers to ping controllers. Not part of the AWS post.", default=False
    )
    ipsec: bool = flag(
        "Allow IPsec between controllers: UDP 500 and 4500, ESP. Not part of the AWS post.",
        default=False,
    )
    wins: bool = flag(
        "Allow WINS, for controllers that are WINS servers: TCP and UDP 42 between controllers, UDP 137. Not "
        "part of the AWS post.",
        default=False,
    )
    replication_port: RpcPort | None = setting(
        "Fixed RPC port of replication, instead of the dynamic range (KB 224196: NTDS, TCP/IP Port).",
        "a port from 1024 to 65535 that no row has; leave it out for the dynamic range",
        default=None,
    )
    netlogon_port: RpcPort | None = setting(
        "Fixed RPC port of Netlogon, in addition to replicationPort (KB 224196: Netlogon, DCTcpipPort). Not "
        "part of the AWS post.",
        "a port from 1024 to 65535 that no row has, other than replicationPort; leave it out where Netlogon uses SMB",
        default=None,
    )
    dfsr_port: RpcPort | None = setting(
        "Fixed RPC port of DFS Replication, which replicates SYSVOL, in addition to replicationPort (dfsrdiag"
        " StaticRPC). Not part of the AWS post.",
        "a port from 1024 to 65535 that no row has, other than the two above; leave it out where SYSVOL is not "
        "replicated by DFSR",
        default=None,
    )
    clients: dict[Name, list[Cidr]] = setting("Networks of clients, by name.", _NETWORKS, default_factory=dict)
    client_prefix_lists: dict[Name, ClientPrefixList] = setting(
        "Existing prefix lists of clients, by name. Not part of the AWS post.",
        "a mapping of names to {id, addressFamily, maxEntries, networks}",
        default_factory=dict,
    )
    on_premises_domain_controllers: list[Cidr] = setting(
        "Networks or addresses of on-premises domain controllers.", _NETWORKS, default_factory=list
    )
    read_only_domain_controllers: list[Cidr] = setting(
        "Networks or addresses of read-only domain controllers (RODCs). They connect to the controllers; no "
        "connection is made to them. Not part of the AWS post.",
        _NETWORKS,
        default_factory=list,
    )
    resolvers: list[Cidr] = setting(
        "DNS servers that controllers query, in addition to other controllers and the Route 53 Resolver of "
        "the VPC. Not part of the AWS post.",
        _NETWORKS,
        default_factory=list,
    )
    time_sources: list[Cidr] = setting(
        "NTP servers that controllers query, in addition to other controllers and the Amazon Time Sync "
        "Service. Not part of the AWS post.",
        _NETWORKS,
        default_factory=list,
    )
    additional_destinations: dict[Name, AdditionalTraffic] = setting(
        "Other destinations of controllers, by name, such as a certificate authority, WSUS, a SIEM, backup "
        "servers or proxies. Not part of the AWS post.",
        "a mapping of names to {reason, networks, ports}",
        default_factory=dict,
    )
    additional_sources: dict[Name, AdditionalTraffic] = setting(
        "Other sources of connections to controllers, by name, such as monitoring. Not part of the AWS post.",
        "a mapping of names to {reason, networks, ports}",
        default_factory=dict,
    )
    management_access: Annotated[ManagementAccess, member_of(ManagementAccess)] = setting(
        "Access of administrators to controllers.",
        f"one of {', '.join(ManagementAccess)}",
        default=ManagementAccess.SESSION_MANAGER,
    )
    bastion_security_group_ids: list[GroupId] = setting(
        "Security groups of the bastion hosts.", "a list of ids such as sg-0123456789abcdef0", default_factory=list
    )
    bastion_networks: list[Cidr] = setting(
        "Subnets of the bastion hosts, for the network ACL. Not part of the AWS post.", _NETWORKS, default_factory=list
    )
    require_mfa: bool = flag("Require MFA for port forwarding to controllers. Not part of the AWS post.", default=False)
    administrator_roles: list[TeamRole] = setting(
        "Roles of the directory administrators. Only these roles can stop, start and terminate controllers, "
        "change their volumes and use their key.",
        _TEAM_ROLES,
        default_factory=list,
    )
    deployer_roles: list[TeamRole] = setting(
        "Deployment roles, which have the permissions of administratorRoles. By default, the principal that "
        "deploys the stack. Not part of the AWS post.",
        _TEAM_ROLES,
        default_factory=list,
    )
    dedicated_account: bool = flag(
        "Confirm that the account contains only the directory, as the post recommends. The access restriction"
        " then denies other principals all actions that run something on nodes, even if a request does not "
        "name the node (associations, runbooks other than those of the approval, maintenance windows, patch "
        "baselines, documents).",
        default=False,
    )
    termination_protection: bool = flag(
        "Protect controllers and their volumes from deletion, and retain the trail's bucket while it contains logs. Not part"
        " of the AWS post.",
        default=True,
    )
    monitoring: MonitoringSettings = setting(
        "Alerts, flow logs and the trail.",
        "a mapping of notificationEmails, flowLogRetentionDays, existingTrail",
        default_factory=MonitoringSettings,
    )
    event_logs: WhenEnabled[EventLogsSettings] = setting(
        "Send Windows events of the controllers to CloudWatch Logs, with alarms.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    health: WhenEnabled[HealthSettings] = setting(
        "Check the controllers on a schedule, with alarms.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    resolver_endpoints: ResolverEndpointsSettings | None = setting(
        "Route 53 Resolver endpoints and rules, so that instances can resolve names of the directory.",
        "a mapping of domains, shareWith, sites; leave it out for none",
        default=None,
    )
    patching: WhenEnabled[PatchingSettings] = setting(
        "Install Windows updates on one controller at a time, in one maintenance window per Availability Zone.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    backups: WhenEnabled[BackupSettings] = setting(
        "Back up the system state of the controllers to a volume and to a bucket with Object Lock.",
        "a mapping of settings with buckets",
        default=None,
    )
    promotion: WhenEnabled[PromotionSettings] = setting(
        "Promote the controllers that the stack creates, with passwords from AWS Secrets Manager.",
        "a mapping of settings with domain and secrets",
        default=None,
    )
    detection: WhenEnabled[DetectionSettings] = setting(
        "Enable detection services of the account in the Regions of the sites, if the organization does not do so.",
        "a mapping of guardDuty, inspector, securityHub",
        default=None,
    )
    network_acl: bool = flag("Create a network ACL for the controllers' subnets.", default=True)
    quotas: QuotaSettings = setting(
        "Quotas of the account.",
        "a mapping of rulesPerSecurityGroup, securityGroupsPerInterface, rulesPerNetworkAcl",
        default_factory=QuotaSettings,
    )
    sites: dict[str, SiteSettings] = setting(
        "Sites with controllers, one per Region.",
        "a mapping of Regions to {vpc, subnets, controllers}",
        default_factory=dict,
    )

    @property
    def protects_controllers(self) -> bool:
        """Return whether the stack creates controllers and protects them from termination."""
        return self.termination_protection and any(each.controllers for each in self.sites.values())

    @property
    def detected(self) -> Mapping[SecurityService, frozenset[str]]:
        """Switches of the detection services, of those that are enabled."""
        return self.detection.services if self.detection else {}

    @property
    def evaluates(self) -> bool:
        """Security Hub evaluates a standard, for which AWS Config has to record."""
        return bool(self.detected.get(SecurityService.SECURITY_HUB, frozenset()) - {HUB})

    @property
    def benchmark(self) -> CisScansSettings | None:
        """Settings of the CIS scans, where they are on."""
        return self.detection.benchmark if self.detection else None

    def volumes_of(self, controller: ControllerSettings) -> list[VolumeSettings]:
        """Return the data volumes of a controller, with the one for backups."""
        if self.backups is None:
            return controller.volumes
        return [*controller.volumes, VolumeSettings(device_name=BACKUP_DEVICE, size=self.backups.volume_size)]

    @property
    def options(self) -> Options:
        """Return profile and switches for the port tables."""
        fixed = (self.replication_port, self.netlogon_port)
        return Options(
            profile=self.profile,
            ldaps=self.ldaps,
            dns=self.dns,
            icmp_echo=self.icmp_echo,
            ipsec=self.ipsec,
            wins=self.wins,
            rpc_ports=tuple(port for port in fixed if port is not None),
            files_port=self.dfsr_port,
        )

    def bastion_groups(self, region: str) -> list[str]:
        """Return the IDs of the security groups of a site's bastion hosts."""
        site = self.sites.get(region)
        return (site.bastion_security_group_ids if site else []) or self.bastion_security_group_ids

    def prefix_list_ids(self, region: str) -> dict[str, str]:
        """Return the IDs of a site's prefix lists of clients, by name."""
        site = self.sites.get(region)
        own = site.client_prefix_list_ids if site else {}
        return {name: own.get(name, each.id) for name, each in self.client_prefix_lists.items()}

    @property
    def subnet_names(self) -> tuple[tuple[str, str], ...]:
        """Return the Region and the name of every subnet."""
        return tuple((region, name) for region, site in self.sites.items() for name in site.subnets)

    @property
    def group_quotas(self) -> Quotas:
        """Return the quotas for the planner."""
        return Quotas(
            rules_per_group=self.quotas.rules_per_security_group,
            groups_per_interface=self.quotas.security_groups_per_interface,
        )


def sources(
    section: DomainControllersSection,
    region: str,
    *,
    site_networks: Mapping[str, Sequence[Network]],
    endpoints: Sequence[Peer] = (),
) -> Sources:
    """Return the peers of a site's controllers."""
    resolver = section.resolver_endpoints.sites.get(region) if section.resolver_endpoints else None
    lists = section.prefix_list_ids(region)
    return Sources(
        on_premises=_parsed(section.on_premises_domain_controllers),
        sites={other: networks for other, networks in sorted(site_networks.items()) if other != region},
        clients={name: _parsed(networks) for name, networks in section.clients.items()},
        client_prefix_lists={
            name: prefix_list_peer(lists[name], each.address_family, each.max_entries)
            for name, each in section.client_prefix_lists.items()
        },
        bastions=tuple(section.bastion_groups(region)),
        endpoints=tuple(endpoints),
        resolvers=_parsed(section.resolvers),
        time_sources=_parsed(section.time_sources),
        has_resolver=resolver is not None,
        resolver_clients=_parsed(resolver.inbound_sources) if resolver else (),
        read_only=_parsed(section.read_only_domain_controllers),
        additional_sources=tuple(
            each.peers("additionalSources", name) for name, each in sorted(section.additional_sources.items())
        ),
        additional_destinations=tuple(
            each.peers("additionalDestinations", name) for name, each in sorted(section.additional_destinations.items())
        ),
    )


def known_addresses(
    section: DomainControllersSection, own: Sequence[Network], endpoints: Mapping[str, Sequence[Network]] | None = None
) -> dict[str, Sequence[Network]]:
    """Return the networks of peers that are not networks, as the network ACL needs them.

    `own` are the controllers' subnets; `endpoints` has networks by the ID of the group or prefix list that names them.
    """
    lists: dict[str, tuple[Network, ...]] = {}
    for name, each in section.client_prefix_lists.items():
        ids = [each.id, *(site.client_prefix_list_ids.get(name, each.id) for site in section.sites.values())]
        lists |= dict.fromkeys(ids, _parsed(each.networks)) if each.networks else {}
    of_sites = (id_ for site in section.sites.values() for id_ in site.bastion_security_group_ids)
    bastions = dict.fromkeys([*section.bastion_security_group_ids, *of_sites], _parsed(section.bastion_networks))
    return {ITSELF.value: tuple(own), RESOLVER.value: tuple(own), **bastions, **lists, **(endpoints or {})}


def _parsed(networks: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ip_network(each) for each in networks)
