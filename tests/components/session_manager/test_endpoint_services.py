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


def test_endpoint_serves_its_own_account_and_service_only() -> None:
    (statement,) = endpoint_policy("kms", "111122223333")["Statement"]
    assert statement["Action"] == "kms:*"
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}


def test_service_name_is_the_one_ec2_knows() -> None:
    assert service_name("eu-west-1", "ssm") == "com.amazonaws.eu-west-1.ssm"
