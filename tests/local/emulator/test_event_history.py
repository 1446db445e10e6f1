"""CloudTrail's event history; API_LookupEvents."""

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
