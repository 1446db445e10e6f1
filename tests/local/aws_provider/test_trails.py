"""Trails (Terraform AWS provider: internal/service/cloudtrail/trail.go)."""

from typing import Any

import pytest

token = "aws:cloudtrail/trail:Trail"
group = "arn:aws:logs:eu-west-1:123456789012:log-group:trail:*"
role = "arn:aws:iam::123456789012:role/trail"
arn = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/all"


@pytest.fixture(autouse=True)
def _buckets(aws: Any) -> None:
    for name in ("trails", "others"):
        aws("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def given(**change: Any) -> dict[str, Any]:
    return {"name": "all", "s3BucketName": "trails", "isMultiRegionTrail": True, **change}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"s3BucketName": None}, "s3BucketName: missing"),
        ({"name": "ab"}, "length"),
        ({"kmsKeyId": "1234"}, "invalid ARN"),
        ({"s3KeyPrefix": "p" * 2001}, "length"),
        ({"eventSelectors": [{}] * 6}, "at most 5 items"),
        ({"eventSelectors": [{"readWriteType": "Some"}]}, "ReadOnly"),
        ({"insightSelectors": [{"insightType": "Other"}]}, "ApiErrorRateInsight"),
        ({"advancedEventSelectors": [{"fieldSelectors": [{"field": "who"}]}]}, "eventName"),
        ({"eventSelectors": [{}], "advancedEventSelectors": [{"fieldSelectors": []}]}, "conflicts with"),
    ],
)
def test_a_trail_refuses(provider: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(token, "t", given(**change))


def test_outputs_of_a_trail(provider: Any, aws: Any) -> None:
    made = provider.up(token, "t", given(tags={"a": "b"}, enableLogFileValidation=True))
    assert made.id == made["arn"] == arn
    assert (made["homeRegion"], made["enableLogging"], made["includeGlobalServiceEvents"]) == ("eu-west-1", True, True)
    assert aws("cloudtrail").get_trail_status(Name="all")["IsLogging"] is True
    assert provider.unchanged(token, "t", given(tags={"a": "b"}, enableLogFileValidation=True))


def test_settings_and_logging_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(token, "t", given(s3KeyPrefix="p", cloudWatchLogsGroupArn=group, cloudWatchLogsRoleArn=role))
    changed = given(s3BucketName="others", enableLogging=False, enableLogFileValidation=True)
    assert not provider.diff(token, "t", changed).replaces
    provider.up(token, "t", changed)
    (found,) = aws("cloudtrail").describe_trails()["trailList"]
    assert (found["S3BucketName"], found["LogFileValidationEnabled"]) == ("others", True)
    assert not {"S3KeyPrefix", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"} & set(found)
    assert aws("cloudtrail").get_trail_status(Name="all")["IsLogging"] is False
    assert provider.unchanged(token, "t", changed)


def test_the_log_group_and_its_role_are_sent_together(provider: Any) -> None:
    provider.up(token, "t", given(cloudWatchLogsGroupArn=group, cloudWatchLogsRoleArn=role))
    changed = given(cloudWatchLogsGroupArn=group, cloudWatchLogsRoleArn=f"{role}-2")
    provider.up(token, "t", changed)
    assert provider.unchanged(token, "t", changed)


def test_a_log_group_needs_its_star(provider: Any) -> None:
    with pytest.raises(Exception, match="InvalidCloudWatchLogsLogGroupArnException"):
        provider.up(token, "t", given(cloudWatchLogsGroupArn=group.removesuffix(":*"), cloudWatchLogsRoleArn=role))


def test_event_selectors_are_put_and_taken_back(provider: Any, aws: Any) -> None:
    data = [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::trails/"]}]
    chosen = given(eventSelectors=[{"readWriteType": "WriteOnly", "dataResources": data}])
    checked = provider.check(token, "t", chosen)["eventSelectors"][0]
    assert (checked["includeManagementEvents"], checked["readWriteType"]) == (True, "WriteOnly")
    provider.up(token, "t", chosen)
    assert provider.unchanged(token, "t", chosen)
    provider.up(token, "t", given())
    (selector,) = aws("cloudtrail").get_event_selectors(TrailName="all")["EventSelectors"]
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)
    assert provider.unchanged(token, "t", given())


def test_advanced_selectors_and_insights(provider: Any, aws: Any) -> None:
    fields = [{"field": "eventCategory", "equals": ["Data"]}, {"field": "resources.ARN", "startsWiths": ["arn:aws:s3"]}]
    inputs = given(
        advancedEventSelectors=[{"name": "data", "fieldSelectors": fields}],
        insightSelectors=[{"insightType": "ApiCallRateInsight"}],
    )
    provider.up(token, "t", inputs)
    assert aws("cloudtrail").get_event_selectors(TrailName="all")["AdvancedEventSelectors"][0]["Name"] == "data"
    turned = {**inputs, "advancedEventSelectors": [{"name": "data", "fieldSelectors": fields[::-1]}]}
    assert not provider.diff(token, "t", turned).diffs
    assert provider.unchanged(token, "t", inputs)
    provider.up(token, "t", given())
    assert provider.unchanged(token, "t", given())


def test_the_topic_is_read_by_name(provider: Any, aws: Any) -> None:
    topic = aws("sns").create_topic(Name="trail")["TopicArn"]
    made = provider.up(token, "t", given(snsTopicName="trail"))
    assert (made["snsTopicName"], made["snsTopicArn"]) == ("trail", topic)
    assert provider.unchanged(token, "t", given(snsTopicName="trail"))


def test_the_name_alone_replaces(provider: Any) -> None:
    provider.up(token, "t", given())
    answer = provider.diff(token, "t", given(name="other", isMultiRegionTrail=False))
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["name"], True)


def test_tags_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(token, "t", given(tags={"a": "1", "b": "2"}))
    provider.up(token, "t", given(tags={"b": "3"}))
    (listed,) = aws("cloudtrail").list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert listed["TagsList"] == [{"Key": "b", "Value": "3"}]


def test_a_trail_is_imported_by_arn_in_its_region(provider: Any) -> None:
    provider.up(token, "t", given(region="us-east-1"))
    taken = provider.take_over(token, "u", arn.replace("eu-west-1", "us-east-1"))
    assert taken["region"] == "us-east-1"
    assert not provider.diff(token, "u", given(region="us-east-1")).diffs


def test_a_trail_deleted_by_hand_is_gone(provider: Any, aws: Any) -> None:
    provider.up(token, "t", given())
    aws("cloudtrail").delete_trail(Name=arn)
    assert provider.refresh(token, "t") is None
    provider.destroy(token, "t")
