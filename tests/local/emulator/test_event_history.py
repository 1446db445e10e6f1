"""CloudTrail (event history: API_LookupEvents), flow logs and Service Quotas; API_… are pages of each reference."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from components.approval.names import TAG_KEY
from local.emulator.fixtures import LINUX_IMAGE

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def events(connect: Any, region: str = "eu-west-1", **chosen: Any) -> list[dict[str, Any]]:
    pages = connect("cloudtrail", region).get_paginator("lookup_events").paginate(**chosen)
    return [json.loads(each["CloudTrailEvent"]) for page in pages for each in page["Events"]]


def named(name: str) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]}


@pytest.fixture
def session(iam: Any, ec2: Any, ssm: Any) -> str:
    iam.create_instance_profile(InstanceProfileName="Node")
    profile = {"Name": "Node"}
    launched = ec2.run_instances(ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1, IamInstanceProfile=profile)
    node = launched["Instances"][0]["InstanceId"]
    return ssm.start_session(Target=node, Reason="Ticket 4711")["SessionId"]


def test_session_is_an_event_as_documented(connect: Any, ssm: Any, session: str) -> None:
    (event,) = events(connect, **named("StartSession"))
    assert event["eventSource"] == "ssm.amazonaws.com"
    assert event["requestParameters"]["reason"] == "Ticket 4711"
    assert event["responseElements"]["sessionId"] == session
    assert event["responseElements"]["tokenValue"] == "Value hidden due to security reasons."
    assert (event["awsRegion"], event["recipientAccountId"]) == ("eu-west-1", "123456789012")
    ssm.terminate_session(SessionId=session)
    assert events(connect, **named("TerminateSession"))[0]["requestParameters"] == {"sessionId": session}
    assert events(connect, "us-east-1", **named("StartSession")) == []


def test_refused_session_has_its_error_code(connect: Any, iam: Any) -> None:
    iam.create_role(RoleName="Operator", AssumeRolePolicyDocument=TRUST)
    arn = "arn:aws:iam::123456789012:role/Operator"
    given = connect("sts").assume_role(RoleArn=arn, RoleSessionName="olivia")["Credentials"]
    ssm = boto3.client(
        "ssm",
        "eu-west-1",
        endpoint_url=connect("ssm").meta.endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    with pytest.raises(ClientError):
        ssm.start_session(Target="i-0123456789abcdef0")
    (event,) = events(connect, **named("StartSession"))
    assert (event["errorCode"], event["responseElements"]) == ("AccessDenied", None)
    assert event["userIdentity"]["arn"] == "arn:aws:sts::123456789012:assumed-role/Operator/olivia"


def test_tags_of_iam_are_events_of_the_global_region(connect: Any, iam: Any) -> None:
    iam.create_role(RoleName="Operator", AssumeRolePolicyDocument=TRUST)
    iam.tag_role(RoleName="Operator", Tags=[{"Key": TAG_KEY, "Value": "i-1"}])
    iam.untag_role(RoleName="Operator", TagKeys=[TAG_KEY])
    assert events(connect, "eu-west-1") == []
    untagged, tagged, created = events(connect, "us-east-1")
    assert created["eventName"] == "CreateRole"
    assert tagged["requestParameters"] == {"roleName": "Operator", "tags": [{"key": TAG_KEY, "value": "i-1"}]}
    assert untagged["requestParameters"] == {"roleName": "Operator", "tagKeys": [TAG_KEY]}


def test_events_come_in_pages_of_a_period(connect: Any, iam: Any) -> None:
    iam.create_role(RoleName="Operator", AssumeRolePolicyDocument=TRUST)
    for number in range(60):
        iam.tag_role(RoleName="Operator", Tags=[{"Key": "n", "Value": str(number)}])
    found = events(connect, "us-east-1", **named("TagRole"))
    assert [each["requestParameters"]["tags"][0]["value"] for each in found] == [str(n) for n in reversed(range(60))]
    now = datetime.now(UTC)
    assert events(connect, "us-east-1", StartTime=now + timedelta(minutes=1)) == []
    assert events(connect, "us-east-1", EndTime=now - timedelta(minutes=10)) == []


def test_two_attributes_are_refused(connect: Any) -> None:
    one = {"AttributeKey": "EventName", "AttributeValue": "TagRole"}
    with pytest.raises(ClientError, match="InvalidLookupAttributesException"):
        connect("cloudtrail").lookup_events(LookupAttributes=[one, one])


# Trails, flow logs and quotas.


ROLE = "arn:aws:iam::123456789012:role/delivery"
GROUP = "arn:aws:logs:eu-west-1:123456789012:log-group:events"


@pytest.fixture
def trail(connect: Any, s3: Any) -> Any:
    s3.create_bucket(Bucket="trails", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    connect("cloudtrail").create_trail(Name="all", S3BucketName="trails")
    return connect("cloudtrail")


def test_trail_is_known_by_name_and_arn(trail: Any) -> None:
    """API_DescribeTrails, API_GetTrail, API_DeleteTrail; CreateTrail: TrailAlreadyExistsException."""
    arn = trail.get_trail(Name="all")["Trail"]["TrailARN"]
    assert trail.describe_trails(trailNameList=[arn])["trailList"][0]["HomeRegion"] == "eu-west-1"
    assert trail.describe_trails(trailNameList=["none"])["trailList"] == []
    with pytest.raises(ClientError, match="TrailAlreadyExistsException"):
        trail.create_trail(Name="all", S3BucketName="trails")
    trail.delete_trail(Name=arn)
    with pytest.raises(ClientError, match="TrailNotFoundException"):
        trail.delete_trail(Name="all")


def test_log_group_of_a_trail_ends_in_a_star_and_has_a_role(trail: Any) -> None:
    """API_CreateTrail: InvalidCloudWatchLogsLogGroupArnException."""
    with pytest.raises(ClientError, match="InvalidCloudWatchLogsLogGroupArnException"):
        trail.update_trail(Name="all", CloudWatchLogsLogGroupArn=GROUP, CloudWatchLogsRoleArn=ROLE)
    with pytest.raises(ClientError, match="InvalidParameterCombinationException"):
        trail.update_trail(Name="all", CloudWatchLogsLogGroupArn=f"{GROUP}:*")
    trail.update_trail(Name="all", CloudWatchLogsLogGroupArn=f"{GROUP}:*", CloudWatchLogsRoleArn=ROLE)
    assert trail.get_trail(Name="all")["Trail"]["CloudWatchLogsRoleArn"] == ROLE
    trail.update_trail(Name="all", CloudWatchLogsLogGroupArn="", CloudWatchLogsRoleArn="")
    assert "CloudWatchLogsRoleArn" not in trail.get_trail(Name="all")["Trail"]


def test_key_of_a_trail_is_shown_by_arn(trail: Any, kms: Any) -> None:
    """API_Trail, KmsKeyId."""
    key = kms.create_key()["KeyMetadata"]
    trail.update_trail(Name="all", KmsKeyId=key["KeyId"])
    assert trail.get_trail(Name="all")["Trail"]["KmsKeyId"] == key["Arn"]


def test_selectors_of_one_kind_replace_those_of_the_other(trail: Any) -> None:
    """API_PutEventSelectors, API_GetEventSelectors; API_Trail, HasCustomEventSelectors."""
    (selector,) = trail.get_event_selectors(TrailName="all")["EventSelectors"]
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)
    assert trail.get_trail(Name="all")["Trail"]["HasCustomEventSelectors"] is False
    fields = [{"Field": "eventCategory", "Equals": ["Management"]}]
    trail.put_event_selectors(TrailName="all", AdvancedEventSelectors=[{"Name": "m", "FieldSelectors": fields}])
    answer = trail.get_event_selectors(TrailName="all")
    assert "EventSelectors" not in answer
    assert trail.get_trail(Name="all")["Trail"]["HasCustomEventSelectors"] is True
    trail.put_event_selectors(TrailName="all", EventSelectors=[{"ReadWriteType": "WriteOnly"}])
    assert "AdvancedEventSelectors" not in trail.get_event_selectors(TrailName="all")


def test_insights_are_turned_off_by_an_empty_list(trail: Any) -> None:
    """API_PutInsightSelectors; API_GetInsightSelectors: InsightNotEnabledException."""
    with pytest.raises(ClientError, match="InsightNotEnabledException"):
        trail.get_insight_selectors(TrailName="all")
    for _ in (1, 2):
        trail.put_insight_selectors(TrailName="all", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
    assert len(trail.get_insight_selectors(TrailName="all")["InsightSelectors"]) == 1
    trail.put_insight_selectors(TrailName="all", InsightSelectors=[])
    assert trail.get_trail(Name="all")["Trail"]["HasInsightSelectors"] is False


def flow_log(ec2: Any, **more: Any) -> Any:
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", **more)
    return ec2.describe_flow_logs(FlowLogIds=made["FlowLogIds"])["FlowLogs"][0]


def test_flow_log_finds_its_group_by_arn(ec2: Any, logs: Any) -> None:
    """API_CreateFlowLogs, LogDestination; API_FlowLog, deliverLogsStatus."""
    assert flow_log(ec2, LogDestination=f"{GROUP}-none", DeliverLogsPermissionArn=ROLE)["DeliverLogsStatus"] == "FAILED"
    logs.create_log_group(logGroupName="events")
    found = flow_log(ec2, LogDestination=GROUP, DeliverLogsPermissionArn=ROLE)
    assert (found["DeliverLogsStatus"], found["LogGroupName"]) == ("SUCCESS", "events")
    assert "DestinationOptions" not in found


def test_second_flow_log_of_one_destination_is_refused(ec2: Any) -> None:
    """API_CreateFlowLogs: FlowLogAlreadyExists."""
    flow_log(ec2, LogDestination=f"{GROUP}-twice", DeliverLogsPermissionArn=ROLE)
    with pytest.raises(ClientError, match="FlowLogAlreadyExists"):
        flow_log(ec2, LogDestination=f"{GROUP}-twice", DeliverLogsPermissionArn=ROLE)
    flow_log(ec2, LogDestination=f"{GROUP}-another", DeliverLogsPermissionArn=ROLE)


def test_files_of_a_flow_log_have_options(ec2: Any, s3: Any) -> None:
    """API_DestinationOptionsRequest."""
    s3.create_bucket(Bucket="flows", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    to_bucket = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::flows"}
    found = flow_log(ec2, **to_bucket, DestinationOptions={"FileFormat": "parquet"})["DestinationOptions"]
    assert found == {"FileFormat": "parquet", "HiveCompatiblePartitions": False, "PerHourPartition": False}


@pytest.mark.parametrize(("code", "value"), [("L-0EA8095F", 60), ("L-2AFB9258", 5), ("L-2AEEBF1A", 20)])
def test_quotas_of_networks(connect: Any, code: str, value: int) -> None:
    """API_GetServiceQuota, API_GetAWSDefaultServiceQuota; values: VPC quotas."""
    quotas = connect("service-quotas", "us-east-1")
    applied = quotas.get_service_quota(ServiceCode="vpc", QuotaCode=code)["Quota"]
    default = quotas.get_aws_default_service_quota(ServiceCode="vpc", QuotaCode=code)["Quota"]
    assert applied["Value"] == default["Value"] == value
    assert applied["QuotaArn"] == f"arn:aws:servicequotas:us-east-1:123456789012:vpc/{code}"
    assert default["QuotaArn"] == f"arn:aws:servicequotas:us-east-1::vpc/{code}"
    listed = quotas.list_aws_default_service_quotas(ServiceCode="vpc")["Quotas"]
    assert default in listed
