from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.session_manager.instance_policy import instance_policy
from components.session_manager.settings import SessionManagerSettings
from tests.components.session_manager import strategies

ACCOUNT = "111122223333"
NOTHING = SessionManagerSettings(create_cw_log_group=False, cw_log_group_name="", session_data_encryption=False)


def policy(**by_region: SessionManagerSettings) -> dict[str, Any] | None:
    named = {region.replace("_", "-"): settings for region, settings in by_region.items()}
    return instance_policy(named, partition="aws", account_id=ACCOUNT)


def statements(**by_region: SessionManagerSettings) -> dict[str, dict[str, Any]]:
    content = policy(**by_region)
    return {each["Sid"]: each for each in content["Statement"]} if content else {}


def test_without_features_there_is_no_policy() -> None:
    assert policy(eu_west_1=NOTHING) is None


def test_s3_logging_allows_the_prefix_of_account_and_region_only() -> None:
    settings = NOTHING.model_copy(update={"s3_logging": True, "s3_bucket_name": "logs"})
    found = statements(eu_west_1=settings)
    assert found["WriteSessionLogObject"]["Resource"] == [f"arn:aws:s3:::logs/sessionmanager/{ACCOUNT}/eu-west-1/*"]
    assert found["SeeBucketEncryption"]["Resource"] == ["arn:aws:s3:::logs"]
    assert set(found) == {"WriteSessionLogObject", "SeeBucketEncryption"}


def test_bucket_of_another_account_needs_to_be_given_control() -> None:
    settings = NOTHING.model_copy(update={"s3_logging": True, "s3_bucket_name": "logs"})
    other = settings.model_copy(update={"s3_bucket_owner": "444455556666"})
    own = settings.model_copy(update={"s3_bucket_owner": ACCOUNT})
    assert "GiveBucketOwnerControl" in statements(eu_west_1=other)
    assert "GiveBucketOwnerControl" not in statements(eu_west_1=own)


def test_key_of_the_bucket_is_usable_through_s3_only() -> None:
    key = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd"
    settings = NOTHING.model_copy(update={"s3_logging": True, "s3_bucket_name": "logs", "s3_kms_key_arn": key})
    found = statements(eu_west_1=settings)["EncryptSessionLogObject"]
    assert (found["Action"], found["Resource"]) == ("kms:GenerateDataKey", [key])
    assert found["Condition"] == {"StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com"]}}


by_region = st.dictionaries(st.sampled_from(["eu-west-1", "us-east-1", "ap-south-1"]), strategies.settings)


@given(by_region)
def test_only_describe_log_groups_may_name_every_resource(settings: dict[str, SessionManagerSettings]) -> None:
    content = instance_policy(settings, partition="aws", account_id=ACCOUNT)
    for statement in content["Statement"] if content else ():
        resources = statement["Resource"]
        assert ("*" in resources) == (statement["Action"] == "logs:DescribeLogGroups")
        if "*" in resources:
            assert "Condition" in statement


@given(by_region)
def test_each_permission_is_there_exactly_when_a_region_needs_it(settings: dict[str, SessionManagerSettings]) -> None:
    content = instance_policy(settings, partition="aws", account_id=ACCOUNT)
    granted = str(content)
    for region, each in settings.items():
        assert (f":logs:{region}:" in granted) == each.logs_to_cloudwatch
        assert (f":kms:{region}:{ACCOUNT}:key/*" in granted) == each.session_data_encryption
        assert (f"{ACCOUNT}/{region}/*" in granted) == each.s3_logging
