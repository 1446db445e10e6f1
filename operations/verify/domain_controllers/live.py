"""Functions that read the facts about a site of domain controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.domain_controllers.event_patterns import ALERTS
from components.domain_controllers.names import (
    ALERTS_TOPIC,
    CONTROLLERS_KEY_ALIAS,
    FLOW_LOGS,
    MONITORING_KEY_ALIAS,
    alert_rule_name,
    flow_logs_role_name,
    group_name,
    site_name,
)
from components.domain_controllers.packet_evaluation import acl_rules_from_aws
from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from operations.reading import Reader, Unread
from operations.verify.delivery import read_failures, rule_sender, topic_sender
from operations.verify.domain_controllers.facts import (
    AclFacts,
    AskedSite,
    ControllerFacts,
    FlowLogFacts,
    ListFacts,
    PlaceFacts,
    SiteFacts,
    VolumeFacts,
)
from operations.verify.event_rules import read_event_rules
from operations.verify.live import read_endpoints, read_key, read_log_group
from operations.verify.roles import read_role
from operations.verify.security_groups import filters, read_groups, tag
from operations.verify.topics import read_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.domain_controllers.event_patterns import Alert
    from components.domain_controllers.site_plan import SitePlan
    from operations.verify.security_groups import GroupFacts

_GONE = ("shutting-down", "terminated")
_FAILED = "FAILED"


def read_site(reader: Reader, wanted: AskedSite, place: PlaceFacts, plan: SitePlan) -> SiteFacts:
    """Read a site; facts that cannot be read contain the reason.

    Args:
        reader: Reader of the Region.
        wanted: Settings of the site.
        place: Network of the site.
        plan: Plan of the site, with the names by which some resources are found.
    """
    groups, lists = read_groups(reader, _of_controllers(place.vpc_id)), _lists(reader, wanted.asked.account_id)
    rules = [alert_rule_name(each.name) for each in alerts_of(wanted)]
    return SiteFacts(
        groups=groups,
        lists=lists,
        entries=_entries(reader, _list_ids(wanted, plan, groups, lists)),
        acls=_acls(reader, place.vpc_id) if plan.acl else (),
        controllers=_controllers(reader, wanted, place.vpc_id) if wanted.site.controllers else (),
        key=read_key(reader, CONTROLLERS_KEY_ALIAS, policy=True),
        monitoring_key=read_key(reader, MONITORING_KEY_ALIAS, policy=True),
        flow_logs=_flow_logs(reader, [each.id for each in place.subnets]),
        flow_logs_role=read_role(reader, flow_logs_role_name(wanted.asked.region)),
        log_group=read_log_group(reader, FLOW_LOGS),
        topic=read_topic(reader, wanted.arn("sns", ALERTS_TOPIC)),
        rules=read_event_rules(reader, ALERTS_TOPIC, rules),
        failures=read_failures(reader, [*(rule_sender(name) for name in rules), topic_sender(ALERTS_TOPIC)]),
        endpoints=read_endpoints(reader, place.vpc_id, endpoints_group(wanted, place)),
    )


def alerts_of(wanted: AskedSite) -> list[Alert]:
    """Return the alerts of a site; those about instances only where it has controllers."""
    return [each for each in ALERTS if wanted.site.controllers or not each.needs_instances]


def endpoints_group(wanted: AskedSite, place: PlaceFacts) -> str:
    """Return the Name tag of the endpoints' security group."""
    region = wanted.asked.region
    return f"endpoints-{region}" if place.shares_endpoints else f"{site_name(region)}-endpoints"


def _is_tagged(found: Mapping[str, Any]) -> bool:
    key, value = ROLE_TAG
    return tag(found, key) == value


def _of_controllers(vpc_id: str) -> list[dict[str, Any]]:
    key, value = ROLE_TAG
    return [*filters(vpc_id=[vpc_id]), {"Name": f"tag:{key}", "Values": [value]}]


def _lists(reader: Reader, account_id: str) -> tuple[ListFacts, ...] | Unread:
    answer = reader.read("ec2", "describe_managed_prefix_lists", Filters=filters(owner_id=[account_id]))
    if isinstance(answer, Unread):
        return answer
    return tuple(
        ListFacts(id=each["PrefixListId"], name=tag(each, "Name"), max_entries=each.get("MaxEntries", 0))
        for each in (answer or {}).get("PrefixLists", ())
        # If the filter has no effect, the lists include AWS-managed ones and those that other accounts share.
        if each.get("OwnerId") == account_id
    )


def _list_ids(
    wanted: AskedSite,
    plan: SitePlan,
    groups: tuple[GroupFacts, ...] | Unread,
    lists: tuple[ListFacts, ...] | Unread,
) -> list[str]:
    """Return the IDs of the prefix lists whose entries are compared: the plan's, and those that rules refer to."""
    names = {group_name(site_name(wanted.asked.region), each.name) for each in plan.groups.prefix_lists}
    planned = [] if isinstance(lists, Unread) else [each.id for each in lists if each.name in names]
    referred = (
        []
        if isinstance(groups, Unread)
        else [rule.peer for each in groups for rule in each.rules if rule.peer.startswith("pl-")]
    )
    return sorted({*planned, *referred})


def _entries(reader: Reader, ids: Iterable[str]) -> dict[str, dict[str, str]] | Unread:
    found: dict[str, dict[str, str]] = {}
    for each in ids:
        answer = reader.read("ec2", "get_managed_prefix_list_entries", PrefixListId=each)
        if isinstance(answer, Unread):
            return answer
        found[each] = {entry["Cidr"]: entry.get("Description") or "" for entry in (answer or {}).get("Entries", ())}
    return found


def _acls(reader: Reader, vpc_id: str) -> tuple[AclFacts, ...] | Unread:
    answer = reader.read("ec2", "describe_network_acls", Filters=filters(vpc_id=[vpc_id]))
    if isinstance(answer, Unread):
        return answer
    return tuple(
        AclFacts(
            id=each["NetworkAclId"],
            name=tag(each, "Name"),
            subnet_ids=frozenset(link["SubnetId"] for link in each.get("Associations", ())),
            rules=acl_rules_from_aws(each["Entries"]),
        )
        for each in (answer or {}).get("NetworkAcls", ())
    )


def _controllers(reader: Reader, wanted: AskedSite, vpc_id: str) -> tuple[ControllerFacts, ...] | Unread:
    named = [each.name for each in wanted.site.controllers]
    by_name = [*filters(vpc_id=[vpc_id]), {"Name": "tag:Name", "Values": named}]
    answer = reader.read("ec2", "describe_instances", Filters=by_name)
    if isinstance(answer, Unread):
        return answer
    found = [each for reservation in (answer or {}).get("Reservations", ()) for each in reservation["Instances"]]
    there = [each for each in found if each["State"]["Name"] not in _GONE]
    volumes = _volumes(reader, [each["InstanceId"] for each in there])
    return tuple(
        _controller(reader, each, volumes if isinstance(volumes, Unread) else volumes.get(each["InstanceId"], ()))
        for each in there
    )


def _controller(reader: Reader, found: Mapping[str, Any], volumes: tuple[VolumeFacts, ...] | Unread) -> ControllerFacts:
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
        profile=found.get("IamInstanceProfile", {}).get("Arn", "").rsplit("/", 1)[-1],
        tagged=_is_tagged(found),
        volumes=volumes,
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
            [] if answer is None or isinstance(answer, Unread) else answer.get("Addresses", [])
        )
        public |= {each["PublicIp"]: each["AssociationId"] for each in elastic if each.get("AssociationId")}
    return tuple(public.items())


def _protected(reader: Reader, instance_id: str) -> bool | Unread:
    attribute = "disableApiTermination"
    answer = reader.read("ec2", "describe_instance_attribute", InstanceId=instance_id, Attribute=attribute)
    if isinstance(answer, Unread):
        return answer
    return bool((answer or {}).get("DisableApiTermination", {}).get("Value"))


def _volumes(reader: Reader, instance_ids: Sequence[str]) -> dict[str, tuple[VolumeFacts, ...]] | Unread:
    if not instance_ids:
        return {}
    attached = [{"Name": "attachment.instance-id", "Values": list(instance_ids)}]
    answer = reader.read("ec2", "describe_volumes", Filters=attached)
    if isinstance(answer, Unread):
        return answer
    found: dict[str, tuple[VolumeFacts, ...]] = {}
    for each in (answer or {}).get("Volumes", ()):
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


def _flow_logs(reader: Reader, subnet_ids: Sequence[str]) -> tuple[FlowLogFacts, ...] | Unread:
    answer = reader.read("ec2", "describe_flow_logs", Filters=filters(resource_id=subnet_ids))
    if isinstance(answer, Unread):
        return answer
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
        for each in (answer or {}).get("FlowLogs", ())
    )
