"""Reads what is live of a site of domain controllers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components.directory.demands import Direction
from components.directory.event_patterns import ALERTS
from components.directory.names import (
    ALERTS_TOPIC,
    CONTROLLERS_KEY_ALIAS,
    FLOW_LOGS,
    MONITORING_KEY_ALIAS,
    TRAIL,
    alert_rule_name,
    group_name,
    site_name,
)
from components.directory.oracle import acl_rules_from_aws
from components.directory.port_forwarding_policy import ROLE_TAG
from operations.reading import Reader, Unread
from operations.verify.directory_facts import (
    AclFacts,
    AlertFacts,
    AskedSite,
    ControllerFacts,
    FlowLogFacts,
    GroupFacts,
    ListFacts,
    PlaceFacts,
    RuleFacts,
    SiteFacts,
    TopicFacts,
    TrailFacts,
    VolumeFacts,
)
from operations.verify.live import read_key, read_log_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.directory.site_plan import SitePlan

_GONE = ("shutting-down", "terminated")
_UNCONFIRMED = "PendingConfirmation"


def read_site(reader: Reader, wanted: AskedSite, place: PlaceFacts, plan: SitePlan) -> SiteFacts:
    """Reads a site; what cannot be read says why.

    Args:
        reader: of the Region.
        wanted: at the site.
        place: its network.
        plan: what should be there, as some things are found by their names in it.
    """
    groups, lists = _groups(reader, place.vpc_id), _lists(reader, wanted.asked.account_id)
    return SiteFacts(
        groups=groups,
        lists=lists,
        entries=_entries(reader, _list_ids(wanted, plan, groups, lists)),
        acls=_acls(reader, place.vpc_id) if plan.acl else (),
        controllers=_controllers(reader, wanted, place.vpc_id) if wanted.site.controllers else (),
        key=read_key(reader, CONTROLLERS_KEY_ALIAS),
        monitoring_key=read_key(reader, MONITORING_KEY_ALIAS),
        flow_logs=_flow_logs(reader, [each.id for each in place.subnets]),
        log_group=read_log_group(reader, FLOW_LOGS),
        topic=_topic(reader, wanted.arn("sns", ALERTS_TOPIC)),
        alerts={
            each.name: _alert(reader, alert_rule_name(each.name))
            for each in ALERTS
            if wanted.site.controllers or not each.needs_instances
        },
    )


def read_trail(reader: Reader, existing: str) -> TrailFacts | Unread | None:
    """Reads the trail that the alerts rest on.

    Args:
        reader: of the Region where the stack keeps what an account has once.
        existing: name or ARN of the one that the settings name; "": the stack's own.
    """
    absent = ("TrailNotFoundException",)
    trail = reader.read("cloudtrail", "get_trail", absent=absent, Name=existing or TRAIL)
    if trail is None or isinstance(trail, Unread):
        return trail
    found = trail["Trail"]
    # By the ARN, as a trail of an organization or of another Region is known by no other name here.
    status = reader.read("cloudtrail", "get_trail_status", absent=absent, Name=found["TrailARN"])
    if status is None or isinstance(status, Unread):
        return status
    return TrailFacts(logging=bool(status["IsLogging"]), multi_region=bool(found.get("IsMultiRegionTrail")))


def tag(found: Mapping[str, Any], key: str) -> str:
    """The value of a tag; "": there is none."""
    return next((each["Value"] for each in found.get("Tags", ()) if each["Key"] == key), "")


def _is_tagged(found: Mapping[str, Any]) -> bool:
    key, value = ROLE_TAG
    return tag(found, key) == value


def _filters(**values: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Name": name.replace("_", "-"), "Values": list(each)} for name, each in values.items()]


def _groups(reader: Reader, vpc_id: str) -> tuple[GroupFacts, ...] | Unread:
    key, value = ROLE_TAG
    by_tag = [*_filters(vpc_id=[vpc_id]), {"Name": f"tag:{key}", "Values": [value]}]
    answer = reader.read("ec2", "describe_security_groups", Filters=by_tag)
    if isinstance(answer, Unread):
        return answer
    found: list[Mapping[str, Any]] = (answer or {}).get("SecurityGroups", [])
    if not found:
        return ()
    ids = [each["GroupId"] for each in found]
    rules = reader.read("ec2", "describe_security_group_rules", Filters=_filters(group_id=ids))
    if isinstance(rules, Unread):
        return rules
    read: list[Mapping[str, Any]] = (rules or {}).get("SecurityGroupRules", [])
    return tuple(
        GroupFacts(
            id=each["GroupId"],
            name=tag(each, "Name"),
            rules=tuple(_rule(rule) for rule in read if rule["GroupId"] == each["GroupId"]),
        )
        for each in found
    )


def _rule(answer: Mapping[str, Any]) -> RuleFacts:
    peers = (answer.get(key) for key in ("CidrIpv4", "CidrIpv6", "PrefixListId"))
    return RuleFacts(
        id=answer["SecurityGroupRuleId"],
        direction=Direction.EGRESS if answer["IsEgress"] else Direction.INGRESS,
        protocol=answer["IpProtocol"],
        from_port=answer.get("FromPort", -1),
        to_port=answer.get("ToPort", -1),
        peer=next((each for each in peers if each), answer.get("ReferencedGroupInfo", {}).get("GroupId", "")),
        description=answer.get("Description") or "",
        name=tag(answer, "Name"),
        answer=answer,
    )


def _lists(reader: Reader, account_id: str) -> tuple[ListFacts, ...] | Unread:
    answer = reader.read("ec2", "describe_managed_prefix_lists", Filters=_filters(owner_id=[account_id]))
    if isinstance(answer, Unread):
        return answer
    return tuple(
        ListFacts(id=each["PrefixListId"], name=tag(each, "Name"), max_entries=each.get("MaxEntries", 0))
        for each in (answer or {}).get("PrefixLists", ())
        # Shared lists of other accounts and AWS' own are listed, too, where the filter is not heeded.
        if each.get("OwnerId") == account_id
    )


def _list_ids(
    wanted: AskedSite,
    plan: SitePlan,
    groups: tuple[GroupFacts, ...] | Unread,
    lists: tuple[ListFacts, ...] | Unread,
) -> list[str]:
    """Of the lists whose entries matter: the plan's, and whatever rules refer to."""
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
    answer = reader.read("ec2", "describe_network_acls", Filters=_filters(vpc_id=[vpc_id]))
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
    by_name = [*_filters(vpc_id=[vpc_id]), {"Name": "tag:Name", "Values": named}]
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
        tokens=found.get("MetadataOptions", {}).get("HttpTokens", ""),
        public=_public(reader, found, interfaces),
        protected=_protected(reader, found["InstanceId"]),
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
    """Public addresses; of elastic ones, which are asked for only where there is any, with their associations."""
    ends = [*interfaces, *(each for one in interfaces for each in one.get("PrivateIpAddresses", ()))]
    given: list[str | None] = [
        found.get("PublicIpAddress"),
        *(each.get("Association", {}).get("PublicIp") for each in ends),
    ]
    public = dict.fromkeys((each for each in given if each), "")
    if public:
        answer = reader.read("ec2", "describe_addresses", Filters=_filters(instance_id=[found["InstanceId"]]))
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
        facts = VolumeFacts(
            id=each["VolumeId"],
            key_arn=each.get("KmsKeyId", "") if each.get("Encrypted") else "",
            tagged=_is_tagged(each),
        )
        for attachment in each.get("Attachments", ()):
            found[attachment["InstanceId"]] = (*found.get(attachment["InstanceId"], ()), facts)
    return found


def _flow_logs(reader: Reader, subnet_ids: Sequence[str]) -> tuple[FlowLogFacts, ...] | Unread:
    answer = reader.read("ec2", "describe_flow_logs", Filters=_filters(resource_id=subnet_ids))
    if isinstance(answer, Unread):
        return answer
    return tuple(
        FlowLogFacts(
            subnet_id=each["ResourceId"],
            active=each["FlowLogStatus"] == "ACTIVE",
            traffic=each["TrafficType"],
            destination=each.get("LogDestination", "").removesuffix(":*"),
        )
        for each in (answer or {}).get("FlowLogs", ())
    )


def _topic(reader: Reader, arn: str) -> TopicFacts | Unread | None:
    answer = reader.read("sns", "get_topic_attributes", absent=("NotFound", "NotFoundException"), TopicArn=arn)
    if answer is None or isinstance(answer, Unread):
        return answer
    subscriptions = reader.read("sns", "list_subscriptions_by_topic", TopicArn=arn)
    return TopicFacts(
        key=answer["Attributes"].get("KmsMasterKeyId", ""),
        unconfirmed=subscriptions
        if isinstance(subscriptions, Unread)
        else tuple(
            each["Endpoint"]
            for each in (subscriptions or {}).get("Subscriptions", ())
            if each["SubscriptionArn"] == _UNCONFIRMED
        ),
    )


def _alert(reader: Reader, name: str) -> AlertFacts | Unread | None:
    answer = reader.read("events", "describe_rule", absent=("ResourceNotFoundException",), Name=name)
    if answer is None or isinstance(answer, Unread):
        return answer
    targets = reader.read("events", "list_targets_by_rule", Rule=name)
    return AlertFacts(
        enabled=answer.get("State") != "DISABLED",
        pattern=json.loads(answer.get("EventPattern") or "{}"),
        targets=targets
        if isinstance(targets, Unread)
        else tuple(each["Arn"] for each in (targets or {}).get("Targets", ())),
    )
