import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from common.aws.session import AwsClients, UnsupportedConfigurationError

KEYS = {"aws:accessKey": "local", "aws:secretKey": "local", "aws:region": "eu-west-1"}
OTHER = "222233334444"


def clients(**configuration: Any) -> AwsClients:
    values = KEYS | {f"aws:{name}": value for name, value in configuration.items()}
    return AwsClients(values.get)


def account(found: AwsClients) -> str:
    return found.client("sts", "eu-west-1").get_caller_identity()["Account"]


@pytest.fixture
def endpoints(endpoint: str, client: Callable[..., Any]) -> str:  # noqa: ARG001 -- reset first
    """As a stack's configuration has it: JSON text."""
    return json.dumps([{"sts": endpoint, "ssm": endpoint}])


def role(number: str) -> dict[str, str]:
    return {"roleArn": f"arn:aws:iam::{number}:role/Deployer"}


def test_acts_with_the_keys_of_the_provider(endpoints: str) -> None:
    assert account(clients(endpoints=endpoints)) == "123456789012"


@pytest.mark.parametrize("as_json", [True, False], ids=["as text", "decoded"])
def test_acts_in_the_account_whose_role_the_provider_assumes(endpoints: str, *, as_json: bool) -> None:
    roles: Any = [role(OTHER)]
    assert account(clients(endpoints=endpoints, assumeRoles=json.dumps(roles) if as_json else roles)) == OTHER


def test_roles_are_assumed_one_from_the_other(endpoints: str) -> None:
    assert account(clients(endpoints=endpoints, assumeRoles=[role(OTHER), role("333344445555")])) == "333344445555"


def test_role_is_assumed_by_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its failure is that of a call, which is reported with its remedy."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    nowhere = json.dumps([{"sts": "http://127.0.0.1:9"}])
    ssm = clients(endpoints=nowhere, assumeRoles=[role(OTHER)]).client("ssm", "eu-west-1")
    with pytest.raises(EndpointConnectionError):
        ssm.list_documents()


@pytest.mark.usefixtures("client")
def test_endpoint_of_the_environment_is_used(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert account(clients()) == "123456789012"


def test_endpoint_of_the_configuration_wins_over_the_environment(
    endpoints: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert account(clients(endpoints=endpoints)) == "123456789012"


def test_clients_are_made_for_the_region_that_is_asked_for() -> None:
    assert clients().client("ssm", "ap-south-1").meta.region_name == "ap-south-1"


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"assumeRoles": [role(OTHER) | {"surprise": 1}]}, "a setting that is not known here: surprise"),
        (
            {"assumeRoles": [role(OTHER) | {"duration": "soon"}]},
            "expected a duration such as 1h30m, 45m or 900s, got soon",
        ),
        ({"assumeRoleWithWebIdentity": {"roleArn": "x"}}, "assumeRoleWithWebIdentity is not supported"),
    ],
)
def test_setting_that_the_provider_reads_otherwise_is_refused(configuration: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedConfigurationError, match=message):
        clients(**configuration).client("ssm", "eu-west-1")


@pytest.mark.parametrize(("duration", "seconds"), [("1h", 3600), ("1h30m", 5400), ("45m", 2700), ("900s", 900)])
def test_durations_are_read_as_the_provider_writes_them(duration: str, seconds: int) -> None:
    from common.aws.session import _assume_role_arguments  # noqa: PLC0415

    assert _assume_role_arguments({"duration": duration})["DurationSeconds"] == seconds
