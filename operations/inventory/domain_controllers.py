"""Resources of a site of domain controllers."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from common.network import Family, Network
from components.domain_controllers.event_patterns import ALERTS
from components.domain_controllers.names import (
    ALERTS_TOPIC,
    CONTROLLERS_KEY_ALIAS,
    FLOW_LOGS,
    MONITORING_KEY_ALIAS,
    ROLE_TAG,
    alert_rule_name,
    flow_logs_role_name,
    group_name,
    site_name,
)
from components.domain_controllers.operations.plan import needs_s3
from components.domain_controllers.site_plan import S3_LIST_WEIGHT, SiteNetworks
from components.domain_controllers.traffic_requirements import Peer, prefix_list_peer
from components.session_manager.endpoint_services import service_name
from operations.inventory.iam import read_role
from operations.inventory.instances import GONE
from operations.inventory.monitoring import read_event_rules, read_failures, read_topic, rule_sender, topic_sender
from operations.inventory.name_resolution import read_name_resolution
from operations.inventory.network import (
    NetworkAcl,
    filters,
    read_endpoints,
    read_groups,
    read_network_acls,
    read_prefix_list,
    read_route_tables,
    read_vpc_ids,
    route_table_of,
    tag,
)
from operations.inventory.reader import Answer, Reader, ReadFailure, attempt, known, returns_failure
from operations.inventory.session_manager import read_key, read_log_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.domain_controllers.event_patterns import Alert
    from components.domain_controllers.site_plan import SitePlan
    from operations.deployment import SiteDeployment
    from operations.inventory.iam import RoleFacts
    from operations.inventory.monitoring import EventRule, Sender, TopicFacts
    from operations.inventory.name_resolution import NameResolutionFacts
    from operations.inventory.network import EndpointNetwork, RouteTable, SecurityGroup
    from operations.inventory.session_manager import KeyFacts, LogGroupFacts


@dataclass(frozen=True, kw_only=True)
class SiteSubnet:
    """A subnet of the controllers.

    Attributes:
        id: ID, `subnet-...`.
        given: ID or name in the settings.
        zone: Availability Zone, `eu-west-1a`.
        internet_gateway: Internet gateway that one of its routes leads to; "": none.
    """

    id: str
    given: str
    zone: str
    cidrs: tuple[str, ...]
    internet_gateway: str = ""


@dataclass(frozen=True, kw_only=True)
class SitePlacement:
    """The network of a site.

    Attributes:
        vpc_id: The only VPC that the settings name.
        subnets: Subnets in the settings' order.
        networks: Networks that planning requires.
        endpoint_subnets: Subnets of the endpoints: their names in the settings, by ID.
        shares_endpoints: Whether the endpoints are those of `shell-access:endpoints`.
    """

    vpc_id: str
    subnets: tuple[SiteSubnet, ...]
    networks: SiteNetworks
    endpoint_subnets: Mapping[str, str] = field(default_factory=dict[str, str])
    shares_endpoints: bool = False


class _PlacementError(Exception):
    """A fault of the resources that the settings name."""


@returns_failure
def read_placement(reader: Reader, site: SiteDeployment) -> SitePlacement | str:
    """Read a site's network; a string is a fault of the resources that the settings name."""
    try:
        return _place(reader, site)
    except _PlacementError as fault:
        return str(fault)


def _place(reader: Reader, site: SiteDeployment) -> SitePlacement:
    vpc_id = _vpc(reader, site.settings.vpc)
    subnets = reader.items("ec2", "describe_subnets", "Subnets", Filters=filters(vpc_id=[vpc_id]))
    tables = known(read_route_tables(reader, vpc_id))
    own = _named(subnets, site.settings.subnets, vpc_id, tables)
    shared = _endpoint_subnets(reader, site, vpc_id, subnets)
    endpoints = shared or _one_a_zone(own)
    networks = SiteNetworks(controllers=_networks(own), endpoints=_networks(endpoints), lists=_s3_list(reader, site))
    return SitePlacement(
        vpc_id=vpc_id,
        subnets=own,
        networks=networks,
        endpoint_subnets={each.id: each.given for each in endpoints},
        shares_endpoints=bool(shared),
    )


def _vpc(reader: Reader, given: str) -> str:
    ids = read_vpc_ids(reader, given)
    if len(ids) != 1:
        raise _PlacementError(f"{len(ids)} such VPCs: {', '.join(ids)}" if ids else "no such VPC")
    return ids[0]


def _named(
    subnets: Sequence[Answer], given: Sequence[str], vpc_id: str, tables: Sequence[RouteTable] = ()
) -> tuple[SiteSubnet, ...]:
    """Return the subnets that the settings name."""
    found: list[SiteSubnet] = []
    for name in given:
        fitting = [each for each in subnets if name in (each["SubnetId"], tag(each, "Name"))]
        if len(fitting) != 1:
            raise _PlacementError(f"{len(fitting) or 'no'} subnet{'s' * (len(fitting) > 1)} {name} in {vpc_id}")
        found.append(_subnet(fitting[0], name, tables))
    return tuple(found)


def _subnet(found: Answer, given: str, tables: Sequence[RouteTable]) -> SiteSubnet:
    table = route_table_of(tables, found["SubnetId"])
    targets = [route.target for route in table.routes] if table else []
    v6 = [
        each["Ipv6CidrBlock"]
        for each in found.get("Ipv6CidrBlockAssociationSet", ())
        if each.get("Ipv6CidrBlockState", {}).get("State") == "associated"
    ]
    return SiteSubnet(
        id=found["SubnetId"],
        given=given,
        zone=found["AvailabilityZone"],
        cidrs=tuple(cidr for cidr in (found.get("CidrBlock"), *v6) if cidr),
        internet_gateway=next((each for each in targets if each.startswith("igw-")), ""),
    )


def _endpoint_subnets(
    reader: Reader, site: SiteDeployment, vpc_id: str, subnets: Sequence[Answer]
) -> tuple[SiteSubnet, ...]:
    """Return the subnets of the `shell-access:endpoints` endpoints in the same VPC; empty: it has its own."""
    settings = site.deployment.endpoints
    if settings is None or _vpc(reader, settings.vpc) != vpc_id:
        return ()
    return _named(subnets, settings.subnets, vpc_id)


def _one_a_zone(subnets: Iterable[SiteSubnet]) -> tuple[SiteSubnet, ...]:
    first: dict[str, SiteSubnet] = {}
    for each in subnets:
        first.setdefault(each.zone, each)
    return tuple(first.values())


def _s3_list(reader: Reader, site: SiteDeployment) -> dict[Peer, tuple[Network, ...]]:
    """Return S3's AWS-managed prefix list if controllers use S3."""
    logging = site.deployment.session_manager
    if not (logging and logging.s3_logging) and not needs_s3(site.section, site.deployment.region):
        return {}
    by_name = [{"Name": "prefix-list-name", "Values": [service_name(site.deployment.region, "s3")]}]
    found: dict[Peer, tuple[Network, ...]] = {}
    for each in reader.items("ec2", "describe_managed_prefix_lists", "PrefixLists", Filters=by_name):
        held = read_prefix_list(reader, each["PrefixListId"])
        peer = prefix_list_peer(each["PrefixListId"], Family.IPV4, S3_LIST_WEIGHT)
        found[peer] = tuple(ip_network(entry["Cidr"]) for entry in held)
    return found


def _networks(subnets: Iterable[SiteSubnet]) -> tuple[Network, ...]:
    return tuple(ip_network(cidr) for each in subnets for cidr in each.cidrs)


@dataclass(frozen=True, kw_only=True)
class ControllerFacts:
    """A domain controller.

    Attributes:
        instance: The instance in the format of the API.
        public: IDs of the associations by public address; "": not an Elastic IP address.
        protected: Whether termination protection is on; None: not read, as the instance lacks the controllers' tag.
        volumes: Its volumes in the format of the API.
    """

    instance: Answer
    public: Mapping[str, str] = field(default_factory=dict[str, str])
    protected: bool | ReadFailure | None
    volumes: Sequence[Answer] | ReadFailure

    @property
    def id(self) -> str:
        """ID, `i-...`."""
        return self.instance["InstanceId"]

    @property
    def name(self) -> str:
        """Its Name tag."""
        return tag(self.instance, "Name")

    @property
    def address(self) -> str:
        """Its primary private address."""
        return self.instance.get("PrivateIpAddress", "")

    @property
    def interface_id(self) -> str:
        """ID of its primary network interface."""
        interfaces: list[Answer] = self.instance.get("NetworkInterfaces", [])
        first = (each for each in interfaces if each.get("Attachment", {}).get("DeviceIndex", 0) == 0)
        return next((each["NetworkInterfaceId"] for each in first), "")


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    """Facts about one site; resources that the settings do not define are not read.

    Attributes:
        groups: Security groups of the VPC that carry the controllers' tag.
        lists: Managed prefix lists of this account in the format of the API, by Name tag.
        entries: Descriptions by CIDR, by ID of the prefix list: those that the groups' rules refer to, and the plan's.
        controllers: Controllers of the VPC that the settings name, by name; several can have the same name.
        key: Key for volumes.
        flow_logs: Flow logs of the controllers' subnets, in the format of the API.
        monitoring_key: Key for alerts and flow logs.
        flow_logs_role: Role that writes them.
        rules: EventBridge rules of the alerts, by name.
        failures: Number of messages that were not delivered, by sender.
        endpoints: Endpoints of the VPC, with their security group.
        name_resolution: Resolver endpoints and rules; None where the settings have none in the Region.
    """

    groups: tuple[SecurityGroup, ...] | ReadFailure
    lists: Mapping[str, Answer] | ReadFailure
    entries: Mapping[str, Mapping[str, str]] | ReadFailure
    acls: tuple[NetworkAcl, ...] | ReadFailure
    controllers: tuple[ControllerFacts, ...] | ReadFailure
    key: KeyFacts | ReadFailure | None
    monitoring_key: KeyFacts | ReadFailure | None
    flow_logs: Sequence[Answer] | ReadFailure
    flow_logs_role: RoleFacts | ReadFailure | None
    log_group: LogGroupFacts | ReadFailure | None
    topic: TopicFacts | ReadFailure | None
    rules: Mapping[str, EventRule] | ReadFailure
    failures: Mapping[Sender, int] | ReadFailure
    endpoints: EndpointNetwork
    name_resolution: NameResolutionFacts | ReadFailure | None = None


def read_site(reader: Reader, site: SiteDeployment, placement: SitePlacement, plan: SitePlan) -> SiteFacts:
    """Read a site; facts that cannot be read contain the reason."""
    groups, lists = read_groups(reader, _of_controllers(placement.vpc_id)), _lists(reader, site.deployment.account_id)
    rules = [alert_rule_name(each.name) for each in alerts_of(site)]
    return SiteFacts(
        groups=groups,
        lists=lists,
        entries=_entries(reader, _list_ids(site, plan, groups, lists)),
        acls=read_network_acls(reader, placement.vpc_id) if plan.acl else (),
        controllers=_controllers(reader, site, placement.vpc_id) if site.settings.controllers else (),
        key=read_key(reader, CONTROLLERS_KEY_ALIAS, policy=True),
        monitoring_key=read_key(reader, MONITORING_KEY_ALIAS, policy=True),
        flow_logs=attempt(
            lambda: reader.items(
                "ec2",
                "describe_flow_logs",
                "FlowLogs",
                Filters=filters(resource_id=[each.id for each in placement.subnets]),
            )
        ),
        flow_logs_role=read_role(reader, flow_logs_role_name(site.deployment.region)),
        log_group=read_log_group(reader, FLOW_LOGS),
        topic=read_topic(reader, site.deployment.arn("sns", ALERTS_TOPIC)),
        rules=read_event_rules(reader, ALERTS_TOPIC, rules),
        failures=read_failures(reader, [*(rule_sender(name) for name in rules), topic_sender(ALERTS_TOPIC)]),
        endpoints=read_endpoints(reader, placement.vpc_id, endpoints_group(site, placement)),
        name_resolution=_name_resolution(reader, site, placement.vpc_id),
    )


def _name_resolution(reader: Reader, site: SiteDeployment, vpc_id: str) -> NameResolutionFacts | ReadFailure | None:
    settings = site.section.resolver_endpoints
    if settings is None or site.deployment.region not in settings.sites:
        return None
    return read_name_resolution(reader, vpc_id, settings, site.deployment.account_id)


def alerts_of(site: SiteDeployment) -> list[Alert]:
    """Return the alerts of a site; those about instances only where it has controllers."""
    return [each for each in ALERTS if site.settings.controllers or not each.needs_instances]


def endpoints_group(site: SiteDeployment, placement: SitePlacement) -> str:
    """Return the Name tag of the endpoints' security group."""
    region = site.deployment.region
    return f"endpoints-{region}" if placement.shares_endpoints else f"{site_name(region)}-endpoints"


def has_role_tag(found: Answer) -> bool:
    """Return whether an instance or a volume has the tag of controllers."""
    key, value = ROLE_TAG
    return tag(found, key) == value


def _of_controllers(vpc_id: str) -> list[dict[str, Any]]:
    key, value = ROLE_TAG
    return [*filters(vpc_id=[vpc_id]), {"Name": f"tag:{key}", "Values": [value]}]


@returns_failure
def _lists(reader: Reader, account_id: str) -> dict[str, Answer]:
    owned = filters(owner_id=[account_id])
    return {
        tag(each, "Name"): each
        for each in reader.items("ec2", "describe_managed_prefix_lists", "PrefixLists", Filters=owned)
        # If the filter has no effect, the lists include AWS-managed ones and those that other accounts share.
        if each.get("OwnerId") == account_id
    }


def _list_ids(
    site: SiteDeployment,
    plan: SitePlan,
    groups: tuple[SecurityGroup, ...] | ReadFailure,
    lists: Mapping[str, Answer] | ReadFailure,
) -> list[str]:
    """Return the IDs of the prefix lists whose entries are compared: the plan's, and those that rules refer to."""
    names = {group_name(site_name(site.deployment.region), each.name) for each in plan.groups.prefix_lists}
    planned = (
        []
        if isinstance(lists, ReadFailure)
        else [each["PrefixListId"] for name, each in lists.items() if name in names]
    )
    referred = (
        []
        if isinstance(groups, ReadFailure)
        else [rule.peer for each in groups for rule in each.rules if rule.peer.startswith("pl-")]
    )
    return sorted({*planned, *referred})


@returns_failure
def _entries(reader: Reader, ids: Iterable[str]) -> dict[str, dict[str, str]]:
    return {id_: {each["Cidr"]: each.get("Description") or "" for each in read_prefix_list(reader, id_)} for id_ in ids}


@returns_failure
def _controllers(reader: Reader, site: SiteDeployment, vpc_id: str) -> tuple[ControllerFacts, ...]:
    named = [each.name for each in site.settings.controllers]
    by_name = [*filters(vpc_id=[vpc_id]), {"Name": "tag:Name", "Values": named}]
    reservations = reader.items("ec2", "describe_instances", "Reservations", Filters=by_name)
    found = [each for reservation in reservations for each in reservation["Instances"]]
    there = [each for each in found if each["State"]["Name"] not in GONE]
    volumes = _volumes(reader, [each["InstanceId"] for each in there])
    return tuple(
        ControllerFacts(
            instance=each,
            public=_public(reader, each),
            # The read-only role has this permission for tagged instances only.
            protected=_protected(reader, each["InstanceId"]) if has_role_tag(each) else None,
            volumes=volumes if isinstance(volumes, ReadFailure) else volumes.get(each["InstanceId"], ()),
        )
        for each in there
    )


def _public(reader: Reader, found: Answer) -> dict[str, str]:
    """Return public addresses, Elastic IP addresses with their associations; read these only if there are addresses."""
    interfaces: list[Answer] = found.get("NetworkInterfaces", [])
    ends = [*interfaces, *(each for one in interfaces for each in one.get("PrivateIpAddresses", ()))]
    given: list[str | None] = [
        found.get("PublicIpAddress"),
        *(each.get("Association", {}).get("PublicIp") for each in ends),
    ]
    public = dict.fromkeys((each for each in given if each), "")
    if public:
        answer = reader.read("ec2", "describe_addresses", Filters=filters(instance_id=[found["InstanceId"]]))
        elastic: list[Answer] = [] if answer is None or isinstance(answer, ReadFailure) else answer.get("Addresses", [])
        public |= {each["PublicIp"]: each["AssociationId"] for each in elastic if each.get("AssociationId")}
    return public


@returns_failure
def _protected(reader: Reader, instance_id: str) -> bool:
    attribute = "disableApiTermination"
    answer = reader.get("ec2", "describe_instance_attribute", InstanceId=instance_id, Attribute=attribute)
    return bool(answer.get("DisableApiTermination", {}).get("Value"))


@returns_failure
def _volumes(reader: Reader, instance_ids: Sequence[str]) -> dict[str, tuple[Answer, ...]]:
    if not instance_ids:
        return {}
    attached = [{"Name": "attachment.instance-id", "Values": list(instance_ids)}]
    found: dict[str, tuple[Answer, ...]] = {}
    for each in reader.items("ec2", "describe_volumes", "Volumes", Filters=attached):
        for attachment in each.get("Attachments", ()):
            found[attachment["InstanceId"]] = (*found.get(attachment["InstanceId"], ()), each)
    return found
