import pytest

from components.session_manager.endpoint_services import endpoint_policy, interface_services, service_name
from components.session_manager.settings import SessionManagerSettings


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, ("ec2messages", "ssm", "ssmmessages")),
        (SessionManagerSettings(), ("ec2messages", "kms", "logs", "ssm", "ssmmessages")),
        (SessionManagerSettings(session_data_encryption=False), ("ec2messages", "logs", "ssm", "ssmmessages")),
        (
            SessionManagerSettings(create_cw_log_group=False, cw_log_group_name=""),
            ("ec2messages", "kms", "ssm", "ssmmessages"),
        ),
    ],
    ids=["ungoverned", "defaults", "no encryption", "no log group"],
)
def test_endpoints_follow_the_features_that_are_on(
    settings: SessionManagerSettings | None, expected: tuple[str, ...]
) -> None:
    assert interface_services(settings) == expected


@pytest.mark.parametrize(("service", "actions"), [("kms", "kms:*"), ("monitoring", "cloudwatch:*")])
def test_endpoint_serves_its_own_account_and_service_only(service: str, actions: str) -> None:
    (statement,) = endpoint_policy(service, "111122223333")["Statement"]
    assert statement["Action"] == actions
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}


def test_service_name_is_the_one_ec2_knows() -> None:
    assert service_name("eu-west-1", "ssm") == "com.amazonaws.eu-west-1.ssm"


@pytest.mark.parametrize("service", ["ssm", "ssmmessages", "ec2messages", "logs", "kms", "s3"])
@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1"])
def test_service_name_has_the_common_prefix(region: str, service: str) -> None:
    assert service_name(region, service) == f"com.amazonaws.{region}.{service}"


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("eu-west-1", "com.amazonaws.eu-west-1.ec2"),
        ("eu-west-1", "com.amazonaws.eu-west-1.monitoring"),
        ("us-gov-east-1", "com.amazonaws.us-gov-east-1.ec2"),
        # aws/aws-cdk issue 25329 and pull request 25333: output of describe-vpc-endpoint-services in both Regions.
        ("cn-north-1", "cn.com.amazonaws.cn-north-1.ec2"),
        ("cn-northwest-1", "cn.com.amazonaws.cn-northwest-1.ec2"),
        ("cn-northwest-1", "cn.com.amazonaws.cn-northwest-1.monitoring"),
        # aws-cdk-lib, aws-ec2/lib/vpc-endpoint.ts.
        ("us-iso-east-1", "gov.ic.c2s.us-iso-east-1.ec2"),
        ("us-iso-east-1", "com.amazonaws.us-iso-east-1.monitoring"),
        ("us-iso-west-1", "gov.ic.c2s.us-iso-west-1.monitoring"),
        ("us-isob-east-1", "gov.sgov.sc2s.us-isob-east-1.ec2"),
    ],
)
def test_service_name_differs_by_partition(region: str, name: str) -> None:
    assert service_name(region, name.rpartition(".")[2]) == name
