"""Resources of a site of domain controllers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.detection.names import EXCLUSION_TAG
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
from components.domain_controllers.operations.patching import PATCH_GROUP_TAG
from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.operations.promotion import secret_arns
from operations.inventory.controller_operations import OperationsFacts, read_operations
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
    tag,
)
from operations.inventory.patching import PatchingFacts, read_patching
from operations.inventory.reader import Reader, ReadFailure, returns_failure
from operations.inventory.session_manager import read_key, read_log_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.domain_controllers.event_patterns import Alert
    from components.domain_controllers.site_plan import SiteNetworks, SitePlan
    from operations.deployment import SiteDeployment
    from operations.inventory.iam import RoleFacts
    from operations.inventory.monitoring import EventRule, Sender, TopicFacts
    from operations.inventory.name_resolution import NameResolutionFacts
    from operations.inventory.network import EndpointNetwork, SecurityGroup
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


@dataclass(frozen=True, kw_only=True)
class ManagedPrefixList:
    """A managed prefix list of this account.

    Attributes:
        id: ID, `pl-...`.
        name: Its Name tag.
        max_entries: Maximum number of entries.
    """

    id: str
    name: str
    max_entries: int


@dataclass(frozen=True, kw_only=True)
class VolumeFacts:
    """A volume of a controller.

    Attributes:
        id: ID, `vol-...`.
        key_arn: ARN of the KMS key; "": not encrypted.
        tagged: Whether it carries the controllers' tag.
        size: Size in GiB.
        type: Volume type, `gp3`, ...
    """

    id: str
    key_arn: str
    tagged: bool
    device: str = ""
    size: int = 0
    type: str = "gp3"


@dataclass(frozen=True, kw_only=True)
class ControllerFacts:
    """A domain controller.

    Attributes:
        id: ID, `i-...`.
        name: Its Name tag.
        state: `running`, `stopped`, ...
        metadata: Instance metadata options, by their names in the API.
        type: Instance type, `m6i.large`, ...
        checks_source: Whether the source/destination check is on.
        public: Public addresses with the IDs of their associations ("": not an Elastic IP address).
        protected: Whether termination protection is on; None: not read, as the instance lacks the controllers' tag.
        interface_id: ID of its primary network interface.
        address: Its primary private address.
        profile: Name of the instance profile; "": none.
        tagged: Whether it carries the controllers' tag.
        patch_group: Value of the tag with the patch group; "": none.
        is_excluded: Whether a tag excludes it from Inspector's scans.
    """

    id: str
    name: str
    state: str
    metadata: Mapping[str, object]
    type: str
    checks_source: bool
    public: tuple[tuple[str, str], ...]
    protected: bool | ReadFailure | None
    group_ids: frozenset[str]
    subnet_id: str
    interface_id: str
    address: str
    profile: str
    tagged: bool
    volumes: tuple[VolumeFacts, ...] | ReadFailure
    patch_group: str = ""
    is_excluded: bool = False


@dataclass(frozen=True, kw_only=True)
class FlowLogFacts:
    """A flow log.

    Attributes:
        id: ID, `fl-...`.
        subnet_id: Subnet whose traffic it records.
        traffic: `ALL`, `ACCEPT` or `REJECT`.
        destination: ARN of the log group.
        failure: Reason for which delivery fails; "": it succeeds, or was not attempted yet.
    """

    id: str
    subnet_id: str
    active: bool
    traffic: str
    destination: str
    role_arn: str
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    """Facts about one site; resources that the settings do not define are not read.

    Attributes:
        groups: Security groups of the VPC that carry the controllers' tag.
        entries: Descriptions by CIDR, by ID of the prefix list: those that the groups' rules refer to, and the plan's.
        controllers: Controllers of the VPC that the settings name, by name; several can have the same name.
        key: Key for volumes.
        monitoring_key: Key for alerts and flow logs.
        flow_logs_role: Role that writes them.
        rules: EventBridge rules of the alerts, by name.
        failures: Number of messages that were not delivered, by sender.
        endpoints: Endpoints of the VPC, with their security group.
        name_resolution: Resolver endpoints and rules; None where the settings have none in the Region.
        patching: Patch baseline and maintenance windows; empty where the settings define none.
    """

    groups: tuple[SecurityGroup, ...] | ReadFailure
    lists: tuple[ManagedPrefixList, ...] | ReadFailure
    entries: Mapping[str, Mapping[str, str]] | ReadFailure
    acls: tuple[NetworkAcl, ...] | ReadFailure
    controllers: tuple[ControllerFacts, ...] | ReadFailure
    key: KeyFacts | ReadFailure | None
    monitoring_key: KeyFacts | ReadFailure | None
    flow_logs: tuple[FlowLogFacts, ...] | ReadFailure
    flow_logs_role: RoleFacts | ReadFailure | None
    log_group: LogGroupFacts | ReadFailure | None
    topic: TopicFacts | ReadFailure | None
    rules: Mapping[str, EventRule] | ReadFailure
    failures: Mapping[Sender, int] | ReadFailure
    endpoints: EndpointNetwork
    operations: OperationsFacts
    name_resolution: NameResolutionFacts | ReadFailure | None = None
    patching: PatchingFacts | ReadFailure = field(default_factory=PatchingFacts)


_FAILED = "FAILED"


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
        flow_logs=_flow_logs(reader, [each.id for each in placement.subnets]),
        flow_logs_role=read_role(reader, flow_logs_role_name(site.deployment.region)),
        log_group=read_log_group(reader, FLOW_LOGS),
        topic=read_topic(reader, site.deployment.arn("sns", ALERTS_TOPIC)),
        rules=read_event_rules(reader, ALERTS_TOPIC, rules),
        failures=read_failures(reader, [*(rule_sender(name) for name in rules), topic_sender(ALERTS_TOPIC)]),
        endpoints=read_endpoints(reader, placement.vpc_id, endpoints_group(site, placement)),
        name_resolution=_name_resolution(reader, site, placement.vpc_id),
        patching=read_patching(reader) if site.section.patching and site.settings.controllers else PatchingFacts(),
        operations=read_operations(
            reader,
            plan_operations(site.section, site.deployment.region),
            site.section.backups.buckets.get(site.deployment.region) if site.section.backups else None,
            secret_arns(site.section, site.deployment.region),
        ),
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


def _is_tagged(found: Mapping[str, Any]) -> bool:
    key, value = ROLE_TAG
    return tag(found, key) == value


def _of_controllers(vpc_id: str) -> list[dict[str, Any]]:
    key, value = ROLE_TAG
    return [*filters(vpc_id=[vpc_id]), {"Name": f"tag:{key}", "Values": [value]}]


@returns_failure
def _lists(reader: Reader, account_id: str) -> tuple[ManagedPrefixList, ...]:
    owned = filters(owner_id=[account_id])
    return tuple(
        ManagedPrefixList(id=each["PrefixListId"], name=tag(each, "Name"), max_entries=each.get("MaxEntries", 0))
        for each in reader.items("ec2", "describe_managed_prefix_lists", "PrefixLists", Filters=owned)
        # If the filter has no effect, the lists include AWS-managed ones and those that other accounts share.
        if each.get("OwnerId") == account_id
    )


def _list_ids(
    site: SiteDeployment,
    plan: SitePlan,
    groups: tuple[SecurityGroup, ...] | ReadFailure,
    lists: tuple[ManagedPrefixList, ...] | ReadFailure,
) -> list[str]:
    """Return the IDs of the prefix lists whose entries are compared: the plan's, and those that rules refer to."""
    names = {group_name(site_name(site.deployment.region), each.name) for each in plan.groups.prefix_lists}
    planned = [] if isinstance(lists, ReadFailure) else [each.id for each in lists if each.name in names]
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
        _controller(reader, each, volumes if isinstance(volumes, ReadFailure) else volumes.get(each["InstanceId"], ()))
        for each in there
    )


def _controller(
    reader: Reader, found: Mapping[str, Any], volumes: tuple[VolumeFacts, ...] | ReadFailure
) -> ControllerFacts:
    interfaces: list[Mapping[str, Any]] = found.get("NetworkInterfaces", [])
    first = [each for each in interfaces if each.get("Attachment", {}).get("DeviceIndex", 0) == 0]
    return ControllerFacts(
        id=found["InstanceId"],
        name=tag(found, "Name"),
        state=found["State"]["Name"],
        metadata=found.get("MetadataOptions", {}),
        type=found.get("InstanceType", ""),
        checks_source=bool(found.get("SourceDestCheck", True)),
        public=_public(reader, found, interfaces),
        # The read-only role has this permission for tagged instances only.
        protected=_protected(reader, found["InstanceId"]) if _is_tagged(found) else None,
        group_ids=frozenset(each["GroupId"] for each in found.get("SecurityGroups", ())),
        subnet_id=found.get("SubnetId", ""),
        interface_id=first[0]["NetworkInterfaceId"] if first else "",
        address=found.get("PrivateIpAddress", ""),
        profile=found.get("IamInstanceProfile", {}).get("Arn", "").rsplit("/", 1)[-1],
        tagged=_is_tagged(found),
        volumes=volumes,
        patch_group=tag(found, PATCH_GROUP_TAG),
        is_excluded=any(each["Key"] == EXCLUSION_TAG for each in found.get("Tags", ())),
    )


def _public(
    reader: Reader, found: Mapping[str, Any], interfaces: list[Mapping[str, Any]]
) -> tuple[tuple[str, str], ...]:
    """Return public addresses, Elastic IP addresses with their associations; read these only if there are addresses."""
    ends = [*interfaces, *(each for one in interfaces for each in one.get("PrivateIpAddresses", ()))]
    given: list[str | None] = [
        found.get("PublicIpAddress"),
        *(each.get("Association", {}).get("PublicIp") for each in ends),
    ]
    public = dict.fromkeys((each for each in given if each), "")
    if public:
        answer = reader.read("ec2", "describe_addresses", Filters=filters(instance_id=[found["InstanceId"]]))
        elastic: list[Mapping[str, Any]] = (
            [] if answer is None or isinstance(answer, ReadFailure) else answer.get("Addresses", [])
        )
        public |= {each["PublicIp"]: each["AssociationId"] for each in elastic if each.get("AssociationId")}
    return tuple(public.items())


@returns_failure
def _protected(reader: Reader, instance_id: str) -> bool:
    attribute = "disableApiTermination"
    answer = reader.get("ec2", "describe_instance_attribute", InstanceId=instance_id, Attribute=attribute)
    return bool(answer.get("DisableApiTermination", {}).get("Value"))


@returns_failure
def _volumes(reader: Reader, instance_ids: Sequence[str]) -> dict[str, tuple[VolumeFacts, ...]]:
    if not instance_ids:
        return {}
    attached = [{"Name": "attachment.instance-id", "Values": list(instance_ids)}]
    found: dict[str, tuple[VolumeFacts, ...]] = {}
    for each in reader.items("ec2", "describe_volumes", "Volumes", Filters=attached):
        for attachment in each.get("Attachments", ()):
            facts = VolumeFacts(
                id=each["VolumeId"],
                key_arn=each.get("KmsKeyId", "") if each.get("Encrypted") else "",
                tagged=_is_tagged(each),
                device=attachment.get("Device", ""),
                size=each.get("Size", 0),
                type=each.get("VolumeType", ""),
            )
            found[attachment["InstanceId"]] = (*found.get(attachment["InstanceId"], ()), facts)
    return found


@returns_failure
def _flow_logs(reader: Reader, subnet_ids: Sequence[str]) -> tuple[FlowLogFacts, ...]:
    return tuple(
        FlowLogFacts(
            id=each["FlowLogId"],
            subnet_id=each["ResourceId"],
            active=each["FlowLogStatus"] == "ACTIVE",
            traffic=each["TrafficType"],
            destination=each.get("LogDestination", "").removesuffix(":*"),
            role_arn=each.get("DeliverLogsPermissionArn", ""),
            failure=each.get("DeliverLogsErrorMessage")
            or (_FAILED if each.get("DeliverLogsStatus") == _FAILED else ""),
        )
        for each in reader.items("ec2", "describe_flow_logs", "FlowLogs", Filters=filters(resource_id=subnet_ids))
    )
