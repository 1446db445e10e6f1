"""Changes of logs, metrics, alarms, events, topics and schedules."""

from functools import partial
from typing import Any, Final

from components.adoption.document_ownership import OWNER_TAG
from tests.engine.sabotages.sabotage import REFRESH, Live, Resource, Sabotage, Undo, deleted, do, policy_text


def feature(live: Live, each: Resource) -> Undo:
    guardduty, id_ = live.aws("guardduty", each.region), each.arn.rsplit("/", 1)[1]

    def put(status: str) -> None:
        features = [{"Name": "RUNTIME_MONITORING", "Status": status}]
        guardduty.update_detector(DetectorId=id_, Features=features)

    put("DISABLED")
    return lambda: put("ENABLED")


def suspended(live: Live, each: Resource) -> Undo:
    guardduty, id_ = live.aws("guardduty", each.region), each.arn.rsplit("/", 1)[1]
    guardduty.update_detector(DetectorId=id_, Enable=False)
    return lambda: guardduty.update_detector(DetectorId=id_, Enable=True)


def service_tag(live: Live, each: Resource, service: str, key: str) -> Undo:
    client = live.aws(service, each.region)
    before = client.list_tags_for_resource(ResourceArn=each.arn)["Tags"]
    client.untag_resource(ResourceArn=each.arn, TagKeys=[key])
    return lambda: client.tag_resource(ResourceArn=each.arn, Tags=before)


def scans(live: Live, each: Resource) -> Undo:
    inspector = live.aws("inspector2", each.region)
    inspector.disable(resourceTypes=["EC2"])
    return lambda: inspector.enable(resourceTypes=["EC2"])


def detector_deleted(live: Live, each: Resource) -> None:
    live.aws("guardduty", each.region).delete_detector(DetectorId=each.arn.rsplit("/", 1)[1])


def retention(live: Live, each: Resource) -> Undo:
    logs, name = live.aws("logs", each.region), each.inputs["name"]
    logs.put_retention_policy(logGroupName=name, retentionInDays=1)
    return lambda: logs.put_retention_policy(logGroupName=name, retentionInDays=each.inputs["retentionInDays"])


def log_key(live: Live, each: Resource) -> Undo:
    logs, name = live.aws("logs", each.region), each.inputs["name"]
    logs.disassociate_kms_key(logGroupName=name)
    return lambda: logs.associate_kms_key(logGroupName=name, kmsKeyId=each.inputs["kmsKeyId"])


def rule(live: Live, each: Resource, **change: str) -> Undo:
    events, inputs = live.aws("events", each.region), each.inputs
    before = {"Name": inputs["name"], "EventPattern": inputs["eventPattern"], "State": inputs["state"]}
    before["Description"] = inputs["description"]
    events.put_rule(**{**before, **change})
    return lambda: events.put_rule(**before)


def target(live: Live, each: Resource, **change: str) -> Undo:
    events, name = live.aws("events", each.region), each.inputs["rule"]
    before = [
        found for found in events.list_targets_by_rule(Rule=name)["Targets"] if found["Id"] == each.inputs["targetId"]
    ]
    if change:
        events.put_targets(Rule=name, Targets=[{**before[0], **change}])
    else:
        events.remove_targets(Rule=name, Ids=[before[0]["Id"]])
    return lambda: events.put_targets(Rule=name, Targets=before)


def failed_invocations(live: Live, each: Resource) -> Undo:
    """Nothing takes metrics back, so this is the last of all sabotages."""
    metric = {"MetricName": "FailedInvocations", "Value": 1.0}
    metric["Dimensions"] = [{"Name": "RuleName", "Value": each.inputs["name"]}]
    live.aws("cloudwatch", each.region).put_metric_data(Namespace="AWS/Events", MetricData=[metric])
    return lambda: None


def metric_filter(live: Live, each: Resource, transformation: dict[str, Any] | None = None, **change: Any) -> Undo:
    """Change a metric filter; `transformation` changes parts of its only transformation."""
    logs, given = live.aws("logs", each.region), each.inputs["metricTransformation"]
    counted = {"metricName": given["name"], "metricNamespace": given["namespace"], "metricValue": given["value"]}
    named = {"logGroupName": each.inputs["logGroupName"], "filterName": each.inputs["name"]}
    before = {**named, "filterPattern": each.inputs["pattern"], "metricTransformations": [counted]}
    changed = {"metricTransformations": [{**counted, **(transformation or {})}]}
    logs.put_metric_filter(**{**before, **changed, **change})
    return lambda: logs.put_metric_filter(**before)


def alarm(live: Live, each: Resource, **change: Any) -> Undo:
    cloudwatch, name = live.aws("cloudwatch", each.region), each.inputs["name"]
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    names = ("AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "MetricName", "Namespace", "Statistic")
    names += ("Dimensions", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData")
    before = {key: found[key] for key in names}
    cloudwatch.put_metric_alarm(**{**before, **change})
    return lambda: cloudwatch.put_metric_alarm(**before)


def alarm_raised(live: Live, each: Resource) -> Undo:
    cloudwatch = live.aws("cloudwatch", each.region)
    state = partial(cloudwatch.set_alarm_state, AlarmName=each.inputs["name"], StateReason="tried")
    state(StateValue="ALARM")
    return lambda: state(StateValue="OK")


def topic(live: Live, each: Resource, attribute: str, value: str) -> Undo:
    sns, arn = live.aws("sns", each.region), each.inputs.get("arn") or each.id
    before = sns.get_topic_attributes(TopicArn=arn)["Attributes"][attribute]
    named = {"TopicArn": arn, "AttributeName": attribute}
    sns.set_topic_attributes(**named, AttributeValue=value)
    return lambda: sns.set_topic_attributes(**named, AttributeValue=before)


def filtered(live: Live, each: Resource) -> Undo:
    sns = live.aws("sns", each.region)
    change = partial(sns.set_subscription_attributes, SubscriptionArn=each.id, AttributeName="FilterPolicy")
    change(AttributeValue='{"never": ["here"]}')
    return lambda: change(AttributeValue="{}")


def schedule(live: Live, each: Resource, **change: Any) -> Undo:
    scheduler, inputs = live.aws("scheduler", each.region), each.inputs
    named = {"GroupName": inputs["groupName"], "Name": inputs["name"]}
    found = scheduler.get_schedule(**named)
    names = ("Description", "FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "State", "Target")
    before = {key: found[key] for key in names} | named
    target_change = change.pop("Target", {})
    scheduler.update_schedule(**{**before, **change, "Target": {**before["Target"], **target_change}})
    return lambda: scheduler.update_schedule(**before)


def rule_deleted(live: Live, each: Resource) -> None:
    events, name = live.aws("events", each.region), each.inputs["name"]
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[found["Id"] for found in targets])
    events.delete_rule(Name=name)


def metric_filter_deleted(live: Live, each: Resource) -> None:
    names = {"logGroupName": each.inputs["logGroupName"], "filterName": each.inputs["name"]}
    live.aws("logs", each.region).delete_metric_filter(**names)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("LogGroup", "retentionInDays", retention, "{}-retention", "session-manager-"),
    Sabotage("LogGroup", "kmsKeyId", log_key, "{}-encryption", "session-manager-"),
    Sabotage("LogGroup", "retentionInDays", retention, "{}", "-flow-logs"),
    Sabotage("LogGroup", "kmsKeyId", log_key, "{}", "-flow-logs"),
    Sabotage("EventRule", "state", do(rule, State="DISABLED")),
    Sabotage("EventRule", "eventPattern", do(rule, EventPattern='{"source": ["other"]}')),
    Sabotage("EventRule", "description", do(rule, Description="changed"), REFRESH),
    Sabotage("EventTarget", "arn", do(target, Arn="arn:aws:sns:eu-west-1:123456789012:other")),
    Sabotage("EventTarget", "rule", target),
    Sabotage("EventTarget", "input", do(target, Input='"nothing happened"')),
    Sabotage("EventTarget", "roleArn", do(target, RoleArn="arn:aws:iam::123456789012:role/Other"), applies="-region"),
    *(
        Sabotage("LogGroup", attribute, change, "{}", f"-operations-{group}")
        for group in ("security", "system", "directory", "applications", "sessions")
        for attribute, change in (("retentionInDays", retention), ("kmsKeyId", log_key))
    ),
    Sabotage("LogMetricFilter", "pattern", do(metric_filter, filterPattern="never")),
    *(
        Sabotage("LogMetricFilter", attribute, do(metric_filter, transformation=change))
        for attribute, change in (
            ("metricTransformation", {"metricName": "other", "metricNamespace": "Other", "metricValue": "0"}),
            ("dimensions", {"dimensions": {"a": "$a"}}),
            ("defaultValue", {"defaultValue": 1.0}),
        )
    ),
    Sabotage("MetricAlarm", "unit", do(alarm, Unit="Bytes")),
    Sabotage("MetricAlarm", "threshold", do(alarm, Threshold=99.0)),
    Sabotage("MetricAlarm", "period", do(alarm, Period=43200)),
    Sabotage("MetricAlarm", "evaluationPeriods", do(alarm, EvaluationPeriods=9)),
    Sabotage("MetricAlarm", "comparisonOperator", do(alarm, ComparisonOperator="LessThanOrEqualToThreshold")),
    Sabotage("MetricAlarm", "statistic", do(alarm, Statistic="Minimum")),
    Sabotage("MetricAlarm", "dimensions", do(alarm, Dimensions=[{"Name": "Other", "Value": "x"}])),
    Sabotage("MetricAlarm", "metricName", do(alarm, MetricName="Other")),
    Sabotage("MetricAlarm", "namespace", do(alarm, Namespace="Other")),
    Sabotage("MetricAlarm", "treatMissingData", do(alarm, TreatMissingData="ignore")),
    Sabotage("MetricAlarm", "alarmActions", do(alarm, AlarmActions=[])),
    Sabotage("MetricAlarm", "actionsEnabled", do(alarm, ActionsEnabled=False)),
    Sabotage("MetricAlarm", "state", alarm_raised, "{}-state"),
    Sabotage("MetricAlarm", "alarmDescription", do(alarm, AlarmDescription="changed"), REFRESH),
    Sabotage("Topic", "kmsMasterKeyId", do(topic, attribute="KmsMasterKeyId", value="alias/aws/sns"), "{}-topic"),
    Sabotage("TopicPolicy", "policy", do(topic, attribute="Policy", value=policy_text()), "{}-topic-policy"),
    Sabotage("TopicSubscription", "filter", filtered, "{}-subscriptions"),
    Sabotage(
        *("TopicSubscription", "confirmation"),
        lambda live, each: live.report(each.id, SubscriptionArn="PendingConfirmation"),
        "{}-subscriptions",
    ),
    Sabotage("Schedule", "state", do(schedule, State="DISABLED")),
    Sabotage("Schedule", "scheduleExpression", do(schedule, ScheduleExpression="rate(30 days)")),
    Sabotage(
        "Schedule",
        "flexibleTimeWindow",
        do(schedule, FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60}),
    ),
    Sabotage("Schedule", "target", do(schedule, Target={"Input": '{"DocumentName": "AWS-StopEC2Instance"}'})),
    Sabotage("Schedule", "description", do(schedule, Description="changed"), REFRESH),
    Sabotage(
        "Schedule", "scheduleExpressionTimezone", do(schedule, ScheduleExpressionTimezone="Europe/Paris"), REFRESH
    ),
)


def service_tags(service: str) -> tuple[Sabotage, ...]:
    kind, ends = "DetectionService", f"-{service}"
    return (
        Sabotage(kind, "owner", do(service_tag, service=service, key=OWNER_TAG), "{}-owner", applies=ends),
        Sabotage(kind, "tags", do(service_tag, service=service, key="owner"), REFRESH, applies=ends),
    )


DETECTION: tuple[Sabotage, ...] = (
    Sabotage("DetectionService", "switches", feature, applies="-guardduty"),
    Sabotage("DetectionService", "status", suspended, applies="-guardduty"),
    *service_tags("guardduty"),
)
SCANS: tuple[Sabotage, ...] = (Sabotage("DetectionService", "switches", scans, applies="-inspector2"),)


def cis_scan(live: Live, each: Resource, **change: Any) -> Undo:
    update = partial(live.aws("inspector2", each.region).update_cis_scan_configuration, scanConfigurationArn=each.id)
    update(**change)
    return lambda: update(**{name: each.inputs[name] for name in change})


def cis_scan_tag(live: Live, each: Resource, key: str) -> Undo:
    inspector, value = (
        live.aws("inspector2", each.region),
        {**each.inputs["tags"], OWNER_TAG: each.inputs["owner"]}[key],
    )
    inspector.untag_resource(resourceArn=each.id, tagKeys=[key])
    return lambda: inspector.tag_resource(resourceArn=each.id, tags={key: value})


def standard_disabled(live: Live, each: Resource) -> Undo:
    hub = live.aws("securityhub", each.region)
    (found,) = hub.get_enabled_standards()["StandardsSubscriptions"]
    hub.batch_disable_standards(StandardsSubscriptionArns=[found["StandardsSubscriptionArn"]])
    enabled = [{"StandardsArn": found["StandardsArn"]}]
    return lambda: hub.batch_enable_standards(StandardsSubscriptionRequests=enabled)


HUBS: tuple[Sabotage, ...] = (
    Sabotage("DetectionService", "switches", standard_disabled, applies="-securityhub"),
    *service_tags("securityhub"),
)
ELSEWHERE: Final = {"accountIds": ["123456789012"], "targetResourceTags": {"Role": ["WebServer"]}}
CIS_SCANS: tuple[Sabotage, ...] = (
    Sabotage("CisScanConfiguration", "scanName", do(cis_scan, scanName="other")),
    Sabotage("CisScanConfiguration", "securityLevel", do(cis_scan, securityLevel="LEVEL_2")),
    Sabotage("CisScanConfiguration", "schedule", do(cis_scan, schedule={"oneTime": {}})),
    Sabotage("CisScanConfiguration", "targets", do(cis_scan, targets=ELSEWHERE)),
    Sabotage("CisScanConfiguration", "owner", do(cis_scan_tag, key=OWNER_TAG), "{}-owner"),
    Sabotage("CisScanConfiguration", "tags", do(cis_scan_tag, key="owner"), REFRESH),
)

DELETIONS: tuple[Sabotage, ...] = (
    Sabotage(
        *("CisScanConfiguration", "itself"),
        deleted("inspector2", "delete_cis_scan_configuration", "scanConfigurationArn"),
    ),
    Sabotage("DetectionService", "itself", detector_deleted, applies="-guardduty"),
    Sabotage("EventRule", "itself", rule_deleted, applies="shell-access-approval-topic-changed"),
    Sabotage("MetricAlarm", "itself", deleted("cloudwatch", "delete_alarms", "AlarmNames", "name")),
    Sabotage("LogGroup", "itself", deleted("logs", "delete_log_group", "logGroupName", "name"), applies="-logs"),
    Sabotage("LogMetricFilter", "itself", metric_filter_deleted),
    Sabotage("TopicSubscription", "itself", deleted("sns", "unsubscribe", "SubscriptionArn"), "{}-subscriptions"),
    Sabotage("ScheduleGroup", "itself", deleted("scheduler", "delete_schedule_group", "Name", "name")),
)


LAST: tuple[Sabotage, ...] = (
    Sabotage(
        "EventRule", "invocations", failed_invocations, "approval-alarm-delivery", "shell-access-approval-reaper-failed"
    ),
    Sabotage("EventRule", "invocations", failed_invocations, "directory-alert-delivery", "-monitoring-network"),
)
