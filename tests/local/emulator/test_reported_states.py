"""States that AWS would report: shown where the setting names a resource, and gone with the setting."""

from typing import Any

import pytest

from tests.support.emulator import Emulator, EmulatorError, change_settings

ROLE = "arn:aws:iam::123456789012:role/FlowLogs"


def report(emulator: Emulator, **states: dict[str, Any]) -> None:
    change_settings(emulator.endpoint_url, {"reportedStates": states})


def test_flow_log_reports_its_delivery(emulator: Emulator, connect: Any) -> None:
    """API_FlowLog, deliverLogsStatus, deliverLogsErrorMessage."""
    connect("logs").create_log_group(logGroupName="events")
    ec2 = connect("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = {"LogGroupName": "events", "DeliverLogsPermissionArn": ROLE}
    made = ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", **group)
    (id_,) = made["FlowLogIds"]
    report(emulator, **{id_: {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}})
    (found,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (found["DeliverLogsStatus"], found["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")
    report(emulator)
    assert ec2.describe_flow_logs()["FlowLogs"][0]["DeliverLogsStatus"] == "SUCCESS"


def test_trail_reports_the_error_of_its_delivery(emulator: Emulator, connect: Any) -> None:
    """API_GetTrailStatus, LatestDeliveryError."""
    connect("s3", "us-east-1").create_bucket(Bucket="trails")
    trails = connect("cloudtrail")
    arn = trails.create_trail(Name="all", S3BucketName="trails")["TrailARN"]
    report(emulator, all={"LatestDeliveryError": "AccessDenied"})
    assert trails.get_trail_status(Name=arn)["LatestDeliveryError"] == "AccessDenied"
    report(emulator)
    assert "LatestDeliveryError" not in trails.get_trail_status(Name=arn)


def test_subscription_waits_for_confirmation(emulator: Emulator, connect: Any) -> None:
    """API_ListSubscriptionsByTopic; Amazon SNS Developer Guide, "Confirming a subscription"."""
    sns = connect("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com", ReturnSubscriptionArn=True)
    report(emulator, **{arn["SubscriptionArn"]: {"SubscriptionArn": "PendingConfirmation"}})
    (found,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (found["SubscriptionArn"], found["Endpoint"]) == ("PendingConfirmation", "a@example.com")


@pytest.mark.parametrize("states", [[], {"fl-1": "FAILED"}])
def test_states_have_to_be_attributes_by_resource(emulator: Emulator, states: object) -> None:
    with pytest.raises(EmulatorError, match="not attributes by resource"):
        change_settings(emulator.endpoint_url, {"reportedStates": states})
