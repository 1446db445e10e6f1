"""Topics, EventBridge rules, failed deliveries, trails, and the recorder of AWS Config."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from common.aws.failures import MalformedAnswerError
from common.config_recorders import STATUS, why_not_recorded
from components.approval.alarms import WATCHED_SOURCES
from operations.inventory.reader import Answer, Reader, ReadError, ReadFailure, attempt, returns_failure
from operations.inventory.session_manager import NO_BUCKET, open_to_public, read_default_encryption

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_NO_TOPIC: Final = ("NotFound", "NotFoundException")
_PENDING: Final = ("PendingConfirmation", "Deleted")


@dataclass(frozen=True, kw_only=True)
class SubscriptionFacts:
    """A subscription to the topic.

    Attributes:
        arn: ARN of the subscription; empty while it is pending confirmation.
        protocol: `email`, ...
        endpoint: Email address.
        is_authenticated: Whether unsubscribing requires credentials; otherwise the link in every message is enough.
        is_filtered: Whether a filter policy excludes messages.
    """

    arn: str
    protocol: str
    endpoint: str
    is_authenticated: bool = False
    is_filtered: bool = False


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """A topic.

    Attributes:
        key: Key that encrypts it; "": none.
    """

    key: str
    policy: Mapping[str, Any]
    subscriptions: tuple[SubscriptionFacts, ...] | ReadFailure


@returns_failure
def read_topic(reader: Reader, arn: str) -> TopicFacts | None:
    """Read a topic with its subscriptions."""
    answer = reader.find("sns", "get_topic_attributes", absent=_NO_TOPIC, TopicArn=arn)
    if answer is None:
        return None
    attributes = answer["Attributes"]
    return TopicFacts(
        key=attributes.get("KmsMasterKeyId", ""),
        policy=json.loads(attributes.get("Policy", "{}")),
        subscriptions=attempt(
            lambda: tuple(
                _subscription(reader, each)
                for each in reader.items("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
            )
        ),
    )


def _subscription(reader: Reader, listed: Answer) -> SubscriptionFacts:
    arn = "" if listed["SubscriptionArn"] in _PENDING else str(listed["SubscriptionArn"])
    answer = reader.find("sns", "get_subscription_attributes", _NO_TOPIC, SubscriptionArn=arn) if arn else None
    attributes: Mapping[str, str] = answer["Attributes"] if answer else {}
    is_pending = _is_true(attributes.get("PendingConfirmation")) or not attributes
    return SubscriptionFacts(
        arn="" if is_pending else arn,
        protocol=str(listed["Protocol"]),
        endpoint=str(listed["Endpoint"]),
        is_authenticated=_is_true(attributes.get("ConfirmationWasAuthenticated")),
        is_filtered=attributes.get("FilterPolicy", "{}") not in ("", "{}"),
    )


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"


@dataclass(frozen=True, kw_only=True)
class EventRule:
    """An EventBridge rule.

    Attributes:
        state: `ENABLED`, `DISABLED`, ...
        pattern: Event pattern, as JSON.
        targets: Targets in the format of the API.
    """

    state: str
    pattern: str
    targets: tuple[Answer, ...] | ReadFailure


@returns_failure
def read_event_rules(reader: Reader, prefix: str, names: Iterable[str]) -> dict[str, EventRule]:
    """Read rules of the default event bus with their targets, by name; a rule that does not exist is omitted."""
    found = {str(each["Name"]): each for each in reader.items("events", "list_rules", "Rules", NamePrefix=prefix)}
    return {
        name: EventRule(
            state=str(found[name].get("State", "")),
            pattern=str(found[name].get("EventPattern") or "{}"),
            targets=_targets(reader, name),
        )
        for name in names
        if name in found
    }


@returns_failure
def _targets(reader: Reader, rule: str) -> tuple[Answer, ...]:
    return tuple(reader.items("events", "list_targets_by_rule", "Targets", Rule=rule))


_PERIOD: Final = timedelta(days=1)
_ROUNDING: Final = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A rule or a topic.

    Attributes:
        metric: Metric that counts messages that were not delivered.
        dimension: Dimension with its name.
    """

    namespace: str
    metric: str
    dimension: str
    name: str

    def __str__(self) -> str:
        return f"{self.dimension.removesuffix('Name').lower()} {self.name}"


def rule_sender(name: str) -> Sender:
    """Return an EventBridge rule as a sender."""
    return Sender(namespace="AWS/Events", metric="FailedInvocations", dimension="RuleName", name=name)


def topic_sender(name: str) -> Sender:
    """Return a topic as a sender."""
    return Sender(namespace="AWS/SNS", metric="NumberOfNotificationsFailed", dimension="TopicName", name=name)


@returns_failure
def read_failures(reader: Reader, senders: Iterable[Sender]) -> dict[Sender, int]:
    """Read the number of messages that each sender (up to 500) failed to deliver in the last day, in one call."""
    by_id = {f"m{number}": each for number, each in enumerate(senders)}
    now = datetime.now(UTC)
    answer = reader.get(
        "cloudwatch",
        "get_metric_data",
        StartTime=now - _PERIOD,
        # The end is exclusive, and the API rounds times: a failure of this second counts as well.
        EndTime=now + _ROUNDING,
        MetricDataQueries=[
            {
                "Id": id_,
                "MetricStat": {
                    "Metric": {
                        "Namespace": each.namespace,
                        "MetricName": each.metric,
                        "Dimensions": [{"Name": each.dimension, "Value": each.name}],
                    },
                    "Period": int(_PERIOD.total_seconds()),
                    "Stat": "Sum",
                },
            }
            for id_, each in by_id.items()
        ],
    )
    # The values of a metric can be split over several pages, each with an entry for the metric; the last is complete.
    sums, statuses = dict.fromkeys(by_id.values(), 0), dict.fromkeys(by_id, "missing")
    for each in answer["MetricDataResults"]:
        sums[by_id[each["Id"]]] += int(sum(each.get("Values", ())))
        statuses[each["Id"]] = str(each["StatusCode"])
    unread = [f"{by_id[id_]}: {status}" for id_, status in statuses.items() if status != "Complete"]
    unread += [str(each.get("Value", "")) for each in answer.get("Messages", ())]
    if unread:
        cause = f"incomplete: {'; '.join(unread)}"
        raise ReadError(
            ReadFailure(action="cloudwatch:GetMetricData", cause=cause, remedy="try again in a few minutes")
        )
    return sums


@returns_failure
def read_metric_alarms(reader: Reader, **chosen: Any) -> Mapping[str, Answer]:
    """Read the CloudWatch alarms that arguments of DescribeAlarms select, in the format of the API, by name."""
    kind = {"AlarmTypes": ["MetricAlarm"]}
    listed = reader.items("cloudwatch", "describe_alarms", "MetricAlarms", **chosen, **kind)
    return {str(each["AlarmName"]): each for each in listed}


@dataclass(frozen=True, kw_only=True)
class RecordingFacts:
    """Trails of CloudTrail that record calls in a Region.

    Attributes:
        recording: Names of trails that record write management events.
        unread: Reason for which other trails cannot be evaluated.
    """

    recording: tuple[str, ...]
    unread: tuple[ReadFailure, ...] = ()


@returns_failure
def read_recording(reader: Reader) -> RecordingFacts:
    """Read which trails record management events of the reader's Region."""
    recording: list[str] = []
    unread: list[ReadFailure] = []
    for trail in reader.items("cloudtrail", "describe_trails", "trailList", includeShadowTrails=True):
        if not trail.get("IsMultiRegionTrail") and trail.get("HomeRegion") != reader.region:
            continue
        # By ARN, which also identifies a trail of another Region.
        status = reader.read("cloudtrail", "get_trail_status", Name=trail["TrailARN"])
        selectors = reader.read("cloudtrail", "get_event_selectors", TrailName=trail["TrailARN"])
        if isinstance(status, ReadFailure) or isinstance(selectors, ReadFailure):
            unread += [each for each in (status, selectors) if isinstance(each, ReadFailure)]
        elif (status or {}).get("IsLogging") and records_writes(selectors or {}):
            recording.append(str(trail["Name"]))
    return RecordingFacts(recording=tuple(recording), unread=tuple(unread))


def records_writes(selectors: Answer) -> bool:
    """Return whether basic or advanced event selectors record write management events (API_GetEventSelectors)."""
    plain = any(
        each.get("IncludeManagementEvents", True) and each.get("ReadWriteType", "All") != "ReadOnly"
        for each in selectors.get("EventSelectors", ())
    )
    return plain or any(_covers_writes(each) for each in selectors.get("AdvancedEventSelectors", ()))


def _covers_writes(selector: Answer) -> bool:
    """Return whether a selector records the calls that alarms depend on; further fields may exclude some of them."""
    fields = {str(each["Field"]): each for each in selector.get("FieldSelectors", ())}
    management = "Management" in fields.get("eventCategory", {}).get("Equals", ())
    writes = "true" not in fields.get("readOnly", {}).get("Equals", ())
    narrowed = set(fields) - {"eventCategory", "readOnly"}
    if narrowed == {"eventSource"}:
        # Trails often exclude AWS KMS and the RDS Data API, which have the most calls.
        source = dict(fields["eventSource"])
        left_out = source.pop("NotEquals", ())
        narrowed = source.keys() - {"Field"} if not WATCHED_SOURCES.intersection(left_out) else narrowed
    return management and writes and not narrowed


@returns_failure
def read_unrecorded(reader: Reader, *types: str) -> str:
    """Return why AWS Config does not record some types of resources; "": it records all of them.

    Args:
        reader: Reader of the Region.
        types: The types, `AWS::EC2::Instance`.
    """
    recorders = reader.items("config", "describe_configuration_recorders", "ConfigurationRecorders")
    statuses = reader.items("config", "describe_configuration_recorder_status", "ConfigurationRecordersStatus")
    try:
        return why_not_recorded(recorders, statuses, *types) or ""
    except MalformedAnswerError as failed:
        raise ReadError(reader.unread(f"config:{STATUS}", failed)) from None


DELIVERY_ERRORS: Final = {
    "LatestDeliveryError": "logs to the bucket",
    "LatestDigestDeliveryError": "digests to the bucket",
    "LatestNotificationError": "notifications",
    "LatestCloudWatchLogsDeliveryError": "events to CloudWatch Logs",
}
"""Errors of the last deliveries (API_GetTrailStatus)."""


@dataclass(frozen=True, kw_only=True)
class TrailFacts:
    """A trail.

    Attributes:
        configuration: The trail in the format of the API.
        errors: Errors of the last deliveries, by their names in the API.
        records_writes: Whether it records write management events.
    """

    logging: bool
    configuration: Mapping[str, Any]
    errors: Mapping[str, str]
    records_writes: bool | ReadFailure


@dataclass(frozen=True, kw_only=True)
class OwnBucketFacts:
    """A bucket of the stack.

    Attributes:
        policy: Its bucket policy; None: none.
        encryption: Algorithm and key of the default encryption; "": none.
        open_to_public: Names of the Block Public Access settings that are off.
        versioning: `Enabled`, `Suspended`; "": never enabled.
        retention: Default retention of Object Lock, `GOVERNANCE, 400 days`; "": none; None: not read.
    """

    policy: Mapping[str, Any] | ReadFailure | None
    encryption: tuple[str, str] | ReadFailure
    open_to_public: tuple[str, ...] | ReadFailure
    versioning: str | ReadFailure
    retention: str | ReadFailure | None = None


@returns_failure
def read_trail(reader: Reader, name: str) -> TrailFacts | None:
    """Read a trail."""
    absent = ("TrailNotFoundException",)
    answer = reader.find("cloudtrail", "get_trail", absent=absent, Name=name)
    if answer is None:
        return None
    trail = answer["Trail"]
    # By ARN, as the name does not identify a trail of an organization or of another Region.
    status = reader.find("cloudtrail", "get_trail_status", absent=absent, Name=trail["TrailARN"])
    if status is None:
        return None
    return TrailFacts(
        logging=bool(status["IsLogging"]),
        configuration=trail,
        errors={name: str(status[name]) for name in DELIVERY_ERRORS if status.get(name)},
        records_writes=attempt(
            lambda: records_writes(reader.get("cloudtrail", "get_event_selectors", TrailName=trail["TrailARN"]))
        ),
    )


@returns_failure
def read_bucket(reader: Reader, name: str, account_id: str, *, lock: bool = False) -> OwnBucketFacts | None:
    """Read a bucket of the stack; None: it does not exist."""
    bucket = {"Bucket": name, "ExpectedBucketOwner": account_id}
    if reader.find("s3", "head_bucket", absent=NO_BUCKET, **bucket) is None:
        return None
    return OwnBucketFacts(
        policy=_bucket_policy(reader, bucket),
        encryption=_encryption(reader, bucket),
        open_to_public=open_to_public(reader, bucket),
        versioning=attempt(lambda: str(reader.get("s3", "get_bucket_versioning", **bucket).get("Status", ""))),
        retention=_retention(reader, bucket) if lock else None,
    )


@returns_failure
def _retention(reader: Reader, bucket: dict[str, str]) -> str:
    absent = ("ObjectLockConfigurationNotFoundError",)
    answer = reader.find("s3", "get_object_lock_configuration", absent=absent, **bucket) or {}
    rule = answer.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    length = f"{rule['Days']} days" if rule.get("Days") else f"{rule.get('Years')} years"
    return f"{rule.get('Mode')}, {length}" if rule else ""


@returns_failure
def _bucket_policy(reader: Reader, bucket: dict[str, str]) -> Mapping[str, Any] | None:
    answer = reader.find("s3", "get_bucket_policy", absent=("NoSuchBucketPolicy",), **bucket)
    return json.loads(answer["Policy"]) if answer else None


@returns_failure
def _encryption(reader: Reader, bucket: dict[str, str]) -> tuple[str, str]:
    default = read_default_encryption(reader, bucket)
    return (default.algorithm, default.key) if default else ("", "")
