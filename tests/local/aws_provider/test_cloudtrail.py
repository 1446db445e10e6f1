"""Trails (Terraform AWS provider: internal/service/cloudtrail/trail.go)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import lifecycle, refusals

token = "aws:cloudtrail/trail:Trail"
arn = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/all"


@pytest.fixture(autouse=True)
def _buckets(aws: Any) -> None:
    for name in ("trails", "others"):
        aws("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def given(**change: Any) -> dict[str, Any]:
    return {"name": "all", "s3BucketName": "trails", "isMultiRegionTrail": True, **change}


test_trail_refuses = refusals(
    token,
    given(),
    ({"s3BucketName": None}, "s3BucketName: missing"),
    ({"name": "ab"}, "length"),
    ({"kmsKeyId": "1234"}, "invalid ARN"),
)


def test_outputs_of_a_trail(provider: Any, aws: Any) -> None:
    made = provider.up(token, "t", given(tags={"a": "b"}, enableLogFileValidation=True))
    assert made.id == made["arn"] == arn
    assert (made["homeRegion"], made["enableLogging"], made["includeGlobalServiceEvents"]) == ("eu-west-1", True, True)
    assert aws("cloudtrail").get_trail_status(Name="all")["IsLogging"] is True
    assert provider.unchanged(token, "t", given(tags={"a": "b"}, enableLogFileValidation=True))


def test_trail_settings_change_in_place(provider: Any, aws: Any) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    provider.up(token, "t", given(kmsKeyId=key))
    changed = given(s3BucketName="others", enableLogFileValidation=True)
    assert not provider.diff(token, "t", changed).replaces
    provider.up(token, "t", changed)
    (found,) = aws("cloudtrail").describe_trails()["trailList"]
    assert (found["S3BucketName"], found["LogFileValidationEnabled"]) == ("others", True)
    assert "KmsKeyId" not in found
    assert provider.unchanged(token, "t", changed)


def test_trail_that_was_stopped_logs_again(provider: Any, aws: Any) -> None:
    provider.up(token, "t", given())
    aws("cloudtrail").stop_logging(Name="all")
    provider.refresh(token, "t")
    assert list(provider.diff(token, "t", given()).diffs) == ["enableLogging"]
    provider.up(token, "t", given())
    assert aws("cloudtrail").get_trail_status(Name="all")["IsLogging"] is True


def test_name_alone_replaces(provider: Any) -> None:
    provider.up(token, "t", given())
    answer = provider.diff(token, "t", given(name="other", isMultiRegionTrail=False))
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["name"], True)


def test_tags_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(token, "t", given(tags={"a": "1", "b": "2"}))
    provider.up(token, "t", given(tags={"b": "3"}))
    (listed,) = aws("cloudtrail").list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert listed["TagsList"] == [{"Key": "b", "Value": "3"}]


TestTrail = lifecycle(
    token,
    given(region="us-east-1"),
    delete=lambda aws, made: aws("cloudtrail", "us-east-1").delete_trail(Name=made.id),
    imported_by="{arn}",
    replacing=({"name": "other"},),
)
